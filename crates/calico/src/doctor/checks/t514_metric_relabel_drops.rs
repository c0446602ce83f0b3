//! # The monitor does not drop metrics that somebody reads
//!
//! **Looks at** `metricRelabelings` of the monitor, run over the names that your dashboards and rules read of this component.
//!
//! **Why it breaks silently.** Metric relabelling throws series away after the scrape. The target is up, other metrics
//! arrive, and one panel is empty or one alert never fires. Rules that keep a short list of metrics age badly.
//!
//! **How to mend.** Narrow the rule that is named so that the metrics in use pass.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::doctor::wording::listed;
use crate::facts::discovered::{rules, targets};
use crate::facts::{Facts, queries};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tortie_model::LabelsBuilder;
use tortie_model::relabel::trace;

pub(crate) static CHECK: Check = Check {
    id: "T514",
    slug: "metric-relabel-drops",
    title: "the monitor does not drop metrics that somebody reads",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T501"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Who reads a metric: panels and rules, by what findings call them.
type Readers = BTreeMap<String, BTreeSet<String>>;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    // Rules that do not parse are T510's.
    let rules = rules(monitor, "metricRelabelings").ok().filter(|r| !r.is_empty())?;
    let entity = Entity::of(component);
    let mut dropped: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let readers = readers(facts, component);
    for name in readers.keys() {
        if let Some(rule) = dropped_by(facts, component, name) {
            dropped.entry(rule).or_default().push(name.clone());
        }
    }
    let Some((index, names)) = dropped.into_iter().max_by_key(|(_, n)| n.len()) else {
        return Some(Judged::pass(entity));
    };
    let who: BTreeSet<&String> = names.iter().filter_map(|n| readers.get(n)).flatten().collect();
    let at = format!("metricRelabelings/{index}");
    let readers: Vec<String> = who.iter().map(|w| (*w).clone()).collect();
    let title =
        format!("{} drops {}, wanted by {}", monitor.label(&at), listed(&names, 3), listed(&readers, 2));
    let rule = rules.get(index)?;
    let mut finding = Finding::new(title)
        .cause(monitor.object, &monitor.pointer(&at))
        .heading(monitor.object.reference().to_string())
        .row(
            format!("metricRelabelings[{index}]"),
            format!("{} {} =~ {}", rule.action, rule.source_labels.join(";"), rule.regex.as_str()),
            "anchored",
        );
    for reader in who.iter().take(5) {
        finding = finding.row("read by", reader.as_str(), "");
    }
    let fix = mend_link::pointer(
        facts,
        monitor.object,
        monitor.plural(),
        &monitor.pointer(&at),
        Value::Null,
        Auto::No,
    );
    Some(Judged::warn(
        entity,
        finding
            .fix(fix)
            .warning("the command removes the rule whole; narrow it if it keeps other things out"),
    ))
}

/// The rule of the monitor's `metricRelabelings` that throws a metric of the component away.
pub(crate) fn dropped_by(facts: &Facts<'_>, component: Component, name: &str) -> Option<usize> {
    let branch = facts.best(component)?;
    let rules = rules(facts.monitor(branch), "metricRelabelings").ok().filter(|r| !r.is_empty())?;
    let mut labels = LabelsBuilder::new();
    let target = targets(facts, branch).into_iter().next().map(|t| t.labels).unwrap_or_default();
    for (key, value) in target.iter().filter(|(k, _)| !k.starts_with("__")) {
        labels.set(key, value);
    }
    labels.set("__name__", name);
    let steps = trace(&rules, &mut labels);
    steps.last().is_some_and(|s| !s.keep).then(|| steps.len() - 1)
}

/// The metrics of a component that dashboards and rules read.
fn readers(facts: &Facts<'_>, component: Component) -> Readers {
    let mut out = Readers::new();
    let mut read = |expr: &tortie_promql::Expr, who: &dyn Fn() -> String| {
        for name in expr.selectors().into_iter().filter_map(queries::metric) {
            if catalogue::component_of(name) == Some(component) {
                out.entry(name.to_owned()).or_default().insert(who());
            }
        }
    };
    for board in facts.boards() {
        for query in &board.queries {
            if let Ok(expr) = &query.expr {
                read(expr, &|| format!("{} of {}", query.panel, board.name()));
            }
        }
    }
    for rule in facts.rules() {
        if let Ok(expr) = &rule.expr {
            read(expr, &|| rule.title());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, object, set};

    fn dropping(o: &mut Objects, rule: &Value) {
        let groups = json!({"groups": [{"name": "g", "rules": [{"alert": "Slow", "expr": "felix_int_dataplane_apply_time_seconds > 1"}]}]});
        o.add(object("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "r", groups));
        set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/metricRelabelings", json!([rule]));
    }

    #[track_caller]
    fn check(rule: &Value, expect: usize) {
        let got = findings("T514", &snapshot(&Options::default(), |o| dropping(o, rule)));
        assert_eq!(got.len(), expect, "{got:?}");
        assert!(
            got.iter().all(|f| f
                .contains("endpoints[0].metricRelabelings[0] drops felix_int_dataplane_apply_time_seconds")),
            "{got:?}"
        );
    }

    #[test]
    fn what_a_rule_reads_must_pass() {
        check(&json!({"sourceLabels": ["__name__"], "regex": "felix_int_dataplane_.*", "action": "drop"}), 1);
        check(&json!({"sourceLabels": ["__name__"], "regex": "go_.*", "action": "drop"}), 0);
        check(&json!({"sourceLabels": ["__name__"], "regex": "felix_active_.*", "action": "keep"}), 1);
    }

    #[test]
    fn the_command_removes_the_rule() {
        let rule = json!({"sourceLabels": ["__name__"], "regex": "felix_.*", "action": "drop"});
        let got = mends("T514", &snapshot(&Options::default(), |o| dropping(o, &rule)));
        assert!(
            got[0].contains("{\"op\":\"remove\",\"path\":\"/spec/endpoints/0/metricRelabelings/0\"}"),
            "{got:?}"
        );
    }
}
