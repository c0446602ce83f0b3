//! Faults of prometheus-operator, of Prometheus objects and of their rights.

use super::change::{gone, to, unset};
use super::symptom::{Live, Symptom};
use super::{Change, Entry, PROMETHEUS, Seen, fault, kube_prometheus};
use crate::inventory::Component::Felix;
use serde_json::json;

pub(super) fn faults() -> Vec<Entry> {
    let set = |pointer, value| vec![to("Prometheus", PROMETHEUS, pointer, value)];
    vec![
        fault(
            "prometheus-operator-down",
            "T601",
            "prometheus-operator has no pod that runs",
            vec![
                to("Deployment", "prometheus-kube-prometheus-operator", "/spec/replicas", json!(0)),
                to("Deployment", "prometheus-kube-prometheus-operator", "/status/readyReplicas", json!(0)),
                to(
                    "Deployment",
                    "prometheus-kube-prometheus-operator",
                    "/status/availableReplicas",
                    json!(0),
                ),
            ],
        ),
        fault(
            "no-prometheus",
            "T602",
            "there is no Prometheus object",
            vec![
                gone("Prometheus", PROMETHEUS),
                gone("StatefulSet", "prometheus-prometheus-kube-prometheus-prometheus"),
                gone("Pod", "prometheus-prometheus-kube-prometheus-prometheus-0"),
            ],
        )
        .outside(),
        fault(
            "paused",
            "T603",
            "the Prometheus object is paused",
            vec![
                to("Prometheus", PROMETHEUS, "/spec/paused", json!(true)),
                to("Prometheus", PROMETHEUS, "/metadata/generation", json!(4)),
            ],
        )
        .edit(),
        fault(
            "unmanaged",
            "T604",
            "all selectors are null: the operator writes no configuration",
            vec![
                unset("Prometheus", PROMETHEUS, "/spec/serviceMonitorSelector"),
                unset("Prometheus", PROMETHEUS, "/spec/podMonitorSelector"),
                unset("Prometheus", PROMETHEUS, "/spec/probeSelector"),
                unset("Prometheus", PROMETHEUS, "/spec/scrapeConfigSelector"),
            ],
        )
        .edit(),
        fault(
            "rbac-three-namespaces",
            "T607",
            "kube-prometheus' Prometheus may look into three namespaces, Calico is in another",
            vec![],
        )
.live(Live::Hand("kube-prometheus' own roles beside Calico in calico-system"))
        .in_cluster(crate::installs::Options { kind: crate::installs::Kind::Operator, ..kube_prometheus() }),
        fault(
            "rbac-no-binding",
            "T607",
            "the ClusterRoleBinding of Prometheus' account is gone",
            vec![gone("ClusterRoleBinding", PROMETHEUS)],
        ),
        fault(
            "prometheus-not-ready",
            "T608",
            "Prometheus' pod is not ready",
            vec![
                to("Prometheus", PROMETHEUS, "/status/availableReplicas", json!(0)),
                to("Prometheus", PROMETHEUS, "/status/conditions/0/status", json!("False")),
                to(
                    "StatefulSet",
                    "prometheus-prometheus-kube-prometheus-prometheus",
                    "/status/readyReplicas",
                    json!(0),
                ),
                Change::SetAll {
                    kind: "Pod",
                    prefix: "prometheus-prometheus-kube",
                    pointer: "/status/conditions/0/status",
                    value: json!("False"),
                },
            ],
        )
.live(Live::Hand("the kubelet reports that the pod is not ready"))
        .outside(),
        fault(
            "enforced-sample-limit",
            "T610",
            "an enforced sample limit is below what Typha exposes",
            set("/spec/enforcedSampleLimit", json!(150)),
        )
        .edit()
        .by(Seen::Paper),
        fault(
            "operator-namespaces",
            "T517",
            "the operator watches one other namespace only",
            vec![to(
                "Deployment",
                "prometheus-kube-prometheus-operator",
                "/spec/template/spec/containers/0/args",
                json!(["--namespaces=apps"]),
            )],
        ),
        fault(
            "operator-denies-namespace",
            "T517",
            "the operator was told to leave out the namespace of the monitors",
            vec![
                to("Deployment", OPERATOR, "/spec/template/spec/containers/0/args",
                    json!(["--deny-namespaces=calico-system", "--prometheus-instance-namespaces=monitoring"])),
                gone("ServiceMonitor", "calico-felix"), Change::Add(super::monitors::moved("calico-system")),
            ],
        )
        .outside(),
        fault("two-operators", "T601", "a second prometheus-operator keeps the same objects", vec![Change::Add(second_operator())])
            .outside(),
        fault(
            "reconcile-fails",
            "T603",
            "the Secret of additionalScrapeConfigs is missing, so the operator changes nothing any more",
            vec![
                to("Prometheus", PROMETHEUS, "/spec/additionalScrapeConfigs", json!({"name": "more-jobs", "key": "jobs.yaml"})),
                to("Prometheus", PROMETHEUS, "/status/conditions/1/status", json!("False")),
                to("Prometheus", PROMETHEUS, "/status/conditions/1/reason", json!("ReconciliationFailed")),
                to("Prometheus", PROMETHEUS, "/status/conditions/1/message",
                    json!("creating config failed: loading additional scrape configs from Secret failed: secrets \"more-jobs\" not found")),
            ],
        )
        .outside(),
        fault(
            "prometheus-crashes",
            "T608",
            "additionalArgs names a flag that Prometheus does not have, so its container ends again and again",
            vec![
                to("Prometheus", PROMETHEUS, "/spec/additionalArgs", json!([{"name": "storage.tsdb.no-such-flag", "value": "1"}])),
                to("Prometheus", PROMETHEUS, "/status/availableReplicas", json!(0)),
                to("StatefulSet", "prometheus-prometheus-kube-prometheus-prometheus", "/status/readyReplicas", json!(0)),
                to("Pod", "prometheus-prometheus-kube-prometheus-prometheus-0", "/status/conditions/0/status", json!("False")),
                to("Pod", "prometheus-prometheus-kube-prometheus-prometheus-0", "/status/containerStatuses/0/ready", json!(false)),
                to("Pod", "prometheus-prometheus-kube-prometheus-prometheus-0", "/status/containerStatuses/0/state",
                    json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}})),
            ],
        )
        .outside(),
        fault(
            "prometheus-zero",
            "T608",
            "somebody scaled Prometheus to no replica",
            vec![
                to("Prometheus", PROMETHEUS, "/spec/replicas", json!(0)),
                gone("Pod", "prometheus-prometheus-kube-prometheus-prometheus-0"),
                to("StatefulSet", "prometheus-prometheus-kube-prometheus-prometheus", "/status/readyReplicas", json!(0)),
            ],
        )
        .edit(),
        fault("left-out-in-silence", "T605", "the operator leaves the monitor out, and its Event is gone since an hour", vec![
            to("ServiceMonitor", "calico-felix", "/spec/endpoints/0/tlsConfig", json!({"ca": {"configMap": {"name": "felix-ca", "key": "ca.crt"}}})),
        ])
        .outside()
        .shows(Seen::Prometheus, vec![Symptom::NotGenerated(Felix), Symptom::NotLoaded(Felix), Symptom::NoTargets(Felix)])
        .live(Live::Hand("a CA that cannot be read, and the Event deleted")),
        fault("reload-refused", "T606", "a job written by hand is wrong, so Prometheus refuses every newer configuration", vec![
            Change::Add(more_jobs("- static_configs: [{targets: [\"pushgateway:9091\"]}]\n")),
            to("Prometheus", PROMETHEUS, "/spec/additionalScrapeConfigs", json!({"name": "more-jobs", "key": "jobs.yaml"})),
        ])
        .outside()
        .shows(Seen::Prometheus, vec![
            Symptom::ReloadRefused("err=\"couldn't load configuration (--config.file=\\\"/etc/prometheus/config_out/prometheus.env.yaml\\\"): parsing YAML file: job name is empty\""),
            Symptom::NotLoaded(Felix),
            Symptom::NoTargets(Felix),
        ]),
        fault("reloader-behind", "T606", "the reloader has not brought the newest configuration to Prometheus", vec![])
            .outside()
            .shows(Seen::Prometheus, vec![Symptom::NotLoaded(Felix), Symptom::NoTargets(Felix)])
            .live(Live::Hand("the container config-reloader hangs while monitors are selected anew")),
    ]
}

/// The Secret of `additionalScrapeConfigs`.
pub(super) fn more_jobs(jobs: &str) -> serde_json::Value {
    let mut o = crate::installs::object("v1", "Secret", "monitoring", "more-jobs", serde_json::Value::Null);
    o["stringData"] = json!({"jobs.yaml": jobs});
    o
}

const OPERATOR: &str = "prometheus-kube-prometheus-operator";

fn second_operator() -> serde_json::Value {
    let labels =
        json!({"app.kubernetes.io/name": "prometheus-operator", "app.kubernetes.io/instance": "old"});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [
        {"name": "prometheus-operator", "image": "prometheus-operator/prometheus-operator:v0.89.0", "args": []}]}}});
    let mut o = crate::installs::object("apps/v1", "Deployment", "default", "prometheus-operator", spec);
    o["metadata"]["labels"] = labels;
    o["status"] = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
    o
}
