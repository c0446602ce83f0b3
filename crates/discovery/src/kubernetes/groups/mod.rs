//! Objects to target groups, by pure functions: what Prometheus calls `build...` in `discovery/kubernetes`.

mod endpoints;
mod ingress;
mod labels;
mod node;
mod pod;
mod pod_ports;
mod service;
mod slice;

#[cfg(test)]
mod tests;

pub use endpoints::{endpoints, endpoints_source};
pub use ingress::{ingress, ingress_source};
pub use labels::{Set, node_meta, pod_labels, sanitize, service_labels};
pub use node::{node, node_source};
pub use pod::{pod, pod_source};
pub use service::{service, service_source};
pub use slice::{slice, slice_source};

use std::sync::Arc;
use tortie_cluster::watch::{Job, Namespace, Node, Pod, ReplicaSet, Service};
pub use tortie_config::kubernetes::AttachMetadata;

/// The objects that a group may need besides its own. Keys are `namespace/name`, or the name alone for nodes and
/// namespaces. What is not watched is not there.
pub trait Around {
    /// A Service.
    fn service(&self, key: &str) -> Option<Arc<Service>>;
    /// A pod.
    fn pod(&self, key: &str) -> Option<Arc<Pod>>;
    /// A node.
    fn node(&self, name: &str) -> Option<Arc<Node>>;
    /// A namespace.
    fn namespace(&self, name: &str) -> Option<Arc<Namespace>>;
    /// A ReplicaSet.
    fn replica_set(&self, key: &str) -> Option<Arc<ReplicaSet>>;
    /// A Job.
    fn job(&self, key: &str) -> Option<Arc<Job>>;
}

/// `host:port`, with brackets around an address that has colons, as Go's `net.JoinHostPort`.
pub(crate) fn host_port(host: &str, port: i32) -> String {
    if host.contains([':', '%']) { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
