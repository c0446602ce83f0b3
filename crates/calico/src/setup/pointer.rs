//! JSON pointers that may name an item of a list by its `name`: `/spec/containers/0/env/name=X/value`.

use serde_json::Value;

/// What stands at a pointer.
pub(super) fn get<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    root.pointer(&resolved(root, pointer)?).filter(|v| !v.is_null())
}

/// The plain JSON pointer of a place; none when an item that is named is not there.
pub(super) fn resolved(root: &Value, pointer: &str) -> Option<String> {
    let mut out = String::new();
    for step in pointer.split('/').skip(1) {
        let Some(name) = step.strip_prefix("name=") else {
            out.push('/');
            out.push_str(step);
            continue;
        };
        let list = root.pointer(&out)?.as_array()?;
        let index = list.iter().position(|i| i.get("name").and_then(Value::as_str) == Some(name))?;
        out.push_str(&format!("/{index}"));
    }
    Some(out)
}

/// Whether `whole` has everything that `part` has. Lists must be as long, and have each item of `part` in its place.
pub(super) fn covers(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(w), Value::Object(p)) => {
            p.iter().all(|(k, v)| w.get(k).is_some_and(|have| covers(have, v)))
        }
        (Value::Array(w), Value::Array(p)) => {
            w.len() == p.len() && w.iter().zip(p).all(|(w, p)| covers(w, p))
        }
        (Value::Number(w), Value::Number(p)) => w.as_f64() == p.as_f64(),
        _ => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_found_by_name() {
        let v = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        assert_eq!(get(&v, "/env/name=B/value"), Some(&json!("2")));
        assert_eq!(resolved(&v, "/env/name=C/value"), None);
        assert_eq!(get(&v, "/env/0/name"), Some(&json!("A")));
    }

    #[test]
    fn a_part_is_covered_by_the_whole() {
        #[track_caller]
        fn check(whole: Value, part: Value, expect: bool) {
            assert_eq!(covers(&whole, &part), expect, "{whole} {part}");
        }
        check(json!({"a": 1, "b": 2}), json!({"a": 1}), true);
        check(json!({"a": 1}), json!({"a": 1, "b": null}), false);
        check(json!({"a": [{"x": 1, "y": 2}]}), json!({"a": [{"x": 1}]}), true);
        check(json!({"a": [1, 2]}), json!({"a": [1]}), false);
        check(json!({"a": 90.0}), json!({"a": 90}), true);
    }
}
