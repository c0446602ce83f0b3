//! Faults of prometheus-operator, of Prometheus objects and of their rights.

use super::change::{gone, to, unset};
use super::{Change, Entry, PROMETHEUS, fault, kube_prometheus};
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
        .outside(),
        fault(
            "enforced-sample-limit",
            "T610",
            "an enforced sample limit is below what Typha exposes",
            set("/spec/enforcedSampleLimit", json!(100)),
        )
        .edit()
        .by(super::Seen::Prometheus),
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
    ]
}
