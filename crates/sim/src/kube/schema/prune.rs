//! Fields that a custom resource's schema does not know: dropped, or named.

use serde_json::{Map, Value};

/// Drops unknown fields.
pub(crate) fn prune(schema: &Value, v: &mut Value) {
    walk(schema, v, true, "", &mut Vec::new());
}

/// Paths of unknown fields in the order of the object, `spec.endpoints[0].prot`.
pub(crate) fn unknown_fields(schema: &Value, v: &Value) -> Vec<String> {
    let mut out = Vec::new();
    walk(schema, &mut v.clone(), true, "", &mut out);
    out
}

fn preserves(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool).unwrap_or(false)
}

fn walk(schema: &Value, v: &mut Value, root: bool, path: &str, out: &mut Vec<String>) {
    match v {
        Value::Object(map) => object(schema, map, root, path, out),
        Value::Array(items) => {
            let Some(item) = schema.get("items") else { return };
            for (i, v) in items.iter_mut().enumerate() {
                walk(item, v, false, &format!("{path}[{i}]"), out);
            }
        }
        _ => {}
    }
}

fn object(schema: &Value, map: &mut Map<String, Value>, root: bool, path: &str, out: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(entry) = schema.get("additionalProperties") {
        if entry.is_object() {
            for (name, v) in map.iter_mut() {
                walk(entry, v, false, &below(name), out);
            }
        }
        return;
    }
    let embedded =
        root || schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool).unwrap_or(false);
    let properties = schema.get("properties").and_then(Value::as_object);
    map.retain(|name, v| {
        if embedded && matches!(&**name, "apiVersion" | "kind" | "metadata") {
            return true;
        }
        match properties.and_then(|p| p.get(name)) {
            Some(property) => {
                walk(property, v, false, &below(name), out);
                true
            }
            None if preserves(schema) => true,
            None => {
                out.push(below(name));
                false
            }
        }
    });
}
