//! Faults of monitors and of what selects them.

use super::change::{gone, to, unset};
use super::{Change, Entry, PROMETHEUS, fault, manifest};
use crate::installs::{object, set};
use serde_json::{Value, json};

const FELIX: &str = "calico-felix";

fn felix(pointer: &'static str, value: Value) -> Vec<Change> {
    vec![to("ServiceMonitor", FELIX, pointer, value)]
}

fn prometheus(pointer: &'static str, value: Value) -> Vec<Change> {
    vec![to("Prometheus", PROMETHEUS, pointer, value)]
}

pub(super) fn faults() -> Vec<Entry> {
    let monitors_label = |key: &'static str, value: Value| {
        prometheus("/spec/serviceMonitorNamespaceSelector", json!({"matchLabels": {key: value}}))
    };
    vec![
        fault("no-monitor", "T501", "nobody made a ServiceMonitor for Felix", vec![gone("ServiceMonitor", FELIX)]),
        fault("no-monitor-kube-controllers", "T501", "nobody made a ServiceMonitor for kube-controllers", vec![gone("ServiceMonitor", "calico-kube-controllers")]),
        fault("release-label", "T502", "the monitor lacks the label that Prometheus takes", vec![unset("ServiceMonitor", FELIX, "/metadata/labels/release")]),
        fault("wrong-release", "T502", "the monitor has the label of another release", felix("/metadata/labels/release", json!("kube-prom"))),
        fault("release-label-typha", "T502", "Typha's monitor lacks the label that Prometheus takes", vec![unset("ServiceMonitor", "calico-typha", "/metadata/labels/release")]),
        fault("namespace-not-selected", "T503", "Prometheus looks for monitors in labelled namespaces only", monitors_label("monitoring", json!("on"))),
        fault("namespace-selector-null", "T503", "a null namespace selector means Prometheus' own namespace, the monitor is elsewhere", vec![
            unset("Prometheus", PROMETHEUS, "/spec/serviceMonitorNamespaceSelector"),
            Change::Remove { kind: "ServiceMonitor", name: FELIX },
            Change::Add(moved("calico-system")),
        ])
        .edit(),
        fault("null-selector", "T504", "serviceMonitorSelector is null, which takes nothing", vec![unset("Prometheus", PROMETHEUS, "/spec/serviceMonitorSelector")])
        .edit(),
        fault("selector-typo", "T505", "the monitor's selector has a value that no Service has", felix("/spec/selector/matchLabels/k8s-app", json!("tortie-felix-metric"))),
        fault("selector-pod-label", "T505", "the monitor selects by the pods' label, Services have their own", felix("/spec/selector/matchLabels/k8s-app", json!("calico-node"))),
        fault("selector-extra-label", "T505", "the monitor asks for a label that the Service lacks", felix("/spec/selector/matchLabels/tier", json!("node"))),
        fault("namespace-typo", "T506", "the monitor's namespace has a letter too few", felix("/spec/namespaceSelector/matchNames/0", json!("calico-sytem"))),
        fault("namespace-default", "T506", "without a namespaceSelector a monitor looks in its own namespace", vec![unset("ServiceMonitor", FELIX, "/spec/namespaceSelector")]),
        fault("namespace-kube-system", "T506", "the monitor still looks in kube-system, the operator moved Calico to calico-system", felix("/spec/namespaceSelector/matchNames/0", json!("kube-system"))),
        fault("port-name", "T507", "the monitor asks for a port name that the Service does not have", vec![
            to("ServiceMonitor", "calico-kube-controllers", "/spec/endpoints/0/port", json!("kube-controllers-metrics")),
        ]),
        fault("port-name-felix", "T507", "the monitor asks for metrics, the port is called felix-metrics", felix("/spec/endpoints/0/port", json!("metrics"))),
        fault("port-as-number", "T508", "the port's number stands where its name belongs", vec![
            to("ServiceMonitor", "calico-kube-controllers", "/spec/endpoints/0/port", json!("9094")),
        ]),
        fault("target-port", "T509", "targetPort is matched against declared container ports, and calico-node declares none", vec![
            unset("ServiceMonitor", FELIX, "/spec/endpoints/0/port"),
            to("ServiceMonitor", FELIX, "/spec/endpoints/0/targetPort", json!(9091)),
        ]),
        fault("pod-monitor-port", "T509", "a PodMonitor asks for a container port that kube-controllers does not declare", vec![
            gone("ServiceMonitor", "calico-kube-controllers"),
            Change::Add(pod_monitor()),
        ])
        .edit(),
        fault("rejected-secret", "T510", "the operator rejects the monitor: its Secret does not exist", vec![
            to("ServiceMonitor", FELIX, "/spec/endpoints/0/basicAuth", json!({"username": {"name": "nope", "key": "user"}, "password": {"name": "nope", "key": "password"}})),
            Change::Add(rejection("unable to get secret \"nope\": secrets \"nope\" not found")),
        ])
        .edit(),
        fault("scheme-https", "T511", "the monitor asks by https, Felix speaks http", felix("/spec/endpoints/0/scheme", json!("https"))),
        fault("wrong-path", "T511", "the monitor asks for /metric", felix("/spec/endpoints/0/path", json!("/metric"))),
        fault("timeout-over-interval", "T512", "the scrape timeout is longer than the interval, so the operator rejects the monitor", felix("/spec/endpoints/0/scrapeTimeout", json!("30s"))),
        fault("relabel-keep", "T513", "a relabelling keeps targets by a pod label that Calico's pods do not have", felix("/spec/endpoints/0/relabelings", json!([
            {"action": "keep", "sourceLabels": ["__meta_kubernetes_pod_label_app"], "regex": "calico-node"}]))),
        fault("relabel-drop", "T513", "a relabelling drops everything of calico-system", felix("/spec/endpoints/0/relabelings", json!([
            {"action": "drop", "sourceLabels": ["__meta_kubernetes_namespace"], "regex": "calico-system"}]))),
        fault("duplicate-monitors", "T515", "two monitors scrape the same Felix", vec![Change::Add(second())]),
        fault("metric-relabel-drops", "T514", "metricRelabelings drop what an alert reads", vec![
            to("ServiceMonitor", FELIX, "/spec/endpoints/0/metricRelabelings", json!([
                {"action": "drop", "sourceLabels": ["__name__"], "regex": "felix_int_dataplane_.*"}])),
            Change::Add(super::rules::rule(json!({"release": "prometheus"}), "increase(felix_int_dataplane_failures[5m]) > 0")),
        ]),
        fault("metric-relabel-keeps", "T514", "metricRelabelings keep a short list, and an alert reads what is not on it", vec![
            to("ServiceMonitor", FELIX, "/spec/endpoints/0/metricRelabelings", json!([
                {"action": "keep", "sourceLabels": ["__name__"], "regex": "up|felix_active_.*|felix_cluster_.*"}])),
            Change::Add(super::rules::rule(json!({"release": "prometheus"}), "felix_resync_state != 3")),
        ]),
        fault("relabel-invalid", "T510", "a relabelling has a pattern that is no regular expression", felix("/spec/endpoints/0/relabelings", json!([
            {"action": "keep", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "regex": "n(1|2"}])))
        .outside(),
        fault("interval-too-long", "T512", "the interval is as long as Prometheus looks back", felix("/spec/endpoints/0/interval", json!("5m"))),
        fault("selector-expression", "T505", "the monitor's matchExpressions leave the Service out", felix("/spec/selector", json!({
            "matchExpressions": [{"key": "k8s-app", "operator": "NotIn", "values": ["tortie-felix-metrics", "other"]}]})))
        ,
        fault("release-label-key", "T502", "the monitor's label is called Release, Prometheus takes release", vec![
            unset("ServiceMonitor", FELIX, "/metadata/labels/release"),
            to("ServiceMonitor", FELIX, "/metadata/labels/Release", json!("prometheus")),
        ]),
        fault("port-name-manifest", "T507", "a manifest's Service calls its port otherwise than the monitor", vec![
            to("ServiceMonitor", "calico-typha", "/spec/endpoints/0/port", json!("calico-typha-metrics")),
        ])
        .in_cluster(manifest()),
    ]
}

fn base(namespace: &str, name: &str) -> Value {
    let spec = json!({"endpoints": [{"port": "felix-metrics", "interval": "15s", "path": "/metrics"}],
        "namespaceSelector": {"matchNames": ["calico-system"]}, "selector": {"matchLabels": {"k8s-app": "tortie-felix-metrics"}}});
    let mut o = object("monitoring.coreos.com/v1", "ServiceMonitor", namespace, name, spec);
    o["metadata"]["labels"] = json!({"release": "prometheus"});
    o
}

pub(super) fn moved(namespace: &str) -> Value {
    base(namespace, FELIX)
}

fn second() -> Value {
    base("monitoring", "felix-again")
}

fn pod_monitor() -> Value {
    let spec = json!({"podMetricsEndpoints": [{"portNumber": 9094, "interval": "15s"}],
        "namespaceSelector": {"matchNames": ["calico-system"]}, "selector": {"matchLabels": {"k8s-app": "calico-kube-controllers"}}});
    let mut o =
        object("monitoring.coreos.com/v1", "PodMonitor", "monitoring", "calico-kube-controllers", spec);
    set(&mut o, "/metadata/labels/release", json!("prometheus"));
    o
}

/// The only trace that the operator leaves of a rejection.
fn rejection(message: &str) -> Value {
    let mut o = object("v1", "Event", "monitoring", "calico-felix.17f", Value::Null);
    o["involvedObject"] = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "namespace": "monitoring", "name": FELIX});
    o["reason"] = json!("InvalidConfiguration");
    o["type"] = json!("Warning");
    o["message"] =
        json!(format!("\"monitoring/{FELIX}\" was rejected due to invalid configuration: {message}"));
    o["lastTimestamp"] = json!("2026-01-07T08:00:00Z");
    o
}
