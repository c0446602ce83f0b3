//! Services that send to the pods of a component, or were meant to.

use crate::component::Component;
use crate::facts::settings::Settings;
use crate::facts::workload::Workload;
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use tortie_cluster::object::{EndpointSlice, Gvk, ObjectRef, Pod, Service, ServicePort, Target};

/// A Service seen from one component.
#[derive(Debug, Clone)]
pub struct MetricsService<'a> {
    /// The Service.
    pub service: &'a Service,
    /// Whether its selector matches the component's pods in their namespace.
    pub sends: bool,
    /// Its port that ends at the component's metrics port, by index.
    pub metrics_port: Option<usize>,
    /// Whether name, labels or port names speak of the component's metrics, so that it was meant for them.
    pub meant: bool,
    /// Whether Tigera's operator keeps it.
    pub by_operator: bool,
}

impl MetricsService<'_> {
    /// Its name for findings.
    pub fn reference(&self) -> ObjectRef {
        reference(self.service)
    }

    /// Whether it takes part in the chain: it ends at the metrics port, or was made for it.
    pub fn counts(&self) -> bool {
        (self.sends && self.metrics_port.is_some()) || self.meant
    }
}

/// The name of a Service.
pub fn reference(service: &Service) -> ObjectRef {
    ObjectRef::new(Gvk::new("", "v1", "Service"), &service.meta.namespace, &service.meta.name)
}

/// For each installed component, the Services that matter.
pub fn of<'a>(
    snap: &'a Snapshot,
    workloads: &BTreeMap<Component, Workload<'a>>,
    settings: &Settings<'a>,
) -> BTreeMap<Component, Vec<MetricsService<'a>>> {
    let mut out: BTreeMap<Component, Vec<MetricsService<'a>>> = BTreeMap::new();
    for (component, workload) in workloads {
        let port = settings.port(*component);
        let list = out.entry(*component).or_default();
        for service in &snap.services {
            let sends = service.meta.namespace == workload.namespace
                && (matches_pods(service, workload) || by_hand(snap, service, workload));
            let meant = meant(service, *component, port);
            if !sends && !meant {
                continue;
            }
            let metrics_port = service.ports.iter().position(|p| target_of(p, &workload.pods) == Some(port));
            list.push(MetricsService {
                service,
                sends,
                metrics_port,
                meant,
                by_operator: service
                    .meta
                    .controller()
                    .is_some_and(|c| c.api_version.starts_with("operator.tigera.io/")),
            });
        }
    }
    out
}

/// Whether a Service's selector matches the labels of a component's pods, wherever it stands.
pub fn matches_pods(service: &Service, workload: &Workload<'_>) -> bool {
    !service.selector.is_empty() && service.selector.iter().all(|(k, v)| workload.labels.get(k) == Some(v))
}

/// A Service without a selector sends where its slices say: they are made by hand.
fn by_hand(snap: &Snapshot, service: &Service, workload: &Workload<'_>) -> bool {
    if !service.selector.is_empty() || service.kind == "ExternalName" {
        return false;
    }
    let own = |ip: &String| workload.pods.iter().any(|p| p.ips.contains(ip));
    slices_of(snap, service).flat_map(|s| &s.endpoints).flat_map(|e| &e.addresses).any(own)
}

/// The slices of a Service.
pub fn slices_of<'a>(
    snap: &'a Snapshot,
    service: &'a Service,
) -> impl Iterator<Item = &'a EndpointSlice> + 'a {
    snap.slices
        .iter()
        .filter(|s| s.meta.namespace == service.meta.namespace && s.service == service.meta.name)
}

/// What the slices of a Service tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Ready ones: node, address.
    pub ready: Vec<(String, String)>,
    /// Nodes of those that are not ready.
    pub waiting: Vec<String>,
    /// Address families with a ready endpoint: `IPv4`, `IPv6`.
    pub families: BTreeSet<String>,
}

/// The endpoints of a Service; nothing when the snapshot holds no slices at all. An endpoint of two families counts once
/// a family.
pub fn endpoints(snap: &Snapshot, service: &Service) -> Option<Endpoints> {
    // Slices are made by a controller: files never hold them all.
    if snap.slices.is_empty() || !snap.is_whole() {
        return None;
    }
    let mut out = Endpoints::default();
    for slice in slices_of(snap, service) {
        for endpoint in &slice.endpoints {
            if !endpoint.ready {
                out.waiting.push(endpoint.node.clone());
                continue;
            }
            out.families.insert(slice.address_type.clone());
            let address = endpoint.addresses.first().cloned().unwrap_or_default();
            out.ready.push((endpoint.node.clone(), address));
        }
    }
    Some(out)
}

/// The port of the pods that a Service's port ends at. A named target is looked up among declared container ports.
pub fn target_of(port: &ServicePort, pods: &[&Pod]) -> Option<u16> {
    match &port.target {
        Target::Number(n) => Some(*n),
        Target::None => Some(port.port),
        Target::Name(name) => pods
            .iter()
            .flat_map(|p| &p.containers)
            .flat_map(|c| &c.ports)
            .find(|p| p.name == *name)
            .map(|p| p.port),
    }
}

/// Whether somebody made the Service for this component's metrics: its own name or labels say the component, and it has
/// the word `metrics` or the port itself.
fn meant(service: &Service, component: Component, port: u16) -> bool {
    let labels = service.meta.labels.iter().filter(|(k, _)| k.contains("app")).map(|(_, v)| v.as_str());
    let speaks = component.named_in(&service.meta.name)
        || labels.clone().any(|v| component.named_in(v))
        || service.selector.values().any(|v| component.named_in(v));
    let ports = service.ports.iter();
    let metrics = service.meta.name.contains("metrics")
        || labels.clone().any(|v| v.contains("metrics"))
        || ports.clone().any(|p| p.name.contains("metrics") || p.port == port);
    speaks && metrics
}
