//! Role `endpoints`.

use super::labels::{ADDRESS, Set, attach_namespace, attach_node, object_meta, service_labels};
use super::pod_ports::Seen;
use super::{Around, AttachMetadata, host_port};
use crate::TargetGroup;
use tortie_cluster::watch::{Endpoints, SubsetAddress, SubsetPort};

/// Prometheus' name of the group of Endpoints.
pub fn endpoints_source(key: &str) -> String {
    format!("endpoints/{key}")
}

/// Each address and port, and the declared ports of the pods behind them that have no address here.
pub fn endpoints(endpoints: &Endpoints, around: &dyn Around, attach: AttachMetadata) -> TargetGroup {
    let meta = &endpoints.meta;
    let key = format!("{}/{}", meta.namespace, meta.name);
    let mut group = Set::new();
    group.meta("namespace", &*meta.namespace);
    if let Some(service) = around.service(&key) {
        service_labels(&mut group, &service);
    }
    object_meta(&mut group, "endpoints", meta);
    attach_namespace(&mut group, around, attach, &meta.namespace);

    let mut seen = Seen::default();
    let mut targets = Vec::new();
    for subset in &endpoints.subsets {
        for port in &subset.ports {
            let ready = subset.addresses.iter().map(|a| (a, "true"));
            let others = subset.not_ready_addresses.iter().map(|a| (a, "false"));
            for (address, ready) in ready.chain(others) {
                let mut target = of_address(address, port, ready);
                if attach.node {
                    let reference =
                        address.target_ref.as_ref().filter(|r| &*r.kind == "Node").map(|r| &r.name);
                    if let Some(name) = address.node_name.as_ref().or(reference) {
                        attach_node(&mut target, around, name);
                    }
                }
                let reference = address.target_ref.as_ref();
                seen.add(&mut target, reference, Some(port.port), Some(&port.protocol), around, attach);
                targets.push(target.labels());
            }
        }
    }
    targets.extend(seen.other_ports(around, attach));
    TargetGroup { source: endpoints_source(&key), labels: group.labels(), targets }
}

fn of_address(address: &SubsetAddress, port: &SubsetPort, ready: &str) -> Set {
    let mut target = Set::new();
    target.put(ADDRESS, host_port(&address.ip, port.port));
    target.meta("endpoint_port_name", &*port.name);
    target.meta("endpoint_port_protocol", &*port.protocol);
    target.meta("endpoint_ready", ready);
    if let Some(reference) = &address.target_ref {
        target.meta("endpoint_address_target_kind", &*reference.kind);
        target.meta("endpoint_address_target_name", &*reference.name);
    }
    if let Some(node) = &address.node_name {
        target.meta("endpoint_node_name", &**node);
    }
    target.meta("endpoint_hostname", &*address.hostname);
    target
}
