//! Takes back what the journal says, newest first, and leaves what somebody else changed since.

use super::apply::{Making, SetupError};
use super::hand::Hand;
use super::journal::{Beside, Entry, Field, Store};
use super::{history, managers, own, patch, pointer};
use serde_json::{Value, json};
use tortie_cluster::object::Object;
use tortie_cluster::writer::{ApplyError, Mode, Writer};

/// What became of one thing, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// What: an object, or a field of one.
    pub what: String,
    /// What was done with it.
    pub how: String,
    /// Whether it is as it was before.
    pub back: bool,
}

/// Undoes everything in the journal of a namespace, then removes the journal. None when there is no journal.
///
/// # Errors
/// [`SetupError`]; what was undone stays undone, and undo can be run again.
pub async fn undo(
    writer: &Writer,
    namespace: &str,
    cluster_uid: &str,
    making: &Making<'_>,
) -> Result<Option<Vec<Undone>>, SetupError> {
    let hand = Hand { writer, gate: making.gate };
    let mut store = Store::open(&hand, namespace, cluster_uid, making.fs, making.file.clone()).await?;
    if store.is_empty() {
        store.remove(&hand).await?;
        return Ok(None);
    }
    let (mut out, mut waiting) = (Vec::new(), Vec::new());
    let entries = store.journal.entries.clone();
    for entry in entries.iter().rev() {
        if entry.own && entry.fields.is_empty() {
            out.push(remove(&hand, entry).await?);
            continue;
        }
        let unanswered = history::unanswered(&hand, entry, making.now).await?;
        // What others made of a value that stays is theirs as well.
        if fields(&hand, entry, &mut out).await? && !consequences(&hand, entry, unanswered, &mut out).await? {
            waiting.insert(0, Entry { undone: true, ..entry.clone() });
        }
    }
    if waiting.is_empty() {
        store.remove(&hand).await?;
    } else {
        store.journal.entries = waiting;
        store.save(&hand).await?;
    }
    Ok(Some(out))
}

/// What operators and controllers made of the fields that were given back. Says whether nothing of it is left.
async fn consequences(
    hand: &Hand<'_>,
    entry: &Entry,
    unanswered: bool,
    out: &mut Vec<Undone>,
) -> Result<bool, SetupError> {
    if entry.target.kind == "Installation" {
        history::followed(hand, entry, unanswered).await?;
        history::unannotate(hand, entry).await?;
    }
    for beside in &entry.beside {
        out.extend(put_back(hand, beside).await?);
    }
    let left = history::forget(hand, entry).await?;
    for name in &left {
        let how = "it still has pods (hint: tortie setup undo once more, when the rollout is over)";
        out.push(told(name, how, true));
    }
    Ok(left.is_empty())
}

fn told(what: &impl ToString, how: &str, back: bool) -> Undone {
    Undone { what: what.to_string(), how: how.to_owned(), back }
}

/// Deletes an object of ours, by its uid.
async fn remove(hand: &Hand<'_>, entry: &Entry) -> Result<Undone, SetupError> {
    let reference = entry.target.reference();
    let Some(there) = hand.get(&reference).await? else { return Ok(told(&reference, "already gone", true)) };
    let other = !entry.uid.is_empty() && entry.uid != there.meta.uid;
    // A setting that did not exist has no label of ours; the journal alone says that we made it.
    let marked = own::is_ours(&there.body) || (entry.done && !other);
    if other || !marked {
        return Ok(told(&reference, "left alone: another object of this name", false));
    }
    hand.delete(&reference, &there.meta.uid).await?;
    Ok(told(&reference, "deleted", true))
}

/// Gives fields back that still hold what we wrote. Says whether all are as before.
async fn fields(hand: &Hand<'_>, entry: &Entry, out: &mut Vec<Undone>) -> Result<bool, SetupError> {
    let reference = entry.target.reference();
    let mut given: Vec<String> = Vec::new();
    together(hand, entry, &mut given, out).await?;
    for field in entry.fields.iter().rev().filter(|f| !given.contains(&f.pointer)).collect::<Vec<_>>() {
        let what = format!("{reference} {}", field.pointer);
        let Some(there) = hand.get(&reference).await? else {
            out.push(told(&what, "the object is gone", true));
            continue;
        };
        if !entry.uid.is_empty() && entry.uid != there.meta.uid {
            out.push(told(&what, "left alone: another object of this name", false));
            continue;
        }
        let now = pointer::get(&there.body, &field.pointer);
        if now == field.before.as_ref() {
            given.push(field.pointer.clone());
            out.push(told(&what, "as it was before", true));
            continue;
        }
        if !is_ours(&there.body, field) {
            let by = crate::facts::ownership::writers(&there.meta, &field.pointer);
            let by = by.first().map_or("somebody", |m| m.manager.as_str()).to_owned();
            out.push(told(&what, &format!("left alone: changed since by {by}"), false));
            continue;
        }
        let Some(operations) = operations(&there.body, field) else {
            out.push(told(&what, "left alone: its place is gone", false));
            continue;
        };
        match hand.patch(&reference, &operations, Mode::Real).await {
            Ok(_) => {
                given.push(field.pointer.clone());
                let how = if field.before.is_some() { "given back" } else { "taken away" };
                out.push(told(&what, how, true));
            }
            Err(SetupError::Write(ApplyError::Invalid { message, .. })) => {
                out.push(told(&what, &format!("left alone: {message}"), false));
            }
            Err(e) => return Err(e),
        }
    }
    owners(hand, entry, &given).await?;
    Ok(given.len() == entry.fields.len())
}

/// What a field has to hold to be given back: what we wrote, which is nothing where we took something away.
fn is_ours(body: &Value, field: &Field) -> bool {
    pointer::get(body, &field.pointer) == Some(&field.after).filter(|a| !a.is_null())
}

/// Gives the fields that are still ours back in one write: each write to a workload's template is a rollout of its own, with a
/// ReplicaSet that stays. What cannot be given back so is left to the way one by one, which says why.
async fn together(
    hand: &Hand<'_>,
    entry: &Entry,
    given: &mut Vec<String>,
    out: &mut Vec<Undone>,
) -> Result<(), SetupError> {
    let reference = entry.target.reference();
    if entry.fields.len() < 2 {
        return Ok(());
    }
    let Some(there) = hand.get(&reference).await? else { return Ok(()) };
    if !entry.uid.is_empty() && entry.uid != there.meta.uid {
        return Ok(());
    }
    let mut body = there.body;
    let (mut all, mut fields) = (Vec::new(), Vec::new());
    for field in entry.fields.iter().rev() {
        // Written already: the one by one says so.
        if pointer::get(&body, &field.pointer) == field.before.as_ref() || !is_ours(&body, field) {
            continue;
        }
        let Some(operations) = operations(&body, field) else { continue };
        if patch::make(&mut body, &operations).is_ok() {
            all.extend(operations);
            fields.push(field);
        }
    }
    if fields.len() < 2 {
        return Ok(());
    }
    match hand.patch(&reference, &all, Mode::Real).await {
        Ok(_) => {
            for field in fields {
                given.push(field.pointer.clone());
                let how = if field.before.is_some() { "given back" } else { "taken away" };
                out.push(told(&format!("{reference} {}", field.pointer), how, true));
            }
            Ok(())
        }
        Err(SetupError::Write(ApplyError::Invalid { .. } | ApplyError::Changed { .. })) => Ok(()),
        Err(e) => Err(e),
    }
}

fn operations(body: &Value, field: &Field) -> Option<Vec<Value>> {
    if field.after.is_null() {
        return Some(vec![json!({"op": "add", "path": field.pointer, "value": field.before})]);
    }
    let mut place = pointer::resolved(body, &field.pointer)?;
    let mut after = field.after.clone();
    if field.before.is_none() && field.pointer.contains("/name=") {
        // The item came with its value, so it goes as one.
        place = place.rsplit_once('/')?.0.to_owned();
        after = body.pointer(&place)?.clone();
    }
    let test = json!({"op": "test", "path": place, "value": after});
    Some(match &field.before {
        Some(before) => vec![test, json!({"op": "replace", "path": place, "value": before})],
        None => vec![test, json!({"op": "remove", "path": place})],
    })
}

/// The owners of before own the fields again. A server that does not keep them (Calico's own) is left as it is.
async fn owners(hand: &Hand<'_>, entry: &Entry, given: &[String]) -> Result<(), SetupError> {
    let reference = entry.target.reference();
    if given.is_empty() {
        return Ok(());
    }
    let before = entry.managers.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(there) = hand.get(&reference).await? else { return Ok(()) };
    let now = there.list("/metadata/managedFields");
    let Some(mut list) = managers::given_back(now, before, given) else { return Ok(()) };
    if list.is_empty() {
        // One empty entry is how the API is told that there are none; an empty list is taken as no change.
        list.push(json!({}));
    }
    let operations = [
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": there.meta.resource_version}),
        json!({"op": "replace", "path": "/metadata/managedFields", "value": list}),
    ];
    match hand.patch(&reference, &operations, Mode::Real).await {
        Ok(_) | Err(SetupError::Write(ApplyError::Invalid { .. } | ApplyError::Changed { .. })) => Ok(()),
        Err(e) => Err(e),
    }
}

/// The Service that the operator made or overwrote: deleted, or the one of before put back.
async fn put_back(hand: &Hand<'_>, beside: &Beside) -> Result<Option<Undone>, SetupError> {
    let reference = beside.target.reference();
    let there = hand.get(&reference).await?;
    let operators = |o: &Object| o.meta.controller().is_some_and(|c| c.kind == "Installation");
    let before_was_operators =
        beside.before.as_ref().and_then(|b| Object::parse(b.clone()).ok()).is_some_and(|o| operators(&o));
    if before_was_operators {
        return Ok(None);
    }
    if let Some(there) = &there {
        if !operators(there) {
            return Ok(None);
        }
        hand.delete(&reference, &there.meta.uid).await?;
    }
    let Some(before) = &beside.before else {
        return Ok(there.map(|_| told(&reference, "left over by the operator: deleted", true)));
    };
    let mut body = before.clone();
    if let Some(metadata) = body["metadata"].as_object_mut() {
        for key in ["uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"] {
            metadata.remove(key);
        }
    }
    if let Some(map) = body.as_object_mut() {
        map.remove("status");
    }
    let object = Object::parse(body).map_err(|e| SetupError::Damaged(e.to_string()))?;
    hand.create(&object).await?;
    Ok(Some(told(&reference, "the one of before put back", true)))
}
