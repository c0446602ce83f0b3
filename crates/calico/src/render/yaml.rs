//! JSON as YAML, written as Prometheus' own library writes it.

use serde_json::Value;
use tortie_config::emit::{Doc, emit};

/// The text of a value.
pub fn yaml_of(value: &Value) -> String {
    emit(&doc(value))
}

fn doc(value: &Value) -> Doc {
    match value {
        Value::Null => Doc::Raw("null".to_owned()),
        Value::Bool(_) | Value::Number(_) => Doc::Raw(value.to_string()),
        Value::String(s) => Doc::Text(s.clone()),
        Value::Array(items) => Doc::List(items.iter().map(doc).collect()),
        Value::Object(map) => Doc::Map(map.iter().map(|(k, v)| (k.clone(), doc(v))).collect()),
    }
}
