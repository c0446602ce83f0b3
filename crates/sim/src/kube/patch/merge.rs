//! Merge patch (RFC 7386).

use serde_json::{Map, Value};

/// Merges `patch` into `doc`; null takes away.
pub(crate) fn merge_patch(doc: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *doc = patch.clone();
        return;
    };
    if !doc.is_object() {
        *doc = Value::Object(Map::new());
    }
    let Some(map) = doc.as_object_mut() else { return };
    for (name, v) in patch {
        if v.is_null() {
            map.shift_remove(name);
        } else {
            merge_patch(map.entry(name.clone()).or_insert(Value::Null), v);
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better without `&`
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merges() {
        fn check(doc: Value, patch: Value, expect: Value) {
            let mut got = doc;
            merge_patch(&mut got, &patch);
            assert_eq!(got, expect);
        }
        check(
            json!({"a": 1, "b": {"c": 1, "d": 2}}),
            json!({"b": {"c": null, "e": 3}}),
            json!({"a": 1, "b": {"d": 2, "e": 3}}),
        );
        check(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        check(json!({"a": 1}), json!({"b": {"c": null}}), json!({"a": 1, "b": {}}));
    }
}
