//! Rows of a rule into storage: one batch an evaluation, with stale markers for series that went.

use crate::environment::Store;
use crate::recording::Row;
use crate::refused;
use std::collections::HashMap;
use tortie_model::Labels;
use tortie_model::stale::stale_nan;
use tortie_promql::eval::SampleValue;
use tortie_tsdb::append::{Batch, Refusal, Slot};

/// The series that an evaluation wrote, with their slots; histograms have none.
pub(crate) type Written = HashMap<Labels, Option<Slot>, foldhash::fast::RandomState>;

/// The place of a row and its labels.
type Placed = (usize, Labels);

/// Stores `rows` at `t` and stale markers for the series of `written` that are not among them; `written` then holds
/// those of now. Returns what was wrong with single rows.
///
/// # Errors
/// When nothing was stored; `written` stays as it was.
pub(crate) fn commit(
    store: &dyn Store,
    rows: Vec<Row>,
    t: i64,
    written: &mut Written,
) -> Result<Option<String>, String> {
    // Stale markers have no place.
    let mut known: Vec<(Slot, Option<Placed>, f64)> = Vec::with_capacity(rows.len());
    let mut fresh: Vec<(usize, Labels, f64)> = Vec::new();
    let mut histograms = Vec::new();
    let mut next = Written::with_capacity_and_hasher(rows.len(), Default::default());
    let mut batch = Batch::default();
    for (place, (labels, value)) in rows.into_iter().enumerate() {
        match value {
            SampleValue::Histogram(h) => {
                next.insert(labels.clone(), None);
                histograms.push((labels, t, h));
            }
            SampleValue::Float(v) => match written.get(&labels) {
                Some(Some(slot)) => {
                    next.insert(labels.clone(), Some(*slot));
                    known.push((*slot, Some((place, labels)), v));
                }
                _ => {
                    next.insert(labels.clone(), None);
                    batch.push_new(labels.clone(), t, v);
                    fresh.push((place, labels, v));
                }
            },
        }
    }
    let mut gone = Vec::new();
    for (labels, slot) in written.iter().filter(|(l, _)| !next.contains_key(l)) {
        match slot {
            Some(slot) => {
                known.push((*slot, None, stale_nan()));
                gone.push(*slot);
            }
            None => batch.push_new(labels.clone(), t, stale_nan()),
        }
    }
    if batch.is_empty() && known.is_empty() && histograms.is_empty() {
        *written = next;
        return Ok(None);
    }
    // Pages are then locked once.
    known.sort_unstable_by_key(|(slot, ..)| *slot);
    for (slot, _, v) in &known {
        batch.push(*slot, t, *v);
    }
    let committed = store.commit(&batch).map_err(|e| e.to_string())?;
    let mut last: Option<(usize, Refusal, &Labels, f64)> = None;
    for (i, why) in &committed.refused {
        let (place, labels, v) = match known.get(*i) {
            Some((_, Some((place, labels)), v)) => (*place, labels, *v),
            // Stale markers are refused when another rule writes the series now.
            Some((_, None, _)) => continue,
            None => match fresh.get(i - known.len()) {
                Some((place, labels, v)) => (*place, labels, *v),
                None => continue,
            },
        };
        if last.as_ref().is_none_or(|(before, ..)| *before < place) {
            last = Some((place, *why, labels, v));
        }
        if let Some(Some(slot)) = next.remove(labels) {
            gone.push(slot);
        }
    }
    let mut wrong = last.map(|(_, why, labels, v)| refused::words(store, why, (labels, t, v)));
    for (i, slot) in committed.new.iter().enumerate() {
        match fresh.get(i).and_then(|(_, l, _)| next.get_mut(l)) {
            Some(kept) => *kept = *slot,
            None => gone.extend(*slot),
        }
    }
    if !histograms.is_empty()
        && let Err(e) = store.commit_histograms(&histograms)
    {
        for (labels, ..) in &histograms {
            next.remove(labels);
        }
        wrong.get_or_insert(e);
    }
    store.release(&gone);
    *written = next;
    Ok(wrong)
}

/// Writes stale markers for all of `written`, which is empty afterwards.
///
/// # Errors
/// When nothing was stored; `written` stays as it was.
pub(crate) fn end(store: &dyn Store, t: i64, written: &mut Written) -> Result<(), String> {
    if written.is_empty() {
        return Ok(());
    }
    commit(store, Vec::new(), t, written).map(drop)
}
