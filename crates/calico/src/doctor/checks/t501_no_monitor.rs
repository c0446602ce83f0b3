//! # A monitor points at the component
//!
//! **Looks at** ServiceMonitors, PodMonitors and ScrapeConfigs of all namespaces: does one select the component's Service or
//! pods, or carry its name? Jobs written by hand into Prometheus' configuration count too.
//!
//! **Why it breaks silently.** Calico makes no monitors. With metrics on and a Service in place everything looks ready, and
//! no Prometheus has been told.
//!
//! **How to mend.** Create a ServiceMonitor. The command makes one with the labels that your Prometheus object asks for and
//! the port name that the Service has.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::by_hand::ByHand;
use crate::facts::prometheus::{Prometheus, Selected};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T501",
    slug: "no-monitor",
    title: "a monitor points at the component",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T401", "T105"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.installed().map(|c| of(facts, c)).collect()
}

fn of(facts: &Facts<'_>, component: Component) -> Judged {
    let entity = Entity::of(component);
    let by_hand = facts.by_hand(component);
    if facts.best(component).is_some() || by_hand == ByHand::Yes {
        return Judged::pass(entity);
    }
    for resource in ["servicemonitors", "podmonitors"] {
        if let Some(judged) = blind::list(facts, &entity, &format!("{resource}.monitoring.coreos.com")) {
            return judged;
        }
    }
    if let Some(judged) = blind::only_files(facts, &entity, "a monitor") {
        return judged;
    }
    if by_hand == ByHand::Unseen {
        return blind::absent(facts, entity, "the Secret of additionalScrapeConfigs");
    }
    let title = format!("no ServiceMonitor, PodMonitor or ScrapeConfig points at {}", component.title());
    let mut finding = Finding::new(title);
    // Each component needs its own; they are not one finding.
    finding.cause.have = component.as_str().to_owned();
    if let Some(service) = facts.linked_service(component) {
        let port = service.metrics_port.and_then(|j| service.service.ports.get(j));
        let text = port.map(|p| format!("{}  {}", p.name, p.port)).unwrap_or_default();
        finding =
            finding.row(service.reference().to_string(), "", "").row("port", text, "ends at the metrics");
    }
    if let Some(fix) = create(facts, component) {
        finding = finding.fix(fix);
    }
    Judged::fail(entity, finding)
}

/// A ServiceMonitor for the Service that is there, labelled as the Prometheus object asks. Nothing while the Service is
/// missing: its own finding comes first.
fn create(facts: &Facts<'_>, component: Component) -> Option<Fix> {
    let service = facts.linked_service(component)?;
    let port = service.service.ports.get(service.metrics_port?).filter(|p| !p.name.is_empty())?;
    let prometheus = facts.prometheuses.iter().find(|p| p.selector(Selected::ServiceMonitor).is_some());
    let labels = prometheus
        .and_then(|p| p.selector(Selected::ServiceMonitor)?.solve(&BTreeMap::new()))
        .unwrap_or_default();
    let namespace = home(facts, prometheus, &service.service.meta.namespace);
    let quoted = |v: &str| Value::from(v).to_string();
    let map = |labels: &BTreeMap<String, String>, indent: &str| -> String {
        labels.iter().map(|(k, v)| format!("{indent}{k}: {}\n", quoted(v))).collect()
    };
    let own = &service.service.meta.labels;
    if own.is_empty() {
        return None;
    }
    let app = own.get_key_value("k8s-app").map(|(k, v)| BTreeMap::from([(k.clone(), v.clone())]));
    let selector = app.unwrap_or_else(|| own.clone());
    let head = if labels.is_empty() { String::new() } else { format!("  labels:\n{}", map(&labels, "    ")) };
    let yaml = format!(
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: tortie-{component}\n  namespace: {namespace}\n{head}spec:\n  namespaceSelector:\n    matchNames:\n    - {}\n  selector:\n    matchLabels:\n{}  endpoints:\n  - port: {}\n",
        service.service.meta.namespace,
        map(&selector, "      "),
        port.name,
    );
    Some(mend_link::apply(facts, yaml, Auto::Yes))
}

/// A namespace from which the Prometheus object takes monitors: its own, else the Service's.
fn home(facts: &Facts<'_>, prometheus: Option<&Prometheus<'_>>, service: &str) -> String {
    let Some(prometheus) = prometheus else { return service.to_owned() };
    let own = &prometheus.object.meta.namespace;
    let selector = prometheus.object.at(Selected::ServiceMonitor.namespace_selector());
    let selector = selector.and_then(|s| tortie_cluster::object::Selector::parse(s).ok().flatten());
    match selector {
        Some(s)
            if !s.matches(&facts.snap.namespace_labels(own))
                && s.matches(&facts.snap.namespace_labels(service)) =>
        {
            service.to_owned()
        }
        _ => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T501", &snapshot(&Options::default(), change)), expect);
    }

    fn gone(o: &mut Objects) {
        o.remove("ServiceMonitor", "calico-felix");
    }

    #[test]
    fn a_component_without_a_monitor_is_told() {
        check(|_| {}, &[]);
        check(gone, &["fail felix: no ServiceMonitor, PodMonitor or ScrapeConfig points at Felix"]);
        // A Secret that the source does not hold may name a job: that is no failure.
        check(
            |o| {
                gone(o);
                set(
                    o.get("Prometheus", "prometheus-kube-prometheus-prometheus"),
                    "/spec/additionalScrapeConfigs",
                    json!({"name": "more", "key": "jobs.yaml"}),
                );
            },
            &[],
        );
    }

    #[test]
    fn the_monitor_has_the_labels_that_prometheus_asks_for() {
        let snap = snapshot(&Options::default(), |o| {
            gone(o);
            let selector =
                json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["net", "ops"]}]});
            set(
                o.get("Prometheus", "prometheus-kube-prometheus-prometheus"),
                "/spec/serviceMonitorSelector",
                selector,
            );
        });
        let made =
            mends("T501", &snap).into_iter().find(|m| m.contains("tortie-felix\n")).expect("a command");
        assert!(made.contains("  labels:\n    team: \"net\"\n"), "{made}");
        assert!(
            made.contains("    - calico-system\n") && made.contains("  - port: felix-metrics\n"),
            "{made}"
        );
    }
}
