//! The parts that all raw structs share.

use crate::object::{Meta, Owner, millis, worth_keeping};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A field that may be absent or null: both give the default.
pub(super) fn or_default<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// `metadata` as the wire has it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    owner_references: Option<Vec<RawOwner>>,
    finalizers: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawOwner {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    controller: Option<bool>,
}

impl From<RawMeta> for Meta {
    fn from(raw: RawMeta) -> Meta {
        let mut annotations = raw.annotations.unwrap_or_default();
        annotations.retain(|k, v| worth_keeping(k, v));
        Meta {
            name: raw.name.unwrap_or_default(),
            namespace: raw.namespace.unwrap_or_default(),
            uid: raw.uid.unwrap_or_default(),
            resource_version: raw.resource_version.unwrap_or_default(),
            generation: raw.generation.unwrap_or(0),
            labels: raw.labels.unwrap_or_default(),
            annotations,
            created: raw.creation_timestamp.as_deref().and_then(millis),
            deleting: raw.deletion_timestamp.as_deref().and_then(millis),
            owners: raw.owner_references.unwrap_or_default().into_iter().map(Owner::from).collect(),
            managed: Vec::new(),
            finalizers: raw.finalizers.unwrap_or_default(),
        }
    }
}

impl From<RawOwner> for Owner {
    fn from(raw: RawOwner) -> Owner {
        Owner {
            api_version: raw.api_version,
            kind: raw.kind,
            name: raw.name,
            uid: raw.uid,
            controller: raw.controller.unwrap_or(false),
        }
    }
}

/// `metadata` in the wire's form again, without what is empty.
pub(super) fn meta_json(meta: &Meta) -> Value {
    let mut out = serde_json::Map::new();
    put(&mut out, "name", &meta.name);
    put(&mut out, "namespace", &meta.namespace);
    put(&mut out, "uid", &meta.uid);
    put(&mut out, "resourceVersion", &meta.resource_version);
    if meta.generation != 0 {
        put(&mut out, "generation", &meta.generation);
    }
    put(&mut out, "labels", &meta.labels);
    put(&mut out, "annotations", &meta.annotations);
    put(&mut out, "creationTimestamp", &meta.created.and_then(rfc3339));
    put(&mut out, "deletionTimestamp", &meta.deleting.and_then(rfc3339));
    let owners: Vec<Value> = meta
        .owners
        .iter()
        .map(|o| {
            json!({"apiVersion": o.api_version, "kind": o.kind, "name": o.name, "uid": o.uid, "controller": o.controller})
        })
        .collect();
    put(&mut out, "ownerReferences", &owners);
    put(&mut out, "finalizers", &meta.finalizers);
    Value::Object(out)
}

/// Adds a field unless it is empty.
pub(super) fn put(out: &mut serde_json::Map<String, Value>, key: &str, value: &impl Serialize) {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    let empty = match &value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !empty {
        out.insert(key.to_owned(), value);
    }
}

fn rfc3339(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.to_string())
}
