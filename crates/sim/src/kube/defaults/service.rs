//! Defaults of a Service and its addresses.

use serde_json::{Value, json};

use super::{field, section};

/// Fills a Service.
pub(super) fn read(v: &mut Value) {
    let Some(spec) = section(v, "spec") else { return };
    field(spec, "sessionAffinity", "None".into());
    field(spec, "type", "ClusterIP".into());
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        field(port, "protocol", "TCP".into());
        let absent = match port.get("targetPort") {
            None => true,
            Some(v) => v == 0 || v == "",
        };
        if absent {
            port["targetPort"] = port.get("port").cloned().unwrap_or(Value::Null);
        }
    }
    if kind != "ExternalName" {
        field(spec, "internalTrafficPolicy", "Cluster".into());
    }
    if matches!(&*kind, "NodePort" | "LoadBalancer") {
        field(spec, "externalTrafficPolicy", "Cluster".into());
    }
    if kind == "LoadBalancer" {
        field(spec, "allocateLoadBalancerNodePorts", true.into());
    }
    if let Some(status) = section(v, "status") {
        field(status, "loadBalancer", json!({}));
    }
}

/// Hands out addresses in `10.96.0.0/12` and node ports.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    addresses: u32,
    ports: u32,
}

impl Allocator {
    fn address(&mut self) -> String {
        self.addresses += 1;
        let n = 0x0a60_0000_u32 + 256 + self.addresses;
        let [a, b, c, d] = n.to_be_bytes();
        format!("{a}.{b}.{c}.{d}")
    }

    fn port(&mut self) -> u32 {
        self.ports += 1;
        30000 + self.ports % 2768
    }
}

/// Gives a Service what it has not yet: address, families, node ports. What `old` had stays.
pub(crate) fn allocate(v: &mut Value, old: Option<&Value>, allocator: &mut Allocator) {
    let Some(spec) = v.get_mut("spec") else { return };
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "ExternalName" {
        return;
    }
    for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(v) = old.and_then(|o| o.pointer(&format!("/spec/{name}"))) {
            field(spec, name, v.clone());
        }
    }
    if spec.get("clusterIP").is_none_or(|v| v == "") {
        spec["clusterIP"] = allocator.address().into();
    }
    let address = spec.get("clusterIP").cloned().unwrap_or(Value::Null);
    field(spec, "clusterIPs", json!([address]));
    // A headless Service without selector may have either family.
    let either = address == "None" && spec.get("selector").is_none();
    field(spec, "ipFamilies", if either { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) });
    field(spec, "ipFamilyPolicy", if either { "RequireDualStack" } else { "SingleStack" }.into());
    if matches!(&*kind, "NodePort" | "LoadBalancer") {
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            field(port, "nodePort", allocator.port().into());
        }
    }
}
