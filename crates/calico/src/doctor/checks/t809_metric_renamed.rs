//! # Panels read names that this version has
//!
//! **Looks at** the names of Calico's metrics in dashboards and the version of Calico that is installed.
//!
//! **Why it breaks silently.** Names come and go: `felix_route_table_list_seconds` went with 3.29, `felix_iptables_lock_*` with 3.32,
//! `felix_active_local_tags` with 3.23. Dashboards from grafana.com and old copies of Calico's own still ask for them.
//!
//! **How to mend.** Put the new name in the place of the old one; where nothing took its place, take the panel out.

use crate::catalogue::{self, Metric};
use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, without_boards};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::panel_causes::panels;
use crate::doctor::rewrite::{self, Replacement};
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::{Board, PanelQuery};
use crate::facts::queries::{Life, life, metric};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T809",
    slug: "metric-renamed",
    title: "panels read names that this version has",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = without_boards(facts) {
        return vec![judged];
    }
    if facts.install.version.is_none() {
        return vec![Judged::skipped(
            Entity::cluster(),
            "the version of Calico is not known (hint: --assume calico=VERSION)",
        )];
    }
    facts.boards().iter().flat_map(|b| of(facts, b)).collect()
}

/// The metric of a series name, when this version has it no more. One that is stored all the same is not gone.
fn gone(facts: &Facts<'_>, name: &str) -> Option<&'static Metric> {
    let metric = catalogue::find(name)?;
    let version = facts.install.version?;
    let past = metric.until.is_some_and(|u| version.since(u));
    let stored = facts.answer(&format!("count({name})")).and_then(Result::ok).is_some_and(|s| !s.is_empty());
    (past && !stored).then_some(metric)
}

fn of(facts: &Facts<'_>, board: &Board) -> Vec<Judged> {
    let mut found: BTreeMap<&'static str, (&'static Metric, Vec<&PanelQuery>)> = BTreeMap::new();
    for query in &board.queries {
        let Ok(expr) = &query.expr else { continue };
        // `old or new` lives.
        let dead = life(expr, &mut |s| Some(metric(s).and_then(|n| gone(facts, n)).is_none()));
        if let Life::Dead(selector) = dead
            && let Some(old) = metric(selector).and_then(|n| gone(facts, n))
        {
            found.entry(old.name).or_insert_with(|| (old, Vec::new())).1.push(query);
        }
    }
    if found.is_empty() {
        let component = board.components.first().copied();
        return component.map(|c| Judged::pass(entity(c, board))).into_iter().collect();
    }
    found.into_values().map(|(old, queries)| judged(facts, board, old, &queries)).collect()
}

fn entity(component: Component, board: &Board) -> Entity {
    Entity::of(component).item(format!("dashboard {}", board.name()))
}

fn judged(facts: &Facts<'_>, board: &Board, old: &Metric, queries: &[&PanelQuery]) -> Judged {
    let until = old.until.unwrap_or_default();
    let names = panels(queries);
    let now = match old.successor {
        Some(new) => format!("{} is called {new} since Calico 3.{until}", old.name),
        None => format!("{} is gone since Calico 3.{until}", old.name),
    };
    let mut finding = Finding::new(format!(
        "{now}: {} of \"{}\"",
        counted(names.len(), "panel"),
        board.name()
    ))
    .row("panels", listed(&names, 5), "");
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = board.pointer.clone();
    finding.cause.have = old.name.to_owned();
    match old.successor {
        Some(new) => {
            let fix = rewrite::board(facts, board, &[Replacement::text(old.name, new)]);
            Judged::fail(entity(old.component, board), finding.fix(fix))
        }
        // Nothing can be shown in its place: an empty panel, and no fault of the chain.
        None => {
            let fix = Fix::Outside(format!(
                "take these panels out ({}); nothing took the metric's place",
                board.kept()
            ));
            Judged::warn(entity(old.component, board), finding.fix(fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Snapshot;
    use crate::testing::{dashboard, findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(calico: u32, expr: &str) -> Snapshot {
        snapshot(&Options { calico, ..Options::default() }, |o| {
            o.add(dashboard("d", &["felix_host", expr]));
        })
    }

    #[track_caller]
    fn check(calico: u32, expr: &str, expect: &[&str]) {
        assert_eq!(findings("T809", &with(calico, expr)), expect, "{expr} in 3.{calico}");
    }

    #[test]
    fn names_go_with_versions() {
        check(28, "felix_route_table_list_seconds", &[]);
        check(
            30,
            "felix_route_table_list_seconds",
            &[
                "fail felix dashboard Board d: felix_route_table_list_seconds is called felix_route_table_resync_seconds since Calico \
               3.29: 1 panel of \"Board d\"",
            ],
        );
        check(30, "felix_route_table_list_seconds or felix_route_table_resync_seconds", &[]);
        check(
            32,
            "rate(felix_iptables_lock_retries[5m])",
            &[
                "warn felix dashboard Board d: felix_iptables_lock_retries is gone since Calico 3.32: 1 panel of \"Board d\"",
            ],
        );
        let mends = mends("T809", &with(30, "felix_route_table_list_seconds"));
        assert!(
            mends[0].contains("s|felix_route_table_list_seconds|felix_route_table_resync_seconds|g"),
            "{mends:?}"
        );
    }
}
