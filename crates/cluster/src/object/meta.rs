//! `metadata`: names, labels, owners and who keeps which field.

use super::{Malformed, json};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `metadata` of an object. Absent texts are empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meta {
    /// Its name; empty in templates.
    pub name: String,
    /// Its namespace; empty for objects of the whole cluster, and in files that leave it out.
    pub namespace: String,
    /// The identity that never comes again.
    pub uid: String,
    /// The version of this state, opaque.
    pub resource_version: String,
    /// Counts changes of the specification.
    pub generation: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations. Slim structs leave out those that repeat the object or are longer than 1 KiB.
    pub annotations: BTreeMap<String, String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: Option<i64>,
    /// Since when it is being deleted, in milliseconds since the Unix epoch.
    pub deleting: Option<i64>,
    /// The objects that it belongs to.
    pub owners: Vec<Owner>,
    /// Who keeps which fields. Empty in slim structs.
    pub managed: Vec<Managed>,
    /// What must happen before it may go.
    pub finalizers: Vec<String>,
}

/// One entry of `ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// Group and version, such as `operator.tigera.io/v1`.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Identity of the owner.
    pub uid: String,
    /// Whether the owner is the one that rules it.
    pub controller: bool,
}

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed {
    /// Name of the writer.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The version in which `fields` are named.
    pub api_version: String,
    /// When it last changed, in milliseconds since the Unix epoch.
    pub time: Option<i64>,
    /// `status`, `scale` or empty.
    pub subresource: String,
    /// The set of fields (`fieldsV1`).
    pub fields: Value,
}

impl Meta {
    /// Decodes `metadata`; null gives the empty one.
    pub(super) fn parse(v: &Value) -> Result<Meta, Malformed> {
        const AT: &str = "/metadata";
        let empty = Map::new();
        let map = json::mapping(v, AT, &empty)?;
        let owners = json::list(map, AT, "ownerReferences")?
            .iter()
            .enumerate()
            .map(|(i, o)| owner(o, &format!("{AT}/ownerReferences/{i}")))
            .collect::<Result<_, _>>()?;
        let managed = json::list(map, AT, "managedFields")?
            .iter()
            .enumerate()
            .map(|(i, m)| managed(m, &format!("{AT}/managedFields/{i}")))
            .collect::<Result<_, _>>()?;
        Ok(Meta {
            name: json::text(map, AT, "name")?,
            namespace: json::text(map, AT, "namespace")?,
            uid: json::text(map, AT, "uid")?,
            resource_version: json::text(map, AT, "resourceVersion")?,
            generation: map.get("generation").and_then(Value::as_i64).unwrap_or(0),
            labels: json::texts(map, AT, "labels")?,
            annotations: json::texts(map, AT, "annotations")?,
            created: time(map, "creationTimestamp"),
            deleting: time(map, "deletionTimestamp"),
            owners,
            managed,
            finalizers: json::list(map, AT, "finalizers")?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The owner that rules the object, if one does.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|o| o.controller)
    }
}

/// Whether a slim struct keeps an annotation.
pub(crate) fn worth_keeping(key: &str, value: &str) -> bool {
    key != "kubectl.kubernetes.io/last-applied-configuration" && value.len() <= 1024
}

/// RFC 3339 as milliseconds since the Unix epoch; what is none is nothing.
pub(crate) fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond())
}

fn time(map: &Map<String, Value>, key: &str) -> Option<i64> {
    map.get(key).and_then(Value::as_str).and_then(millis)
}

fn owner(v: &Value, at: &str) -> Result<Owner, Malformed> {
    let empty = Map::new();
    let map = json::mapping(v, at, &empty)?;
    Ok(Owner {
        api_version: json::text(map, at, "apiVersion")?,
        kind: json::text(map, at, "kind")?,
        name: json::text(map, at, "name")?,
        uid: json::text(map, at, "uid")?,
        controller: map.get("controller").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn managed(v: &Value, at: &str) -> Result<Managed, Malformed> {
    let empty = Map::new();
    let map = json::mapping(v, at, &empty)?;
    Ok(Managed {
        manager: json::text(map, at, "manager")?,
        operation: json::text(map, at, "operation")?,
        api_version: json::text(map, at, "apiVersion")?,
        time: time(map, "time"),
        subresource: json::text(map, at, "subresource")?,
        fields: map.get("fieldsV1").cloned().unwrap_or(Value::Null),
    })
}
