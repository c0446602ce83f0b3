//! Objects of our own: their marks, and the step that makes or mends one.

use super::future::body_of;
use super::pointer;
use super::step::{Checked, Step, Target, Write};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The label by which undo knows what setup made.
pub(super) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "tortie");
const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "tortie-monitoring");

/// The keys of those labels.
pub(super) fn marks() -> [&'static str; 2] {
    [MANAGED_BY.0, PART_OF.0]
}

/// Labels of an object of ours, with `more`. What a selector asks for wins.
pub(super) fn labels(more: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> =
        [MANAGED_BY, PART_OF].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    out.extend(more);
    out
}

/// Whether an object is marked as made by setup.
pub(super) fn is_ours(body: &Value) -> bool {
    let label = |key: &str| body["metadata"]["labels"].get(key).and_then(Value::as_str);
    label(PART_OF.0) == Some(PART_OF.1)
}

/// The object without the marks, as whoever keeps it instead of setup has it.
pub(super) fn unmarked(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(labels) = out["metadata"]["labels"].as_object_mut() {
        labels.retain(|key, _| !marks().contains(&key.as_str()));
    }
    out
}

/// An object of ours.
pub(super) fn object(target: &Target, labels: &BTreeMap<String, String>, fields: &[(&str, Value)]) -> Value {
    let mut metadata = json!({"name": target.name, "labels": labels});
    if !target.namespace.is_empty() {
        metadata["namespace"] = json!(target.namespace);
    }
    let mut out = json!({"apiVersion": target.api_version, "kind": target.kind, "metadata": metadata});
    for (key, value) in fields {
        out[*key] = value.clone();
    }
    out
}

/// The step that makes it, does nothing when it stands as wished, whoever made it, and leaves a stranger of its name alone.
pub(super) fn step(snap: &Snapshot, target: Target, object: Value, remark: impl Into<String>) -> Step {
    let there = body_of(snap, &target);
    let uid = there.as_ref().and_then(|b| b["metadata"]["uid"].as_str()).unwrap_or_default().to_owned();
    let write = match &there {
        // A release or a repository made it from what setup exported.
        Some(body) if !is_ours(body) && pointer::covers(body, &unmarked(&object)) => Write::Nothing,
        Some(body) if !is_ours(body) => Write::Elsewhere {
            advice: "an object of this name stands there that setup did not make: rename it, or give it this content"
                .to_owned(),
            fragment: crate::render::yaml::yaml_of(&object),
        },
        Some(body) if pointer::covers(body, &object) => Write::Nothing,
        _ => Write::Apply { object, take: Vec::new() },
    };
    Step {
        target,
        component: None,
        own: true,
        uid,
        write,
        changes: Vec::new(),
        remark: remark.into(),
        checked: Checked::No,
    }
}
