//! The aggregated `projectcalico.org/v3`: its objects are kept as `crd.projectcalico.org/v1`, with the metadata that the
//! user gave in an annotation, and have a UID of their own.

use serde_json::{Value, json};

use super::handlers::{Answer, Asked, Outcome, answer as answer_v1, not_simulated};
use super::kinds::Kind;
use super::plane::{CalicoApi, Plane};
use super::request::{Call, Route};
use super::status::Refusal;
use super::tiers;

/// Where the metadata of the v3 object is kept.
const METADATA: &str = "projectcalico.org/metadata";
const STORED: &str = "crd.projectcalico.org";

/// Answers for a v3 object by asking for the v1 object behind it.
pub(crate) fn answer(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let Some(stored) = plane.kinds.get(STORED, "v1", &asked.kind.plural) else {
        return Err(not_simulated(&asked.kind.plural));
    };
    tiers::admit(plane, &asked)?;
    let applies = asked.call.method == "PATCH";
    let route = Route { group: STORED.into(), version: "v1".into(), ..asked.route.clone() };
    let is_there = plane.store.get(STORED, &asked.kind.plural, &route.namespace, &route.name).is_some();
    if applies && !is_there && plane.calico == CalicoApi::AggregatedNoCreateOnApply {
        return Err(Refusal::not_found(&asked.kind.subject(&asked.route.name)));
    }
    match &*asked.call.method {
        "POST" | "PUT" | "PATCH" => write(plane, asked, &stored, &route),
        _ => {
            let call = with_stored_uid(asked.call);
            let out = answer_v1(plane, Asked { kind: &stored, route: &route, call: &call });
            let mut out = out.map(|a| shown_answer(a, asked.kind)).map_err(|r| renamed(r, &asked))?;
            if let Some(items) = out.body.get_mut("items").and_then(Value::as_array_mut) {
                tiers::narrow(plane, &asked, items);
            }
            Ok(out)
        }
    }
}

/// A deletion's precondition names the v3 UID.
fn with_stored_uid(call: &Call) -> Call {
    let mut out = call.clone();
    if let Ok(mut body) = serde_json::from_slice::<Value>(&call.body)
        && let Some(uid) = body.pointer_mut("/preconditions/uid")
    {
        *uid = uid.as_str().map(other_uid).into();
        out.body = body.to_string().into();
    }
    out
}

/// Refusals speak of the v3 group.
fn renamed(mut refusal: Refusal, asked: &Asked<'_>) -> Refusal {
    refusal.message = refusal.message.replace(STORED, &asked.kind.group);
    if let Some(group) = refusal.details.as_mut().and_then(|d| d.get_mut("group")) {
        *group = asked.kind.group.clone().into();
    }
    refusal
}

fn shown_answer(mut a: Answer, kind: &Kind) -> Answer {
    if let Some(items) = a.body.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(|v| *v = shown(v, kind));
        a.body["apiVersion"] = kind.api_version().into();
    } else if a.body.get("kind").and_then(Value::as_str) == Some("Status") {
        if let Some(group) = a.body.pointer_mut("/details/group") {
            *group = kind.group.clone().into();
        }
    } else {
        a.body = shown(&a.body, kind);
    }
    a
}

/// The v3 object behind a v1 object.
pub(crate) fn shown(stored: &Value, kind: &Kind) -> Value {
    let mut out = stored.clone();
    out["apiVersion"] = kind.api_version().into();
    let own = stored
        .pointer("/metadata/annotations")
        .and_then(|a| a.get(METADATA))
        .and_then(Value::as_str)
        .and_then(|t| serde_json::from_str::<Value>(t).ok())
        .unwrap_or_else(|| json!({}));
    let Some(meta) = out.get_mut("metadata").and_then(Value::as_object_mut) else { return out };
    meta.shift_remove("annotations");
    meta.shift_remove("labels");
    meta.shift_remove("managedFields");
    for name in ["labels", "annotations", "managedFields"] {
        if let Some(v) = own.get(name) {
            meta.insert(name.into(), v.clone());
        }
    }
    let uid = meta.get("uid").and_then(Value::as_str).map(other_uid);
    meta.insert("uid".into(), uid.into());
    out
}

/// The v3 UID of a v1 UID and the other way round: its digits turned around.
fn other_uid(uid: &str) -> String {
    let mut digits: Vec<char> = uid.chars().filter(|c| *c != '-').collect();
    digits.reverse();
    let mut next = digits.into_iter();
    uid.chars().map(|c| if c == '-' { '-' } else { next.next().unwrap_or('0') }).collect()
}

/// The v1 object that keeps a v3 object which is there already, with its UID and times.
pub(crate) fn kept_form(v3: &Value) -> Value {
    let mut out = hidden(v3, None);
    for name in ["uid", "creationTimestamp", "generation", "ownerReferences"] {
        let Some(v) = v3.pointer("/metadata").and_then(|m| m.get(name)) else { continue };
        out["metadata"][name] = match v.as_str().filter(|_| name == "uid") {
            Some(uid) => other_uid(uid).into(),
            None => v.clone(),
        };
    }
    out
}

/// The v1 object that keeps a v3 object.
fn hidden(v3: &Value, before: Option<&Value>) -> Value {
    let mut out = v3.clone();
    out["apiVersion"] = format!("{STORED}/v1").into();
    let empty = json!({});
    let meta = v3.get("metadata").unwrap_or(&empty);
    let mut own = json!({});
    for name in ["labels", "annotations", "managedFields"] {
        if let Some(v) = meta.get(name) {
            own[name] = v.clone();
        }
    }
    let text = |n: &str| meta.get(n).cloned().unwrap_or(Value::Null);
    let mut kept = json!({"name": text("name")});
    if !text("namespace").is_null() {
        kept["namespace"] = text("namespace");
    }
    if own.as_object().is_some_and(|o| !o.is_empty()) {
        kept["annotations"] = json!({METADATA: own.to_string()});
    }
    if let Some(labels) = meta.get("labels") {
        kept["labels"] = labels.clone();
    }
    // Whether the client had read an older version was seen to when the write was rehearsed.
    if let Some(v) = before.and_then(|b| b.pointer("/metadata/resourceVersion")) {
        kept["resourceVersion"] = v.clone();
    }
    out["metadata"] = kept;
    out
}

fn write(plane: &mut Plane, asked: Asked<'_>, stored: &Kind, route: &Route) -> Outcome {
    let before = plane.store.get(STORED, &asked.kind.plural, &route.namespace, &route.name).cloned();
    // The write is made on a copy as if v3 were a kind of its own, which gives owners, conflicts and refusals.
    let v3 = plane.rehearse(asked, before.as_ref().map(|b| shown(b, asked.kind)))?;
    tiers::check_name(&asked, &v3.body)?;
    if asked.call.query.get("dryRun") == "All" {
        return Ok(v3);
    }
    let v1 = hidden(&v3.body, before.as_ref());
    let name = v1.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let method = if before.is_some() { "PUT" } else { "POST" };
    let route = Route { name: if before.is_some() { name } else { String::new() }, ..route.clone() };
    let call = Call {
        method: method.into(),
        body: v1.to_string().into(),
        agent: "calico-apiserver".into(),
        ..Call::default()
    };
    let kept = answer_v1(plane, Asked { kind: stored, route: &route, call: &call })
        .map_err(|r| renamed(r, &asked))?;
    Ok(Answer { code: v3.code, body: shown(&kept.body, asked.kind), warnings: v3.warnings })
}
