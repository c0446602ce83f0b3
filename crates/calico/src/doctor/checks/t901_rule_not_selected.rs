//! # Prometheus takes the rules
//!
//! **Looks at** PrometheusRule objects that read Calico's series, and at `ruleSelector` and `ruleNamespaceSelector` of every
//! Prometheus object.
//!
//! **Why it breaks silently.** A rule object that nobody selects is accepted by the API server and does nothing. No alert of it
//! fires, which looks like good news.
//!
//! **How to mend.** Give the object the label that the selector asks for (with kube-prometheus-stack the label `release` with the
//! release's name), or let the Prometheus object take rules from that namespace.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::mend;
use crate::doctor::mend_link::{label, labels_to_meet};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::prometheus::{Prometheus, Selected, Taken};
use crate::facts::rules::Rule;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T901",
    slug: "rule-not-selected",
    title: "Prometheus takes the rules",
    station: Station::Rules,
    level: Level::Fail,
    needs: &["T602"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut out = Vec::new();
    for rule in facts.rules() {
        let Some((object, _)) = &rule.object else { continue };
        if seen.insert(object.reference().to_string()) {
            out.extend(of(facts, rule, object));
        }
    }
    if out.is_empty() {
        out.push(Judged::skipped(Entity::cluster(), "no rule that reads Calico's series is in sight"));
    }
    out
}

fn of(facts: &Facts<'_>, rule: &Rule, object: &Arc<Object>) -> Option<Judged> {
    let component = rule.components.first().copied().filter(|_| rule.components.len() == 1);
    let entity = component.map_or_else(Entity::cluster, Entity::of).item(object.reference().to_string());
    let mut judged: Vec<(&Prometheus<'_>, Taken)> = facts
        .prometheuses
        .iter()
        .filter(|p| p.object.gvk.kind == "Prometheus")
        .map(|p| (p, p.takes(Selected::Rule, object, facts.snap)))
        .collect();
    judged.sort_by_key(|(_, taken)| taken.obstacles() + usize::from(taken.selector_null));
    // Without a Prometheus object T602 speaks, and ThanosRuler may take them.
    let (prometheus, taken) = judged.into_iter().next()?;
    if taken.yes() || facts.snap.of("monitoring.coreos.com", "ThanosRuler").next().is_some() {
        return Some(Judged::pass(entity));
    }
    Some(Judged::fail(entity, finding(facts, object, prometheus, &taken)))
}

fn finding(facts: &Facts<'_>, object: &Arc<Object>, prometheus: &Prometheus<'_>, taken: &Taken) -> Finding {
    let who = prometheus.object.reference();
    let mut finding = Finding::new("").cause(object, "/metadata/labels").row(who.to_string(), "", "");
    if taken.selector_null {
        finding.title = format!("{who} has no ruleSelector, which takes no rule at all");
        return finding
            .cause(prometheus.object, "/spec/ruleSelector")
            .row("ruleSelector", "(not set)", "{} would take all")
            .fix(mend::set(facts, prometheus.object, "/spec/ruleSelector", json!({}), Auto::Ask));
    }
    if let Some(miss) = taken.labels.first() {
        let has = miss
            .have
            .as_ref()
            .map_or_else(|| format!("has no label {}", miss.key), |v| format!("has {}={v}", miss.key));
        finding.title =
            format!("{who} takes rules with {}={}; {} {has}", miss.key, miss.wanted, object.reference());
        for miss in &taken.labels {
            let have = miss.have.clone().unwrap_or_else(|| "(none)".to_owned());
            finding = finding.row(format!("labels.{}", miss.key), have, format!("wanted: {}", miss.wanted));
        }
        let changes =
            prometheus.selector(Selected::Rule).and_then(|s| labels_to_meet(&s, &object.meta.labels));
        return match changes.filter(|c| !c.is_empty()) {
            Some(changes) => finding.fix(label(facts, object, "prometheusrules", &changes, Auto::Yes)),
            None => finding.fix(Fix::Outside(
                "no labels meet this selector: change ruleSelector of the Prometheus object".to_owned(),
            )),
        };
    }
    let namespace = &object.meta.namespace;
    finding.title = format!("{who} does not look for rules in namespace {namespace}");
    let rule = if taken.other_namespace {
        "(not set): its own namespace alone".to_owned()
    } else {
        format!(
            "{:?}",
            taken.namespace_labels.iter().map(|m| format!("{}: {}", m.key, m.wanted)).collect::<Vec<_>>()
        )
    };
    finding
        .cause(prometheus.object, "/spec/ruleNamespaceSelector")
        .row("ruleNamespaceSelector", rule, "")
        .row(object.reference().to_string(), namespace.clone(), "")
        .fix(mend::set(facts, prometheus.object, "/spec/ruleNamespaceSelector", json!({}), Auto::Ask))
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Snapshot;
    use crate::testing::{findings, mends, rule, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    fn with(labels: Value, selector: Option<Value>) -> Snapshot {
        snapshot(&Options::default(), |o| {
            let mut object = rule("r", &[("Down", "felix_host == 0")]);
            object["metadata"]["labels"] = labels;
            o.add(object);
            if let Some(selector) = selector {
                set(
                    o.get("Prometheus", "prometheus-kube-prometheus-prometheus"),
                    "/spec/ruleSelector",
                    selector,
                );
            }
        })
    }

    #[test]
    fn labels_decide() {
        assert_eq!(findings("T901", &with(json!({"release": "prometheus"}), None)), Vec::<String>::new());
        let snap = with(json!({"release": "kps"}), None);
        assert_eq!(
            findings("T901", &snap),
            [
                "fail felix PrometheusRule monitoring/r: Prometheus monitoring/prometheus-kube-prometheus-prometheus takes rules with \
              release=prometheus; PrometheusRule monitoring/r has release=kps"
            ]
        );
        assert_eq!(
            mends("T901", &snap),
            [
                "kubectl --context=test -n monitoring label prometheusrules.v1.monitoring.coreos.com r release=prometheus --overwrite"
            ]
        );
        let null = with(json!({}), Some(Value::Null));
        assert_eq!(
            findings("T901", &null),
            [
                "fail felix PrometheusRule monitoring/r: Prometheus monitoring/prometheus-kube-prometheus-prometheus has no ruleSelector, \
              which takes no rule at all"
            ]
        );
    }

    #[test]
    fn rules_of_others_are_not_judged() {
        let snap = snapshot(&Options::default(), |o| {
            let mut object = rule("r", &[("Down", "node_load1 > 5")]);
            object["metadata"]["labels"] = json!({});
            o.add(object);
        });
        assert_eq!(findings("T901", &snap), Vec::<String>::new());
    }
}
