//! Objects as discovery sees them: all that Prometheus makes labels of, and nothing else. They are decoded straight from the
//! bytes of an answer; unknown fields are skipped, absent and null ones are empty.

mod custom;
mod endpoints;
mod ingress;
mod meta;
mod node;
mod owned;
mod pod;
mod service;
mod slice;

pub use custom::Custom;
pub use endpoints::{Endpoints, Subset, SubsetAddress, SubsetPort};
pub use ingress::{Ingress, IngressRule};
pub use meta::{Meta, Pairs};
pub use node::Node;
pub use owned::{Job, Namespace, ReplicaSet};
pub use pod::{Container, ContainerPort, Pod};
pub use service::{Service, ServicePort};
pub use slice::{Conditions, Endpoint, EndpointSlice, SlicePort};

use serde::{Deserialize, Deserializer};

/// The object that an address stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// Its kind.
    #[serde(deserialize_with = "or_default")]
    pub kind: Box<str>,
    /// Its namespace.
    #[serde(deserialize_with = "or_default")]
    pub namespace: Box<str>,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: Box<str>,
}

/// An object as it comes: each part may be absent or null.
#[derive(Deserialize)]
#[serde(bound = "S: Default + Deserialize<'de>, T: Default + Deserialize<'de>")]
struct Raw<S, T> {
    #[serde(default, deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    spec: S,
    #[serde(default, deserialize_with = "or_default")]
    status: T,
}

/// A field that may be null.
fn or_default<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
