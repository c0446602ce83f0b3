//! EndpointSlices.

use super::{Meta, Pairs, Reference, or_default};
use serde::Deserialize;

/// Label that names the Service of a slice.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// An EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSlice {
    /// Its metadata.
    #[serde(rename = "metadata", default, deserialize_with = "or_default")]
    pub meta: Meta,
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(default, deserialize_with = "or_default")]
    pub address_type: Box<str>,
    /// The ports that all its endpoints have.
    #[serde(default, deserialize_with = "or_default")]
    pub ports: Box<[SlicePort]>,
    /// Its endpoints.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoints: Box<[Endpoint]>,
}

/// A port of an EndpointSlice. What is not told is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlicePort {
    /// Its name, that of the Service's port.
    pub name: Option<Box<str>>,
    /// Its number; `None` stands for all ports.
    pub port: Option<i32>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Option<Box<str>>,
    /// What is spoken there.
    pub app_protocol: Option<Box<str>>,
}

/// An endpoint of an EndpointSlice. What is not told is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Its addresses, which all mean the same.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Box<[Box<str>]>,
    /// What it can do now.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Conditions,
    /// Its name within the Service's domain.
    pub hostname: Option<Box<str>>,
    /// The node it is on.
    pub node_name: Option<Box<str>>,
    /// The zone it is in.
    pub zone: Option<Box<str>>,
    /// The object behind it.
    pub target_ref: Option<Reference>,
    /// Labels of its node that old slices carry.
    #[serde(deserialize_with = "or_default")]
    pub deprecated_topology: Pairs,
}

/// What an endpoint can do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// Whether it takes new traffic.
    pub ready: Option<bool>,
    /// Whether it answers.
    pub serving: Option<bool>,
    /// Whether it is about to go.
    pub terminating: Option<bool>,
}

impl EndpointSlice {
    /// The Service it belongs to, of its own namespace.
    pub fn service(&self) -> Option<&str> {
        self.meta.labels.get(SERVICE_NAME)
    }
}
