//! PUT of an object, and what every changed object goes through.

use serde_json::Value;

use super::create::{decode, insert, place, read_in, reset_status};
use super::{Answer, Asked, Outcome, owner};
use crate::kube::checks::check;
use crate::kube::plane::Plane;
use crate::kube::status::{Cause, Refusal};

/// Replaces an object.
pub(super) fn put(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let mut new = decode(&asked)?;
    place(&asked, &mut new)?;
    let name = new.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::bad_request("name must be provided"));
    }
    if name != asked.route.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            asked.route.name
        )));
    }
    let mut warnings = Vec::new();
    read_in(&asked, &mut new, &mut warnings)?;
    let live = match live(plane, &asked) {
        Err(_) if MADE_BY_PUT.contains(&&*asked.kind.plural) && !asked.kind.custom() => {
            plane.may_create(&asked)?;
            owner::after_update(&asked, &super::create::empty(&asked), &mut new, plane.now());
            let body = insert(plane, asked, new)?;
            return Ok(Answer { warnings, ..Answer::created(body) });
        }
        found => found?,
    };
    same_uid(&asked, &live, &new)?;
    owner::after_update(&asked, &live, &mut new, plane.now());
    let body = replace(plane, asked, &live, new)?;
    Ok(Answer { warnings, ..Answer::ok(body) })
}

/// Resources that a PUT creates when they are not there.
const MADE_BY_PUT: &[&str] =
    &["services", "endpoints", "events", "roles", "rolebindings", "clusterroles", "clusterrolebindings"];

/// The UID that a PUT names is a precondition.
fn same_uid(asked: &Asked<'_>, live: &Value, new: &Value) -> Result<(), Refusal> {
    let uid = |v: &Value| v.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (wanted, have) = (uid(new), uid(live));
    if wanted.is_empty() || wanted == have {
        return Ok(());
    }
    let folder = match (&*asked.kind.plural, asked.kind.custom()) {
        ("services", false) => "services/specs".to_owned(),
        ("nodes", false) => "minions".to_owned(),
        (plural, false) => plural.to_owned(),
        (plural, true) => format!("{}/{plural}", asked.kind.group),
    };
    let place = if asked.kind.namespaced { format!("{}/", asked.route.namespace) } else { String::new() };
    let key = format!("/registry/{folder}/{place}{}", asked.route.name);
    Err(Refusal::conflict(
        &asked.subject(),
        &format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {have}"
        ),
    ))
}

/// The object of the route.
pub(super) fn live(plane: &Plane, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let (group, plural) = asked.kind.key();
    let found = plane.store.get(&group, &plural, &asked.route.namespace, &asked.route.name);
    found.cloned().ok_or_else(|| Refusal::not_found(&asked.subject()))
}

/// Keeps a changed object after the last checks; nothing is written when nothing changed.
pub(super) fn replace(
    plane: &mut Plane,
    asked: Asked<'_>,
    live: &Value,
    mut new: Value,
) -> Result<Value, Refusal> {
    let text = |v: &Value, p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = text(&new, "/metadata/resourceVersion");
    if version.is_empty() && asked.kind.custom() {
        let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
        let subject = asked.subject();
        let kind = subject.resource.clone();
        return Err(Refusal::invalid(&crate::kube::status::Subject { kind, ..subject }, &[cause]));
    }
    if !version.is_empty() && version != text(live, "/metadata/resourceVersion") {
        return Err(Refusal::changed(&asked.subject()));
    }
    let mut causes = Vec::new();
    let uid = text(&new, "/metadata/uid");
    if !uid.is_empty() && uid != text(live, "/metadata/uid") {
        // The server looks at it twice.
        let cause = Cause::invalid("metadata.uid", &format!("{uid:?}"), "field is immutable");
        causes.extend([cause.clone(), cause]);
    }
    for name in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "generation",
    ] {
        copy(live, &mut new, name);
    }
    if asked.route.subresource == "status" {
        new = with_status(live, &new);
    } else {
        reset_status(&asked, &mut new, Some(live));
    }
    plane.grow(asked.kind, &mut new, Some(live));
    if asked.kind.generation && asked.route.subresource.is_empty() && desired_changed(&asked, live, &new) {
        let n = live.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
        new["metadata"]["generation"] = (n + 1).into();
    }
    causes.extend(check(asked.kind, &new, Some(live)));
    if !causes.is_empty() {
        return Err(Refusal::invalid(&asked.subject(), &causes));
    }
    if same_but_for_times(live, &new) {
        return Ok(live.clone());
    }
    if asked.dry() {
        return Ok(new);
    }
    Ok(plane.keep(asked.kind, new))
}

fn copy(from: &Value, to: &mut Value, name: &str) {
    let Some(meta) = to.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    match from.pointer(&format!("/metadata/{name}")) {
        Some(v) => {
            meta.insert(name.to_owned(), v.clone());
        }
        None => {
            meta.shift_remove(name);
        }
    }
}

/// The live object with the status and the owners of the new one.
fn with_status(live: &Value, new: &Value) -> Value {
    let mut out = live.clone();
    match (out.as_object_mut(), new.get("status")) {
        (Some(map), Some(status)) => {
            map.insert("status".into(), status.clone());
        }
        (Some(map), None) => {
            map.shift_remove("status");
        }
        _ => {}
    }
    owner::write(&mut out, &owner::read(new));
    out
}

/// Whether what is wanted changed, for which the server counts generations.
fn desired_changed(asked: &Asked<'_>, live: &Value, new: &Value) -> bool {
    if asked.kind.custom() || asked.kind.kind == "EndpointSlice" {
        let rest = |v: &Value| {
            let mut v = v.clone();
            if let Some(map) = v.as_object_mut() {
                map.shift_remove("metadata");
                if asked.kind.status {
                    map.shift_remove("status");
                }
            }
            v
        };
        return rest(live) != rest(new);
    }
    let annotations = "/metadata/annotations";
    live.get("spec") != new.get("spec")
        || (asked.kind.kind == "Deployment" && live.pointer(annotations) != new.pointer(annotations))
}

/// Whether only the times of the owners differ.
fn same_but_for_times(live: &Value, new: &Value) -> bool {
    let bare = |v: &Value| {
        let mut v = v.clone();
        if let Some(entries) = v.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
            for e in entries.iter_mut().filter_map(Value::as_object_mut) {
                e.shift_remove("time");
            }
            entries.sort_by_key(Value::to_string);
        }
        v
    };
    bare(live) == bare(new)
}
