//! DELETE of one object or of all that a selector takes.

use serde_json::{Value, json};

use super::read::{Selection, as_item, list_meta};
use super::update::live;
use super::{Answer, Asked, Outcome};
use crate::kube::clock::rfc3339;
use crate::kube::plane::Plane;
use crate::kube::status::Refusal;

/// Kinds whose deletion answers with the object.
const RETURNED: &[&str] = &["Namespace", "Pod", "Service", "ServiceAccount"];

/// What comes with a deletion.
#[derive(Debug, Default)]
struct Options {
    uid: String,
    version: String,
    policy: String,
    grace: Option<i64>,
    dry: bool,
}

fn options(asked: &Asked<'_>) -> Result<Options, Refusal> {
    let query = &asked.call.query;
    let mut out = Options {
        policy: query.get("propagationPolicy").to_owned(),
        grace: query.get("gracePeriodSeconds").parse().ok(),
        dry: asked.dry(),
        ..Options::default()
    };
    if asked.call.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(out);
    }
    let body: Value = serde_json::from_slice(&asked.call.body)
        .map_err(|e| Refusal::bad_request(format!("error decoding from json: {e}")))?;
    let text = |p: &str| body.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    out.uid = text("/preconditions/uid");
    out.version = text("/preconditions/resourceVersion");
    out.policy = text("/propagationPolicy");
    out.grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
    out.dry |= body.pointer("/dryRun/0").and_then(Value::as_str) == Some("All");
    Ok(out)
}

/// Deletes an object.
pub(super) fn one(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let options = options(&asked)?;
    let live = live(plane, &asked)?;
    precondition(&asked, &live, &options)?;
    let text = |p: &str| live.pointer(p).and_then(Value::as_str).unwrap_or_default();
    if asked.kind.kind == "Namespace" {
        return namespace(plane, asked, &live, &options);
    }
    let graceful = asked.kind.kind == "Pod" && !text("/spec/nodeName").is_empty() && options.grace != Some(0);
    let finalizer = match &*options.policy {
        "Foreground" => Some("foregroundDeletion"),
        "Orphan" => Some("orphan"),
        _ => None,
    };
    let held = live.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
    if graceful || held || finalizer.is_some() {
        let grace = if graceful { options.grace.unwrap_or(30) } else { 0 };
        let marked = mark(plane, &asked, &live, grace, finalizer);
        let body = if options.dry { marked } else { plane.keep(asked.kind, marked) };
        return Ok(Answer::ok(body));
    }
    let (group, plural) = asked.kind.key();
    let uid = text("/metadata/uid").to_owned();
    let mut gone = live.clone();
    if asked.kind.kind == "Pod" && !asked.kind.custom() {
        gone = mark(plane, &asked, &live, 0, None);
        gone["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    }
    if !options.dry {
        plane.store.take(&group, &plural, &asked.route.namespace, &asked.route.name);
        plane.forget(asked.kind, &gone);
    }
    if RETURNED.contains(&&*asked.kind.kind) && !asked.kind.custom() {
        return Ok(Answer::ok(gone));
    }
    let mut details = json!({"name": asked.route.name});
    if !group.is_empty() {
        details["group"] = group.into();
    }
    details["kind"] = plural.into();
    details["uid"] = uid.into();
    Ok(Answer::ok(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    })))
}

fn precondition(asked: &Asked<'_>, live: &Value, options: &Options) -> Result<(), Refusal> {
    let text = |p: &str| live.pointer(p).and_then(Value::as_str).unwrap_or_default();
    let (uid, version) = (text("/metadata/uid"), text("/metadata/resourceVersion"));
    if !options.uid.is_empty() && options.uid != uid {
        let why = format!(
            "the UID in the precondition ({}) does not match the UID in record ({uid}). The object might have been deleted and then recreated",
            options.uid
        );
        return Err(Refusal::conflict(&asked.subject().by_kind(), &why));
    }
    if !options.version.is_empty() && options.version != version {
        let why = format!(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({version}). The object might have been modified",
            options.version
        );
        return Err(Refusal::conflict(&asked.subject().by_kind(), &why));
    }
    Ok(())
}

/// The object with the mark of its deletion.
fn mark(plane: &Plane, asked: &Asked<'_>, live: &Value, grace: i64, finalizer: Option<&str>) -> Value {
    let mut out = live.clone();
    let Some(meta) = out.get_mut("metadata").and_then(Value::as_object_mut) else { return out };
    if let Some(f) = finalizer {
        let list = meta.entry("finalizers").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut().filter(|l| !l.iter().any(|x| x == f)) {
            list.push(f.into());
        }
    }
    if meta.contains_key("deletionTimestamp") {
        return out;
    }
    meta.insert("deletionTimestamp".into(), rfc3339(plane.now() + grace).into());
    meta.insert("deletionGracePeriodSeconds".into(), grace.into());
    if asked.kind.generation {
        let n = meta.get("generation").and_then(Value::as_i64).unwrap_or(0);
        meta.insert("generation".into(), (n + 1).into());
    }
    out
}

/// A namespace is marked; it goes when its content is gone, at once when the server plays the controller as well.
fn namespace(plane: &mut Plane, asked: Asked<'_>, live: &Value, options: &Options) -> Outcome {
    let mut out = live.clone();
    if live.pointer("/metadata/deletionTimestamp").is_none() {
        out["metadata"]["deletionTimestamp"] = rfc3339(plane.now()).into();
    }
    out["status"]["phase"] = "Terminating".into();
    if options.dry {
        return Ok(Answer::ok(out));
    }
    let kept = plane.keep(asked.kind, out);
    plane.empty_namespace(&asked.route.name);
    Ok(Answer::ok(kept))
}

/// Deletes all objects that the selectors take.
pub(super) fn all(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let selection = Selection::of(&asked)?;
    let (group, plural) = asked.kind.key();
    let found: Vec<Value> =
        plane.store.all(&group, &plural).filter(|v| selection.takes(v)).cloned().collect();
    let mut items = Vec::new();
    for v in found {
        let text = |p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
        let route = crate::kube::request::Route {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            ..asked.route.clone()
        };
        one(plane, Asked { route: &route, ..asked })?;
        items.push(as_item(asked.kind, &v));
    }
    let version = plane.store.version().to_string();
    Ok(Answer::ok(json!({
        "kind": asked.kind.list, "apiVersion": asked.kind.api_version(),
        "metadata": list_meta(asked.kind, &version), "items": items,
    })))
}
