//! Faults on the way from Prometheus to the processes: policies.

use super::change::gone;
use super::{Change, Entry, fault};
use crate::installs::{Options, object};
use serde_json::{Value, json};

pub(super) fn faults() -> Vec<Entry> {
    vec![
        fault(
            "policy-3.32",
            "T307",
            "since Calico 3.32 the operator's own policy admits only Tigera's Prometheus to kube-controllers",
            vec![gone("NetworkPolicy", "tortie.kube-controllers-metrics"), gone("Tier", "tortie")],
        )
        .in_cluster(Options { calico: 33, ..Options::default() }),
        fault(
            "tier-denies",
            "T307",
            "a tier before Calico's own denies everything that it does not name",
            vec![
                Change::Add(object("projectcalico.org/v3", "Tier", "", "security", json!({"order": 50}))),
                Change::Add(object(
                    "projectcalico.org/v3",
                    "NetworkPolicy",
                    "calico-system",
                    "security.deny-in",
                    json!({
                "tier": "security", "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress"], "ingress": [{"action": "Deny"}]}),
                )),
            ],
        ),
        fault(
            "pods-isolated",
            "T307",
            "a NetworkPolicy isolates Calico's own pods and admits nobody",
            vec![Change::Add(kubernetes_policy("calico-system", json!({"podSelector": {}, "policyTypes": ["Ingress"]})))],
        ),
        fault(
            "egress-denied",
            "T309",
            "a NetworkPolicy lets nothing out of the monitoring namespace",
            vec![Change::Add(kubernetes_policy("monitoring", json!({"podSelector": {}, "policyTypes": ["Egress"]})))],
        ),
        fault(
            "egress-to-pods-only",
            "T309",
            "what may leave the monitoring namespace is said by pod labels, which Felix' and Typha's addresses do not have",
            vec![Change::Add(kubernetes_policy(
                "monitoring",
                json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {}}]}]}),
            ))],
        ),
        fault(
            "host-endpoints-closed",
            "T308",
            "somebody made host endpoints, which drop what no policy admits",
            vec![Change::Add(host_endpoint("n2", "10.99.1.2")), Change::Add(host_endpoint("n3", "10.99.1.3"))],
        )
        .outside(),
        fault(
            "host-policy-forgets-metrics",
            "T308",
            "the policy on the host endpoints admits the nodes' own ports and no metrics port",
            vec![
                Change::Add(host_endpoint("n2", "10.99.1.2")),
                Change::Add(host_endpoint("n3", "10.99.1.3")),
                Change::Add(object("projectcalico.org/v3", "GlobalNetworkPolicy", "", "workers", json!({
                    "selector": "role == 'worker'", "types": ["Ingress"],
                    "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [10250, 179]}}]}))),
            ],
        )
        .outside(),
    ]
}

fn kubernetes_policy(namespace: &str, spec: Value) -> Value {
    object("networking.k8s.io/v1", "NetworkPolicy", namespace, "default-deny", spec)
}

fn host_endpoint(node: &str, address: &str) -> Value {
    let spec = json!({"node": node, "interfaceName": "*", "expectedIPs": [address]});
    let mut o = object("projectcalico.org/v3", "HostEndpoint", "", &format!("{node}-all"), spec);
    o["metadata"]["labels"] = json!({"role": "worker"});
    o
}
