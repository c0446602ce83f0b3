//! # Panels ask for labels that the series have
//!
//! **Looks at** panels without data whose metric is stored, and leaves out one matcher after the other until data comes back.
//!
//! **Why it breaks silently.** Calico's own Typha dashboard asks for `job="typha_metrics"`, the job's name in Calico's manual. Under a
//! ServiceMonitor the job is called like the Service, so these panels are empty for ever.
//!
//! **How to mend.** Put the value that is there in the place of the one that is asked for, or give the monitor a `jobLabel` or a
//! relabelling that makes the job the one that the dashboard wants.

use crate::component::Component;
use crate::doctor::bisect::{Killer, written};
use crate::doctor::check::{Check, Evidence, Judged, Station, each_board};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::panel_causes::{Culprit, of_board, panels};
use crate::doctor::rewrite::{self, Replacement};
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::{Board, PanelQuery};
use std::collections::BTreeMap;
use tortie_model::matcher::MatchOp;

pub(crate) static CHECK: Check = Check {
    id: "T804",
    slug: "matcher-kills",
    title: "panels ask for labels that the series have",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_board(facts, of)
}

fn of(facts: &Facts<'_>, board: &Board) -> Vec<Judged> {
    let judged = of_board(facts, board);
    let mut by_matcher: BTreeMap<(Component, String), (Killer, Vec<&PanelQuery>)> = BTreeMap::new();
    for (query, culprit) in &judged {
        if let (Culprit::Matcher(killer), Some(c)) = (culprit, query.component) {
            let entry = by_matcher
                .entry((c, written(&killer.matcher)))
                .or_insert_with(|| (killer.clone(), Vec::new()));
            entry.1.push(query);
        }
    }
    let unasked = judged.iter().filter(|(_, c)| *c == Culprit::Unasked).count();
    if by_matcher.is_empty() {
        let Some(component) = judged.iter().find_map(|(q, _)| q.component) else { return Vec::new() };
        let entity = entity(component, board);
        let open = || format!("Prometheus was not asked for {}", counted(unasked, "expression"));
        return vec![if unasked == 0 { Judged::pass(entity) } else { Judged::unknown(entity, open()) }];
    }
    by_matcher
        .into_iter()
        .map(|((c, _), (killer, queries))| {
            Judged::fail(entity(c, board), finding(facts, c, board, &killer, &queries))
        })
        .collect()
}

fn entity(component: Component, board: &Board) -> Entity {
    Entity::of(component).item(format!("dashboard {}", board.name()))
}

fn finding(
    facts: &Facts<'_>,
    component: Component,
    board: &Board,
    killer: &Killer,
    queries: &[&PanelQuery],
) -> Finding {
    let names = panels(queries);
    let matcher = written(&killer.matcher);
    let label = &killer.matcher.name;
    let title = format!(
        "{} of \"{}\" {} empty: {matcher} matches nothing",
        counted(names.len(), "panel"),
        board.name(),
        if names.len() == 1 { "is" } else { "are" }
    );
    let jobs = facts.jobs(component);
    // A shared metric (`process_*`) has values of everybody; the job of the component's targets is the one that is meant.
    let fact = |v: &str| (label == "job" && jobs.iter().any(|j| j == v)).then_some("the job of its targets");
    let meant: Vec<&String> = killer.values.iter().filter(|v| !v.is_empty()).collect();
    let only: Vec<&String> = meant.iter().copied().filter(|v| fact(v).is_some()).collect();
    let shown = if only.is_empty() { meant } else { only };
    let choices: Vec<Choice<'_>> = shown.iter().map(|v| Choice { value: v, fact: fact(v) }).collect();
    let candidates = rank(&killer.matcher.value, &choices, "value");
    let mut finding =
        Finding::new(title).confidence(Confidence::Observed).row("panels", listed(&names, 5), "");
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = board.pointer.clone();
    finding.cause.have = matcher;
    finding = finding.row("values seen", listed(&killer.values, 5), label.clone());
    let simple = killer.matcher.op == MatchOp::Equal;
    finding = match candidates.iter().find(|c| c.sure && simple) {
        Some(best) => {
            let change = Replacement::matcher(label, &killer.matcher.value, &best.value);
            finding.fix(rewrite::board(facts, board, &[change]))
        }
        None => finding.fix(Fix::Outside(format!(
            "put a value of {label} that is there into these panels ({})",
            board.kept()
        ))),
    };
    finding.candidates(candidates)
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::snapshot::Snapshot;
    use crate::testing::{answered, dashboard, findings, judged, mends, running};
    use tortie_sim::installs::Options;

    fn with(expr: &str) -> Snapshot {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["typha_cache_size", expr]));
        });
        let series = [
            "typha_cache_size{job=\"typha\"}",
            "process_open_fds{job=\"typha\"}",
            "process_open_fds{job=\"node-exporter\"}",
        ];
        answered(snap, &series, &[])
    }

    #[test]
    fn what_was_not_asked_is_unknown() {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["typha_cache_size", "typha_connections_active"]));
        });
        let judged = judged("T804", &snap).remove(0);
        assert_eq!(
            (judged.verdict, judged.note.as_str()),
            (Verdict::Unknown, "Prometheus was not asked for 2 expressions")
        );
    }

    #[test]
    fn the_job_that_is_not_there_is_replaced() {
        assert_eq!(findings("T804", &with("process_open_fds{job=\"typha\"}")), Vec::<String>::new());
        let snap = with("process_open_fds{job=\"typha_metrics\"}");
        assert_eq!(
            findings("T804", &snap),
            [
                "fail typha dashboard Board d: 1 panel of \"Board d\" is empty: job=\"typha_metrics\" matches nothing"
            ]
        );
        let mends = mends("T804", &snap);
        assert!(mends[0].contains("typha_metrics") && mends[0].contains("replace -f -"), "{mends:?}");
    }
}
