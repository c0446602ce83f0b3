//! Role `node`.

use super::host_port;
use super::labels::{ADDRESS, PREFIX, Set, object_meta, sanitize};
use crate::TargetGroup;
use tortie_cluster::watch::Node;

/// Types of addresses, the one to take first.
const PREFERRED: [&str; 6] =
    ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];

/// Prometheus' name of the group of a node.
pub fn node_source(key: &str) -> String {
    format!("node/{key}")
}

/// The kubelet of a node; `None` when the node has no address of a known type, which leaves its group as it was.
pub fn node(node: &Node) -> Option<TargetGroup> {
    let first = |kind: &str| node.addresses.iter().find(|(t, _)| &**t == kind).map(|(_, a)| a);
    let Some(address) = PREFERRED.iter().find_map(|kind| first(kind)) else {
        tracing::warn!(component = "discovery", discovery = "kubernetes", node = %node.meta.name, "No node address found");
        return None;
    };
    let mut group = Set::new();
    group.meta("node_provider_id", &*node.provider_id);
    for (kind, status) in &node.conditions {
        let name = sanitize(&kind.to_lowercase());
        group.put(format!("{PREFIX}node_condition_{name}"), status.to_lowercase());
    }
    object_meta(&mut group, "node", &node.meta);
    let mut target = Set::new();
    target.put(ADDRESS, host_port(address, node.kubelet_port));
    target.put("instance", &*node.meta.name);
    // Of addresses of one type the first one counts.
    for (kind, address) in node.addresses.iter().rev() {
        target.put(sanitize(&format!("{PREFIX}node_address_{kind}")), &**address);
    }
    Some(TargetGroup {
        source: node_source(&node.meta.name),
        labels: group.labels(),
        targets: vec![target.labels()],
    })
}
