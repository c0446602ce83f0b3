//! Nodes.

use super::pod::RawCondition;
use super::{Meta, or_default};
use serde::Deserialize;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Node {
    /// Its metadata.
    pub meta: Meta,
    /// How the cloud names it; may be empty.
    pub provider_id: Box<str>,
    /// Types and statuses of its conditions, in their order.
    pub conditions: Box<[(Box<str>, Box<str>)]>,
    /// Types and addresses, in their order.
    pub addresses: Box<[(Box<str>, Box<str>)]>,
    /// The port of the kubelet; 0 when it is not told.
    pub kubelet_port: i32,
}

type Raw = super::Raw<RawSpec, RawStatus>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSpec {
    #[serde(rename = "providerID", deserialize_with = "or_default")]
    provider_id: Box<str>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<RawAddress>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<RawCondition>,
    #[serde(deserialize_with = "or_default")]
    daemon_endpoints: RawDaemons,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawAddress {
    #[serde(deserialize_with = "or_default")]
    r#type: Box<str>,
    #[serde(deserialize_with = "or_default")]
    address: Box<str>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawDaemons {
    #[serde(deserialize_with = "or_default")]
    kubelet_endpoint: RawDaemon,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawDaemon {
    port: i32,
}

impl From<Raw> for Node {
    fn from(raw: Raw) -> Node {
        let status = raw.status;
        Node {
            meta: raw.metadata,
            provider_id: raw.spec.provider_id,
            conditions: status.conditions.into_iter().map(|c| (c.r#type, c.status)).collect(),
            addresses: status.addresses.into_iter().map(|a| (a.r#type, a.address)).collect(),
            kubelet_port: status.daemon_endpoints.kubelet_endpoint.port,
        }
    }
}
