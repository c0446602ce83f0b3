//! The targets of a fleet and the labels that a cluster would give them.

use std::net::SocketAddr;

use super::{FleetOptions, wanted};
use crate::address::address;
use crate::inventory::Component;

/// Second octet of the nodes' addresses and of the pods'.
const NODES: u8 = 20;
const PODS: u8 = 30;

/// A simulated target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimTarget {
    /// What answers.
    pub component: Component,
    /// `job`: the name of its Service.
    pub job: String,
    /// The node it runs on.
    pub node: String,
    /// Its pod.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// Where it answers `GET /metrics`.
    pub address: SocketAddr,
    /// The labels that a ServiceMonitor on an operator's installation gives it, sorted: `container`, `endpoint` (name
    /// of the Service's port), `job` (name of the Service), `namespace`, `node`, `pod`, `service`. The Services are
    /// `felix-metrics-svc` (there is none from the operator: the name of Calico's documentation),
    /// `calico-typha-metrics` and `calico-kube-controllers-metrics` (from the operator). `node` is the one that
    /// Prometheus attaches when asked to; `instance` is left to the scraper, which takes the address.
    pub labels: Vec<(String, String)>,
}

/// All targets, with the addresses they want.
pub(super) fn all(options: &FleetOptions) -> Vec<SimTarget> {
    let names = node_names(options.nodes);
    let node = |i: usize| names.get(i % names.len().max(1)).cloned().unwrap_or_default();
    let mut out: Vec<SimTarget> = (0..options.nodes)
        .map(|i| {
            let pod = format!("calico-node-{}", suffix(options.seed, 1, i));
            let at = wanted(address(NODES.saturating_add(options.net), i), Component::Felix.port());
            target(options, Component::Felix, node(i), pod, at)
        })
        .collect();
    let replica_set = suffix(options.seed, 2, usize::MAX);
    for i in 0..options.typha_count() {
        let pod = format!("calico-typha-{replica_set}-{}", suffix(options.seed, 3, i));
        let at =
            wanted(address(NODES.saturating_add(options.net), i % options.nodes), Component::Typha.port());
        out.push(target(options, Component::Typha, node(i), pod, at));
    }
    for i in 0..options.kube_controllers {
        let pod = format!(
            "calico-kube-controllers-{}-{}",
            suffix(options.seed, 4, usize::MAX),
            suffix(options.seed, 5, i)
        );
        let at = wanted(address(PODS.saturating_add(options.net), i), Component::KubeControllers.port());
        out.push(target(options, Component::KubeControllers, node(options.nodes - 1), pod, at));
    }
    out
}

/// Where the Felix of the first node of a net wants to listen.
pub(super) fn first_felix(net: u8) -> SocketAddr {
    wanted(address(NODES.saturating_add(net), 0), Component::Felix.port())
}

/// Names of the nodes, which sort as they are numbered.
pub(super) fn node_names(nodes: usize) -> Vec<String> {
    let width = nodes.to_string().len();
    (1..=nodes).map(|i| format!("node{i:0width$}")).collect()
}

fn target(
    options: &FleetOptions,
    component: Component,
    node: String,
    pod: String,
    address: SocketAddr,
) -> SimTarget {
    let (service, port, container) = match component {
        Component::Felix => ("felix-metrics-svc", "felix-metrics", "calico-node"),
        Component::Typha => ("calico-typha-metrics", "calico-typha-metrics", "calico-typha"),
        Component::KubeControllers => {
            ("calico-kube-controllers-metrics", "metrics-port", "calico-kube-controllers")
        }
    };
    let labels = [
        ("container", container),
        ("endpoint", port),
        ("job", service),
        ("namespace", &options.namespace),
        ("node", &node),
        ("pod", &pod),
        ("service", service),
    ];
    SimTarget {
        component,
        job: service.to_owned(),
        // IPAM's series of kube-controllers have a label `node` of their own, which one of the target would hide.
        labels: labels
            .iter()
            .filter(|(k, _)| *k != "node" || component != Component::KubeControllers)
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        namespace: options.namespace.clone(),
        node,
        pod,
        address,
    }
}

/// Letters of a pod's generated name.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five letters as Kubernetes generates them.
fn suffix(seed: u64, stream: u64, i: usize) -> String {
    let mut rng = crate::world::rng(seed, 200 + stream, i as i64);
    (0..5).map(|_| char::from(ALPHABET.get(rng.below(27) as usize).copied().unwrap_or(b'x'))).collect()
}
