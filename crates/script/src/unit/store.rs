//! Series in memory as rules use them: read by queries, written by evaluations.

use crate::storage::{Memory, Sample, Value, View};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tortie_model::Labels;
use tortie_model::storage::{Querier, Queryable, StorageError};
use tortie_promql::eval::FloatHistogram;
use tortie_rules::Store;
use tortie_tsdb::append::{AppendError, Batch, Committed, Refusal, Slot};

/// A store of a test.
#[derive(Debug, Default)]
pub struct TestStore {
    /// Readers keep the series as they were when they began.
    memory: RwLock<Arc<Memory>>,
    slots: Mutex<Slots>,
}

/// Numbers of series; they are never given anew.
#[derive(Debug, Default)]
struct Slots {
    by_labels: HashMap<Labels, u32>,
    labels: Vec<Labels>,
}

impl Slots {
    fn of(&mut self, labels: &Labels) -> Slot {
        if let Some(slot) = self.by_labels.get(labels) {
            return Slot(*slot);
        }
        let slot = self.labels.len() as u32;
        self.labels.push(labels.clone());
        self.by_labels.insert(labels.clone(), slot);
        Slot(slot)
    }
}

impl TestStore {
    /// Appends samples of a series.
    ///
    /// # Errors
    /// See [`Memory::append`].
    pub fn append(&self, labels: &Labels, samples: &[Sample]) -> Result<(), String> {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut memory).append(labels, samples)
    }

    fn append_float(&self, labels: &Labels, t: i64, v: f64) -> Option<Refusal> {
        let sample = Sample { t, start: 0, value: Value::Float(v) };
        let error = self.append(labels, &[sample]).err()?;
        let duplicate = error.starts_with("duplicate");
        Some(if duplicate { Refusal::DuplicateTimestamp } else { Refusal::OutOfOrder })
    }
}

impl Queryable for TestStore {
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        let memory = Arc::clone(&self.memory.read().unwrap_or_else(PoisonError::into_inner));
        Ok(Box::new(View { memory, mint, maxt }))
    }
}

impl Store for TestStore {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Committed::default();
        for (i, (slot, (t, v))) in batch.slots.iter().zip(batch.t.iter().zip(&batch.v)).enumerate() {
            let Some(labels) = slots.labels.get(slot.0 as usize) else { continue };
            out.refused.extend(self.append_float(labels, *t, *v).map(|why| (i, why)));
        }
        for (i, (labels, t, v)) in batch.new.iter().enumerate() {
            let refused = self.append_float(labels, *t, *v);
            out.new.push(if refused.is_some() { None } else { Some(slots.of(labels)) });
            out.refused.extend(refused.map(|why| (batch.slots.len() + i, why)));
        }
        Ok(out)
    }

    fn release(&self, _: &[Slot]) {}

    fn commit_histograms(&self, rows: &[(Labels, i64, Arc<FloatHistogram>)]) -> Result<(), String> {
        for (labels, t, h) in rows {
            self.append(labels, &[Sample { t: *t, start: 0, value: Value::Histogram(Arc::clone(h)) }])?;
        }
        Ok(())
    }
}
