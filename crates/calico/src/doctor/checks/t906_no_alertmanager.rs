//! # Alerts go somewhere
//!
//! **Looks at** the Alertmanagers that Prometheus sends to: those it says are active, else those of the Prometheus object. Only where an
//! alert that somebody wrote reads Calico's series; those that tortie brings along ask for nobody by themselves.
//!
//! **Why it breaks silently.** Alerts fire on Prometheus' page, and nobody is told. Prometheus counts what it drops and says nothing.
//!
//! **How to mend.** Name an Alertmanager in `spec.alerting` of the Prometheus object; when one is named, see whether its Service has
//! endpoints and its port the name that is asked for.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::prometheus::{Prometheus, Selected};
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T906",
    slug: "no-alertmanager",
    title: "alerts go somewhere",
    station: Station::Rules,
    level: Level::Fail,
    needs: &["T602"],
    evidence: &[Evidence::Objects, Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.alerted_by_people().is_empty() {
        let why = if facts.alerted().is_empty() {
            "no alert that reads Calico's series is in sight"
        } else {
            "only the alerts that tortie brings along read Calico's series, and they ask for nobody by themselves"
        };
        return vec![Judged::skipped(Entity::cluster(), why)];
    }
    let told: Vec<&Vec<String>> = facts.reachable().filter_map(|c| c.alertmanagers.as_ref()).collect();
    if told.iter().any(|a| !a.is_empty()) {
        return vec![Judged::pass(Entity::cluster())];
    }
    if !told.is_empty() {
        let mut finding = Finding::new("Prometheus has no active Alertmanager: its alerts reach nobody")
            .confidence(Confidence::Observed);
        if let Some(prometheus) = taking(facts) {
            finding = finding.cause(prometheus.object, "/spec/alerting");
            for named in prometheus.object.list("/spec/alerting/alertmanagers") {
                let text = |k: &str| named[k].as_str().map_or_else(|| named[k].to_string(), str::to_owned);
                let name = format!("{}/{}", text("namespace"), text("name"));
                finding = finding.row(
                    name,
                    format!("port {}", text("port")),
                    "named, and no endpoint of it answers to that",
                );
            }
        }
        return vec![Judged::fail(Entity::cluster(), finding.fix(fix()))];
    }
    let Some(prometheus) = taking(facts) else { return Vec::new() };
    let entity = Entity::prometheus(prometheus.name.clone());
    if sends(prometheus) {
        let down = down(facts, prometheus);
        return vec![down.map_or_else(|| Judged::pass(entity.clone()), |f| Judged::fail(entity.clone(), f))];
    }
    let finding = Finding::new(format!(
        "{} names no Alertmanager: its alerts reach nobody",
        prometheus.object.reference()
    ))
    .cause(prometheus.object, "/spec/alerting")
    .row(prometheus.object.reference().to_string(), "(not set)", "spec.alerting")
    .fix(fix());
    vec![Judged::fail(entity, finding)]
}

/// The finding when every Alertmanager that is named is an object without replicas.
fn down(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> Option<Finding> {
    if prometheus.object.at("/spec/additionalAlertManagerConfigs").is_some_and(|v| !v.is_null()) {
        return None;
    }
    let home = &prometheus.object.meta.namespace;
    let objects: Vec<_> = prometheus
        .object
        .list("/spec/alerting/alertmanagers")
        .iter()
        .map(|named| {
            let (name, namespace) = (named["name"].as_str(), named["namespace"].as_str().unwrap_or(home));
            facts.snap.of("monitoring.coreos.com", "Alertmanager").find(|o| {
                Some(o.meta.name.as_str()) == name
                    && o.meta.namespace == namespace
                    && o.at("/spec/replicas").and_then(Value::as_i64) == Some(0)
            })
        })
        .collect::<Option<_>>()?;
    let object = objects.first()?;
    let title = format!("{} has no replica: alerts reach nobody", object.reference());
    let finding = Finding::new(title).cause(object, "/spec/replicas").row(
        object.reference().to_string(),
        "replicas: 0",
        "the only one that Prometheus is given",
    );
    Some(finding.fix(Fix::Outside("give the Alertmanager object its replicas back".to_owned())))
}

fn fix() -> Fix {
    Fix::Outside("name an Alertmanager in spec.alerting.alertmanagers of the Prometheus object, and see that its Service has ready endpoints".to_owned())
}

/// The Prometheus object that takes rules on Calico's series; where none takes them, T901 speaks.
fn taking<'f, 'a>(facts: &'f Facts<'a>) -> Option<&'f Prometheus<'a>> {
    let objects: Vec<_> = facts.rules().iter().filter_map(|r| r.object.as_ref()).collect();
    let takes =
        |p: &&Prometheus<'_>| objects.iter().any(|(o, _)| p.takes(Selected::Rule, o, facts.snap).yes());
    facts.prometheuses.iter().filter(|p| p.object.gvk.kind == "Prometheus").find(takes)
}

fn sends(prometheus: &Prometheus<'_>) -> bool {
    let listed = prometheus
        .object
        .at("/spec/alerting/alertmanagers")
        .and_then(Value::as_array)
        .is_some_and(|l| !l.is_empty());
    let additional =
        prometheus.object.at("/spec/additionalAlertManagerConfigs").is_some_and(|v| !v.is_null());
    listed || additional
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, rule, running, snapshot};
    use serde_json::Value;
    use tortie_sim::installs::{Options, set};

    #[test]
    fn what_prometheus_says_counts_first() {
        #[track_caller]
        fn check(alertmanagers: &[&str], with_rule: bool, expect: &[&str]) {
            let mut snap = running(&Options::default(), |o| {
                if with_rule {
                    o.add(rule("r", &[("Down", "felix_host == 0")]));
                }
            });
            snap.collectors[0].alertmanagers = Some(alertmanagers.iter().map(|a| (*a).to_owned()).collect());
            assert_eq!(findings("T906", &snap), expect);
        }
        check(&["a:9093"], true, &[]);
        check(&[], false, &[]);
        check(&[], true, &["fail cluster: Prometheus has no active Alertmanager: its alerts reach nobody"]);
    }

    #[test]
    fn one_without_replicas_is_none() {
        #[track_caller]
        fn check(replicas: u64, expect: &[&str]) {
            let snap = snapshot(&Options::default(), |o| {
                o.add(rule("r", &[("Down", "felix_host == 0")]));
                let name = "prometheus-kube-prometheus-alertmanager";
                set(o.get("Alertmanager", name), "/spec/replicas", replicas.into());
            });
            assert_eq!(findings("T906", &snap), expect, "{replicas}");
        }
        check(1, &[]);
        check(
            0,
            &["fail prometheus/monitoring/prometheus-kube-prometheus-prometheus: Alertmanager \
               monitoring/prometheus-kube-prometheus-alertmanager has no replica: alerts reach nobody"],
        );
    }

    #[test]
    fn the_object_tells_offline() {
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Down", "felix_host == 0")]));
            set(o.get("Prometheus", "prometheus-kube-prometheus-prometheus"), "/spec/alerting", Value::Null);
        });
        assert_eq!(
            findings("T906", &snap),
            ["fail prometheus/monitoring/prometheus-kube-prometheus-prometheus: Prometheus \
              monitoring/prometheus-kube-prometheus-prometheus names no Alertmanager: its alerts reach nobody"]
        );
    }
}
