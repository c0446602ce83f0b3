//! A value without some of its fields.

use serde_json::{Map, Value};

use crate::kube::fields::{Set, Step};
use crate::kube::schema::{Schema, Walk};

/// `v` without the members of `set`; `None` when nothing is left of it.
pub(crate) fn remove(schema: &Schema, v: &Value, set: &Set) -> Option<Value> {
    match (schema.walk(Some(v), None), v) {
        (Walk::Map, Value::Object(map)) if !map.is_empty() => {
            let mut out = Map::new();
            for (name, v) in map {
                let step = Step::Field(name.clone());
                if set.has(&step) {
                    continue;
                }
                let kept = match set.below(&step) {
                    Some(below) => remove(schema.field(name), v, below).unwrap_or(Value::Null),
                    None => v.clone(),
                };
                out.insert(name.clone(), kept);
            }
            (!out.is_empty()).then_some(Value::Object(out))
        }
        (Walk::List, Value::Array(items)) if !items.is_empty() => {
            let mut out = Vec::new();
            for v in items {
                let Ok(step) = schema.step(v) else {
                    out.push(v.clone());
                    continue;
                };
                if set.has(&step) {
                    continue;
                }
                out.push(match set.below(&step) {
                    Some(below) => remove(schema.at(&step), v, below).unwrap_or(Value::Null),
                    None => v.clone(),
                });
            }
            (!out.is_empty()).then_some(Value::Array(out))
        }
        (Walk::Leaf, v) if !v.is_object() && !v.is_array() => Some(v.clone()),
        _ => None,
    }
}
