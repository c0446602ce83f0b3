//! EndpointSlices.

use super::raw::{RawMeta, meta_json, or_default, put};
use crate::object::{Malformed, Meta, Object};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An EndpointSlice.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "RawSlice")]
pub struct EndpointSlice {
    /// Its metadata, slim.
    pub meta: Meta,
    /// The Service it belongs to (label `kubernetes.io/service-name`); empty for none.
    pub service: String,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: String,
    /// The ports that all its endpoints have.
    pub ports: Vec<SlicePort>,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// A port of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "RawPort")]
pub struct SlicePort {
    /// Its name, that of the Service's port; may be empty.
    pub name: String,
    /// Its number; `None` stands for all ports.
    pub port: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// An endpoint of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "RawEndpoint")]
pub struct Endpoint {
    /// Its addresses, which all mean the same.
    pub addresses: Vec<String>,
    /// Whether it takes traffic; unknown counts as ready, as Kubernetes says.
    pub ready: bool,
    /// The node it is on; may be empty.
    pub node: String,
    /// Kind, namespace and name of the object behind it.
    pub target: Option<(String, String, String)>,
}

impl EndpointSlice {
    /// Decodes an EndpointSlice.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn from_object(object: &Object) -> Result<EndpointSlice, Malformed> {
        super::decode(object)
    }

    /// The form that [`EndpointSlice::from_object`] reads back as the same.
    pub fn to_json(&self) -> Value {
        let port = |p: &SlicePort| json!({"name": p.name, "port": p.port, "protocol": p.protocol});
        let endpoint = |e: &Endpoint| {
            let mut out = Map::new();
            put(&mut out, "addresses", &e.addresses);
            put(&mut out, "conditions", &json!({"ready": e.ready}));
            put(&mut out, "nodeName", &e.node);
            if let Some((kind, namespace, name)) = &e.target {
                put(&mut out, "targetRef", &json!({"kind": kind, "namespace": namespace, "name": name}));
            }
            out
        };
        let mut out = Map::new();
        put(&mut out, "apiVersion", &"discovery.k8s.io/v1");
        put(&mut out, "kind", &"EndpointSlice");
        put(&mut out, "metadata", &meta_json(&self.meta));
        put(&mut out, "addressType", &self.address_type);
        put(&mut out, "ports", &self.ports.iter().map(port).collect::<Vec<_>>());
        put(&mut out, "endpoints", &self.endpoints.iter().map(endpoint).collect::<Vec<_>>());
        Value::Object(out)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSlice {
    #[serde(default, deserialize_with = "or_default")]
    metadata: RawMeta,
    #[serde(default)]
    address_type: Option<String>,
    #[serde(default)]
    ports: Option<Vec<SlicePort>>,
    #[serde(default)]
    endpoints: Option<Vec<Endpoint>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPort {
    name: Option<String>,
    port: Option<u16>,
    protocol: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawEndpoint {
    addresses: Option<Vec<String>>,
    conditions: Option<RawConditions>,
    node_name: Option<String>,
    target_ref: Option<RawTarget>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawConditions {
    ready: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawTarget {
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
}

impl From<RawPort> for SlicePort {
    fn from(raw: RawPort) -> SlicePort {
        SlicePort {
            name: raw.name.unwrap_or_default(),
            port: raw.port,
            protocol: raw.protocol.unwrap_or_else(|| "TCP".to_owned()),
        }
    }
}

impl From<RawEndpoint> for Endpoint {
    fn from(raw: RawEndpoint) -> Endpoint {
        let target = raw.target_ref.map(|t| {
            (t.kind.unwrap_or_default(), t.namespace.unwrap_or_default(), t.name.unwrap_or_default())
        });
        Endpoint {
            addresses: raw.addresses.unwrap_or_default(),
            ready: raw.conditions.and_then(|c| c.ready).unwrap_or(true),
            node: raw.node_name.unwrap_or_default(),
            target,
        }
    }
}

impl From<RawSlice> for EndpointSlice {
    fn from(raw: RawSlice) -> EndpointSlice {
        let meta: Meta = raw.metadata.into();
        EndpointSlice {
            service: meta.labels.get("kubernetes.io/service-name").cloned().unwrap_or_default(),
            meta,
            address_type: raw.address_type.unwrap_or_default(),
            ports: raw.ports.unwrap_or_default(),
            endpoints: raw.endpoints.unwrap_or_default(),
        }
    }
}
