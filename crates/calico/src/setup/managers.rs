//! `managedFields`: what setup applied before, and the list as it was before a field was written.

use super::{MANAGER, patch};
use serde_json::{Map, Value, json};
use tortie_cluster::object::Object;

/// The name that the API server gives to owners it did not know (apimachinery managedfields/internal/lastapplied).
const BEFORE_FIRST: &str = "before-first-apply";

/// Fields to apply to an object that others own too, with those that setup applied to it before: an apply that leaves one of
/// its manager's fields out gives it up, and the server takes it away.
pub(super) fn with_ours(object: &Value, there: &Object) -> Value {
    let mut out = json!({});
    let own = |m: &&tortie_cluster::object::Managed| {
        m.manager == MANAGER && m.operation == "Apply" && m.subresource.is_empty()
    };
    for entry in there.meta.managed.iter().filter(own) {
        patch::merge(&mut out, &held(&entry.fields, &there.body));
    }
    patch::merge(&mut out, object);
    out
}

/// The values of a field set. Items of lists are left out: of objects of others setup applies plain fields alone.
fn held(fields: &Value, body: &Value) -> Value {
    let mut out = Map::new();
    for (key, inner) in fields.as_object().into_iter().flatten() {
        let Some(name) = key.strip_prefix("f:") else { continue };
        let Some(value) = body.get(name) else { continue };
        let leaf = inner.as_object().is_none_or(Map::is_empty);
        if leaf {
            out.insert(name.to_owned(), value.clone());
        } else if value.is_object() {
            out.insert(name.to_owned(), held(inner, value));
        }
    }
    Value::Object(out)
}

/// The list as it should be after the fields at `pointers` were given back: ours gone, the owners of before own them
/// again. None when it is so already.
pub(super) fn given_back(now: &[Value], before: &[Value], pointers: &[String]) -> Option<Vec<Value>> {
    // What the first apply of an object brings about: the owners of before under one name.
    let first =
        |e: &Value| e["manager"] == BEFORE_FIRST && !before.iter().any(|b| b["manager"] == BEFORE_FIRST);
    let mut out: Vec<Value> = now.iter().filter(|e| e["manager"] != MANAGER && !first(e)).cloned().collect();
    for old in before
        .iter()
        .filter(|e| e["manager"] != MANAGER && e["subresource"].as_str().unwrap_or_default().is_empty())
    {
        for pointer in pointers {
            let path = path(pointer);
            let Some(part) = part(&old["fieldsV1"], &path) else { continue };
            match out.iter_mut().find(|e| same(e, old)) {
                Some(entry) => {
                    let fields =
                        entry.as_object_mut().map(|m| m.entry("fieldsV1").or_insert_with(|| json!({})));
                    if let Some(fields) = fields {
                        join(fields, &part);
                    }
                }
                None => {
                    let mut entry = old.clone();
                    entry["fieldsV1"] = part;
                    out.push(entry);
                }
            }
        }
    }
    // Entries that say the same as before get their time back as well.
    for entry in &mut out {
        if let Some(old) = before.iter().find(|o| same(o, entry) && o["fieldsV1"] == entry["fieldsV1"]) {
            *entry = old.clone();
        }
    }
    let rank = |e: &Value| before.iter().position(|o| same(o, e)).unwrap_or(usize::MAX);
    out.sort_by_key(rank);
    (out != now).then_some(out)
}

fn same(a: &Value, b: &Value) -> bool {
    ["manager", "operation", "apiVersion"].iter().all(|k| a[*k] == b[*k])
        && a["subresource"].as_str().unwrap_or_default() == b["subresource"].as_str().unwrap_or_default()
}

/// The keys of a place in `fieldsV1`. An item of a list by name is keyed by it.
fn path(pointer: &str) -> Vec<String> {
    let step = |s: &str| match s.strip_prefix("name=") {
        Some(name) => format!("k:{}", json!({"name": name})),
        None => format!("f:{}", s.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(step).collect()
}

/// The branch of a field set that holds a place, alone; none when it does not.
fn part(fields: &Value, path: &[String]) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return Some(fields.clone()) };
    let inner = fields.get(first)?;
    let leaf = inner.as_object().is_some_and(Map::is_empty);
    let kept = if leaf { json!({}) } else { part(inner, rest)? };
    Some(json!({first: kept}))
}

fn join(whole: &mut Value, part: &Value) {
    let (Some(w), Some(p)) = (whole.as_object_mut(), part.as_object()) else { return };
    for (key, value) in p {
        join(w.entry(key).or_insert_with(|| json!({})), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, time: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "time": time, "fieldsV1": fields})
    }

    #[test]
    fn what_was_applied_before_is_applied_again() {
        #[track_caller]
        fn check(operation: &str, manager: &str, expect: &Value) {
            let body = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "labels": {"a/b": "1"}, "managedFields": [
                {"manager": manager, "operation": operation, "apiVersion": "v1",
                    "fieldsV1": {"f:metadata": {"f:labels": {"f:a/b": {}}}, "f:spec": {".": {}, "f:old": {}, "f:gone": {}, "f:list": {"k:{\"name\":\"n\"}": {}}}}},
            ]}, "spec": {"old": 9091, "other": 1, "list": [{"name": "n"}]}});
            let new = json!({"kind": "X", "metadata": {"name": "x"}, "spec": {"new": 9093}});
            assert_eq!(with_ours(&new, &Object::parse(body).unwrap()), *expect, "{manager} {operation}");
        }
        let alone = json!({"kind": "X", "metadata": {"name": "x"}, "spec": {"new": 9093}});
        let both = json!({"kind": "X", "metadata": {"name": "x", "labels": {"a/b": "1"}}, "spec": {"old": 9091, "new": 9093}});
        check("Apply", MANAGER, &both);
        check("Update", MANAGER, &alone);
        check("Apply", "kubectl", &alone);
    }

    #[test]
    fn owners_of_before_own_again() {
        #[track_caller]
        fn check(now: &[Value], before: &[Value], expect: Option<&[Value]>) {
            let got = given_back(now, before, &["/spec/x".to_owned()]);
            assert_eq!(got.as_deref(), expect);
        }
        let owner = |t: &str, f: Value| entry("kubectl", t, f);
        let both = json!({"f:spec": {"f:x": {}, "f:y": {}}});
        let rest = json!({"f:spec": {"f:y": {}}});
        let ours = entry(MANAGER, "t2", json!({"f:spec": {"f:x": {}}}));
        check(
            &[owner("t1", rest), ours.clone()],
            &[owner("t1", both.clone())],
            Some(&[owner("t1", both.clone())]),
        );
        check(
            &[ours],
            &[owner("t1", json!({"f:spec": {"f:x": {}}}))],
            Some(&[owner("t1", json!({"f:spec": {"f:x": {}}}))]),
        );
        check(&[owner("t1", both.clone())], &[owner("t1", both)], None);
    }
}
