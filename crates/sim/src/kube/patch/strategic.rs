//! Strategic merge patch: a merge patch that knows by which key the items of a list are told apart.

use serde_json::{Map, Value};

/// The merge key of a list at a path of field names, `None` for lists that are replaced.
pub(crate) type Keys = fn(&[&str]) -> Option<Merge>;

/// How a list is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Items with the same value of this field are the same.
    By(&'static str),
    /// Scalars, each at most once.
    Set,
}

/// Merge keys of the built-in kinds.
pub(crate) fn built_in_keys(path: &[&str]) -> Option<Merge> {
    let merge = match path {
        [.., "finalizers"] => Merge::Set,
        [.., "ownerReferences"] => Merge::By("uid"),
        [.., "conditions"] => Merge::By("type"),
        [.., "initContainers" | "containers" | "ephemeralContainers", "ports"] => Merge::By("containerPort"),
        [
            ..,
            "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets",
        ]
        | ["secrets"] => Merge::By("name"),
        [.., "volumeMounts"] => Merge::By("mountPath"),
        [.., "volumeDevices"] => Merge::By("devicePath"),
        [.., "hostAliases"] => Merge::By("ip"),
        [.., "topologySpreadConstraints"] => Merge::By("topologyKey"),
        ["spec", "ports"] => Merge::By("port"),
        ["status", "addresses"] => Merge::By("type"),
        _ => return None,
    };
    Some(merge)
}

/// Merges `patch` into `doc`.
///
/// # Errors
/// A directive that is not known, an item without its key.
pub(crate) fn strategic_patch(doc: &mut Value, patch: &Value, keys: Keys) -> Result<(), String> {
    merge(doc, patch, keys, &mut Vec::new())
}

fn merge<'a>(doc: &mut Value, patch: &'a Value, keys: Keys, at: &mut Vec<&'a str>) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        *doc = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let rest = patch.iter().filter(|(k, _)| *k != "$patch");
            *doc = Value::Object(rest.map(|(k, v)| (k.clone(), v.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *doc = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(format!("invalid Strategic Merge Patch: unknown directive {other}")),
    }
    if !doc.is_object() {
        *doc = Value::Object(Map::new());
    }
    let Some(map) = doc.as_object_mut() else { return Ok(()) };
    for (name, v) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(have)), Some(gone)) = (map.get_mut(list), v.as_array()) {
                have.retain(|x| !gone.contains(x));
            }
            continue;
        }
        if name.starts_with('$') {
            continue;
        }
        if v.is_null() {
            map.shift_remove(name);
            continue;
        }
        at.push(name);
        let slot = map.entry(name.clone()).or_insert(Value::Null);
        match (v, keys(at)) {
            (Value::Array(items), Some(how)) => {
                let before = slot.clone();
                list(slot, items, how, keys, at)?;
                // Without an order beside it, what the patch names comes first.
                if !patch.contains_key(&format!("$setElementOrder/{name}")) {
                    order(slot, &before, items, how);
                }
            }
            _ => merge(slot, v, keys, at)?,
        }
        at.pop();
    }
    for (name, v) in patch {
        if let (Some(list), Some(wanted)) = (name.strip_prefix("$setElementOrder/"), v.as_array()) {
            let path: Vec<&str> = at.iter().copied().chain([list]).collect();
            if let (Some(slot), Some(how)) = (map.get_mut(list), keys(&path)) {
                let before = slot.clone();
                order(slot, &before, wanted, how);
            }
        }
    }
    Ok(())
}

fn list<'a>(
    slot: &mut Value,
    patch: &'a [Value],
    how: Merge,
    keys: Keys,
    at: &mut Vec<&'a str>,
) -> Result<(), String> {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    let Some(have) = slot.as_array_mut() else { return Ok(()) };
    let replace = patch.iter().any(|p| p.get("$patch").and_then(Value::as_str) == Some("replace"));
    if replace {
        have.clear();
    }
    for item in patch {
        let Merge::By(key) = how else {
            if !have.contains(item) {
                have.push(item.clone());
            }
            continue;
        };
        let directive = item.get("$patch").and_then(Value::as_str);
        if directive == Some("replace") {
            continue;
        }
        let wanted =
            item.get(key).ok_or_else(|| format!("map: {item} does not contain declared merge key: {key}"))?;
        if directive == Some("delete") {
            have.retain(|x| x.get(key) != Some(wanted));
            continue;
        }
        match have.iter_mut().find(|x| x.get(key) == Some(wanted)) {
            Some(found) => merge(found, item, keys, at)?,
            None => {
                let mut new = Value::Object(Map::new());
                merge(&mut new, item, keys, at)?;
                have.push(new);
            }
        }
    }
    Ok(())
}

/// Orders a merged list: the items that `wanted` names in its order, the others as they stood in `before`, an other one
/// going before a named one that it stood before.
fn order(slot: &mut Value, before: &Value, wanted: &[Value], how: Merge) {
    let Some(have) = slot.as_array_mut() else { return };
    let same = |a: &Value, b: &Value| match how {
        Merge::By(key) => a.get(key).is_some() && a.get(key) == b.get(key),
        Merge::Set => a == b,
    };
    let place = |list: &[Value], v: &Value| list.iter().position(|x| same(x, v));
    let old = before.as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        have.drain(..).partition(|v| place(wanted, v).is_some());
    named.sort_by_key(|v| place(wanted, v));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let other_first = match (named.peek(), others.peek()) {
            (Some(n), Some(o)) => match (place(old, n), place(old, o)) {
                (Some(n), Some(o)) => n >= o,
                _ => false,
            },
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let next = if other_first { others.next() } else { named.next() };
        match next {
            Some(v) => have.push(v),
            None => return,
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better without `&`
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_merge_by_their_keys() {
        fn check(patch: Value, expect: Value) {
            let mut doc = json!({"spec": {"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "b"}]}});
            strategic_patch(&mut doc, &json!({"spec": patch}), built_in_keys).unwrap();
            assert_eq!(doc["spec"], expect);
        }
        check(
            json!({"ports": [{"port": 2, "name": "c"}]}),
            json!({"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "c"}]}),
        );
        check(
            json!({"ports": [{"port": 3}]}),
            json!({"ports": [{"port": 3}, {"port": 1, "name": "a"}, {"port": 2, "name": "b"}]}),
        );
        check(
            json!({"ports": [{"$patch": "delete", "port": 1}]}),
            json!({"ports": [{"port": 2, "name": "b"}]}),
        );
        check(json!({"ports": [{"$patch": "replace"}, {"port": 9}]}), json!({"ports": [{"port": 9}]}));
        check(json!({"ports": null, "x": {"y": null}}), json!({"x": {}}));
    }
}
