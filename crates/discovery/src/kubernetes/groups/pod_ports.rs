//! The pods behind the addresses of a Service, and their ports that the Service does not name.

use super::labels::{ADDRESS, Set, pod_labels};
use super::{Around, AttachMetadata, host_port};
use std::collections::HashMap;
use std::sync::Arc;
use tortie_cluster::watch::{Pod, Reference};
use tortie_model::Labels;

/// The pods that were met, in their order, each with the ports that have a target.
#[derive(Default)]
pub(super) struct Seen {
    pods: Vec<(Arc<Pod>, Vec<Option<i32>>)>,
    /// Where a pod is among them.
    places: HashMap<String, usize>,
}

impl Seen {
    /// Adds to a target what its pod gives, when the reference leads to one that is known: its labels and those of the
    /// container that declares `port`. `protocol` is that of the Service, or `None` to take the container's.
    pub(super) fn add(
        &mut self,
        target: &mut Set,
        reference: Option<&Reference>,
        port: Option<i32>,
        protocol: Option<&str>,
        around: &dyn Around,
        attach: AttachMetadata,
    ) {
        let Some(reference) = reference.filter(|r| &*r.kind == "Pod") else { return };
        let key = format!("{}/{}", reference.namespace, reference.name);
        let Some(pod) = around.pod(&key) else { return };
        pod_labels(target, &pod, around, attach);
        for container in &pod.containers {
            let declared = port.and_then(|p| container.ports.iter().find(|c| c.port == p));
            let Some(declared) = declared else { continue };
            target.meta("pod_container_name", &*container.name);
            target.meta("pod_container_image", &*container.image);
            target.meta("pod_container_port_name", &*declared.name);
            target.meta("pod_container_port_number", declared.port.to_string());
            target.meta("pod_container_port_protocol", protocol.unwrap_or(&declared.protocol));
            target.meta("pod_container_init", container.init.to_string());
        }
        match self.places.get(&key).and_then(|i| self.pods.get_mut(*i)) {
            Some((_, ports)) => ports.push(port),
            None => {
                self.places.insert(key, self.pods.len());
                self.pods.push((pod, vec![port]));
            }
        }
    }

    /// A target for each declared port that has none yet.
    pub(super) fn other_ports(&self, around: &dyn Around, attach: AttachMetadata) -> Vec<Labels> {
        let mut targets = Vec::new();
        for (pod, ports) in self.pods.iter().filter(|(pod, _)| !pod.ip.is_empty()) {
            for container in &pod.containers {
                for declared in container.ports.iter().filter(|d| !ports.contains(&Some(d.port))) {
                    let mut target = Set::new();
                    target.put(ADDRESS, host_port(&pod.ip, declared.port));
                    target.meta("pod_container_name", &*container.name);
                    target.meta("pod_container_image", &*container.image);
                    target.meta("pod_container_port_name", &*declared.name);
                    target.meta("pod_container_port_number", declared.port.to_string());
                    target.meta("pod_container_port_protocol", &*declared.protocol);
                    target.meta("pod_container_init", container.init.to_string());
                    pod_labels(&mut target, pod, around, attach);
                    targets.push(target.labels());
                }
            }
        }
        targets
    }
}
