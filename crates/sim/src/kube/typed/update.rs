//! The two writes: an update takes what it changes, an apply takes what it says.

use serde_json::Value;

use super::{Changes, compare, merge, remove, to_set};
use crate::kube::fields::{Managed, ManagerId, Path, Set};
use crate::kube::schema::Schema;

/// Fields of another manager that an apply would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// Who has them.
    pub manager: ManagerId,
    /// Which.
    pub path: Path,
}

/// Why an apply ends.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Others have other values.
    Conflicts(Vec<Conflict>),
    /// The given object does not fit its shape.
    Malformed(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Stop {
        Stop::Malformed(why)
    }
}

/// Who writes what kind of object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub id: &'a ManagerId,
    pub api_version: &'a str,
    pub schema: &'a Schema,
    /// What the server resets, so that nobody owns it by this way: `status` on the main resource.
    pub ignored: &'a Set,
}

/// Takes away from others what `changes` touches, or says who has it.
fn settle(
    managed: &mut Managed,
    changes: &Changes,
    w: &Writer<'_>,
    force: bool,
) -> Result<(), Vec<Conflict>> {
    let touched = changes.modified.union(&changes.added);
    if !force {
        let mut conflicts = Vec::new();
        for (id, set) in managed.others(w.id) {
            let paths = set.intersection(&touched).paths();
            conflicts.extend(paths.into_iter().map(|path| Conflict { manager: id.clone(), path }));
        }
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
    }
    managed.change_others(w.id, |set| set.difference(&touched).difference(&changes.removed));
    Ok(())
}

/// Ownership after `new` was written over `old` by an update.
pub(crate) fn update(old: &Value, new: &Value, managed: &mut Managed, w: &Writer<'_>) -> bool {
    let changes = compare(w.schema, old, new).without(w.ignored);
    let touched = changes.modified.union(&changes.added);
    // The writer's own entry is treated as anybody's, then what was taken is added to it.
    managed.change_all(|set| set.difference(&touched).difference(&changes.removed));
    let taken = touched.without_subtrees(w.ignored);
    if taken.is_empty() {
        return false;
    }
    let before = managed.get(w.id).cloned().unwrap_or_default();
    managed.put(w.id, w.api_version, before.union(&taken));
    true
}

/// The object after `given` was applied over `live`, or `None` when nothing changes.
///
/// # Errors
/// Conflicts, unless forced; a malformed list.
pub(crate) fn apply(
    live: &Value,
    given: &Value,
    managed: &mut Managed,
    w: &Writer<'_>,
    force: bool,
) -> Result<Option<Value>, Stop> {
    let merged = merge(w.schema, live, given)?;
    let last = managed.get(w.id).cloned();
    let said = to_set(w.schema, given)?.without_subtrees(w.ignored);
    managed.put(w.id, w.api_version, said);
    let new = match last.filter(|s| !s.is_empty()) {
        Some(last) => drop_left(&merged, managed, &last, w.schema)?,
        None => merged,
    };
    let changes = compare(w.schema, live, &new).without(w.ignored);
    settle(managed, &changes, w, force).map_err(Stop::Conflicts)?;
    Ok((!changes.is_none()).then_some(new))
}

/// Takes out what the manager applied last time and nobody has now.
fn drop_left(merged: &Value, managed: &Managed, last: &Set, schema: &Schema) -> Result<Value, String> {
    let named = |set: &Set| set.with_named_fields(schema);
    let fields = |v: &Value| Ok::<Set, String>(named(&to_set(schema, v)?));
    let without = |set: &Set| remove(schema, merged, set).unwrap_or(Value::Null);

    let last = named(last);
    let all = fields(merged)?;
    let pruned = without(&last);
    // What somebody owns comes back, also below what was taken out.
    let owned = named(&managed.all());
    let kept = fields(&pruned)?.union(&owned);
    let pruned = without(&all.difference(&kept));
    // So does what was taken out only because its parent was.
    let kept = fields(&pruned)?;
    Ok(without(&all.difference(&kept).intersection(&last)))
}
