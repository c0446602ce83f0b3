//! The series `ALERTS` and `ALERTS_FOR_STATE` of a rule's alerts in storage. An alert keeps the slots of its two series, not
//! their labels: in a storm of alerts the labels would be most of what an alert takes.

use crate::alert::{Alert, AlertState};
use crate::alerting::Alerts;
use crate::dependencies::{ALERT_NAME, ALERTS, ALERTS_FOR_STATE};
use crate::environment::Store;
use crate::grid::to_ns;
use crate::refused;
use crate::spec::RuleSpec;
use std::collections::HashSet;
use tortie_model::labels::METRIC_NAME;
use tortie_model::stale::stale_nan;
use tortie_model::{Labels, LabelsBuilder};
use tortie_tsdb::append::{Batch, Refusal, Slot};

/// Label of an alert's state in its series.
const ALERT_STATE: &str = "alertstate";

/// The series of one alert.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// The state that `ALERTS` was written for.
    state: AlertState,
    /// Their slots; none before the first sample and after one that was refused.
    alerts: Option<Slot>,
    for_state: Option<Slot>,
}

impl Series {
    fn slot(&mut self, which: Which) -> &mut Option<Slot> {
        match which {
            Which::Alerts => &mut self.alerts,
            Which::ForState => &mut self.for_state,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Alerts,
    ForState,
}

/// What an evaluation writes.
#[derive(Default)]
pub(crate) struct Rows {
    /// Samples of series that have a slot, with the labels of their alert.
    known: Vec<(Slot, Labels, Which, f64)>,
    /// Samples of others: labels of the alert and of the series.
    fresh: Vec<(Labels, Which, Labels, f64)>,
    /// Series that end.
    ended: Vec<Slot>,
}

impl Rows {
    /// Number of samples, stale markers left out.
    pub(crate) fn len(&self) -> usize {
        self.known.len() + self.fresh.len()
    }

    /// Adds the two samples of an alert that is pending or firing.
    pub(crate) fn add(&mut self, a: &mut Alert, spec: &RuleSpec) {
        let state = a.state;
        let series = a.series.get_or_insert(Series { state, alerts: None, for_state: None });
        if series.state != state {
            self.ended.extend(series.alerts.take());
            series.state = state;
        }
        let since = a.active_at.div_euclid(to_ns(1000)) as f64;
        for (which, v) in [(Which::Alerts, 1.0), (Which::ForState, since)] {
            match *series.slot(which) {
                Some(slot) => self.known.push((slot, a.labels.clone(), which, v)),
                None => self.fresh.push((a.labels.clone(), which, labels(&a.labels, state, which, spec), v)),
            }
        }
    }

    /// Nothing of this is stored: what ended is left for the next time.
    pub(crate) fn give_up(self, left: &mut Vec<Slot>) {
        left.extend(self.ended);
    }

    /// Ends the series of an alert that is neither pending nor firing any more.
    pub(crate) fn end(&mut self, a: &mut Alert) {
        self.ended.extend(slots(a));
    }
}

/// Takes the slots of an alert's series.
pub(crate) fn slots(a: &mut Alert) -> impl Iterator<Item = Slot> + use<> {
    a.series.take().into_iter().flat_map(|s| [s.alerts, s.for_state]).flatten()
}

fn labels(of: &Labels, state: AlertState, which: Which, spec: &RuleSpec) -> Labels {
    let mut lb = LabelsBuilder::new();
    for (name, value) in spec.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(of) {
        lb.set(name, value);
    }
    lb.set(ALERT_NAME, &spec.name);
    match which {
        Which::Alerts => lb.set(METRIC_NAME, ALERTS).set(ALERT_STATE, state.as_str()),
        Which::ForState => lb.set(METRIC_NAME, ALERTS_FOR_STATE),
    };
    lb.labels()
}

/// Stores `rows` at `t`, and stale markers of what ended. `left` has series that ended in evaluations of which nothing was
/// stored; it is empty afterwards. `alerts` gives access to the alerts, to note their slots. Returns what was wrong with
/// single rows.
///
/// # Errors
/// When nothing was stored: what ended is then left for the next time.
pub(crate) fn commit(
    (store, spec): (&dyn Store, &RuleSpec),
    mut rows: Rows,
    t: i64,
    left: &mut Vec<Slot>,
    alerts: impl FnOnce(&mut dyn FnMut(&mut Alerts)),
) -> Result<Option<String>, String> {
    // Pages are then locked once.
    rows.known.sort_unstable_by_key(|(slot, ..)| *slot);
    let mut batch = Batch::default();
    for (slot, .., v) in &rows.known {
        batch.push(*slot, t, *v);
    }
    // Where alerts have a label `alertstate` of their own, a series that one leaves may be the one that another begins with.
    let shares = rows.fresh.iter().any(|(of, ..)| of.get(ALERT_STATE).is_some());
    let (at_once, later) = match shares {
        false => (std::mem::take(&mut rows.ended), Vec::new()),
        true => (Vec::new(), std::mem::take(&mut rows.ended)),
    };
    for slot in &at_once {
        batch.push(*slot, t, stale_nan());
    }
    for (.., labels, v) in &rows.fresh {
        batch.push_new(labels.clone(), t, *v);
    }
    if batch.is_empty() && left.is_empty() {
        return Ok(None);
    }
    let committed = match store.commit(&batch) {
        Ok(committed) => committed,
        Err(e) => {
            left.extend(at_once.into_iter().chain(later));
            return Err(e.to_string());
        }
    };
    let slotted = rows.known.len() + at_once.len();
    let mut given_up = at_once;
    left.extend(later);
    let mut refused = Vec::new();
    let mut words: Option<(Refusal, Labels, f64)> = None;
    for (i, why) in &committed.refused {
        // Stale markers are refused when another rule writes the series now.
        if let Some(row) = rows.known.get(*i) {
            refused.push((row, *why));
        } else if let Some((.., labels, v)) = i.checked_sub(slotted).and_then(|i| rows.fresh.get(i)) {
            words.get_or_insert_with(|| (*why, labels.clone(), *v));
        }
    }
    alerts(&mut |active| {
        for ((slot, of, which, v), why) in &refused {
            if let Some(series) = active.get_mut(of).and_then(|a| a.series.as_mut()) {
                words.get_or_insert_with(|| (*why, labels(of, series.state, *which, spec), *v));
                *series.slot(*which) = None;
            }
            given_up.push(*slot);
        }
        for ((labels, which, ..), slot) in rows.fresh.iter().zip(&committed.new) {
            match active.get_mut(labels).and_then(|a| a.series.as_mut()) {
                Some(series) => *series.slot(*which) = *slot,
                None => given_up.extend(*slot),
            }
        }
    });
    let mut wrong = words.map(|(why, labels, v)| refused::words(store, why, (&labels, t, v)));
    let again: HashSet<Slot> = match left.is_empty() {
        true => HashSet::new(),
        false => rows.known.iter().map(|r| r.0).chain(committed.new.iter().copied().flatten()).collect(),
    };
    // Of these some may have begun again.
    let (begun, over): (Vec<Slot>, Vec<Slot>) = left.drain(..).partition(|slot| again.contains(slot));
    given_up.extend(begun);
    store.release(&given_up);
    *left = over;
    if let Err(e) = end(store, t, left) {
        wrong.get_or_insert(e);
    }
    Ok(wrong)
}

/// Writes stale markers for series, which are given up then.
///
/// # Errors
/// When nothing was stored; `slots` stay then.
pub(crate) fn end(store: &dyn Store, t: i64, slots: &mut Vec<Slot>) -> Result<(), String> {
    if slots.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::default();
    for slot in slots.iter() {
        batch.push(*slot, t, stale_nan());
    }
    store.commit(&batch).map_err(|e| e.to_string())?;
    store.release(slots);
    slots.clear();
    Ok(())
}
