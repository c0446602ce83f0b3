//! # The monitor selects the Service
//!
//! **Looks at** `spec.selector` of the ServiceMonitor and at the labels of the Service that sends to the metrics.
//!
//! **Why it breaks silently.** The selector is met by the labels of the Service, not by those of the pods, not by the
//! Service's name, and not by the Service's own selector. Calico's documentation gives its Services no labels at all. And
//! `k8s-app: calico-typha` selects Typha's other Service, whose port speaks TLS to Felix: all targets are down.
//!
//! **How to mend.** Put a label of the Service into the selector. Where several components share the monitor, or the
//! Service has no label, label the Service instead.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend_link;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::monitors::{Kind, Monitor};
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T505",
    slug: "selects-no-service",
    title: "the monitor selects the Service",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T501", "T401"],
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
    match monitor.kind {
        Kind::Service => {}
        Kind::Pod => return pods(facts, branch),
        Kind::ScrapeConfig => return None,
    }
    // Only a Service that is there can be missed; T401, T402 and T409 speak of the others.
    let (ServiceLink::Whole(i) | ServiceLink::Unnamed(i, _)) = facts.service_link(component) else {
        return None;
    };
    let service = facts.services(component).get(i)?;
    let misses = match &monitor.selector {
        Some(selector) => selector.misses(&service.service.meta.labels),
        None => Vec::new(),
    };
    let selects = monitor.selector.is_some() && misses.is_empty();
    match &branch.reach {
        Reach::Nothing | Reach::OtherPort(..) if !selects => {}
        _ => return Some(Judged::pass(entity)),
    }
    Some(Judged::fail(entity, finding(facts, branch, service)))
}

/// A PodMonitor selects pods, not Services.
fn pods(facts: &Facts<'_>, branch: &Branch) -> Option<Judged> {
    let entity = Entity::of(branch.component);
    let monitor = facts.monitor(branch);
    let workload = facts.workloads.get(&branch.component)?;
    let selects = monitor.selector.as_ref().is_some_and(|s| s.matches(&workload.labels));
    if selects || branch.reach != Reach::Nothing {
        return Some(Judged::pass(entity));
    }
    let written = monitor.selector.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string);
    let app = workload.labels.get("k8s-app").cloned().unwrap_or_default();
    let title = format!("the monitor's selector {written} matches no pod of {}", branch.component.title());
    let mut finding = Finding::new(title)
        .cause(monitor.object, "/spec/selector")
        .heading(monitor.object.reference().to_string())
        .row("selector", written.clone(), "met by labels of pods")
        .row("pods", workload.pods.len().to_string(), format!("k8s-app={app}"));
    finding.cause.have = written;
    let wanted = json!({"matchLabels": {"k8s-app": app}});
    let fix =
        mend_link::pointer(facts, monitor.object, monitor.plural(), "/spec/selector", wanted, Auto::Ask);
    Some(Judged::fail(entity, finding.fix(fix)))
}

fn finding(facts: &Facts<'_>, branch: &Branch, service: &MetricsService<'_>) -> Finding {
    let monitor = facts.monitor(branch);
    let labels = &service.service.meta.labels;
    let written = monitor.selector.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string);
    let title = match &branch.reach {
        Reach::OtherPort(i, j) => {
            let other = facts.services(branch.component).get(*i);
            let name = other.map(|s| s.service.meta.name.as_str()).unwrap_or_default();
            let port = other.and_then(|s| s.service.ports.get(*j)).map_or(0, |p| p.port);
            format!(
                "the monitor selects {name}, whose port {port} has no metrics; {} has them",
                service.service.meta.name
            )
        }
        _ => format!("the monitor's selector {written} matches no Service of {}", branch.component.title()),
    };
    let mut finding = Finding::new(title)
        .cause(monitor.object, "/spec/selector")
        .heading(monitor.object.reference().to_string())
        .row("selector", written.clone(), "met by labels of Services")
        .row(
            service.reference().to_string(),
            "",
            if service.by_operator { "kept by Tigera's operator" } else { "" },
        );
    finding.cause.have = written;
    if labels.is_empty() {
        finding = finding.row("labels", "(none)", "");
    }
    for (key, value) in labels {
        finding = finding.row("label", format!("{key}={value}"), "");
    }
    if let Some(miss) = monitor.selector.as_ref().and_then(|s| s.misses(labels).into_iter().next()) {
        let value = labels.get(&miss.key).map(String::as_str).unwrap_or_default();
        if !value.is_empty() {
            let choices = [Choice { value, fact: Some("the label of the Service with the metrics") }];
            finding = finding.candidates(rank(&miss.wanted, &choices, "Service of these metrics"));
        }
    }
    match fix(facts, monitor, service) {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

fn fix(facts: &Facts<'_>, monitor: &Monitor<'_>, service: &MetricsService<'_>) -> Option<Fix> {
    let labels = &service.service.meta.labels;
    let shared = facts
        .monitors
        .iter()
        .any(|m| m.component != monitor.component && m.object.reference() == monitor.object.reference());
    if !shared && !labels.is_empty() {
        let app = labels.get_key_value("k8s-app").map(|(k, v)| json!({k: v}));
        let wanted = json!({"matchLabels": app.unwrap_or_else(|| json!(labels))});
        return Some(mend_link::pointer(
            facts,
            monitor.object,
            monitor.plural(),
            "/spec/selector",
            wanted,
            Auto::Ask,
        ));
    }
    let changes = mend_link::labels_to_meet(monitor.selector.as_ref()?, labels)?;
    // Foreign labels stay on a Service that the operator keeps; its own do not change.
    if service.by_operator
        && changes.iter().any(|c| labels.contains_key(c.split(['=', '-']).next().unwrap_or_default()))
    {
        return None;
    }
    let kubectl = Command::kubectl(&facts.snap.identity);
    let commands =
        changes.iter().map(|c| kubectl.clone().label(&service.reference(), "services", c)).collect();
    Some(Fix::Commands { auto: Auto::Ask, commands })
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, object, set};

    fn selector(o: &mut Objects, name: &str, labels: Value) {
        set(o.get("ServiceMonitor", name), "/spec/selector/matchLabels", labels);
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T505", &snapshot(&Options::default(), change)), expect);
    }

    #[test]
    fn labels_of_services_count_not_of_pods() {
        check(|_| {}, &[]);
        check(
            |o| selector(o, "calico-felix", json!({"k8s-app": "calico-felix"})),
            &["fail felix: the monitor's selector k8s-app=calico-felix matches no Service of Felix"],
        );
        check(
            |o| {
                selector(o, "calico-typha", json!({"k8s-app": "calico-typha"}));
                set(o.get("ServiceMonitor", "calico-typha"), "/spec/endpoints/0/port", json!("calico-typha"));
            },
            &[
                "fail typha: the monitor selects calico-typha, whose port 5473 has no metrics; calico-typha-metrics has them",
            ],
        );
    }

    #[test]
    fn a_pod_monitor_is_compared_with_pods() {
        let pod_monitor = |app: &str| {
            let options = Options { calico: 31, ..Options::default() };
            snapshot(&options, |o| {
                o.remove("ServiceMonitor", "calico-felix");
                o.remove("Service", "tortie-felix-metrics");
                let rule = json!({"sourceLabels": ["__meta_kubernetes_pod_ip"], "targetLabel": "__address__", "replacement": "$1:9091"});
                let spec = json!({"selector": {"matchLabels": {"k8s-app": app}}, "podMetricsEndpoints": [{"relabelings": [rule]}],
                    "namespaceSelector": {"matchNames": ["calico-system"]}});
                let mut monitor =
                    object("monitoring.coreos.com/v1", "PodMonitor", "monitoring", "felix", spec);
                set(&mut monitor, "/metadata/labels", json!({"release": "prometheus"}));
                o.add(monitor);
            })
        };
        assert_eq!(roots(&pod_monitor("calico-node")), [""; 0]);
        let broken = pod_monitor("calico-felix");
        assert_eq!(roots(&broken), ["T505"]);
        assert_eq!(
            findings("T505", &broken),
            ["fail felix: the monitor's selector k8s-app=calico-felix matches no pod of Felix"]
        );
    }

    #[test]
    fn the_selector_gets_the_label_of_the_service() {
        let snap = snapshot(&Options::default(), |o| selector(o, "calico-felix", json!({"app": "felix"})));
        assert_eq!(roots(&snap), ["T505"]);
        assert_eq!(
            mends("T505", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/selector\",\"value\":{\"matchLabels\":{\"app\":\"felix\"}}},\
              {\"op\":\"replace\",\"path\":\"/spec/selector\",\"value\":{\"matchLabels\":{\"k8s-app\":\"tortie-felix-metrics\"}}}]'"
            ]
        );
    }

    #[test]
    fn a_service_without_labels_gets_one() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/metadata/labels", json!({}))
        });
        assert_eq!(
            mends("T505", &snap),
            [
                "kubectl --context=test -n calico-system label services tortie-felix-metrics k8s-app=tortie-felix-metrics --overwrite"
            ]
        );
    }
}
