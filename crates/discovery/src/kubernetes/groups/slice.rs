//! Role `endpointslice`.

use super::labels::{
    ADDRESS, PREFIX, Set, attach_namespace, attach_node, object_meta, sanitize, service_labels,
};
use super::pod_ports::Seen;
use super::{Around, AttachMetadata, host_port};
use crate::TargetGroup;
use tortie_cluster::watch::{Endpoint, EndpointSlice, Service, SlicePort};

/// Prometheus' name of the group of an EndpointSlice.
pub fn slice_source(key: &str) -> String {
    format!("endpointslice/{key}")
}

/// Each address and port, and the declared ports of the pods behind them that have no address here. The slice of a
/// dual-stack Service's second family has no targets: they would be those of the first one again.
pub fn slice(slice: &EndpointSlice, around: &dyn Around, attach: AttachMetadata) -> TargetGroup {
    let meta = &slice.meta;
    let mut group = Set::new();
    group.meta("namespace", &*meta.namespace);
    group.meta("endpointslice_address_type", &*slice.address_type);
    object_meta(&mut group, "endpointslice", meta);
    let service = slice.service().and_then(|name| around.service(&format!("{}/{name}", meta.namespace)));
    if let Some(service) = &service {
        service_labels(&mut group, service);
    }
    attach_namespace(&mut group, around, attach, &meta.namespace);
    let source = slice_source(&format!("{}/{}", meta.namespace, meta.name));
    if service.is_some_and(|s| is_second_family(&s, slice)) {
        return TargetGroup { source, labels: group.labels(), targets: Vec::new() };
    }

    let mut seen = Seen::default();
    let mut targets = Vec::new();
    for endpoint in &slice.endpoints {
        for port in &slice.ports {
            for address in &endpoint.addresses {
                let mut target = of_endpoint(address, endpoint, port);
                let reference = endpoint.target_ref.as_ref();
                if attach.node {
                    let by_reference = reference.filter(|r| &*r.kind == "Node").map(|r| &r.name);
                    if let Some(name) = by_reference.or(endpoint.node_name.as_ref()) {
                        attach_node(&mut target, around, name);
                    }
                }
                seen.add(&mut target, reference, port.port, None, around, attach);
                targets.push(target.labels());
            }
        }
    }
    targets.extend(seen.other_ports(around, attach));
    TargetGroup { source, labels: group.labels(), targets }
}

fn is_second_family(service: &Service, slice: &EndpointSlice) -> bool {
    matches!(&*service.family_policy, "PreferDualStack" | "RequireDualStack")
        && service.families.first().is_some_and(|first| *first != slice.address_type)
}

fn of_endpoint(address: &str, endpoint: &Endpoint, port: &SlicePort) -> Set {
    let mut target = Set::new();
    target.put(ADDRESS, port.port.map_or_else(|| address.to_owned(), |p| host_port(address, p)));
    let mut text = |name: &str, value: &Option<Box<str>>| {
        if let Some(value) = value {
            target.meta(name, &**value);
        }
    };
    text("endpointslice_port_name", &port.name);
    text("endpointslice_port_protocol", &port.protocol);
    text("endpointslice_port_app_protocol", &port.app_protocol);
    text("endpointslice_endpoint_hostname", &endpoint.hostname);
    text("endpointslice_endpoint_node_name", &endpoint.node_name);
    text("endpointslice_endpoint_zone", &endpoint.zone);
    if let Some(number) = port.port {
        target.meta("endpointslice_port", number.to_string());
    }
    let conditions = endpoint.conditions;
    for (name, holds) in [
        ("ready", conditions.ready),
        ("serving", conditions.serving),
        ("terminating", conditions.terminating),
    ] {
        if let Some(holds) = holds {
            target.meta(&format!("endpointslice_endpoint_conditions_{name}"), holds.to_string());
        }
    }
    if let Some(reference) = &endpoint.target_ref {
        target.meta("endpointslice_address_target_kind", &*reference.kind);
        target.meta("endpointslice_address_target_name", &*reference.name);
    }
    for (name, value) in endpoint.deprecated_topology.iter() {
        let name = sanitize(name);
        target.put(format!("{PREFIX}endpointslice_endpoint_topology_{name}"), value);
        target.put(format!("{PREFIX}endpointslice_endpoint_topology_present_{name}"), "true");
    }
    target
}
