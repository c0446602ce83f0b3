//! JSON patches (RFC 6902) on values: to see what an object will be, before the server is asked.

use serde_json::Value;

/// Makes the operations in order; the first that cannot be made is named.
pub(super) fn make(root: &mut Value, operations: &[Value]) -> Result<(), String> {
    operations
        .iter()
        .try_for_each(|op| one(root, op).ok_or_else(|| format!("the operation {op} does not fit")))
}

fn one(root: &mut Value, op: &Value) -> Option<()> {
    let path = op.get("path")?.as_str()?;
    let value = || op.get("value").cloned().unwrap_or(Value::Null);
    match op.get("op")?.as_str()? {
        "test" => (root.pointer(path)? == &value()).then_some(()),
        "replace" => {
            *root.pointer_mut(path)? = value();
            Some(())
        }
        "add" => add(root, path, value()),
        "remove" => remove(root, path),
        _ => None,
    }
}

fn split<'r>(root: &'r mut Value, path: &str) -> Option<(&'r mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((root.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(root: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, last) = split(root, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let index = last.parse::<usize>().ok().filter(|i| *i <= list.len())?;
            list.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(root: &mut Value, path: &str) -> Option<()> {
    let (parent, last) = split(root, path)?;
    match parent {
        Value::Object(map) => map.remove(&last).map(|_| ()),
        Value::Array(list) => {
            let index = last.parse::<usize>().ok().filter(|i| *i < list.len())?;
            list.remove(index);
            Some(())
        }
        _ => None,
    }
}

/// Lays the fields of `part` over `whole`: mappings are merged, all else is replaced, null takes away.
pub(super) fn merge(whole: &mut Value, part: &Value) {
    let (Value::Object(w), Value::Object(p)) = (&mut *whole, part) else {
        *whole = part.clone();
        return;
    };
    for (key, value) in p {
        if value.is_null() {
            w.remove(key);
        } else {
            merge(w.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_do_what_the_rfc_says() {
        #[track_caller]
        fn check(operations: Value, expect: Option<Value>) {
            let mut v = json!({"a": {"b": 1}, "l": [1, 2]});
            let made = make(&mut v, operations.as_array().map(Vec::as_slice).unwrap_or_default());
            assert_eq!(made.is_ok().then_some(v), expect, "{operations}");
        }
        check(
            json!([{"op": "add", "path": "/a/c", "value": 2}]),
            Some(json!({"a": {"b": 1, "c": 2}, "l": [1, 2]})),
        );
        check(
            json!([{"op": "add", "path": "/l/-", "value": 3}]),
            Some(json!({"a": {"b": 1}, "l": [1, 2, 3]})),
        );
        check(json!([{"op": "remove", "path": "/l/0"}]), Some(json!({"a": {"b": 1}, "l": [2]})));
        check(
            json!([{"op": "test", "path": "/a/b", "value": 1}, {"op": "replace", "path": "/a/b", "value": 5}]),
            Some(json!({"a": {"b": 5}, "l": [1, 2]})),
        );
        check(json!([{"op": "test", "path": "/a/b", "value": 2}]), None);
        check(json!([{"op": "remove", "path": "/x"}]), None);
    }

    #[test]
    fn fields_are_laid_over() {
        let mut v = json!({"spec": {"a": 1, "b": [1]}, "x": 1});
        merge(&mut v, &json!({"spec": {"b": [2], "c": {"d": 1}}, "x": null}));
        assert_eq!(v, json!({"spec": {"a": 1, "b": [2], "c": {"d": 1}}}));
    }
}
