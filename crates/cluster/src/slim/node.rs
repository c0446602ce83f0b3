//! Nodes.

use super::raw::{RawMeta, meta_json, or_default, put};
use crate::object::{Malformed, Meta, Object};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A node.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "RawNode")]
pub struct Node {
    /// Its metadata, slim.
    pub meta: Meta,
    /// Its addresses of type `InternalIP`.
    pub internal_ips: Vec<String>,
    /// `linux` or `windows`; from the label `kubernetes.io/os` when the kubelet has not said.
    pub os: String,
    /// Whether its condition `Ready` holds.
    pub ready: bool,
    /// The kubelet's version, such as `v1.36.3`.
    pub kubelet_version: String,
}

impl Node {
    /// Decodes a Node.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn from_object(object: &Object) -> Result<Node, Malformed> {
        super::decode(object)
    }

    /// The form that [`Node::from_object`] reads back as the same.
    pub fn to_json(&self) -> Value {
        let addresses: Vec<Value> =
            self.internal_ips.iter().map(|a| json!({"type": "InternalIP", "address": a})).collect();
        let mut info = Map::new();
        put(&mut info, "operatingSystem", &self.os);
        put(&mut info, "kubeletVersion", &self.kubelet_version);
        let mut status = Map::new();
        put(&mut status, "addresses", &addresses);
        put(&mut status, "nodeInfo", &info);
        let ready = if self.ready { "True" } else { "False" };
        put(&mut status, "conditions", &json!([{"type": "Ready", "status": ready}]));
        json!({"apiVersion": "v1", "kind": "Node", "metadata": meta_json(&self.meta), "status": status})
    }
}

/// A condition of a status.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawCondition {
    r#type: String,
    status: String,
}

impl RawCondition {
    /// Whether it is of this type and true.
    pub(super) fn holds(&self, kind: &str) -> bool {
        self.r#type == kind && self.status == "True"
    }
}

#[derive(Deserialize)]
struct RawNode {
    #[serde(default, deserialize_with = "or_default")]
    metadata: RawMeta,
    #[serde(default, deserialize_with = "or_default")]
    status: RawStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    addresses: Option<Vec<RawAddress>>,
    conditions: Option<Vec<RawCondition>>,
    node_info: Option<RawInfo>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawAddress {
    r#type: String,
    address: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawInfo {
    operating_system: Option<String>,
    kubelet_version: Option<String>,
}

impl From<RawNode> for Node {
    fn from(raw: RawNode) -> Node {
        let meta: Meta = raw.metadata.into();
        let info = raw.status.node_info.unwrap_or_default();
        let addresses = raw.status.addresses.unwrap_or_default().into_iter();
        let told = info.operating_system.filter(|s| !s.is_empty());
        Node {
            internal_ips: addresses.filter(|a| a.r#type == "InternalIP").map(|a| a.address).collect(),
            os: told.or_else(|| meta.labels.get("kubernetes.io/os").cloned()).unwrap_or_default(),
            ready: raw.status.conditions.unwrap_or_default().iter().any(|c| c.holds("Ready")),
            kubelet_version: info.kubelet_version.unwrap_or_default(),
            meta,
        }
    }
}
