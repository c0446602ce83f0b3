//! PATCH by server-side apply.

use serde_json::{Value, json};

use super::create::{empty, insert, place, read_in};
use super::update::{live, replace};
use super::{Answer, Asked, Outcome, not_simulated, owner};
use crate::kube::fields::{ManagerId, Operation};
use crate::kube::plane::Plane;
use crate::kube::status::{Cause, Refusal, Subject};
use crate::kube::typed::{Conflict, Stop, Writer, apply as apply_over, update};

/// Applies an object; makes it when it is not there.
pub(super) fn apply(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    if asked.call.query.get("fieldManager").is_empty() {
        let subject =
            Subject { group: "meta.k8s.io".into(), kind: "PatchOptions".into(), ..Subject::default() };
        return Err(Refusal::invalid(
            &subject,
            &[Cause::required("fieldManager", "is required for apply patch")],
        ));
    }
    let given = decode(&asked)?;
    let found = live(plane, &asked).ok();
    place(&asked, &mut given.clone())?;
    let is_new = found.is_none();
    if is_new && asked.route.subresource == "status" {
        return Err(Refusal::not_found(&asked.subject()));
    }
    if is_new {
        plane.may_create(&asked)?;
    }
    if let (true, Some(uid)) = (is_new, given.pointer("/metadata/uid").and_then(Value::as_str)) {
        return Err(Refusal::conflict(
            &asked.subject(),
            &format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            ),
        ));
    }
    let base = found.clone().unwrap_or_else(|| empty(&asked));
    let mut new = merged(plane, &asked, &base, &given)?;
    if is_new && !new.get("metadata").is_some_and(Value::is_object) {
        new["metadata"] = json!({});
    }
    let mut warnings = Vec::new();
    let managed = owner::read(&new);
    let mut bare = owner::bare(&new);
    read_in(&asked, &mut bare, &mut warnings)?;
    owner::write(&mut bare, &managed);
    place(&asked, &mut bare)?;
    match found {
        None => {
            bare["metadata"]["name"] = asked.route.name.clone().into();
            let body = insert(plane, asked, bare)?;
            Ok(Answer { warnings, ..Answer::created(body) })
        }
        Some(live) => {
            let body = replace(plane, asked, &live, bare)?;
            Ok(Answer { warnings, ..Answer::ok(body) })
        }
    }
}

fn decode(asked: &Asked<'_>) -> Result<Value, Refusal> {
    let Ok(given) = serde_json::from_slice::<Value>(&asked.call.body) else {
        return Err(not_simulated("apply of anything but JSON"));
    };
    let api_version = given.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let want = asked.kind.api_version();
    let kind = given.get("kind").and_then(Value::as_str).unwrap_or_default();
    if kind != asked.kind.kind || api_version != want {
        return Err(Refusal::bad_request(format!(
            "invalid object type: {}, Kind={kind}",
            with_group(api_version)
        )));
    }
    if given.pointer("/metadata/managedFields").is_some_and(|v| !v.is_null()) {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let name = given.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if !name.is_empty() && name != asked.route.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            asked.route.name
        )));
    }
    Ok(given)
}

/// The object with its owners after the apply.
fn merged(plane: &Plane, asked: &Asked<'_>, base: &Value, given: &Value) -> Result<Value, Refusal> {
    let api_version = asked.kind.api_version();
    let ignored = owner::ignored(asked);
    let mut managed = owner::read(base);
    let base = owner::bare(base);
    let id = owner::id(asked, Operation::Apply);
    let writer = Writer { id: &id, api_version: &api_version, schema: &asked.kind.schema, ignored: &ignored };
    if managed.is_empty() && base.pointer("/metadata/uid").is_some() {
        // All that was there belongs to those who wrote before anybody was tracked.
        let before =
            ManagerId { manager: "before-first-apply".into(), ..owner::id(asked, Operation::Update) };
        update(&empty(asked), &base, &mut managed, &Writer { id: &before, ..writer });
        owner::strip(&mut managed, &before, &api_version);
        managed.touch(&before, plane.now());
    }
    let force = asked.call.query.is_on("force");
    let new = apply_over(&base, given, &mut managed, &writer, force).map_err(|stop| match stop {
        Stop::Conflicts(all) => conflicts(&all),
        Stop::Malformed(why) => malformed(asked, given, &why),
    })?;
    owner::strip(&mut managed, &id, &api_version);
    // Who only agrees with what is there gets no time.
    if new.is_some() {
        managed.touch(&id, plane.now());
    }
    let mut out = new.unwrap_or(base);
    owner::write(&mut out, &managed);
    Ok(out)
}

fn malformed(asked: &Asked<'_>, given: &Value, why: &str) -> Refusal {
    let text = |p: &str| given.pointer(p).and_then(Value::as_str).unwrap_or_default();
    let object = format!(
        "{}/{}; {}, Kind={}",
        text("/metadata/namespace"),
        text("/metadata/name"),
        with_group(&asked.kind.api_version()),
        asked.kind.kind
    );
    Refusal::plain(500, "", format!("failed to create typed patch object ({object}): {why}"))
}

/// `/v1`, `apps/v1`.
fn with_group(api_version: &str) -> String {
    if api_version.contains('/') { api_version.to_owned() } else { format!("/{api_version}") }
}

fn conflicts(all: &[Conflict]) -> Refusal {
    let causes: Vec<Value> = all
        .iter()
        .map(|c| {
            json!({
                "reason": "FieldManagerConflict",
                "message": format!("conflict with {}", c.manager.shown()),
                "field": c.path.to_string(),
            })
        })
        .collect();
    let message = match all {
        [one] => format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager.shown(), one.path),
        many => {
            let mut managers: Vec<&ManagerId> = many.iter().map(|c| &c.manager).collect();
            managers.dedup();
            let mut lines = Vec::new();
            for m in managers {
                lines.push(format!("conflicts with {}:", m.shown()));
                lines.extend(many.iter().filter(|c| c.manager == *m).map(|c| format!("- {}", c.path)));
            }
            format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
        }
    };
    Refusal { details: Some(json!({"causes": causes})), ..Refusal::plain(409, "Conflict", message) }
}
