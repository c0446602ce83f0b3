//! PATCH: what is patched goes through what every changed object goes through.

use serde_json::Value;

use super::create::{place, read_in};
use super::update::{live, replace};
use super::{Answer, Asked, Outcome, apply, owner};
use crate::kube::patch::{built_in_keys, json_patch, merge_patch, strategic_patch};
use crate::kube::plane::Plane;
use crate::kube::status::{Cause, Refusal, Subject};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Patches an object.
pub(super) fn patch(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let form = asked.call.content_type.split(';').next().unwrap_or_default().trim();
    let known: &[&str] =
        if asked.kind.custom() { &[JSON, MERGE, APPLY] } else { &[JSON, MERGE, STRATEGIC, APPLY] };
    if !known.contains(&form) && !form.contains("-patch+") {
        // Refused before the kind is looked at.
        return Err(Refusal {
            details: Some(serde_json::json!({})),
            ..Refusal::plain(415, "UnsupportedMediaType", "415: Unsupported Media Type")
        });
    }
    if !known.contains(&form) {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            known.join(", ")
        );
        return Err(Refusal::plain(415, "UnsupportedMediaType", message));
    }
    if form == APPLY {
        return apply::apply(plane, asked);
    }
    if asked.call.query.is_on("force") {
        let subject =
            Subject { group: "meta.k8s.io".into(), kind: "PatchOptions".into(), ..Subject::default() };
        let cause = Cause {
            reason: "FieldValueForbidden",
            message: "Forbidden: may not be specified for non-apply patch".into(),
            field: "force".into(),
        };
        return Err(Refusal::invalid(&subject, &[cause]));
    }
    let live = live(plane, &asked)?;
    let mut new = live.clone();
    let body: Value = serde_json::from_slice(&asked.call.body)
        .map_err(|e| Refusal::bad_request(format!("error decoding patch: {e}")))?;
    match form {
        JSON => {
            let Some(ops) = body.as_array() else {
                return Err(Refusal::bad_request(
                    "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
                ));
            };
            json_patch(&mut new, ops).map_err(|_| unprocessable())?;
        }
        MERGE => merge_patch(&mut new, &body),
        _ => strategic_patch(&mut new, &body, built_in_keys).map_err(Refusal::bad_request)?,
    }
    same_object(&asked, &live, &new)?;
    place(&asked, &mut new)?;
    let mut warnings = Vec::new();
    read_in(&asked, &mut new, &mut warnings)?;
    owner::after_update(&asked, &live, &mut new, plane.now());
    let body = replace(plane, asked, &live, new)?;
    Ok(Answer { warnings, ..Answer::ok(body) })
}

/// A patch may not make another object of it.
fn same_object(asked: &Asked<'_>, live: &Value, new: &Value) -> Result<(), Refusal> {
    for path in ["/apiVersion", "/kind"] {
        if live.pointer(path) != new.pointer(path) {
            return Err(Refusal::bad_request("the patch changes apiVersion or kind"));
        }
    }
    let name = new.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if name != asked.route.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            asked.route.name
        )));
    }
    Ok(())
}

/// The server does not say which operation could not be done.
fn unprocessable() -> Refusal {
    Refusal {
        details: Some(serde_json::json!({})),
        ..Refusal::plain(422, "Invalid", "the server rejected our request due to an error in our request")
    }
}
