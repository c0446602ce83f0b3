//! A plan in a file, and why one that was saved may no longer be made.
//!
//! A plan is about fields, not about versions: an object whose other fields moved on is still the one that was planned for.

use super::future::body_of;
use super::pointer;
use super::step::{Plan, SCHEMA, Step, Write};
use crate::facts::ownership::writers;
use crate::snapshot::Snapshot;

/// The text of a file.
pub fn write(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).unwrap_or_default() + "\n"
}

/// Reads it.
///
/// # Errors
/// When it is no plan of this form.
pub fn read(text: &[u8]) -> Result<Plan, String> {
    let plan: Plan = serde_json::from_slice(text)
        .map_err(|e| format!("this is no plan: {e} (hint: tortie setup --out plan.json writes one)"))?;
    if plan.schema != SCHEMA {
        return Err(format!(
            "the plan is of form {:?}, this version makes {SCHEMA} (hint: plan anew)",
            plan.schema
        ));
    }
    Ok(plan)
}

/// Why a plan does not fit the cluster any more; nothing when it does.
pub fn drift(plan: &Plan, snap: &Snapshot) -> Vec<String> {
    let uid = &snap.identity.uid;
    if plan.cluster_uid != *uid {
        return vec![format!("the plan is for cluster {}, this is cluster {uid}", plan.cluster_uid)];
    }
    plan.writes().filter_map(|step| moved(step, snap)).collect()
}

fn moved(step: &Step, snap: &Snapshot) -> Option<String> {
    let name = step.target.reference();
    let body = body_of(snap, &step.target);
    let uid = body.as_ref().and_then(|b| b["metadata"]["uid"].as_str()).unwrap_or_default();
    if step.uid != uid {
        return Some(match (step.uid.is_empty(), uid.is_empty()) {
            (true, _) => format!("{name} was made since the plan"),
            (_, true) => format!("{name} is gone since the plan"),
            _ => format!("{name} is another object of the same name now"),
        });
    }
    let body = body?;
    // An object of our own is written whole; its values are ours to mend.
    if step.own && matches!(step.write, Write::Apply { .. }) {
        return None;
    }
    let object = snap.find(&name.gvk.group, &name.gvk.kind, &name.namespace, &name.name);
    step.changes.iter().find_map(|change| {
        let now = pointer::get(&body, &change.pointer);
        if now != change.before.as_ref() {
            let shown = now.map_or_else(|| "absent".to_owned(), ToString::to_string);
            return Some(format!("{} of {name} is {shown} since the plan", change.pointer));
        }
        let plain = pointer::resolved(&body, &change.pointer)?;
        let now: Vec<&str> = object
            .map(|o| writers(&o.meta, &plain))
            .unwrap_or_default()
            .iter()
            .map(|m| m.manager.as_str())
            .collect();
        let new: Vec<&str> = now.iter().copied().filter(|m| !change.keepers.iter().any(|k| k == m)).collect();
        if !new.is_empty() && !change.keepers.is_empty() {
            return Some(format!(
                "{} of {name} is kept by {} since the plan",
                change.pointer,
                new.join(", ")
            ));
        }
        let gone = change.keepers.iter().find(|k| !now.contains(&k.as_str()))?;
        Some(format!("{} of {name} is no longer kept by {gone} since the plan", change.pointer))
    })
}
