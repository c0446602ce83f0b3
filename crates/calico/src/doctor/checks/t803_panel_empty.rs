//! # Panels have data
//!
//! **Looks at** every expression of every dashboard that reads Calico's series, with its variables put in, and asks Prometheus
//! whether it has data. Comparisons that may rightly filter everything away (`> 0`) are left out of the question.
//!
//! **Why it breaks silently.** Grafana draws an empty panel for a wrong name exactly as for a quiet cluster.
//!
//! **How to mend.** The report names the culprit: two sides that have no pair, a set of matchers that no series meets, a metric
//! that nobody stores. A matcher on the job is T804, a range that is too short T806, a name that went T809; what needs a mode
//! that is not on is no failure (T805).

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_board};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::panel_causes::{Culprit, of_board, panels, too_young};
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::{Board, PanelQuery};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T803",
    slug: "panel-empty",
    title: "panels have data",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus, Evidence::Grafana],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = each_board(facts, of);
    if facts.reachable().next().is_some() {
        out.extend(facts.installed().filter_map(|c| all_empty(facts, c)));
    }
    out
}

/// Without samples every panel of the component is empty: one line, which is a consequence.
fn all_empty(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    if facts.some_samples(component) {
        return None;
    }
    let queries: Vec<&PanelQuery> =
        facts.boards().iter().flat_map(|b| &b.queries).filter(|q| q.component == Some(component)).collect();
    let count = panels(&queries).len();
    if count == 0 {
        return None;
    }
    let mut finding =
        Finding::new(format!("{} of {} {} no data", counted(count, "panel"), component.title(), has(count)));
    finding.cause.path = format!("panels of {component}");
    Some(Judged::fail(Entity::of(component), finding))
}

fn has(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

fn of(facts: &Facts<'_>, board: &Board) -> Vec<Judged> {
    let judged = of_board(facts, board);
    let Some(component) = judged.iter().find_map(|(q, _)| q.component) else { return Vec::new() };
    let entity = |c: Component| Entity::of(c).item(format!("dashboard {}", board.name()));
    if judged.iter().any(|(_, c)| *c == Culprit::Unasked) {
        return vec![Judged::unknown(entity(component), "Prometheus was not asked for all panels")];
    }
    let mut others: BTreeMap<(Component, String), Vec<&PanelQuery>> = BTreeMap::new();
    for (query, culprit) in &judged {
        if let (Culprit::Other(why), Some(c)) = (culprit, query.component) {
            others.entry((c, why.clone())).or_default().push(query);
        }
    }
    let young =
        judged.iter().filter_map(|(_, c)| if let Culprit::Young(ms) = c { Some(*ms) } else { None }).max();
    if let (true, Some(ms)) = (others.is_empty(), young) {
        return vec![Judged::pending(entity(component), too_young(ms))];
    }
    if others.is_empty() {
        let needed = judged.iter().filter(|(_, c)| !matches!(c, Culprit::Mode(_))).count();
        let full = judged.iter().filter(|(_, c)| *c == Culprit::None).count();
        return vec![Judged::pass_with(entity(component), format!("{full}/{needed}"))];
    }
    others
        .into_iter()
        .map(|((c, why), queries)| {
            let names = panels(&queries);
            let title = format!(
                "{} of \"{}\" {} no data: {why}",
                counted(names.len(), "panel"),
                board.name(),
                has(names.len())
            );
            let mut finding =
                Finding::new(title).confidence(Confidence::Observed).row("panels", listed(&names, 5), "");
            if let Some(object) = &board.object {
                finding = finding.cause(object, &board.pointer);
            }
            finding.cause.path = board.pointer.clone();
            finding.cause.have = why;
            if let Some(query) = queries.first() {
                finding = finding.row("expression", query.raw.clone(), "");
            }
            let text = format!("correct the expression of these panels ({})", board.kept());
            Judged::fail(entity(c), finding.fix(Fix::Outside(text)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{answered, dashboard, findings, judged, running};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(exprs: &[&str], empty: &[&str], expect: &[&str]) {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", exprs));
        });
        let snap =
            answered(snap, &["felix_host{job=\"felix\"}", "felix_log_errors{job=\"felix\", x=\"1\"}"], empty);
        assert_eq!(findings("T803", &snap), expect);
    }

    #[test]
    fn causes_are_told() {
        check(&["felix_host", "felix_log_errors > 5"], &[], &[]);
        check(
            &["felix_int_dataplane_failures_total"],
            &[],
            &["fail felix dashboard Board d: 1 panel of \"Board d\" has no data: Felix has no metric \
               felix_int_dataplane_failures_total; there is felix_int_dataplane_failures"],
        );
        check(
            &["felix_log_errors - felix_host"],
            &["felix_log_errors - felix_host"],
            &[
                "fail felix dashboard Board d: 1 panel of \"Board d\" has no data: the two sides of - have no pair: they differ in x (1 / none)",
            ],
        );
        // Not here by nature: the eBPF dataplane, a later version, an own label that comes with an event.
        check(
            &["felix_bpf_events", "felix_log_errors{x=\"2\"}", "sum(felix_host{x=\"2\"}) or vector(0)"],
            &[],
            &[],
        );
    }

    #[test]
    fn what_looks_back_further_than_samples_is_too_young() {
        let expr = "deriv(felix_log_errors[6h:5m])";
        let board = |young: &str| {
            let snap = running(&Options::default(), |o| {
                o.add(dashboard("d", &["felix_host", expr]));
            });
            answered(
                snap,
                &["felix_host{job=\"felix\"}", "felix_log_errors{job=\"felix\"}", "up{job=\"felix\"}"],
                &[expr, young],
            )
        };
        let told = judged("T803", &board("up offset 10m"));
        assert_eq!(told[0].note, "too young: it looks back 10m");
        assert_eq!(findings("T803", &board("up offset 1h")).len(), 1);
    }

    #[test]
    fn without_samples_all_panels_are_one_line() {
        let mut snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["felix_host", "felix_log_errors"]));
        });
        assert_eq!(
            judged("T803", &answered(snap.clone(), &["felix_host{}", "felix_log_errors{}"], &[]))[0].note,
            "2/2"
        );
        snap.collectors[0].targets.retain(|t| !t.labels["job"].contains("felix"));
        assert_eq!(findings("T803", &snap), ["fail felix: 2 panels of Felix have no data"]);
    }
}
