//! Small readers of JSON values that say where a wrong type stands.

use super::Malformed;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How an error calls a value.
pub(crate) fn kind(v: &Value) -> &'static str {
    match v {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Escapes one step of a JSON pointer.
pub(crate) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn wrong(pointer: &str, want: &str, v: &Value) -> Malformed {
    let field = pointer.rsplit('/').next().unwrap_or("").replace("~1", "/").replace("~0", "~");
    Malformed::new(pointer, format!("{field} must be {want}, not {}", kind(v)))
}

/// A field that is a text; absent and null are the empty text.
pub(super) fn text(map: &Map<String, Value>, at: &str, key: &str) -> Result<String, Malformed> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(s)) => Ok(s.clone()),
        Some(v) => Err(wrong(&format!("{at}/{}", step(key)), "a text", v)),
    }
}

/// A field that is a mapping of texts.
pub(super) fn texts(
    map: &Map<String, Value>,
    at: &str,
    key: &str,
) -> Result<BTreeMap<String, String>, Malformed> {
    let here = format!("{at}/{}", step(key));
    let entries = match map.get(key) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(v) => return Err(wrong(&here, "a mapping", v)),
    };
    let mut out = BTreeMap::new();
    for (k, v) in entries {
        let value = match v {
            Value::String(s) => s.clone(),
            Value::Null => String::new(),
            _ => {
                let place = format!("{here}/{}", step(k));
                return Err(wrong(&place, "a text", v).hint("put quotes around the value"));
            }
        };
        out.insert(k.clone(), value);
    }
    Ok(out)
}

/// A field that is a list; absent and null are the empty one.
pub(super) fn list<'a>(map: &'a Map<String, Value>, at: &str, key: &str) -> Result<&'a [Value], Malformed> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(v) => Err(wrong(&format!("{at}/{}", step(key)), "a list", v)),
    }
}

/// A value that is a mapping; null is the empty one.
pub(super) fn mapping<'a>(
    v: &'a Value,
    at: &str,
    empty: &'a Map<String, Value>,
) -> Result<&'a Map<String, Value>, Malformed> {
    match v {
        Value::Null => Ok(empty),
        Value::Object(map) => Ok(map),
        _ => Err(wrong(at, "a mapping", v)),
    }
}
