//! # The monitor's own rules leave targets over
//!
//! **Looks at** `relabelings` of the monitor's endpoint, run over the targets that its Service gives, with the same rules
//! that Prometheus applies.
//!
//! **Why it breaks silently.** A rule that drops every target is no error: the pool shows none, and what was dropped is only
//! in the page of service discovery. The usual causes: `keep` on a pod's label that the pod does not have, a regular
//! expression that is anchored on both sides and was not meant to be.
//!
//! **How to mend.** Correct or remove the rule that is named. `tortie relabel` shows each step.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::discovered::{Discovered, rules, targets};
use crate::facts::monitors::Monitor;
use serde_json::Value;
use std::collections::BTreeMap;
use tortie_model::relabel::{Rule, trace};

pub(crate) static CHECK: Check = Check {
    id: "T513",
    slug: "relabel-drops-all",
    title: "the monitor's own rules leave targets over",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T505", "T405"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    // Rules that do not parse are T510's.
    let rules = rules(monitor, "relabelings").ok().filter(|r| !r.is_empty())?;
    let found = targets(facts, branch);
    if found.is_empty() {
        return None;
    }
    let by: Vec<Option<usize>> = found.iter().map(|t| dropped_by(&rules, t)).collect();
    if by.iter().any(Option::is_none) {
        return Some(Judged::pass(entity));
    }
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for index in by.iter().flatten() {
        *counts.entry(*index).or_default() += 1;
    }
    let (index, _) = counts.into_iter().max_by_key(|(_, n)| *n)?;
    Some(Judged::fail(entity, finding(facts, monitor, &rules, index, &found)?))
}

/// The rule that drops a target; none when it is kept.
fn dropped_by(rules: &[Rule], target: &Discovered) -> Option<usize> {
    let steps = trace(rules, &mut target.labels.clone());
    let last = steps.last()?;
    (!last.keep).then_some(steps.len() - 1)
}

fn finding(
    facts: &Facts<'_>,
    monitor: &Monitor<'_>,
    rules: &[Rule],
    index: usize,
    found: &[Discovered],
) -> Option<Finding> {
    let rule = rules.get(index)?;
    let at = format!("relabelings/{index}");
    let sources = rule.source_labels.join(&rule.separator);
    let title = format!(
        "{} {} on {sources} drops {} of {} targets",
        monitor.label(&at),
        rule.action,
        found.len(),
        found.len()
    );
    let mut values: Vec<String> = found
        .iter()
        .filter_map(|t| {
            let before = match index {
                0 => t.labels.labels(),
                _ => trace(rules.get(..index)?, &mut t.labels.clone()).last()?.output.clone(),
            };
            Some(
                rule.source_labels
                    .iter()
                    .map(|l| before.value(l).to_owned())
                    .collect::<Vec<_>>()
                    .join(&rule.separator),
            )
        })
        .collect();
    values.sort();
    values.dedup();
    let seen =
        if values.iter().all(String::is_empty) { "(no such label)".to_owned() } else { values.join(", ") };
    Some(
        Finding::new(title)
            .cause(monitor.object, &monitor.pointer(&at))
            .heading(monitor.object.reference().to_string())
            .row(
                format!("relabelings[{index}]"),
                format!("{} {sources} =~ {}", rule.action, rule.regex.as_str()),
                "anchored",
            )
            .row("values seen", seen, "")
            .fix(mend_link::pointer(
                facts,
                monitor.object,
                monitor.plural(),
                &monitor.pointer(&at),
                Value::Null,
                Auto::No,
            )),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(rules: Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/relabelings", rules);
        });
        assert_eq!(findings("T513", &snap), expect);
    }

    const APP: &str = "__meta_kubernetes_pod_label_k8s_app";

    #[test]
    fn the_rule_that_drops_is_named() {
        check(json!([{"sourceLabels": [APP], "regex": "calico-node", "action": "keep"}]), &[]);
        // One node is enough.
        check(
            json!([{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "regex": "n1", "action": "Keep"}]),
            &[],
        );
        check(
            json!([{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}, {"sourceLabels": [APP], "regex": "node", "action": "keep"}]),
            &[
                "fail felix: endpoints[0].relabelings[1] keep on __meta_kubernetes_pod_label_k8s_app drops 3 of 3 targets",
            ],
        );
    }

    #[test]
    fn the_command_removes_that_rule() {
        let snap = snapshot(&Options::default(), |o| {
            let rules = json!([{"sourceLabels": ["x"], "regex": "y", "action": "keep"}]);
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/relabelings", rules);
        });
        assert_eq!(
            mends("T513", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/relabelings/0\",\"value\":{\"sourceLabels\":[\"x\"],\"regex\":\"y\",\"action\":\"keep\"}},\
              {\"op\":\"remove\",\"path\":\"/spec/endpoints/0/relabelings/0\"}]'"
            ]
        );
    }
}
