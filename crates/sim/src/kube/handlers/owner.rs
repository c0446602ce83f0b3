//! Ownership of fields around a write.

use serde_json::{Value, json};

use super::Asked;
use crate::kube::fields::{Managed, ManagerId, Operation, Set, Step};
use crate::kube::typed::{Writer, update};

/// Paths that nobody owns.
fn stripped() -> Set {
    let mut out = Set::default();
    let field = |n: &str| Step::Field(n.into());
    out.insert(&[field("apiVersion")]);
    out.insert(&[field("kind")]);
    out.insert(&[field("metadata")]);
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        out.insert(&[field("metadata"), field(name)]);
    }
    out
}

/// What the server resets on this way, so that nobody owns it by it.
pub(super) fn ignored(asked: &Asked<'_>) -> Set {
    let mut out = Set::default();
    if !asked.kind.status {
        return out;
    }
    let field = |n: &str| Step::Field(n.into());
    if asked.route.subresource == "status" {
        out.insert(&[field("spec")]);
        if asked.kind.custom() {
            out.insert(&[field("metadata")]);
        }
    } else {
        out.insert(&[field("status")]);
    }
    out
}

/// The writer's entry.
pub(super) fn id(asked: &Asked<'_>, operation: Operation) -> ManagerId {
    ManagerId {
        manager: asked.manager(),
        operation,
        api_version: if operation == Operation::Apply { String::new() } else { asked.kind.api_version() },
        subresource: asked.route.subresource.clone(),
    }
}

/// Reads the entries of an object; those that cannot be read count as none.
pub(super) fn read(object: &Value) -> Managed {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.and_then(|e| Managed::decode(e)).unwrap_or_default()
}

/// The object without its entries.
pub(super) fn bare(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(meta) = out.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.shift_remove("managedFields");
    }
    out
}

/// Writes the entries into an object.
pub(super) fn write(object: &mut Value, managed: &Managed) {
    let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    meta.shift_remove("managedFields");
    if !managed.is_empty() {
        meta.insert("managedFields".into(), managed.encode().into());
    }
}

/// Takes away what nobody owns from the writer's entry.
pub(super) fn strip(managed: &mut Managed, id: &ManagerId, api_version: &str) {
    if let Some(set) = managed.get(id) {
        let set = set.difference(&stripped());
        managed.put(id, api_version, set);
    }
}

/// Writes into `new` who owns what after it was written over `live` by an update. `new` may carry entries that the
/// client wants to set; an entry that is empty resets them.
pub(super) fn after_update(asked: &Asked<'_>, live: &Value, new: &mut Value, now: i64) {
    let given = new.pointer("/metadata/managedFields").and_then(Value::as_array).cloned();
    let reset = given.as_deref().is_some_and(|g| matches!(g, [one] if *one == json!({})));
    let mut managed = if reset {
        Managed::default()
    } else {
        let on_main = asked.route.subresource.is_empty();
        given
            .filter(|_| on_main)
            .and_then(|g| Managed::decode(&g))
            .filter(|m| !m.is_empty())
            .unwrap_or_else(|| read(live))
    };
    let is_new = live.pointer("/metadata/uid").is_none();
    if managed.is_empty() && !is_new {
        // Nobody is tracked until somebody applies.
        write(new, &managed);
        return;
    }
    let (old, bare_new) = (bare(live), bare(new));
    let id = id(asked, Operation::Update);
    let api_version = asked.kind.api_version();
    let ignored = ignored(asked);
    let writer = Writer { id: &id, api_version: &api_version, schema: &asked.kind.schema, ignored: &ignored };
    let took = update(&old, &bare_new, &mut managed, &writer);
    strip(&mut managed, &id, &api_version);
    if took {
        managed.touch(&id, now);
    }
    managed.cap();
    write(new, &managed);
}
