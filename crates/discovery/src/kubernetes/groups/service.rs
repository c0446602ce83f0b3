//! Role `service`.

use super::labels::{ADDRESS, Set, attach_namespace, service_labels};
use super::{Around, AttachMetadata, host_port};
use crate::TargetGroup;
use tortie_cluster::watch::Service;

/// Prometheus' name of the group of a Service.
pub fn service_source(key: &str) -> String {
    format!("svc/{key}")
}

/// The ports of a Service, under its name.
pub fn service(service: &Service, around: &dyn Around, attach: AttachMetadata) -> TargetGroup {
    let (namespace, name) = (&service.meta.namespace, &service.meta.name);
    let mut group = Set::new();
    service_labels(&mut group, service);
    attach_namespace(&mut group, around, attach, namespace);
    let mut targets = Vec::new();
    for port in &service.ports {
        let mut target = Set::new();
        target.put(ADDRESS, host_port(&format!("{name}.{namespace}.svc"), port.port));
        target.meta("service_port_name", &*port.name);
        target.meta("service_port_number", port.port.to_string());
        target.meta("service_port_protocol", &*port.protocol);
        target.meta("service_type", &*service.kind);
        if &*service.kind == "ExternalName" {
            target.meta("service_external_name", &*service.external_name);
        } else {
            target.meta("service_cluster_ip", &*service.cluster_ip);
        }
        if &*service.kind == "LoadBalancer" {
            target.meta("service_loadbalancer_ip", balancer(service));
        }
        targets.push(target.labels());
    }
    TargetGroup { source: service_source(&format!("{namespace}/{name}")), labels: group.labels(), targets }
}

/// The addresses that the load balancer has, or the one that it was asked to have.
fn balancer(service: &Service) -> String {
    if service.ingress_ips.is_empty() {
        service.load_balancer_ip.to_string()
    } else {
        service.ingress_ips.join(",")
    }
}
