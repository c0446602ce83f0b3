//! Shapes from the OpenAPI v3 schema of a custom resource definition.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Schema;
use crate::kube::fields::Atom;

/// The shape that a schema describes. `meta` is the shape of `metadata` at the root.
pub(crate) fn from_open_api(schema: &Value, meta: &Schema) -> Schema {
    let mut out = convert(schema);
    if let Schema::Struct { fields, .. } = &mut out {
        fields.insert("metadata".into(), meta.clone());
        fields.insert("apiVersion".into(), Schema::Scalar);
        fields.insert("kind".into(), Schema::Scalar);
    }
    out
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn convert(schema: &Value) -> Schema {
    if flag(schema, "x-kubernetes-int-or-string") {
        return Schema::Scalar;
    }
    match text(schema, "type") {
        "object" => object(schema),
        "array" => list(schema),
        "" if flag(schema, "x-kubernetes-preserve-unknown-fields") => Schema::Any,
        "" => Schema::Any,
        _ => Schema::Scalar,
    }
}

fn object(schema: &Value) -> Schema {
    if text(schema, "x-kubernetes-map-type") == "atomic" {
        return Schema::Atomic;
    }
    if let Some(entry) = schema.get("additionalProperties").filter(|v| v.is_object()) {
        return Schema::Map(Box::new(convert(entry)));
    }
    let mut fields = BTreeMap::new();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            fields.insert(name.clone(), convert(property));
        }
    }
    if flag(schema, "x-kubernetes-embedded-resource") {
        for name in ["apiVersion", "kind"] {
            fields.entry(name.into()).or_insert(Schema::Scalar);
        }
        fields.insert("metadata".into(), Schema::Any);
    }
    Schema::Struct { fields, rest: Box::new(Schema::Any) }
}

fn list(schema: &Value) -> Schema {
    let item = schema.get("items").unwrap_or(&Value::Null);
    match text(schema, "x-kubernetes-list-type") {
        "set" => Schema::Items,
        "map" => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let keys = keys.map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
            let with_default = |k: &str| {
                let default = item.pointer(&format!("/properties/{k}/default")).and_then(Atom::of);
                (k.to_owned(), default)
            };
            Schema::Keyed { keys: keys.map(with_default).collect(), item: Box::new(convert(item)) }
        }
        // A list that is not described otherwise is owned as one.
        _ => Schema::Scalar,
    }
}
