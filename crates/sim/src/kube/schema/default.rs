//! Defaults of a custom resource's schema.

use serde_json::{Map, Value};

/// Fills absent fields that have a default, from the outside inwards; null where null is not allowed counts as absent.
pub(crate) fn apply_defaults(schema: &Value, v: &mut Value) {
    match v {
        Value::Object(map) => object(schema, map),
        Value::Array(items) => {
            if let Some(item) = schema.get("items") {
                items.iter_mut().for_each(|v| apply_defaults(item, v));
            }
        }
        _ => {}
    }
}

fn object(schema: &Value, map: &mut Map<String, Value>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let nullable = property.get("nullable").and_then(Value::as_bool).unwrap_or(false);
            if let Some(default) = property.get("default") {
                let absent = match map.get(name) {
                    None => true,
                    Some(Value::Null) => !nullable,
                    Some(_) => false,
                };
                if absent {
                    map.insert(name.clone(), default.clone());
                }
            }
            if let Some(v) = map.get_mut(name) {
                apply_defaults(property, v);
            }
        }
    }
    if let Some(entry) = schema.get("additionalProperties").filter(|v| v.is_object()) {
        map.values_mut().for_each(|v| apply_defaults(entry, v));
    }
}
