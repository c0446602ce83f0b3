//! What became of that which setup wrote: still ours, changed and by whom, gone.

use super::journal::Journal;
use super::pointer;
use crate::facts::ownership::writers;
use crate::snapshot::Snapshot;

/// One line of the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// An object, or a field of one.
    pub what: String,
    /// How it stands, in words.
    pub how: String,
    /// Whether it is as setup left it.
    pub ours: bool,
}

/// Compares a journal with what is there.
pub fn standing(journal: &Journal, snap: &Snapshot) -> Vec<Standing> {
    let mut out = Vec::new();
    for entry in &journal.entries {
        let reference = entry.target.reference();
        if entry.undone {
            let how = "taken back; what its rollout left still had pods (hint: tortie setup undo)";
            out.push(Standing { what: reference.to_string(), how: how.to_owned(), ours: true });
            continue;
        }
        let body = super::future::body_of(snap, &entry.target);
        let uid = body.as_ref().and_then(|b| b["metadata"]["uid"].as_str()).unwrap_or_default();
        let mut say = |what: String, how: String, ours: bool| out.push(Standing { what, how, ours });
        let Some(body) = &body else {
            say(reference.to_string(), "gone".to_owned(), false);
            continue;
        };
        if !entry.uid.is_empty() && entry.uid != uid {
            say(reference.to_string(), "another object of this name stands there".to_owned(), false);
            continue;
        }
        if entry.own && entry.fields.is_empty() {
            say(reference.to_string(), "made by setup".to_owned(), true);
            continue;
        }
        let object =
            snap.find(&reference.gvk.group, &reference.gvk.kind, &reference.namespace, &reference.name);
        for field in &entry.fields {
            let what = format!("{reference} {}", field.pointer);
            let now = pointer::get(body, &field.pointer);
            if now == Some(&field.after) || (now.is_none() && field.after.is_null()) {
                say(what, format!("{} as setup left it", field.after), true);
                continue;
            }
            let by = object.and_then(|o| {
                let plain = pointer::resolved(body, &field.pointer)?;
                writers(&o.meta, &plain).first().map(|m| m.manager.clone())
            });
            let by = by.unwrap_or_else(|| "somebody whom the API server did not record".to_owned());
            let shown = now.map_or_else(|| "absent".to_owned(), ToString::to_string);
            say(what, format!("{shown}, setup left {}: changed by {by}", field.after), false);
        }
    }
    out
}
