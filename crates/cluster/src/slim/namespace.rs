//! Namespaces.

use super::raw::{RawMeta, meta_json, or_default};
use crate::object::{Malformed, Meta, Object};
use serde::Deserialize;
use serde_json::{Value, json};

/// A namespace.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "RawNamespace")]
pub struct Namespace {
    /// Its metadata, slim.
    pub meta: Meta,
    /// Whether it is being deleted.
    pub terminating: bool,
}

impl Namespace {
    /// Decodes a Namespace.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn from_object(object: &Object) -> Result<Namespace, Malformed> {
        super::decode(object)
    }

    /// The form that [`Namespace::from_object`] reads back as the same.
    pub fn to_json(&self) -> Value {
        let phase = if self.terminating { "Terminating" } else { "Active" };
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta_json(&self.meta), "status": {"phase": phase}})
    }
}

#[derive(Deserialize)]
struct RawNamespace {
    #[serde(default, deserialize_with = "or_default")]
    metadata: RawMeta,
    #[serde(default, deserialize_with = "or_default")]
    status: RawStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawStatus {
    phase: Option<String>,
}

impl From<RawNamespace> for Namespace {
    fn from(raw: RawNamespace) -> Namespace {
        Namespace {
            meta: raw.metadata.into(),
            terminating: raw.status.phase.as_deref() == Some("Terminating"),
        }
    }
}
