//! Faults on the way from Prometheus to the processes: policies.

use super::change::gone;
use super::{Change, Entry, fault};
use crate::installs::{Options, object};
use serde_json::json;

pub(super) fn faults() -> Vec<Entry> {
    vec![
        fault(
            "policy-3.32",
            "T307",
            "Calico 3.32's own policy admits only Tigera's Prometheus to kube-controllers",
            vec![gone("NetworkPolicy", "tortie.kube-controllers-metrics"), gone("Tier", "tortie")],
        )
        .in_cluster(Options { calico: 32, ..Options::default() }),
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
    ]
}
