//! Objects of any kind, whole.

use super::Meta;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object of any kind: its metadata decoded, and the whole of it but for the notes of who wrote which field.
/// Two are equal when they differ in nothing but their version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Custom {
    /// Its metadata.
    pub meta: Meta,
    /// The object as the API server gave it, without `metadata.managedFields` and `metadata.resourceVersion`; elements of
    /// a list have neither `apiVersion` nor `kind` unless the API server wrote them.
    pub body: Value,
}

impl<'de> Deserialize<'de> for Custom {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Custom, D::Error> {
        let mut body = Value::deserialize(d)?;
        let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Err(D::Error::custom("it has no metadata"));
        };
        metadata.remove("managedFields");
        let meta = Meta::deserialize(&Value::Object(metadata.clone())).map_err(D::Error::custom)?;
        metadata.remove("resourceVersion");
        Ok(Custom { meta, body })
    }
}
