//! The batch in which one scrape (or rule, or request) hands its samples to the head.
//!
//! A batch is filled without any lock, then committed once: everything that can fail happens before the first page of
//! the head is touched, so a batch is stored whole or not at all (single rows may be refused, see [`Refusal`]).

use tortie_model::Labels;

/// A slot of the head as its holder knows it: cheap to keep, checked on use.
///
/// The holder keeps the slot alive until it calls `Head::release`; a slot is never given to another series before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// Samples of one commit. Rows of known slots should come in ascending slot order: each page is then locked once.
#[derive(Debug, Default)]
pub struct Batch {
    /// Slots, one a sample.
    pub slots: Vec<Slot>,
    /// Timestamps in milliseconds, one a sample.
    pub t: Vec<i64>,
    /// Values, one a sample; stale markers are ordinary values.
    pub v: Vec<f64>,
    /// Series that the caller has no slot for: labels, timestamp, value.
    pub new: Vec<(Labels, i64, f64)>,
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.t.clear();
        self.v.clear();
        self.new.clear();
    }

    /// Adds a sample of a series whose slot is held.
    #[inline]
    pub fn push(&mut self, slot: Slot, t: i64, v: f64) {
        self.slots.push(slot);
        self.t.push(t);
        self.v.push(v);
    }

    /// Adds a sample of a series known by its labels only.
    pub fn push_new(&mut self, labels: Labels, t: i64, v: f64) {
        self.new.push((labels, t, v));
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.slots.len() + self.new.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why one row was not stored. The rest of the batch was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Older than the newest sample of its series (out-of-order ingestion is not there).
    OutOfOrder,
    /// Older than the head may still take.
    OutOfBounds,
    /// Same timestamp as the newest sample, another value.
    DuplicateTimestamp,
    /// The memory budget of the head refuses new series.
    SeriesLimit,
}

/// What a commit did.
#[derive(Debug, Default)]
pub struct Committed {
    /// Slot of each entry of `Batch::new`, in order; `None` when it was refused. The caller holds these slots now.
    pub new: Vec<Option<Slot>>,
    /// How many of the new entries created a series that was not in the head.
    pub created: usize,
    /// Refused rows: index into the batch (known rows first, then new ones) and reason.
    pub refused: Vec<(usize, Refusal)>,
}

/// Why a whole batch was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The WAL cannot take more (disk full or failing): what the system said.
    #[error("write-ahead log: {0}")]
    Wal(String),
    /// The database is closing.
    #[error("the database is closed")]
    Closed,
}
