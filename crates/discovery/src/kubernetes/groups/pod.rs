//! Role `pod`.

use super::labels::{ADDRESS, Set, attach_namespace, attach_node, pod_labels};
use super::{Around, AttachMetadata, host_port};
use crate::TargetGroup;
use tortie_cluster::watch::Pod;

/// Prometheus' name of the group of a pod.
pub fn pod_source(key: &str) -> String {
    format!("pod/{key}")
}

/// The declared ports of a pod, and each container without one. A pod without an address has no targets, nor has one whose
/// node is not among the selected ones when node metadata is attached.
pub fn pod(pod: &Pod, around: &dyn Around, attach: AttachMetadata) -> TargetGroup {
    let source = pod_source(&format!("{}/{}", pod.meta.namespace, pod.meta.name));
    let empty = TargetGroup { source, ..TargetGroup::default() };
    if pod.ip.is_empty() || attach.node && around.node(&pod.node).is_none() {
        return empty;
    }
    let mut group = Set::new();
    pod_labels(&mut group, pod, around, attach);
    group.meta("namespace", &*pod.meta.namespace);
    if attach.node {
        attach_node(&mut group, around, &pod.node);
    }
    attach_namespace(&mut group, around, attach, &pod.meta.namespace);
    let mut targets = Vec::new();
    for container in &pod.containers {
        let mut common = Set::new();
        common.meta("pod_container_name", &*container.name);
        common.meta("pod_container_id", &*container.id);
        common.meta("pod_container_image", &*container.image);
        common.meta("pod_container_init", container.init.to_string());
        if container.ports.is_empty() {
            common.put(ADDRESS, &*pod.ip);
            targets.push(common.labels());
            continue;
        }
        for port in &container.ports {
            let mut target = common.clone();
            target.put(ADDRESS, host_port(&pod.ip, port.port));
            target.meta("pod_container_port_number", port.port.to_string());
            target.meta("pod_container_port_name", &*port.name);
            target.meta("pod_container_port_protocol", &*port.protocol);
            targets.push(target.labels());
        }
    }
    TargetGroup { labels: group.labels(), targets, ..empty }
}
