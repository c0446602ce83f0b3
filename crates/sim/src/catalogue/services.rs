//! Faults of Services and their endpoints.

use super::change::{gone, to, unset};
use super::{Change, Entry, fault, manifest};
use crate::installs::object;
use serde_json::json;

const FELIX: &str = "tortie-felix-metrics";
const FELIX_SLICE: &str = "tortie-felix-metrics-dv25j";

pub(super) fn faults() -> Vec<Entry> {
    let empty = || to("EndpointSlice", FELIX_SLICE, "/endpoints", json!([]));
    vec![
        fault(
            "felix-no-service",
            "T401",
            "nobody made a Service for Felix",
            vec![gone("Service", FELIX), gone("EndpointSlice", FELIX_SLICE)],
        ),
        fault(
            "service-selector-typo",
            "T402",
            "the Service's selector has a letter too much",
            vec![to("Service", FELIX, "/spec/selector/k8s-app", json!("calico-nodes")), empty()],
        ),
        fault(
            "service-selector-own-label",
            "T402",
            "the Service selects its own label instead of the pods'",
            vec![to("Service", FELIX, "/spec/selector/k8s-app", json!(FELIX)), empty()],
        ),
        fault(
            "service-target-port",
            "T403",
            "the Service sends to 9090, Felix listens on 9091",
            vec![
                to("Service", FELIX, "/spec/ports/0/targetPort", json!(9090)),
                to("EndpointSlice", FELIX_SLICE, "/ports/0/port", json!(9090)),
            ],
        ),
        fault(
            "felix-port-moved",
            "T403",
            "Felix was moved to another port, its Service was not",
            vec![to("FelixConfiguration", "default", "/spec/prometheusMetricsPort", json!(9191))],
        ),
        fault(
            "service-port-unnamed",
            "T404",
            "the Service's port has no name",
            vec![
                unset("Service", FELIX, "/spec/ports/0/name"),
                to("EndpointSlice", FELIX_SLICE, "/ports/0/name", json!("")),
            ],
        ),
        fault(
            "service-wrong-namespace",
            "T409",
            "the Service stands in another namespace than the pods",
            vec![gone("Service", FELIX), gone("EndpointSlice", FELIX_SLICE), Change::Add(elsewhere())],
        ),
        fault(
            "manifest-typha-no-service",
            "T401",
            "nobody made a Service for Typha",
            vec![
                gone("Service", "tortie-typha-metrics"),
                gone("EndpointSlice", "tortie-typha-metrics-dv25j"),
            ],
        )
        .in_cluster(manifest()),
        fault(
            "operator-took-service",
            "T407",
            "since Calico 3.28 the operator makes calico-typha-metrics itself, under its own port name",
            vec![to("ServiceMonitor", "calico-typha", "/spec/endpoints/0/port", json!("typha-metrics"))],
        ),
    ]
}

fn elsewhere() -> serde_json::Value {
    let spec = json!({"selector": {"k8s-app": "calico-node"}, "clusterIP": "None", "type": "ClusterIP", "ipFamilies": ["IPv4"],
        "ports": [{"name": "felix-metrics", "port": 9091, "protocol": "TCP", "targetPort": 9091}]});
    let mut o = object("v1", "Service", "monitoring", FELIX, spec);
    o["metadata"]["labels"] = json!({"k8s-app": FELIX});
    o
}
