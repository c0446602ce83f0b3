//! How two values of one shape differ.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kube::fields::{Set, Step};
use crate::kube::schema::{Schema, Walk};

/// The difference of two values.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

impl Changes {
    /// Whether the values are the same.
    pub(crate) fn is_none(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// The difference without what lies at or below a path of `ignored`.
    pub(crate) fn without(self, ignored: &Set) -> Changes {
        Changes {
            added: self.added.without_subtrees(ignored),
            modified: self.modified.without_subtrees(ignored),
            removed: self.removed.without_subtrees(ignored),
        }
    }
}

/// What changes from `old` to `new`.
pub(crate) fn compare(schema: &Schema, old: &Value, new: &Value) -> Changes {
    let mut out = Changes::default();
    walk(schema, Some(old), Some(new), &mut Vec::new(), &mut out);
    out
}

fn walk(schema: &Schema, old: Option<&Value>, new: Option<&Value>, at: &mut Vec<Step>, out: &mut Changes) {
    match schema.walk(old, new) {
        Walk::Map if !both_empty(old, new) => maps(schema, old, new, at, out),
        Walk::List if !both_empty(old, new) => lists(schema, old, new, at, out),
        _ => {
            if old.is_some() && new.is_some() && old != new {
                out.modified.insert(at);
            }
        }
    }
    match (old, new) {
        (None, Some(_)) => out.added.insert(at),
        (Some(_), None) => out.removed.insert(at),
        _ => {}
    }
}

fn both_empty(a: Option<&Value>, b: Option<&Value>) -> bool {
    let empty = |v: Option<&Value>| match v {
        None | Some(Value::Null) => true,
        Some(Value::Object(m)) => m.is_empty(),
        Some(Value::Array(a)) => a.is_empty(),
        Some(_) => false,
    };
    empty(a) && empty(b)
}

fn maps(schema: &Schema, old: Option<&Value>, new: Option<&Value>, at: &mut Vec<Step>, out: &mut Changes) {
    let old = old.and_then(Value::as_object);
    let new = new.and_then(Value::as_object);
    let names = old.into_iter().flat_map(|m| m.keys());
    let only_new =
        new.into_iter().flat_map(|m| m.keys()).filter(|k| !old.is_some_and(|o| o.contains_key(*k)));
    for name in names.chain(only_new) {
        at.push(Step::Field(name.clone()));
        walk(schema.field(name), old.and_then(|m| m.get(name)), new.and_then(|m| m.get(name)), at, out);
        at.pop();
    }
}

fn lists(schema: &Schema, old: Option<&Value>, new: Option<&Value>, at: &mut Vec<Step>, out: &mut Changes) {
    let mut items: BTreeMap<Step, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    // An item without its key has no owner; writes by update may leave such.
    for v in old.and_then(Value::as_array).into_iter().flatten() {
        if let Ok(step) = schema.step(v) {
            items.entry(step).or_default().0.push(v);
        }
    }
    for v in new.and_then(Value::as_array).into_iter().flatten() {
        if let Ok(step) = schema.step(v) {
            items.entry(step).or_default().1.push(v);
        }
    }
    for (step, (old, new)) in items {
        at.push(step.clone());
        if old.len() <= 1 && new.len() <= 1 {
            walk(schema.at(&step), old.first().copied(), new.first().copied(), at, out);
        } else if old.is_empty() {
            out.added.insert(at);
        } else if new.is_empty() {
            out.removed.insert(at);
        } else if old != new {
            out.modified.insert(at);
        }
        at.pop();
    }
}
