//! POST of a new object, and what every new object goes through.

use serde_json::Value;

use super::{Answer, Asked, Outcome, owner};
use crate::kube::checks::check;
use crate::kube::clock::rfc3339;
use crate::kube::defaults;
use crate::kube::plane::Plane;
use crate::kube::schema;
use crate::kube::status::Refusal;

/// Creates an object.
pub(super) fn create(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let mut object = decode(&asked)?;
    let mut warnings = Vec::new();
    place(&asked, &mut object)?;
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in
            ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
        {
            meta.shift_remove(name);
        }
    }
    read_in(&asked, &mut object, &mut warnings)?;
    let empty = empty(&asked);
    owner::after_update(&asked, &empty, &mut object, plane.now());
    let body = insert(plane, asked, object)?;
    Ok(Answer { warnings, ..Answer::created(body) })
}

/// An object of the kind with nothing in it.
pub(super) fn empty(asked: &Asked<'_>) -> Value {
    if asked.kind.custom() {
        return serde_json::json!({"apiVersion": asked.kind.api_version(), "kind": asked.kind.kind});
    }
    defaults::empty(&asked.kind.kind, &asked.kind.api_version())
}

/// Reads the body and sees that it is of the kind asked for.
pub(super) fn decode(asked: &Asked<'_>) -> Result<Value, Refusal> {
    let mut v: Value = serde_json::from_slice(&asked.call.body).map_err(|e| {
        let why = if e.is_eof() { "unexpected end of JSON input".to_owned() } else { e.to_string() };
        unrecognized(asked, &format!("couldn't get version/kind; json parse error: {why}"))
    })?;
    if !v.is_object() {
        return Err(unrecognized(asked, "couldn't get version/kind; json parse error: not an object"));
    }
    let want = asked.kind.api_version();
    let api_version = v.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = v.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if asked.kind.custom() && kind.is_empty() {
        let shown = String::from_utf8_lossy(&asked.call.body).into_owned();
        return Err(unrecognized(asked, &format!("Object 'Kind' is missing in '{shown}'")));
    }
    if !api_version.is_empty() && api_version != want && !asked.kind.custom() {
        return Err(Refusal::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {}: no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\"",
            api_version.rsplit('/').next().unwrap_or_default(),
            asked.kind.kind
        )));
    }
    if !api_version.is_empty() && api_version != want {
        return Err(Refusal::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({want})"
        )));
    }
    if !kind.is_empty() && kind != asked.kind.kind {
        let group = asked.kind.group.split('.').next().filter(|g| !g.is_empty()).unwrap_or("core");
        return Err(Refusal::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {}: converting ({}.{kind}) to ({group}.{}): unknown conversion",
            asked.kind.version, asked.kind.kind, asked.kind.version, asked.kind.kind
        )));
    }
    v["apiVersion"] = want.into();
    v["kind"] = asked.kind.kind.clone().into();
    if !v.get("metadata").is_some_and(Value::is_object) {
        v["metadata"] = serde_json::json!({});
    }
    Ok(v)
}

/// 400 for a body that is no object of the kind, with the body's beginning.
fn unrecognized(asked: &Asked<'_>, why: &str) -> Refusal {
    const SHOWN: usize = 30;
    let body = String::from_utf8_lossy(&asked.call.body);
    let shown = match body.get(..SHOWN) {
        Some(start) if body.len() > SHOWN => format!("{start} ..."),
        _ => body.into_owned(),
    };
    Refusal::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): {why} ({shown})",
        asked.kind.kind
    ))
}

/// Puts the namespace of the request into the object, which may not name another one.
pub(super) fn place(asked: &Asked<'_>, v: &mut Value) -> Result<(), Refusal> {
    let given = v.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let want = if asked.kind.namespaced { &*asked.route.namespace } else { "" };
    if !given.is_empty() && given != want {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if !want.is_empty() {
        v["metadata"]["namespace"] = want.into();
    }
    Ok(())
}

/// Defaults of the kind; unknown fields of a custom one go, or are refused.
pub(super) fn read_in(asked: &Asked<'_>, v: &mut Value, warnings: &mut Vec<String>) -> Result<(), Refusal> {
    let Some(open_api) = &asked.kind.open_api else {
        defaults::read(&asked.kind.kind, v);
        return Ok(());
    };
    defaults::tidy_meta(v);
    if open_api.is_null() {
        return Ok(());
    }
    let unknown = schema::unknown_fields(open_api, v);
    if !unknown.is_empty() {
        let all: Vec<String> = unknown.iter().map(|f| format!("unknown field {f:?}")).collect();
        match asked.call.query.get("fieldValidation") {
            "Strict" => {
                return Err(Refusal::bad_request(format!(
                    "{} in version {:?} cannot be handled as a {}: strict decoding error: {}",
                    asked.kind.kind,
                    asked.kind.version,
                    asked.kind.kind,
                    all.join(", ")
                )));
            }
            "Ignore" => {}
            _ => warnings.extend(all),
        }
    }
    schema::prune(open_api, v);
    schema::apply_defaults(open_api, v);
    Ok(())
}

/// Keeps a new object after the last checks.
pub(super) fn insert(plane: &mut Plane, asked: Asked<'_>, mut v: Value) -> Result<Value, Refusal> {
    if asked.kind.namespaced {
        namespace_takes(plane, &asked, &v)?;
    }
    let had_version =
        v.pointer("/metadata/resourceVersion").and_then(Value::as_str).is_some_and(|s| !s.is_empty());
    name(plane, &mut v);
    let uid = plane.store.uid();
    v["metadata"]["uid"] = uid.into();
    if had_version {
        return Err(Refusal::plain(500, "", "resourceVersion should not be set on objects to be created"));
    }
    v["metadata"]["creationTimestamp"] = rfc3339(plane.now()).into();
    if asked.kind.generation {
        v["metadata"]["generation"] = 1.into();
    }
    reset_status(&asked, &mut v, None);
    plane.grow(asked.kind, &mut v, None);
    let name = v.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let causes = check(asked.kind, &v, None);
    if !causes.is_empty() {
        return Err(Refusal::invalid(&asked.kind.subject(&name), &causes));
    }
    let (group, plural) = asked.kind.key();
    if let Some(there) = plane.store.get(&group, &plural, &asked.route.namespace, &name) {
        let mut refusal = Refusal::already_exists(&asked.kind.subject(&name));
        if there.pointer("/metadata/deletionTimestamp").is_some() {
            refusal.message = format!("object is being deleted: {}", refusal.message);
        }
        return Err(refusal);
    }
    if asked.dry() {
        return Ok(v);
    }
    Ok(plane.keep(asked.kind, v))
}

fn namespace_takes(plane: &Plane, asked: &Asked<'_>, v: &Value) -> Result<(), Refusal> {
    let wanted = &asked.route.namespace;
    let namespaces = crate::kube::status::Subject {
        resource: "namespaces".into(),
        name: wanted.clone(),
        ..Default::default()
    };
    let Some(namespace) = plane.store.get("", "namespaces", "", wanted) else {
        return Err(Refusal::not_found(&namespaces));
    };
    if namespace.pointer("/metadata/deletionTimestamp").is_none() {
        return Ok(());
    }
    let name = v.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let subject = asked.kind.subject(name);
    let message = format!(
        "{} {name:?} is forbidden: unable to create new content in namespace {wanted} because it is being terminated",
        subject.qualified()
    );
    let mut refusal = Refusal::about(403, "Forbidden", message, &subject);
    if let Some(d) = &mut refusal.details {
        d["causes"] = serde_json::json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {wanted} is being terminated"),
            "field": "metadata.namespace",
        }]);
    }
    Err(refusal)
}

fn name(plane: &mut Plane, v: &mut Value) {
    let text = |p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, prefix) = (text("/metadata/name"), text("/metadata/generateName"));
    if name.is_empty() && !prefix.is_empty() {
        v["metadata"]["name"] = format!("{prefix}{}", plane.store.suffix()).into();
    }
}

/// The status is not written by this way: that of `old` stays, or the empty one.
pub(super) fn reset_status(asked: &Asked<'_>, v: &mut Value, old: Option<&Value>) {
    if !asked.kind.status {
        return;
    }
    let empty = empty(asked);
    let status = match old {
        Some(old) => old.get("status").cloned(),
        None => empty.get("status").cloned(),
    };
    let Some(map) = v.as_object_mut() else { return };
    match status {
        Some(status) => {
            map.insert("status".into(), status);
        }
        None => {
            map.shift_remove("status");
        }
    }
}
