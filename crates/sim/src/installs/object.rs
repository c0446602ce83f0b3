//! Small builders of objects.

use serde_json::{Value, json};

/// An object with its names and a specification; an empty namespace is left out.
pub fn object(api_version: &str, kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    let uid = uid(kind, namespace, name);
    let mut o = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "uid": uid, "creationTimestamp": "2026-01-05T10:00:00Z", "generation": 1, "labels": {}, "annotations": {}},
    });
    if !namespace.is_empty() {
        o["metadata"]["namespace"] = json!(namespace);
    }
    if !spec.is_null() {
        o["spec"] = spec;
    }
    o
}

/// Sets a field by JSON pointer, making the mappings on the way; `null` removes it.
///
/// # Panics
/// When the way leads through something that is no mapping or list, or an index is out of range.
pub fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    let mut at = object;
    for step in parent.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        at = match at {
            Value::Array(list) => &mut list[step.parse::<usize>().expect("an index")],
            other => other
                .as_object_mut()
                .map(|m| m.entry(step).or_insert_with(|| json!({})))
                .expect("a mapping on the way"),
        };
    }
    let last = last.replace("~1", "/").replace("~0", "~");
    match (at, value) {
        (Value::Array(list), Value::Null) => {
            list.remove(last.parse().expect("an index"));
        }
        (Value::Array(list), v) => list[last.parse::<usize>().expect("an index")] = v,
        (Value::Object(map), Value::Null) => {
            map.remove(&last);
        }
        (Value::Object(map), v) => {
            map.insert(last, v);
        }
        _ => panic!("{pointer} is not in a mapping"),
    }
}

/// Names the controller of an object.
#[must_use]
pub fn controller(mut object: Value, api_version: &str, kind: &str, name: &str) -> Value {
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": api_version, "kind": kind, "name": name, "uid": uid(kind, "", name),
        "controller": true, "blockOwnerDeletion": true,
    }]);
    object
}

/// Adds an entry of managed fields.
#[allow(clippy::needless_pass_by_value)] // callers write the fields in place
pub fn managed(object: &mut Value, manager: &str, operation: &str, time: &str, fields: Value) {
    let api_version = object["apiVersion"].clone();
    let entry = json!({
        "manager": manager, "operation": operation, "apiVersion": api_version, "time": time,
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    });
    match object["metadata"]["managedFields"].as_array_mut() {
        Some(list) => list.push(entry),
        None => object["metadata"]["managedFields"] = json!([entry]),
    }
}

/// A uid that depends on nothing but the names.
fn uid(kind: &str, namespace: &str, name: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in format!("{kind}/{namespace}/{name}").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let low = hash.rotate_left(29) ^ 0x5bd1_e995_0000_0001;
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        hash >> 32,
        (hash >> 16) & 0xffff,
        hash & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
