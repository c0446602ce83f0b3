//! The fields that a value sets.

use serde_json::Value;

use crate::kube::fields::{Set, Step};
use crate::kube::schema::{Schema, Walk};

/// The set of fields of `v`.
///
/// # Errors
/// An item of a list without its key, or twice the same one, with its path.
pub(crate) fn to_set(schema: &Schema, v: &Value) -> Result<Set, String> {
    let mut out = Set::default();
    collect(schema, v, &mut Vec::new(), &mut out)?;
    Ok(out)
}

fn collect(schema: &Schema, v: &Value, at: &mut Vec<Step>, out: &mut Set) -> Result<(), String> {
    match (schema.walk(Some(v), None), v) {
        (Walk::Leaf, _) => out.insert(at),
        (Walk::Map, Value::Object(map)) => {
            for (name, v) in map {
                at.push(Step::Field(name.clone()));
                collect(schema.field(name), v, at, out)?;
                let empty = v.is_null() || v.as_object().is_some_and(serde_json::Map::is_empty);
                if empty || !schema.is_field(name) {
                    out.insert(at);
                }
                at.pop();
            }
        }
        (Walk::List, Value::Array(items)) => {
            for (i, v) in items.iter().enumerate() {
                let step = schema.step(v).map_err(|e| format!("{}: element {i}: {e}", shown(at)))?;
                at.push(step);
                collect(schema.at(at.last().unwrap_or(&Step::Index(0))), v, at, out)?;
                out.insert(at);
                at.pop();
            }
        }
        _ => {}
    }
    Ok(())
}

fn shown(at: &[Step]) -> String {
    at.iter().map(Step::to_string).collect()
}
