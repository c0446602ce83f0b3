//! Configurations as values: what stands in them, whatever way it is written.

use serde_json::{Map, Value, json};
use tortie_config::yaml::{self, Node};

/// The text of a configuration as a value in which every scalar is its text.
pub(crate) fn value(text: &str) -> Value {
    node(&yaml::parse(text).unwrap_or_else(|e| panic!("{}: {text}", e.message)))
}

fn node(n: &Node) -> Value {
    match &n.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Scalar { text, .. } => json!(text),
        yaml::Value::Seq(items) => items.iter().map(|n| node(n)).collect(),
        yaml::Value::Map(entries) => {
            let map: Map<String, Value> = entries.iter().map(|(k, v)| (k.text.clone(), node(v))).collect();
            Value::Object(map)
        }
    }
}

/// The differences of two values with their places: `jobs/0/x: left 1, right 2`.
pub(crate) fn differences(left: &Value, right: &Value, at: &str, out: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for k in keys {
                let at = format!("{at}/{k}");
                differences(
                    a.get(k).unwrap_or(&json!("(absent)")),
                    b.get(k).unwrap_or(&json!("(absent)")),
                    &at,
                    out,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{at}/{i}"), out);
            }
        }
        (a, b) if a == b => {}
        (a, b) => out.push(format!("{at}: ours {a}, the operator's {b}")),
    }
}
