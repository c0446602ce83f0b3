//! The objects that a cluster has thousands of, with only the fields that are judged; decoded straight from the bytes of
//! an answer, unknown fields skipped.

mod namespace;
mod node;
mod pod;
mod raw;
mod service;
mod slice;

pub use namespace::Namespace;
pub use node::Node;
pub use pod::{Container, ContainerPort, Pod};
pub use service::{Service, ServicePort, Target};
pub use slice::{Endpoint, EndpointSlice, SlicePort};

use crate::object::{Malformed, Object};
use serde::Deserialize;

/// Decodes the body of an object as one of the slim structs.
fn decode<'a, T: Deserialize<'a>>(object: &'a Object) -> Result<T, Malformed> {
    T::deserialize(&object.body).map_err(|e| Malformed::new("", e.to_string()))
}

/// An object that the cluster has many of, read without what is not judged.
pub(crate) trait Slim: for<'de> Deserialize<'de> + Send + 'static {
    /// Group and version, as they stand in a path.
    const PATH: &'static str;
    /// Plural name.
    const PLURAL: &'static str;

    /// Plural name and group, as rights name it.
    fn full_name() -> String {
        match Self::PATH.strip_prefix("/apis/").and_then(|p| p.split('/').next()) {
            Some(group) => format!("{}.{group}", Self::PLURAL),
            None => Self::PLURAL.to_owned(),
        }
    }
}

impl Slim for Pod {
    const PATH: &'static str = "/api/v1";
    const PLURAL: &'static str = "pods";
}
impl Slim for Service {
    const PATH: &'static str = "/api/v1";
    const PLURAL: &'static str = "services";
}
impl Slim for Node {
    const PATH: &'static str = "/api/v1";
    const PLURAL: &'static str = "nodes";
}
impl Slim for Namespace {
    const PATH: &'static str = "/api/v1";
    const PLURAL: &'static str = "namespaces";
}
impl Slim for EndpointSlice {
    const PATH: &'static str = "/apis/discovery.k8s.io/v1";
    const PLURAL: &'static str = "endpointslices";
}
