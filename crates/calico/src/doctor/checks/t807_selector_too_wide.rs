//! # Panels of a component show that component alone
//!
//! **Looks at** expressions on metrics that every process has (`process_*`, `go_*`) in dashboards that read Calico's series, and whether
//! they say whose.
//!
//! **Why it breaks silently.** In a Prometheus of their own they show Felix. In a shared one they show every process of the cluster, and
//! `topk` prefers the large ones: the panel *CPU usage* of the Felix dashboard shows everybody but Felix. Seven expressions of
//! Calico's own dashboard are like this.
//!
//! **How to mend.** Add a matcher on the job to each of them.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, without_boards};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::panel_causes::panels;
use crate::doctor::questions;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::{Board, PanelQuery};
use crate::facts::queries::{conditions, metric};

pub(crate) static CHECK: Check = Check {
    id: "T807",
    slug: "selector-too-wide",
    title: "panels of a component show that component alone",
    station: Station::Panels,
    level: Level::Warn,
    needs: &["T801"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = without_boards(facts) {
        return vec![judged];
    }
    facts.boards().iter().filter_map(|b| of(facts, b)).collect()
}

fn of(facts: &Facts<'_>, board: &Board) -> Option<Judged> {
    let component = board.components.first().copied()?;
    let entity = Entity::of(component).item(format!("dashboard {}", board.name()));
    let wide: Vec<&PanelQuery> = board.queries.iter().filter(|q| is_wide(q)).collect();
    let others = other_jobs(facts);
    // Where Calico has a Prometheus to itself, nothing else can be shown.
    if wide.is_empty() || others == Some(0) {
        return Some(Judged::pass(entity));
    }
    let names = panels(&wide);
    let shown = others.map_or_else(|| "every process".to_owned(), |n| counted(n, "other job"));
    let show = if names.len() == 1 { "shows" } else { "show" };
    let mut finding =
        Finding::new(format!("{} of \"{}\" {show} {shown} too", counted(names.len(), "panel"), board.name()))
            .row("panels", listed(&names, 5), "");
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = board.pointer.clone();
    finding.cause.have = "no job".to_owned();
    if let Some(query) = wide.first() {
        finding = finding.row("expression", query.raw.clone(), "");
    }
    let job = facts.jobs(component).into_iter().next();
    let matcher = job.map_or_else(|| "{job=\"...\"}".to_owned(), |j| format!("{{job=\"{j}\"}}"));
    let text = format!(
        "add {matcher} to these expressions ({}); `tortie setup` brings one whose panels have it",
        board.kept()
    );
    Some(Judged::warn(entity, finding.fix(Fix::Outside(text))))
}

/// Whether an expression reads only what every process has, and does not say whose. A variable (`job=~"$job"`) says it.
fn is_wide(query: &PanelQuery) -> bool {
    let Ok(expr) = &query.expr else { return false };
    let selectors = expr.selectors();
    let shared = |name: &str| name.starts_with("process_") || name.starts_with("go_");
    let all = !selectors.is_empty() && selectors.iter().all(|s| metric(s).is_some_and(shared));
    all && !query.raw.contains('{') && selectors.iter().all(|s| conditions(s).is_empty())
}

/// How many jobs besides Calico's have such metrics, when that was asked.
fn other_jobs(facts: &Facts<'_>) -> Option<usize> {
    let answer = facts.answer(&questions::process_jobs())?.ok()?;
    let own: Vec<String> = facts.installed().flat_map(|c: Component| facts.jobs(c)).collect();
    Some(answer.iter().filter(|s| s.labels.get("job").is_none_or(|j| !own.contains(j))).count())
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::testing::{dashboard, findings, running, with_answer};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(expr: &str, jobs: &[(&str, f64)], expect: &[&str]) {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["felix_host", expr]));
        });
        assert_eq!(findings("T807", &with_answer(snap, &questions::process_jobs(), jobs)), expect, "{expr}");
    }

    #[test]
    fn shared_metrics_need_a_job() {
        let shared = [("{job=\"felix\"}", 1.0), ("{job=\"node-exporter\"}", 1.0), ("{job=\"x\"}", 1.0)];
        check("process_open_fds{job=\"felix\"}", &shared, &[]);
        check("process_open_fds{job=~\"$job\"}", &shared, &[]);
        check("process_open_fds", &shared[..1], &[]);
        check(
            "topk(5, process_open_fds)",
            &shared,
            &["warn felix dashboard Board d: 1 panel of \"Board d\" shows 2 other jobs too"],
        );
    }
}
