//! # Dashboards name data sources that Grafana has
//!
//! **Looks at** the uids of data sources in the dashboard's JSON, and at the data sources that Grafana has: by its API, or by the
//! ConfigMaps that provision them.
//!
//! **Why it breaks silently.** The dashboard appears, with its rows and titles, and every panel says *no data* or *datasource not
//! found*. Calico's own dashboards name `P11C5FC3F3B681947` and `calico-demo-prometheus`; kube-prometheus-stack's Prometheus is
//! called `prometheus`.
//!
//! **How to mend.** Put the uid of your Prometheus in the place of the unknown one.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, without_boards};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::rewrite::{self, Replacement};
use crate::doctor::verdict::Level;
use crate::doctor::wording::{counted, listed};
use crate::facts::Facts;
use crate::facts::grafana::{DataSource, data_sources};
use crate::facts::panels::Board;

pub(crate) static CHECK: Check = Check {
    id: "T802",
    slug: "datasource-unknown",
    title: "dashboards name data sources that Grafana has",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T801"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    // Whoever names a Grafana wants to hear that it could not be read; what ConfigMaps say may be half of it.
    let unread = facts.snap.unseen.iter().find(|u| u.what.starts_with("Grafana at "));
    if let Some(unread) = unread.filter(|_| facts.snap.grafana.is_none()) {
        return vec![Judged::unknown(Entity::cluster(), format!("{}: {}", unread.what, unread.reason))];
    }
    if let Some(judged) = without_boards(facts) {
        return vec![judged];
    }
    let Some(known) = data_sources(facts.snap) else {
        return vec![Judged::skipped(Entity::cluster(), "Grafana's data sources are not in sight")];
    };
    facts.boards().iter().map(|b| of(facts, b, &known)).collect()
}

fn of(facts: &Facts<'_>, board: &Board, known: &[DataSource]) -> Judged {
    let only: Option<Component> = board.components.first().copied().filter(|_| board.components.len() == 1);
    let entity = only.map_or_else(Entity::cluster, Entity::of).item(format!("dashboard {}", board.name()));
    // A data source without a uid gets one from Grafana; then nothing can be said of uids that are not known.
    let derived = known.iter().any(|d| d.uid.is_empty());
    let unknown: Vec<(String, usize)> = board
        .datasources()
        .into_iter()
        .filter(|(name, _)| {
            !known.iter().any(|d| d.uid == *name || d.name == *name) && !is_variable(board, name)
        })
        .collect();
    let Some((first, _)) = unknown.first().filter(|_| !derived) else { return Judged::pass(entity) };
    let count: usize = unknown.iter().map(|(_, n)| n).sum();
    let names: Vec<String> = unknown.iter().map(|(n, _)| n.clone()).collect();
    let prometheus: Vec<&DataSource> = known.iter().filter(|d| d.kind == "prometheus").collect();
    let have: Vec<String> = prometheus.iter().map(|d| d.uid.clone()).collect();
    let title = format!(
        "\"{}\" asks {} for data ({}); Grafana has {}",
        board.name(),
        listed(&names, 3),
        counted(count, "reference"),
        listed(&have, 3)
    );
    let mut finding = Finding::new(title);
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = "datasource".to_owned();
    finding.cause.have = first.clone();
    finding = finding.row("kept in", board.kept(), "");
    for (name, n) in &unknown {
        finding = finding.row(name.clone(), counted(*n, "reference"), "no such data source");
    }
    for d in &prometheus {
        finding = finding.row(d.uid.clone(), d.name.clone(), "a Prometheus that Grafana has");
    }
    finding = match prometheus.as_slice() {
        [only] => {
            let all: Vec<Replacement> = names.iter().map(|n| Replacement::word(n, &only.uid)).collect();
            finding.fix(rewrite::board(facts, board, &all))
        }
        _ => finding.fix(Fix::Outside(
            "choose one of Grafana's data sources and put its uid in the dashboard's JSON".to_owned(),
        )),
    };
    Judged::fail(entity, finding)
}

/// `${datasource}` is fine while the dashboard has that variable; `${DS_PROMETHEUS}` of an export is not: only a hand at
/// Grafana's import page resolves it.
fn is_variable(board: &Board, name: &str) -> bool {
    let inner = name.strip_prefix("${").and_then(|n| n.strip_suffix('}')).or_else(|| name.strip_prefix('$'));
    inner.is_some_and(|inner| board.variables.iter().any(|v| v.name == inner))
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Grafana, GrafanaDataSource, Snapshot};
    use crate::testing::{dashboard, findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(uid: &str) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |o| {
            let mut board = dashboard("d", &["felix_host"]);
            let text = board["data"]["d.json"].as_str().expect("text").to_owned();
            let text =
                text.replacen("\"targets\"", &format!("\"datasource\":{{\"uid\":\"{uid}\"}},\"targets\""), 1);
            board["data"]["d.json"] = text.into();
            o.add(board);
        });
        let source = GrafanaDataSource {
            uid: "prometheus".into(),
            name: "Prometheus".into(),
            kind: "prometheus".into(),
        };
        snap.grafana = Some(Grafana { data_sources: vec![source], ..Grafana::default() });
        snap
    }

    #[test]
    fn a_grafana_that_was_named_and_not_read_is_unknown() {
        let mut snap = with("P11C5FC3F3B681947");
        snap.grafana = None;
        snap.unseen.push(crate::snapshot::Unseen {
            what: "Grafana at http://g:3000".into(),
            resource: String::new(),
            namespace: String::new(),
            forbidden: false,
            reason: "no answer within 10 s".into(),
        });
        let facts = crate::facts::Facts::of(&snap);
        let judged = super::judge(&facts);
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].verdict, crate::doctor::verdict::Verdict::Unknown);
        assert_eq!(judged[0].note, "Grafana at http://g:3000: no answer within 10 s");
    }

    #[test]
    fn a_foreign_uid_is_replaced() {
        assert_eq!(findings("T802", &with("prometheus")), Vec::<String>::new());
        assert_eq!(
            findings("T802", &with("P11C5FC3F3B681947")),
            [
                "fail felix dashboard Board d: \"Board d\" asks P11C5FC3F3B681947 for data (1 reference); Grafana has prometheus"
            ]
        );
        let mends = mends("T802", &with("P11C5FC3F3B681947"));
        assert!(
            mends[0]
                .starts_with("sh -c 'kubectl --context=test -n monitoring get configmaps d -o json | sed "),
            "{mends:?}"
        );
        assert!(mends[0].contains("P11C5FC3F3B681947") && mends[0].contains("replace -f -"), "{mends:?}");
    }
}
