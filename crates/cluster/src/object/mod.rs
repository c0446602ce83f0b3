//! Objects as the API server or a file gives them: the metadata decoded, the whole JSON kept beside it.

mod json;
mod meta;
mod origin;

pub use crate::selector::{Miss, Selector};
pub use crate::slim::{
    Container, ContainerPort, Endpoint, EndpointSlice, Namespace, Node, Pod, Service, ServicePort, SlicePort,
    Target,
};
pub use meta::{Managed, Meta, Owner};
pub use origin::Origin;
pub(crate) use origin::Text;

pub(crate) use json::step as json_step;
pub(crate) use meta::{millis, worth_keeping};

use serde_json::Value;
use std::fmt;

/// Group, version and kind. The core group is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Gvk {
    /// Group without version, such as `apps`; empty for the core group.
    pub group: String,
    /// Version, such as `v1`.
    pub version: String,
    /// Kind, such as `DaemonSet`.
    pub kind: String,
}

impl Gvk {
    /// From its three parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Gvk {
        Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// From the two fields of an object: `apps/v1` and `DaemonSet`.
    pub fn from_api_version(api_version: &str, kind: &str) -> Gvk {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Gvk::new(group, version, kind)
    }

    /// The field `apiVersion`: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether group and kind are these, whatever the version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// Names one object. `Display` is what people read: `ServiceMonitor monitoring/x`, `Installation default`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// What it is.
    pub gvk: Gvk,
    /// Its namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// From its parts.
    pub fn new(gvk: Gvk, namespace: &str, name: &str) -> ObjectRef {
        ObjectRef { gvk, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.gvk.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// JSON that is no Kubernetes object, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// JSON pointer of the place; empty for the whole object.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Malformed {
    /// An error at `pointer` without a hint.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Malformed {
        Malformed { pointer: pointer.into(), message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Malformed {
        self.hint = Some(hint.into());
        self
    }
}

/// Any object: its metadata decoded, the whole JSON kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is.
    pub gvk: Gvk,
    /// Its `metadata`.
    pub meta: Meta,
    /// All of it, `metadata` included.
    pub body: Value,
    /// The file it was read from; `None` for a live one.
    pub origin: Option<Origin>,
}

impl Object {
    /// Decodes one object.
    ///
    /// # Errors
    /// When `apiVersion` or `kind` is missing, or `metadata` has a value of the wrong type. A missing name is no error:
    /// templates and files of other tools have none.
    pub fn parse(body: Value) -> Result<Object, Malformed> {
        let Value::Object(fields) = &body else {
            return Err(Malformed::new(
                "",
                format!("an object must be a mapping, not {}", json::kind(&body)),
            ));
        };
        let text = |key: &str| match fields.get(key) {
            Some(Value::String(s)) if !s.is_empty() => Ok(s.as_str()),
            None | Some(Value::Null) | Some(Value::String(_)) => {
                Err(Malformed::new("", format!("the field {key} is not set")))
            }
            Some(other) => Err(Malformed::new(
                format!("/{key}"),
                format!("the field {key} must be a text, not {}", json::kind(other)),
            )),
        };
        let gvk = Gvk::from_api_version(text("apiVersion")?, text("kind")?);
        let meta = Meta::parse(fields.get("metadata").unwrap_or(&Value::Null))?;
        Ok(Object { gvk, meta, body, origin: None })
    }

    /// What stands at a JSON pointer such as `/spec/endpoints/0/port`. Null counts as absent.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|v| !v.is_null())
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// The list at a JSON pointer; empty when absent.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Its name, to be kept elsewhere.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::new(self.gvk.clone(), &self.meta.namespace, &self.meta.name)
    }
}
