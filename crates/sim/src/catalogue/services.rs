//! Faults of Services and their endpoints.

use super::change::{gone, to, unset};
use super::symptom::Live;
use super::{Change, Entry, PROMETHEUS, fault, manifest};
use crate::installs::{Options, object};
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
        fault(
            "service-selector-extra",
            "T402",
            "the Service's selector asks for a version that the pods' labels do not say",
            vec![to("Service", FELIX, "/spec/selector/version", json!("v3.30")), empty()],
        ),
        fault(
            "service-labels-gone",
            "T505",
            "the Service was made anew without its labels",
            vec![to("Service", FELIX, "/metadata/labels", json!({}))],
        ),
        fault("slices-empty", "T405", "the controller that writes EndpointSlices is down", vec![empty()])
            .outside()
            .live(Live::Hand("kube-controller-manager without the endpointslice controller")),
        fault(
            "slice-behind",
            "T406",
            "the pod on one node is ready and its endpoint is not",
            vec![to("EndpointSlice", FELIX_SLICE, "/endpoints/1/conditions/ready", json!(false))],
        )
        .outside()
        .live(Live::Hand("kube-controller-manager is stopped while a pod becomes ready")),
        fault(
            "second-service",
            "T408",
            "a second Service with the same label sends to the same pods",
            vec![Change::Add(second()), Change::Add(second_slice())],
        ),
        fault(
            "dual-stack-doubles",
            "T410",
            "the Service became dual-stack under a Prometheus that takes both families",
            vec![
                to("Prometheus", PROMETHEUS, "/spec/version", json!("v3.10.0")),
                to("Prometheus", PROMETHEUS, "/spec/serviceDiscoveryRole", json!("EndpointSlice")),
                to("Service", FELIX, "/spec/ipFamilies", json!(["IPv4", "IPv6"])),
                to("Service", FELIX, "/spec/ipFamilyPolicy", json!("PreferDualStack")),
                Change::Add(slice_of_ipv6()),
            ],
        )
        .live(Live::Model("the nodes of a test bed have one address family")),
    ]
}

fn second() -> serde_json::Value {
    let mut o = elsewhere();
    o["metadata"]["name"] = json!("felix-metrics-svc");
    o["metadata"]["namespace"] = json!("calico-system");
    o
}

fn second_slice() -> serde_json::Value {
    let mut o = slice("felix-metrics-svc-k7q2m", "felix-metrics-svc");
    o["addressType"] = json!("IPv4");
    o["endpoints"] = json!(
        (0..3)
            .map(|i| json!({"addresses": [Options::node_ip(i)], "nodeName": Options::node_name(i),
        "conditions": {"ready": true}}))
            .collect::<Vec<_>>()
    );
    o
}

fn slice_of_ipv6() -> serde_json::Value {
    let mut o = slice("tortie-felix-metrics-v6", FELIX);
    o["addressType"] = json!("IPv6");
    o["endpoints"] = json!(
        (0..3)
            .map(|i| json!({"addresses": [format!("fd00::{}", i + 1)], "nodeName": Options::node_name(i),
        "conditions": {"ready": true}}))
            .collect::<Vec<_>>()
    );
    o
}

fn slice(name: &str, service: &str) -> serde_json::Value {
    let mut o =
        object("discovery.k8s.io/v1", "EndpointSlice", "calico-system", name, serde_json::Value::Null);
    o["ports"] = json!([{"name": "felix-metrics", "port": 9091, "protocol": "TCP"}]);
    o["metadata"]["labels"] = json!({"kubernetes.io/service-name": service});
    o
}

fn elsewhere() -> serde_json::Value {
    let spec = json!({"selector": {"k8s-app": "calico-node"}, "clusterIP": "None", "type": "ClusterIP", "ipFamilies": ["IPv4"],
        "ports": [{"name": "felix-metrics", "port": 9091, "protocol": "TCP", "targetPort": 9091}]});
    let mut o = object("v1", "Service", "monitoring", FELIX, spec);
    o["metadata"]["labels"] = json!({"k8s-app": FELIX});
    o
}
