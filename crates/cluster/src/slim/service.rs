//! Services.

use super::raw::{RawMeta, meta_json, or_default, put};
use crate::object::{Malformed, Meta, Object, Origin};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A Service.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "RawService")]
pub struct Service {
    /// Its metadata, slim.
    pub meta: Meta,
    /// The labels of the pods behind it; empty when its endpoints are made by hand.
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// Its address; `None` as a text for a headless one, empty when a file does not say.
    pub cluster_ip: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub kind: String,
    /// Address families: `IPv4`, `IPv6`.
    pub families: Vec<String>,
    /// The file it was read from; `None` for a live one.
    pub origin: Option<Origin>,
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "RawPort")]
pub struct ServicePort {
    /// Its name; may be empty when it is the only one.
    pub name: String,
    /// The port of the Service.
    pub port: u16,
    /// The port of the pods.
    pub target: Target,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// Where a port of a Service leads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A number.
    Number(u16),
    /// The name of a declared container port.
    Name(String),
    /// Not said: the number of the Service's own port.
    #[default]
    None,
}

impl Service {
    /// Decodes a Service, its place in the file included.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn from_object(object: &Object) -> Result<Service, Malformed> {
        let service: Service = super::decode(object)?;
        Ok(Service { origin: object.origin.clone(), ..service })
    }

    /// Whether it has no address of its own.
    pub fn headless(&self) -> bool {
        self.cluster_ip == "None"
    }

    /// The form that [`Service::from_object`] reads back as the same, but for the origin.
    pub fn to_json(&self) -> Value {
        let mut spec = Map::new();
        put(&mut spec, "selector", &self.selector);
        let port = |p: &ServicePort| {
            let mut out = Map::new();
            put(&mut out, "name", &p.name);
            put(&mut out, "port", &p.port);
            match &p.target {
                Target::Number(n) => put(&mut out, "targetPort", n),
                Target::Name(n) => put(&mut out, "targetPort", n),
                Target::None => {}
            }
            put(&mut out, "protocol", &p.protocol);
            out
        };
        put(&mut spec, "ports", &self.ports.iter().map(port).collect::<Vec<_>>());
        put(&mut spec, "clusterIP", &self.cluster_ip);
        put(&mut spec, "type", &self.kind);
        put(&mut spec, "ipFamilies", &self.families);
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta_json(&self.meta), "spec": spec})
    }
}

#[derive(Deserialize)]
struct RawService {
    #[serde(default, deserialize_with = "or_default")]
    metadata: RawMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: RawSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    selector: Option<BTreeMap<String, String>>,
    ports: Option<Vec<ServicePort>>,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    r#type: Option<String>,
    ip_families: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawPort {
    name: Option<String>,
    port: u16,
    target_port: Option<Target>,
    protocol: Option<String>,
}

impl From<RawPort> for ServicePort {
    fn from(raw: RawPort) -> ServicePort {
        ServicePort {
            name: raw.name.unwrap_or_default(),
            port: raw.port,
            target: match raw.target_port {
                // An unset port is written as 0 or as the empty text by some clients.
                Some(Target::Number(0)) | None => Target::None,
                Some(Target::Name(name)) if name.is_empty() => Target::None,
                Some(target) => target,
            },
            protocol: raw.protocol.unwrap_or_else(|| "TCP".to_owned()),
        }
    }
}

impl From<RawService> for Service {
    fn from(raw: RawService) -> Service {
        let RawService { metadata, spec } = raw;
        Service {
            meta: metadata.into(),
            selector: spec.selector.unwrap_or_default(),
            ports: spec.ports.unwrap_or_default(),
            cluster_ip: spec.cluster_ip.unwrap_or_default(),
            kind: spec.r#type.unwrap_or_else(|| "ClusterIP".to_owned()),
            families: spec.ip_families.unwrap_or_default(),
            origin: None,
        }
    }
}
