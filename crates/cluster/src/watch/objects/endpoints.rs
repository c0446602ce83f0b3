//! Endpoints, the older form of EndpointSlices.

use super::{Meta, Reference, or_default};
use serde::Deserialize;

/// The Endpoints of a Service, which have its name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Endpoints {
    /// Its metadata.
    #[serde(rename = "metadata", default, deserialize_with = "or_default")]
    pub meta: Meta,
    /// Addresses that have the same ports.
    #[serde(default, deserialize_with = "or_default")]
    pub subsets: Box<[Subset]>,
}

/// Addresses that have the same ports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subset {
    /// Those that take traffic.
    #[serde(deserialize_with = "or_default")]
    pub addresses: Box<[SubsetAddress]>,
    /// Those that take none yet or any more.
    #[serde(deserialize_with = "or_default")]
    pub not_ready_addresses: Box<[SubsetAddress]>,
    /// Their ports.
    #[serde(deserialize_with = "or_default")]
    pub ports: Box<[SubsetPort]>,
}

/// An address of a subset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubsetAddress {
    /// The address.
    #[serde(deserialize_with = "or_default")]
    pub ip: Box<str>,
    /// Its name within the Service's domain; may be empty.
    #[serde(deserialize_with = "or_default")]
    pub hostname: Box<str>,
    /// The node it is on.
    pub node_name: Option<Box<str>>,
    /// The object behind it.
    pub target_ref: Option<Reference>,
}

/// A port of a subset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SubsetPort {
    /// Its name, that of the Service's port; may be empty.
    #[serde(deserialize_with = "or_default")]
    pub name: Box<str>,
    /// Its number.
    pub port: i32,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(deserialize_with = "or_default")]
    pub protocol: Box<str>,
}
