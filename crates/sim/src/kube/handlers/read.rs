//! GET of an object or a list, and what a watch sees.

use serde_json::{Value, json};

use super::update::live;
use super::{Answer, Asked, Outcome};
use crate::kube::kinds::Kind;
use crate::kube::plane::Plane;
use crate::kube::selectors::{Fields, Labels};
use crate::kube::status::Refusal;
use crate::kube::store::{Event, Happened};

/// Which objects of a resource a list or watch takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    namespace: String,
    labels: Labels,
    fields: Fields,
}

impl Selection {
    /// Reads the selectors of a request.
    ///
    /// # Errors
    /// 400 with the selector that cannot be read.
    pub(crate) fn of(asked: &Asked<'_>) -> Result<Selection, Refusal> {
        let query = &asked.call.query;
        let labels = Labels::parse(query.get("labelSelector")).map_err(Refusal::bad_request)?;
        let kind = if asked.kind.custom() { "" } else { &*asked.kind.kind };
        let fields = Fields::parse(query.get("fieldSelector"), kind).map_err(Refusal::bad_request)?;
        Ok(Selection { namespace: asked.route.namespace.clone(), labels, fields })
    }

    /// Whether an object is taken.
    pub(crate) fn takes(&self, v: &Value) -> bool {
        let namespace = v.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        (self.namespace.is_empty() || namespace == self.namespace)
            && self.labels.matches(v)
            && self.fields.matches(v)
    }
}

/// One object.
pub(super) fn get(plane: &Plane, asked: Asked<'_>) -> Outcome {
    live(plane, &asked).map(Answer::ok)
}

/// A list, in pages when a limit is given.
pub(super) fn list(plane: &Plane, asked: Asked<'_>) -> Outcome {
    let selection = Selection::of(&asked)?;
    let limit = asked.call.query.get("limit").parse::<usize>().unwrap_or(0);
    let (from, version) = continued(plane, asked.call.query.get("continue"))?;
    let (group, plural) = asked.kind.key();
    let mut taken: Vec<&Value> = plane.store.all(&group, &plural).filter(|v| selection.takes(v)).collect();
    if let Some(from) = &from {
        taken.retain(|v| position(v) > *from);
    }
    let left = taken.len().saturating_sub(limit);
    if limit > 0 {
        taken.truncate(limit);
    }
    let mut meta = list_meta(asked.kind, &version.to_string());
    if let (true, Some(last)) = (limit > 0 && left > 0, taken.last()) {
        meta["continue"] = token(version, &position(last)).into();
        if asked.call.query.get("labelSelector").is_empty()
            && asked.call.query.get("fieldSelector").is_empty()
        {
            meta["remainingItemCount"] = left.into();
        }
    }
    let items: Vec<Value> = taken.into_iter().map(|v| as_item(asked.kind, v)).collect();
    Ok(Answer::ok(json!({
        "kind": asked.kind.list, "apiVersion": asked.kind.api_version(), "metadata": meta, "items": items,
    })))
}

/// An object in a list; those of built-in kinds do not repeat what the list says.
pub(super) fn as_item(kind: &Kind, v: &Value) -> Value {
    let mut v = v.clone();
    if let (false, Some(map)) = (kind.custom(), v.as_object_mut()) {
        map.shift_remove("apiVersion");
        map.shift_remove("kind");
    }
    v
}

/// The metadata of a list; that of a custom kind always says whether it goes on.
pub(super) fn list_meta(kind: &Kind, version: &str) -> Value {
    if kind.custom() {
        json!({"continue": "", "resourceVersion": version})
    } else {
        json!({"resourceVersion": version})
    }
}

type Position = (String, String);

fn position(v: &Value) -> Position {
    let text = |p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}

/// Where the next page begins. Opaque to clients; ours is readable.
fn token(version: u64, (namespace, name): &Position) -> String {
    format!("v1.{version}.{namespace}.{name}")
}

fn continued(plane: &Plane, token: &str) -> Result<(Option<Position>, u64), Refusal> {
    if token.is_empty() {
        return Ok((None, plane.store.version()));
    }
    let mut parts = token.splitn(4, '.').skip(1);
    let version = parts.next().and_then(|v| v.parse::<u64>().ok());
    let (Some(version), Some(namespace), Some(name)) = (version, parts.next(), parts.next()) else {
        return Err(Refusal::bad_request("continue key is not valid: illegal base64 data"));
    };
    if version < plane.store.forgotten() {
        return Err(Refusal::plain(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        ));
    }
    Ok((Some((namespace.to_owned(), name.to_owned())), version))
}

/// What a watch with this selection sees of an event: objects that enter or leave the selection come and go.
pub(crate) fn watched(selection: &Selection, event: &Event) -> Option<Value> {
    let now = event.happened != Happened::Deleted && selection.takes(&event.object);
    let before = event.before.as_ref().is_some_and(|b| selection.takes(b));
    let kind = match (before, now) {
        (false, true) => "ADDED",
        (true, true) => "MODIFIED",
        (true, false) => "DELETED",
        (false, false) => return None,
    };
    Some(json!({"type": kind, "object": event.object}))
}
