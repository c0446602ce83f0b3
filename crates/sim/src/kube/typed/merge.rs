//! One value merged into another of the same shape.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use crate::kube::fields::Step;
use crate::kube::schema::{Schema, Walk};

/// `old` with all of `new` in it.
///
/// # Errors
/// An item of `new` without its key, or twice the same one.
pub(crate) fn merge(schema: &Schema, old: &Value, new: &Value) -> Result<Value, String> {
    Ok(walk(schema, Some(old), Some(new), "")?.unwrap_or(Value::Null))
}

fn walk(
    schema: &Schema,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &str,
) -> Result<Option<Value>, String> {
    let some = |v: Option<&Value>| match v {
        Some(Value::Object(m)) => !m.is_empty(),
        Some(Value::Array(a)) => !a.is_empty(),
        _ => false,
    };
    let full = some(old) || some(new);
    match schema.walk(old, new) {
        Walk::Map if full => maps(schema, old, new, path).map(Some),
        Walk::List if full => lists(schema, old, new, path).map(Some),
        _ => Ok(new.or(old).cloned()),
    }
}

fn maps(schema: &Schema, old: Option<&Value>, new: Option<&Value>, path: &str) -> Result<Value, String> {
    let old = old.and_then(Value::as_object);
    let new = new.and_then(Value::as_object);
    let mut out = Map::new();
    let names = old.into_iter().flat_map(|m| m.keys());
    let only_new =
        new.into_iter().flat_map(|m| m.keys()).filter(|k| !old.is_some_and(|o| o.contains_key(*k)));
    for name in names.chain(only_new) {
        let (a, b) = (old.and_then(|m| m.get(name)), new.and_then(|m| m.get(name)));
        if let Some(v) = walk(schema.field(name), a, b, &format!("{path}.{name}"))? {
            out.insert(name.clone(), v);
        }
    }
    Ok(Value::Object(out))
}

/// A list with the steps of its items.
struct Indexed<'a> {
    steps: Vec<Step>,
    items: Vec<&'a Value>,
    by: BTreeMap<Step, &'a Value>,
}

fn index<'a>(schema: &Schema, v: Option<&'a Value>, twice: bool, path: &str) -> Result<Indexed<'a>, String> {
    let mut out = Indexed { steps: Vec::new(), items: Vec::new(), by: BTreeMap::new() };
    for (i, item) in v.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let step = schema.step(item).map_err(|e| format!("{path}: element {i}: {e}"))?;
        if out.by.insert(step.clone(), item).is_some() && !twice {
            return Err(format!("{path}: duplicate entries for key {step}"));
        }
        out.steps.push(step);
        out.items.push(item);
    }
    Ok(out)
}

/// Items of both in the order of `new`, those of `old` alone where they stood between shared ones.
fn lists(schema: &Schema, old: Option<&Value>, new: Option<&Value>, path: &str) -> Result<Value, String> {
    let old = index(schema, old, true, path)?;
    let new = index(schema, new, false, path)?;
    let mut shared: VecDeque<&Step> = new.steps.iter().filter(|s| old.by.contains_key(*s)).collect();
    let mut next = shared.pop_front();
    let mut taken: BTreeSet<&Step> = BTreeSet::new();
    let mut out = Vec::new();
    let mut push = |step: &Step, a: Option<&Value>, b: Option<&Value>| -> Result<(), String> {
        out.extend(walk(schema.at(step), a, b, &format!("{path}{step}"))?);
        Ok(())
    };
    let (mut l, mut r) = (0, 0);
    loop {
        let (left, right) = (old.steps.get(l), new.steps.get(r));
        if let (Some(a), Some(b)) = (left, right) {
            if a == b {
                taken.insert(a);
                push(a, old.by.get(a).copied(), new.by.get(a).copied())?;
                l += 1;
                r += 1;
                next = shared.pop_front();
                continue;
            }
            if new.by.contains_key(a) && next.is_some_and(|n| n != a) {
                l += 1;
                continue;
            }
        }
        if let Some(a) = left {
            if !new.by.contains_key(a) {
                push(a, old.items.get(l).copied(), None)?;
                l += 1;
                continue;
            }
            if taken.contains(a) {
                l += 1;
            }
        }
        match right {
            Some(b) => {
                taken.insert(b);
                push(b, old.by.get(b).copied(), new.by.get(b).copied())?;
                r += 1;
                if next == Some(b) {
                    next = shared.pop_front();
                }
            }
            None if l >= old.steps.len() => return Ok(Value::Array(out)),
            // Only shared items are left on this side, and all of them were taken.
            None => l += usize::from(left.is_some_and(|a| !taken.contains(a))),
        }
    }
}
