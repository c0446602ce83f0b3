//! States that are no faults: the doctor says a word of them, or why it cannot tell, and calls nothing broken.

use super::change::{gone, to, unset};
use super::panels::board;
use super::rules::rule;
use super::symptom::{Asked, Live, Symptom};
use super::{Change, Entry, PROMETHEUS, Seen, Told, fault, manifest, usual};
use crate::installs::{Options, object};
use serde_json::json;

pub(super) fn remarks() -> Vec<Entry> {
    let info = |entry: Entry| entry.told(Told::Info);
    let mut all = vec![
        info(fault("kept-by-argo", "T002", "Argo CD keeps the Installation", vec![to(
            "Installation", "default", "/metadata/annotations/argocd.argoproj.io~1tracking-id", json!("network:operator.tigera.io/Installation:/default"))])),
        info(fault("left-of-undo", "T004", "an undo that was cut short left a Service of setup's", vec![to(
            "Service", "tortie-felix-metrics", "/metadata/labels/app.kubernetes.io~1managed-by", json!("tortie"))]))
        .shows(Seen::Api, vec![Symptom::EmptyJournal])
        .mended(super::Mends::Command),
        fault("nameless-cluster", "T107", "the uid of kube-system may not be read", vec![gone("Namespace", "kube-system")])
            .told(Told::Unknown)
            .shows(Seen::Api, vec![Symptom::Live, Symptom::Nameless])
            .live(Live::Hand("the doctor runs as an account that may not get namespaces")),
        fault("no-typha", "T208", "a small cluster from manifests has no Typha", vec![])
            .told(Told::Skipped)
            .in_cluster(Options { typha: false, ..manifest() })
            .live(Live::Hand("Typha's Deployment, Service and monitor are deleted")),
        info(fault("windows-nodes", "T216", "Windows nodes are in the cluster and no Service reaches Felix there", vec![Change::Add(windows_node())])),
        info(fault("service-not-headless", "T411", "the metrics Service has an address that nobody needs", vec![to(
            "Service", "tortie-felix-metrics", "/spec/clusterIP", json!("10.96.3.4"))])),
        fault("young-monitor", "T518", "the monitor was made half a minute ago", vec![
            to("ServiceMonitor", "calico-felix", "/metadata/creationTimestamp", json!("2026-01-07T08:59:30Z")),
            to("ServiceMonitor", "calico-felix", "/metadata/managedFields", json!([{"manager": "kubectl-client-side-apply", "operation": "Update",
                "apiVersion": "monitoring.coreos.com/v1", "time": "2026-01-07T08:59:30Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}])),
        ])
        .told(Told::Pending)
        .live(Live::Hand("the monitor is applied anew, and the doctor asked at once")),
        info(fault("token-over-http", "T519", "the monitor sends its Prometheus' token to Felix over plain HTTP", vec![to(
            "ServiceMonitor", "calico-felix", "/spec/endpoints/0/bearerTokenFile", json!("/var/run/secrets/kubernetes.io/serviceaccount/token"))]))
        .mended(super::Mends::Command),
        info(fault("one-shard-asked", "T609", "Prometheus has two shards and only one could be asked", vec![to(
            "Prometheus", PROMETHEUS, "/spec/shards", json!(2)), Change::Add(second_shard())]))
        .shows(Seen::Prometheus, vec![])
        .live(Live::Model("with the chart's names Kubernetes refuses the pods of a second shard: their label controller-revision-hash is longer than 63")),
        fault("prometheus-unreachable", "T701", "the address that was given for Prometheus does not answer", vec![])
            .told(Told::Unknown)
            .shows(Seen::Prometheus, vec![Symptom::Live, Symptom::Unreachable("connection refused")])
            .live(Live::Hand("the doctor is given an address on which nobody listens")),
        info(fault("samples-refused", "T713", "Prometheus refused samples of some job", vec![]))
            .shows(Seen::Prometheus, vec![Symptom::Answer(Asked::Duplicates, vec![("{}", 41.0)])])
            .live(Live::Hand("one Felix sends a series twice with two values")),
        info(fault("many-series", "T714", "one Felix sends ten times the series that it should", vec![]))
            .shows(Seen::Prometheus, vec![Symptom::Answer(Asked::Scraped, vec![("{job=\"tortie-felix-metrics\", instance=\"10.99.1.2:9091\"}", 40_000.0)])])
            .live(Live::Hand("a process with forty thousand series")),
        info(fault("short-retention", "T716", "an alert looks back a week, samples are kept a day", vec![
            unset("Prometheus", PROMETHEUS, "/spec/retention"),
            Change::Add(rule(json!({"release": "prometheus"}), "increase(felix_resyncs_started[7d]) > 100")),
        ]))
        .mended(super::Mends::Edit),
        fault("panels-of-another-mode", "T805", "a panel reads what only the eBPF dataplane has", vec![Change::Add(
            board("calico", &["felix_host", "felix_bpf_events"]))])
        .told(Told::Skipped)
        .shows(Seen::Prometheus, vec![]),
        info(fault("no-ipam-dashboard", "T810", "no dashboard shows kube-controllers", vec![Change::Add(board("calico", &["felix_host"]))])),
    ];
    let mut blind = rule(json!({"release": "prometheus"}), "up{job=\"tortie-felix-metrics\"} == 0");
    if let Some(rules) = blind["spec"]["groups"][0]["rules"].as_array_mut() {
        rules.truncate(1);
    }
    all.push(
        info(fault(
            "blind-to-absence",
            "T913",
            "the alerts speak of targets that are down, and of none that vanish",
            vec![Change::Add(blind)],
        ))
        .mended(super::Mends::Command)
        .in_cluster(usual()),
    );
    all
}

fn windows_node() -> serde_json::Value {
    let mut node = object("v1", "Node", "", "w1", json!({}));
    node["metadata"]["labels"] = json!({"kubernetes.io/os": "windows", "kubernetes.io/hostname": "w1"});
    node["status"] = json!({"addresses": [{"type": "InternalIP", "address": "10.99.1.77"}],
        "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.36.3", "operatingSystem": "windows"}});
    node
}

/// The pod of the second shard, which the operator makes.
fn second_shard() -> serde_json::Value {
    let labels = json!({"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/managed-by": "prometheus-operator",
        "operator.prometheus.io/name": PROMETHEUS, "operator.prometheus.io/shard": "1", "prometheus": PROMETHEUS});
    let spec = json!({"nodeName": "n2", "serviceAccountName": PROMETHEUS, "containers": [
        {"name": "prometheus", "image": "prometheus/prometheus:v3.14.0", "ports": [{"name": "web", "containerPort": 9090, "protocol": "TCP"}]}]});
    let name = format!("prometheus-{PROMETHEUS}-shard-1-0");
    let mut pod = object("v1", "Pod", "monitoring", &name, spec);
    pod["metadata"]["labels"] = labels;
    pod["status"] = json!({"phase": "Running", "podIP": "10.99.64.31", "podIPs": [{"ip": "10.99.64.31"}], "hostIP": Options::node_ip(1),
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "prometheus", "ready": true, "restartCount": 0, "state": {"running": {}}}]});
    pod
}
