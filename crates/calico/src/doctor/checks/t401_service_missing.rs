//! # A Service sends to the component's metrics
//!
//! **Looks at** the Services of all namespaces: does one select the component's pods and end at its metrics port? Asked only
//! when nothing else (a PodMonitor, a ScrapeConfig, a job by hand) reaches the pods.
//!
//! **Why it breaks silently.** A ServiceMonitor finds nothing by itself: it selects Services, and scrapes the pods behind
//! them. Calico brings no Service for Felix in any version, none for Typha before 3.28, and manifests bring none at all.
//! Without one the monitor is accepted and finds nothing, and no object says so.
//!
//! **How to mend.** Create a headless Service with a named port and a label. The command makes one that fits the monitor
//! that waits for it, if there is one.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::by_hand::ByHand;
use crate::facts::monitors::Port;
use crate::facts::service_link::ServiceLink;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T401",
    slug: "service-missing",
    title: "a Service sends to the component's metrics",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    match facts.service_link(component) {
        ServiceLink::Missing => {}
        // The setting that is off brings the Service: T209 and T213 speak of it.
        ServiceLink::Comes => return None,
        _ => return Some(Judged::pass(entity)),
    }
    if let Some(judged) = blind::list(facts, &entity, "services") {
        return Some(judged);
    }
    if let Some(judged) = blind::only_files(facts, &entity, "the Service") {
        return Some(judged);
    }
    if facts.by_hand(component) == ByHand::Unseen {
        return Some(blind::absent(facts, entity, "the Secret of additionalScrapeConfigs"));
    }
    let title = format!("no Service sends to the metrics of {}", component.title());
    let mut finding = Finding::new(title);
    // Three components without a Service are three things to make.
    finding.cause.have = component.as_str().to_owned();
    if let Some(workload) = facts.workloads.get(&component) {
        let app = workload.labels.get("k8s-app").map(String::as_str).unwrap_or_default();
        finding = finding
            .heading(format!("namespace {}", workload.namespace))
            .row("pods", workload.pods.len().to_string(), format!("k8s-app={app}"))
            .row("metrics port", facts.settings.port(component).to_string(), "");
    }
    Some(Judged::fail(entity, finding.fix(create(facts, component)?)))
}

/// A Service that fits the monitor which waits for it.
fn create(facts: &Facts<'_>, component: Component) -> Option<Fix> {
    let workload = facts.workloads.get(&component)?;
    let name = format!("tortie-{component}-metrics");
    let mut port = format!("{component}-metrics");
    let mut labels = BTreeMap::from([("k8s-app".to_owned(), name.clone())]);
    if let Some(branch) = facts.best(component) {
        let monitor = facts.monitor(branch);
        if let Port::Name(wanted) = &monitor.port
            && is_port_name(wanted)
        {
            port.clone_from(wanted);
        }
        if let Some(wanted) =
            monitor.selector.as_ref().and_then(|s| s.solve(&BTreeMap::new())).filter(|l| !l.is_empty())
        {
            labels = wanted;
        }
    }
    let number = facts.settings.port(component);
    let lines = |map: &BTreeMap<String, String>| -> String {
        map.iter().map(|(k, v)| format!("    {k}: {}\n", serde_json::Value::from(v.as_str()))).collect()
    };
    let key = "k8s-app";
    let pods = match workload.labels.get(key) {
        Some(app) => BTreeMap::from([(key.to_owned(), app.clone())]),
        None => workload.labels.clone(),
    };
    let yaml = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  namespace: {}\n  labels:\n{}spec:\n  clusterIP: None\n  selector:\n{}  ports:\n  - name: {port}\n    port: {number}\n    targetPort: {number}\n",
        workload.namespace,
        lines(&labels),
        lines(&pods),
    );
    Some(mend_link::apply(facts, yaml, Auto::Yes))
}

/// What the API server takes as the name of a Service's port.
fn is_port_name(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Kind, Objects, Options, set};

    #[track_caller]
    fn check(options: &Options, change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T401", &snapshot(options, change)), expect);
    }

    #[test]
    fn each_component_needs_a_way() {
        let options = Options::default();
        check(&options, |_| {}, &[]);
        check(
            &options,
            |o| {
                o.remove("Service", "tortie-felix-metrics");
            },
            &["fail felix: no Service sends to the metrics of Felix"],
        );
        check(
            &Options { kind: Kind::Manifest, chain: false, ..Options::default() },
            |_| {},
            &[
                "fail felix: no Service sends to the metrics of Felix",
                "fail typha: no Service sends to the metrics of Typha",
                "fail kube-controllers: no Service sends to the metrics of kube-controllers",
            ],
        );
    }

    #[test]
    fn what_the_operator_will_bring_is_not_missed() {
        let off = Options { chain: false, calico: 28, ..Options::default() };
        check(&off, |_| {}, &["fail felix: no Service sends to the metrics of Felix"]);
    }

    #[test]
    fn the_service_fits_the_monitor_that_waits() {
        let snap = snapshot(&Options::default(), |o| {
            o.remove("Service", "tortie-felix-metrics");
            set(
                o.get("ServiceMonitor", "calico-felix"),
                "/spec/selector/matchLabels",
                json!({"app": "felix"}),
            );
        });
        assert_eq!(
            mends("T401", &snap),
            [
                "kubectl --context=test apply -f - <<'EOF'\napiVersion: v1\nkind: Service\nmetadata:\n  name: tortie-felix-metrics\n  \
              namespace: calico-system\n  labels:\n    app: \"felix\"\nspec:\n  clusterIP: None\n  selector:\n    k8s-app: \
              \"calico-node\"\n  ports:\n  - name: felix-metrics\n    port: 9091\n    targetPort: 9091\nEOF"
            ]
        );
    }
}
