//! Why panels are empty, told apart for the checks of dashboards: each culprit belongs to one check.

use crate::catalogue::{self, Mode};
use crate::component::Component;
use crate::doctor::bisect::{Diagnosis, Killer, Oracle, diagnose};
use crate::facts::panels::{Board, PanelQuery};
use crate::facts::{Facts, queries};
use tortie_promql::Expr;
use tortie_promql::ast::BinaryOp;

/// What keeps an expression empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Culprit {
    /// Nothing: it has data.
    None,
    /// Not known: Prometheus was not asked all of it.
    Unasked,
    /// A matcher on what targets are called (T804).
    Matcher(Killer),
    /// It needs a mode or a version that is not here (T805).
    Mode(String),
    /// A range without two samples (T806).
    Range(&'static str, i64),
    /// The metric went with a version (T809): the name, and what took its place.
    Gone(&'static str, u32, Option<&'static str>),
    /// It looks back further than there are samples, milliseconds: nothing is wrong yet.
    Young(i64),
    /// Something else, in words (T803).
    Other(String),
}

/// Labels that targets get from discovery and relabelling; all others are the series' own.
const OF_TARGETS: [&str; 14] = [
    "job",
    "instance",
    "namespace",
    "pod",
    "service",
    "container",
    "endpoint",
    "cluster",
    "prometheus",
    "app",
    "k8s_app",
    "release",
    "component",
    "kubernetes_namespace",
];

/// The culprit of one expression, once its component's samples arrive.
pub(crate) fn culprit(facts: &Facts<'_>, oracle: &Oracle<'_, '_>, query: &PanelQuery) -> Culprit {
    let Ok(expr) = &query.expr else { return Culprit::None };
    let diagnosis = diagnose(oracle, &queries::relaxed(expr));
    of_diagnosis(facts, diagnosis, guarded(expr))
}

/// Sorts a diagnosis. `guarded` says that the author reckons with an empty answer (`or vector(0)`).
pub(crate) fn of_diagnosis(facts: &Facts<'_>, diagnosis: Diagnosis, guarded: bool) -> Culprit {
    match diagnosis {
        Diagnosis::Data => Culprit::None,
        Diagnosis::Unasked => Culprit::Unasked,
        Diagnosis::Error(e) => Culprit::Other(format!("Prometheus refuses it: {e}")),
        Diagnosis::NoMetric { name, seen } => of_metric(facts, &name, seen),
        _ if guarded => Culprit::None,
        Diagnosis::Young { needs_ms } => Culprit::Young(needs_ms),
        Diagnosis::Range { function, range_ms } => Culprit::Range(function, range_ms),
        Diagnosis::Killers { killers, .. } => of_killers(killers),
        Diagnosis::Conflict { matchers, .. } => {
            Culprit::Other(format!("no series has all of {}", matchers.join(", ")))
        }
        Diagnosis::Pairing { op, differ } if differ.is_empty() => {
            Culprit::Other(format!("the two sides of {op} have no pair"))
        }
        Diagnosis::Pairing { op, differ } => Culprit::Other(format!(
            "the two sides of {op} have no pair: they differ in {}",
            differ.join(", ")
        )),
        Diagnosis::Empty { part } => Culprit::Other(format!("{part} is empty although its series are there")),
    }
}

fn of_killers(killers: Vec<Killer>) -> Culprit {
    if let Some(killer) = killers.iter().find(|k| OF_TARGETS.contains(&k.matcher.name.as_str())) {
        return Culprit::Matcher(killer.clone());
    }
    // A quantile or a bucket border that the component does not have never comes; other labels of its own may with the
    // first event of their kind.
    match killers.into_iter().find(|k| ["quantile", "le"].contains(&k.matcher.name.as_str())) {
        Some(killer) => Culprit::Matcher(killer),
        None => Culprit::Mode(Mode::Event.needs().to_owned()),
    }
}

fn of_metric(facts: &Facts<'_>, name: &str, seen: Option<bool>) -> Culprit {
    let version = facts.install.version;
    let Some(metric) = catalogue::find(name) else {
        return match catalogue::component_of(name) {
            Some(component) => Culprit::Other(unknown(facts, component, name)),
            // Somebody else's metric in a dashboard that also reads Calico's.
            None => Culprit::None,
        };
    };
    if !metric.in_version(version) {
        return match metric.until.filter(|u| version.is_some_and(|v| v.since(*u))) {
            Some(until) => Culprit::Gone(metric.name, until, metric.successor),
            None => Culprit::Mode(format!("Calico 3.{} or later", metric.since)),
        };
    }
    if crate::doctor::checks::t514_metric_relabel_drops::dropped_by(facts, metric.component, name).is_some() {
        return Culprit::Mode("the monitor to keep it (T514)".to_owned());
    }
    match metric.mode {
        Mode::Always if seen == Some(true) => {
            Culprit::Other(format!("{name} was stored within the last week and is no more"))
        }
        Mode::Always => {
            Culprit::Other(format!("{name} is not stored, though {} has it", metric.component.title()))
        }
        mode => Culprit::Mode(mode.needs().to_owned()),
    }
}

/// A name that Calico's component never had, and which of its names may be meant.
pub(crate) fn unknown(facts: &Facts<'_>, component: Component, name: &str) -> String {
    match nearest(facts, component, name) {
        Some(near) => format!("{} has no metric {name}; there is {near}", component.title()),
        None => format!("{} has no metric {name}", component.title()),
    }
}

/// The name of the component that was probably meant.
pub(crate) fn nearest(facts: &Facts<'_>, component: Component, name: &str) -> Option<String> {
    let names = catalogue::series(component, facts.install.version);
    // The usual slip: counters of Calico mostly lack `_total`.
    if let Some(plain) = name.strip_suffix("_total").filter(|p| names.iter().any(|n| n == p)) {
        return Some(plain.to_owned());
    }
    let choices: Vec<crate::doctor::nearest::Choice<'_>> =
        names.iter().map(|n| crate::doctor::nearest::Choice { value: n, fact: None }).collect();
    crate::doctor::nearest::rank(name, &choices, "metric").into_iter().next().map(|c| c.value)
}

/// Why an expression cannot be judged yet.
pub(crate) fn too_young(needs_ms: i64) -> String {
    format!("too young: it looks back {}", tortie_model::duration::format(needs_ms))
}

/// Whether an expression reckons with an empty answer: `or` something without series.
fn guarded(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        if let Expr::Binary(b) = e {
            found |= b.op == BinaryOp::Or && b.rhs.selectors().is_empty();
        }
    });
    found
}

/// Expressions of a dashboard whose component is there and whose samples arrive, each with its culprit.
pub(crate) fn of_board<'b>(facts: &Facts<'_>, board: &'b Board) -> Vec<(&'b PanelQuery, Culprit)> {
    let oracle = Oracle::new(facts);
    let judged =
        board.queries.iter().filter(|q| q.component.is_some_and(|c| facts.has(c) && facts.some_samples(c)));
    judged.map(|q| (q, culprit(facts, &oracle, q))).collect()
}

/// The panels of these expressions, each once.
pub(crate) fn panels(queries: &[&PanelQuery]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for query in queries {
        if !out.contains(&query.panel) {
            out.push(query.panel.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::component::Component;
    use crate::doctor::checks::ALL;
    use crate::doctor::verdict::Verdict;
    use crate::facts::Facts;
    use crate::facts::install::Version;
    use crate::testing::{answered, running, series};
    use serde_json::json;
    use tortie_sim::installs::{Kind as Install, Options};

    #[test]
    fn the_bundled_dashboards_are_whole_on_every_healthy_cluster() {
        for (kind, calico) in
            [(Install::Operator, 27), (Install::Helm, 32), (Install::Manifest, 30), (Install::Canal, 33)]
        {
            let options = Options { kind, calico, ..Options::default() };
            let snap = running(&options, |o| {
                for board in crate::dashboards::all() {
                    o.add(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": board.uid, "namespace": "monitoring",
                        "labels": {"grafana_dashboard": "1"}}, "data": {"board.json": board.json}}));
                }
            });
            let version = Version::parse(&options.version());
            let all: Vec<String> =
                Component::ALL.into_iter().flat_map(|c| series(c, version, c.as_str())).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let snap = answered(snap, &all, &[]);
            let facts = Facts::of(&snap);
            assert_eq!(facts.boards().len(), 3);
            for query in facts.boards().iter().flat_map(|b| &b.queries) {
                assert!(query.expr.is_ok() && query.component.is_some(), "{query:?}");
            }
            for check in ALL.iter().filter(|c| c.id >= "T700") {
                for judged in (check.judge)(&facts) {
                    let loud = matches!(judged.verdict, Verdict::Fail | Verdict::Warn);
                    let title = judged.finding.map(|f| f.title);
                    assert!(!loud, "{} of {kind:?} 3.{calico}: {title:?}", check.id);
                }
            }
        }
    }
}
