//! JSON patch (RFC 6902) with the refusals of the server's library.

use serde_json::Value;

/// Applies the operations in order.
///
/// # Errors
/// The first operation that cannot be done, in the words of the server's library.
pub(crate) fn json_patch(doc: &mut Value, ops: &[Value]) -> Result<(), String> {
    ops.iter().try_for_each(|op| one(doc, op))
}

fn text<'a>(op: &'a Value, name: &str) -> &'a str {
    op.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn one(doc: &mut Value, op: &Value) -> Result<(), String> {
    let (kind, path) = (text(op, "op"), text(op, "path"));
    let value = || op.get("value").cloned();
    match kind {
        "add" => add(doc, path, value().unwrap_or(Value::Null)),
        "remove" => take(doc, path).map(drop),
        "replace" => {
            let v = value().unwrap_or(Value::Null);
            if let Some(slot) = doc.pointer_mut(path) {
                *slot = v;
                return Ok(());
            }
            // The server's library adds a key that is not there when its parent is.
            let missing =
                || format!("replace operation does not apply: doc is missing path: {path}: missing value");
            let (parent, last) = split(path).ok_or_else(missing)?;
            let map = doc.pointer_mut(parent).and_then(Value::as_object_mut).ok_or_else(missing)?;
            map.insert(last, v);
            Ok(())
        }
        "test" => {
            let wanted = value().unwrap_or(Value::Null);
            let have = doc.pointer(path);
            let same = match have {
                Some(have) => *have == wanted,
                None => wanted.is_null(),
            };
            if same { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
        }
        "move" => {
            let v = take(doc, text(op, "from"))?;
            add(doc, path, v)
        }
        "copy" => {
            let from = text(op, "from");
            let missing =
                || format!("copy operation does not apply: doc is missing from path: {from}: missing value");
            let v = doc.pointer(from).cloned().ok_or_else(missing)?;
            add(doc, path, v)
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// Parent pointer and unescaped last token.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(doc: &mut Value, path: &str, v: Value) -> Result<(), String> {
    let Some((parent, last)) = split(path) else {
        *doc = v;
        return Ok(());
    };
    let missing = || format!("add operation does not apply: doc is missing path: {path:?}: missing value");
    match doc.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            map.insert(last, v);
            Ok(())
        }
        Value::Array(items) if last == "-" => {
            items.push(v);
            Ok(())
        }
        Value::Array(items) => match last.parse::<usize>() {
            Ok(i) if i <= items.len() => {
                items.insert(i, v);
                Ok(())
            }
            Ok(i) => Err(format!(
                "add operation does not apply: doc is missing path: {path:?}: Unable to access invalid index: {i}: invalid index referenced"
            )),
            Err(_) => Err(missing()),
        },
        _ => Err(missing()),
    }
}

fn take(doc: &mut Value, path: &str) -> Result<Value, String> {
    let missing_path =
        || format!("remove operation does not apply: doc is missing path: {path:?}: missing value");
    let Some((parent, last)) = split(path) else { return Err(missing_path()) };
    match doc.pointer_mut(parent).ok_or_else(missing_path)? {
        Value::Object(map) => map.shift_remove(&last).ok_or_else(|| {
            format!(
                "error in remove for path: '{path}': Unable to remove nonexistent key: {last}: missing value"
            )
        }),
        Value::Array(items) => match last.parse::<usize>() {
            Ok(i) if i < items.len() => Ok(items.remove(i)),
            _ => Err(format!(
                "error in remove for path: '{path}': Unable to access invalid index: {last}: invalid index referenced"
            )),
        },
        _ => Err(missing_path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations() {
        fn check(ops: &Value, expect: Result<Value, &str>) {
            let mut doc = json!({"a": {"b": [1, 2]}, "c/d": 1});
            let got = json_patch(&mut doc, ops.as_array().unwrap());
            assert_eq!(got.map(|()| doc), expect.map_err(str::to_owned), "{ops}");
        }
        check(
            &json!([{"op": "add", "path": "/a/b/-", "value": 3}]),
            Ok(json!({"a": {"b": [1, 2, 3]}, "c/d": 1})),
        );
        check(
            &json!([{"op": "add", "path": "/a/b/0", "value": 0}]),
            Ok(json!({"a": {"b": [0, 1, 2]}, "c/d": 1})),
        );
        check(&json!([{"op": "remove", "path": "/c~1d"}]), Ok(json!({"a": {"b": [1, 2]}})));
        check(
            &json!([{"op": "test", "path": "/c~1d", "value": 1}, {"op": "replace", "path": "/c~1d", "value": 2}]),
            Ok(json!({"a": {"b": [1, 2]}, "c/d": 2})),
        );
        check(
            &json!([{"op": "move", "from": "/a/b", "path": "/e"}]),
            Ok(json!({"a": {}, "c/d": 1, "e": [1, 2]})),
        );
        check(
            &json!([{"op": "test", "path": "/x", "value": null}]),
            Ok(json!({"a": {"b": [1, 2]}, "c/d": 1})),
        );
        check(
            &json!([{"op": "test", "path": "/c~1d", "value": 2}]),
            Err("testing value /c~1d failed: test failed"),
        );
        check(
            &json!([{"op": "replace", "path": "/x", "value": 2}]),
            Ok(json!({"a": {"b": [1, 2]}, "c/d": 1, "x": 2})),
        );
        check(
            &json!([{"op": "replace", "path": "/x/y", "value": 2}]),
            Err("replace operation does not apply: doc is missing path: /x/y: missing value"),
        );
    }
}
