//! Changes to a cluster's objects, made to a model of it or, in the same words, to a real one.

use crate::installs::{Objects, managed, set};
use serde_json::{Value, json};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A field gets a value; `null` takes it away.
    Set {
        /// Kind of the object.
        kind: &'static str,
        /// Its name.
        name: &'static str,
        /// JSON pointer of the field.
        pointer: &'static str,
        /// The value.
        value: Value,
    },
    /// The same in every object of a kind whose name begins so (pods of a workload).
    SetAll {
        /// Kind of the objects.
        kind: &'static str,
        /// Beginning of their names.
        prefix: &'static str,
        /// JSON pointer of the field.
        pointer: &'static str,
        /// The value.
        value: Value,
    },
    /// An object goes.
    Remove {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// An object comes.
    Add(Value),
}

impl Change {
    /// Whether it comes by itself on a real cluster once the other changes are made: status and generations, endpoints,
    /// pods, what the operators write, Events.
    pub fn follows(&self) -> bool {
        const MADE: [&str; 5] = ["EndpointSlice", "Pod", "ReplicaSet", "StatefulSet", "Event"];
        match self {
            Change::Set { kind, pointer, .. } => {
                MADE.contains(kind)
                    || [
                        "/status",
                        "/metadata/generation",
                        "/metadata/managedFields",
                        "/metadata/creationTimestamp",
                    ]
                    .iter()
                    .any(|p| pointer.starts_with(p))
            }
            Change::SetAll { kind, .. } | Change::Remove { kind, .. } => MADE.contains(kind),
            Change::Add(object) => {
                MADE.iter().any(|k| object["kind"] == *k && object["metadata"]["name"] != "pushgateway")
            }
        }
    }

    /// Makes it in a model.
    ///
    /// # Panics
    /// When the model has no such object.
    pub fn make(&self, objects: &mut Objects) {
        match self {
            Change::Set { kind, name, pointer, value } => {
                let object = objects.get(kind, name);
                set(object, pointer, value.clone());
                let step = pointer.split('/').nth(2).unwrap_or_default();
                managed(
                    object,
                    "kubectl-edit",
                    "Update",
                    "2026-01-06T10:00:00Z",
                    json!({"f:spec": {format!("f:{step}"): {}}}),
                );
            }
            Change::SetAll { kind, prefix, pointer, value } => {
                let hits = |o: &Value| {
                    o["kind"] == *kind
                        && o["metadata"]["name"].as_str().is_some_and(|n| n.starts_with(prefix))
                };
                for object in objects.0.iter_mut().filter(|o| hits(o)) {
                    set(object, pointer, value.clone());
                }
            }
            Change::Remove { kind, name } => {
                objects.remove(kind, name);
            }
            Change::Add(object) => {
                objects.add(object.clone());
            }
        }
    }
}

/// A field gets a value.
pub(super) fn to(kind: &'static str, name: &'static str, pointer: &'static str, value: Value) -> Change {
    Change::Set { kind, name, pointer, value }
}

/// A field goes.
pub(super) fn unset(kind: &'static str, name: &'static str, pointer: &'static str) -> Change {
    Change::Set { kind, name, pointer, value: Value::Null }
}

/// An object goes.
pub(super) fn gone(kind: &'static str, name: &'static str) -> Change {
    Change::Remove { kind, name }
}
