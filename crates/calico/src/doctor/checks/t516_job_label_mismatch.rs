//! # Dashboards and rules ask for the job that the monitor gives
//!
//! **Looks at** the `job` that targets of the monitor get (the Service's name, unless `jobLabel` or a relabelling says
//! otherwise) and at matchers of `job` in the dashboards and rules that read this component.
//!
//! **Why it breaks silently.** Calico's Typha dashboard asks for `job="typha_metrics"`, the name in its documentation's
//! hand-written Prometheus configuration. Under any ServiceMonitor the job is the Service's name: the panel is empty for
//! ever, and an alert with such a matcher never fires.
//!
//! **How to mend.** Write the job that you have into the dashboard. Judged from configuration; where a running Prometheus
//! could be asked, T804 looks at the series themselves.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::rewrite::{self, Replacement};
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::facts::branch::Reach;
use crate::facts::discovered::{rules, targets};
use crate::facts::panels::Board;
use crate::facts::{Facts, queries};
use tortie_model::relabel::process;
use tortie_promql::Expr;

pub(crate) static CHECK: Check = Check {
    id: "T516",
    slug: "job-label-mismatch",
    title: "dashboards and rules ask for the job that the monitor gives",
    station: Station::Panels,
    level: Level::Warn,
    needs: &["T501"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    // With a Prometheus that answers, T804 says the same from the series.
    if facts.reachable().next().is_some() {
        return None;
    }
    let job = job(facts, component)?;
    let entity = Entity::of(component);
    let mut wanted = String::new();
    let (mut panels, mut names) = (Vec::new(), Vec::new());
    let mut board: Option<&Board> = None;
    for b in facts.boards() {
        for query in b.queries.iter().filter(|q| q.component == Some(component)) {
            if let Some(value) = query.expr.as_ref().ok().and_then(|e| other_job(e, component, &job)) {
                panels.push(query.panel.clone());
                board = board.or(Some(b));
                wanted = value;
            }
        }
    }
    for rule in facts.rules().iter().filter(|r| r.components.contains(&component)) {
        if let Some(value) = rule.expr.as_ref().ok().and_then(|e| other_job(e, component, &job)) {
            names.push(rule.title());
            wanted = value;
        }
    }
    if panels.is_empty() && names.is_empty() {
        return Some(Judged::pass(entity));
    }
    let mut parts = Vec::new();
    if !panels.is_empty() {
        parts.push(counted(panels.len(), "panel"));
    }
    if !names.is_empty() {
        parts.push(counted(names.len(), "rule"));
    }
    let title = format!("job {wanted} is asked for by {}; it will be {job}", parts.join(" and "));
    let mut finding =
        Finding::new(title).row("job", job.clone(), "by the monitor").row("asked for", wanted.clone(), "");
    finding.cause.path = "job".to_owned();
    finding.cause.have.clone_from(&wanted);
    for (label, list) in [("panel", &panels), ("rule", &names)] {
        for name in list.iter().take(5) {
            finding = finding.row(label, name.clone(), "");
        }
    }
    let fix = match board {
        Some(board) => rewrite::board(facts, board, &[Replacement::matcher("job", &wanted, &job)]),
        None => Fix::Outside(format!("write job=\"{job}\" in {}", names.join(", "))),
    };
    Some(Judged::warn(entity, finding.fix(fix)))
}

/// The job of the component's targets, after the monitor's own rules.
fn job(facts: &Facts<'_>, component: Component) -> Option<String> {
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    if let Some(mut target) = targets(facts, branch).into_iter().next() {
        let rules = rules(monitor, "relabelings").ok()?;
        return process(&rules, &mut target.labels).then(|| target.labels.get("job").to_owned());
    }
    // Files hold no endpoints: the Service says enough while nothing rewrites the label.
    let Reach::Metrics(Some(index)) = branch.reach else { return None };
    let service = facts.services(component).get(index)?.service;
    if monitor.field("relabelings").is_some() {
        return None;
    }
    let labelled = monitor.object.text("/spec/jobLabel").and_then(|key| service.meta.labels.get(key));
    Some(labelled.unwrap_or(&service.meta.name).clone())
}

/// The job that an expression asks of this component and that is another one.
fn other_job(expr: &Expr, component: Component, job: &str) -> Option<String> {
    expr.selectors().into_iter().find_map(|selector| {
        let own = queries::metric(selector).and_then(catalogue::component_of);
        let matcher =
            queries::conditions(selector).into_iter().find(|m| m.name == "job" && !m.matches(job))?;
        let ours = own == Some(component) || (own.is_none() && component.named_in(&matcher.value));
        ours.then(|| matcher.value.clone())
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, object};

    fn rule(o: &mut Objects, expr: &str) {
        let groups = json!({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expr}]}]});
        o.add(object("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "r", groups));
    }

    #[track_caller]
    fn check(expr: &str, expect: &[&str]) {
        assert_eq!(findings("T516", &snapshot(&Options::default(), |o| rule(o, expr))), expect, "{expr}");
    }

    #[test]
    fn the_job_is_the_name_of_the_service() {
        check("typha_connections_active{job=\"calico-typha-metrics\"} > 1", &[]);
        check("typha_connections_active{job=~\".*typha.*\"} > 1", &[]);
        check(
            "typha_connections_active{job=\"typha_metrics\"} > 1",
            &["warn typha: job typha_metrics is asked for by 1 rule; it will be calico-typha-metrics"],
        );
        check("up{job=\"node-exporter\"} == 0", &[]);
    }

    #[test]
    fn a_rule_is_changed_by_hand() {
        let snap =
            snapshot(&Options::default(), |o| rule(o, "typha_connections_active{job=\"typha_metrics\"}"));
        assert_eq!(mends("T516", &snap), ["outside: write job=\"calico-typha-metrics\" in alert A"]);
    }
}
