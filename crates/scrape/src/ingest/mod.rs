//! From a body to rows of a batch: known lines by position, everything else by hash or by parsing.
//!
//! Nothing here touches the head: a body is read whole before the first sample is committed, so a broken one leaves no
//! trace but its reason.

mod predicted;
mod rebuild;
mod series_labels;

use crate::body::{Draft, Table, Template};
use crate::pool_config::PoolConfig;
use tortie_model::Labels;
use tortie_model::stale::stale_nan;
use tortie_tsdb::append::{Batch, Slot};

/// How far in the future a sample may lie, in milliseconds, as in Prometheus.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;

/// What a body is read for.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a PoolConfig,
    /// Labels of the target.
    pub(crate) target: &'a Labels,
    /// Timestamp of samples without one.
    pub(crate) at_ms: i64,
    /// The time, for samples too far in the future.
    pub(crate) now_ms: i64,
    /// Whether labels must be made anew because the configuration changed.
    pub(crate) relabel_all: bool,
}

impl Context<'_> {
    fn max_ms(&self) -> i64 {
        self.now_ms.saturating_add(MAX_AHEAD_MS)
    }
}

/// Rows and memory of one scrape, borrowed while it runs.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) batch: Batch,
    values: Vec<f64>,
    /// Lines with a timestamp of their own.
    times: Vec<(u32, i64)>,
    old_slots: Vec<u32>,
    /// Line of each entry of `batch.new`; several rows may stand for one line.
    pub(crate) new_lines: Vec<u32>,
}

impl Work {
    /// Empties everything; gives memory back when it was unusually big.
    pub(crate) fn clear(&mut self) {
        self.batch.clear();
        self.values.clear();
        self.times.clear();
        self.old_slots.clear();
        self.new_lines.clear();
        if self.values.capacity() > 1 << 17 {
            *self = Work::default();
        }
    }
}

/// What reading a body gave.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Samples in the body.
    pub(crate) total: u64,
    /// Samples left by metric relabelling.
    pub(crate) added: u64,
    /// Series that the last successful scrape did not have.
    pub(crate) series_added: u64,
    /// Samples that repeat a series of the same body.
    pub(crate) duplicates: u64,
    /// Samples too far in the future.
    pub(crate) out_of_bounds: u64,
    /// Why the body is refused as a whole. Rows are then to be thrown away.
    pub(crate) error: Option<Refused>,
    /// The new lines, when they are not those of the table.
    pub(crate) change: Option<Change>,
    /// Lines with their own timestamp when the lines did not change.
    pub(crate) untracked: Vec<u64>,
}

/// A body that is refused.
pub(crate) struct Refused {
    pub(crate) reason: String,
    pub(crate) kind: RefusedKind,
}

/// Which counter a refused body goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedKind {
    Body,
    SampleLimit,
    LabelLimit,
}

/// Lines that differ from those of the table.
pub(crate) struct Change {
    pub(crate) template: Template,
    pub(crate) draft: Draft,
    /// Slots whose lines are gone: to be released after the commit.
    pub(crate) gone: Vec<Slot>,
    /// Those of them that get a stale marker unless the commit finds that a new line is the same series: the text of a
    /// series, or the rules for its labels, may have changed.
    pub(crate) stale_later: Vec<Slot>,
}

/// Reads `body` into the rows of `work`.
pub(crate) fn read(body: &[u8], table: &Table, context: &Context<'_>, work: &mut Work) -> Outcome {
    if body.len() > u32::MAX as usize {
        let reason = format!("a body of {} bytes is too big; hint: set body_size_limit", body.len());
        return Outcome { error: Some(Refused { reason, kind: RefusedKind::Body }), ..Outcome::default() };
    }
    if !context.relabel_all
        && !table.has_unknown()
        && let Some(outcome) = predicted::read(body, table, context, work)
    {
        return outcome;
    }
    rebuild::read(body, table, context, work)
}

/// Stale markers for all series of the table that have none yet.
pub(crate) fn mark_all_stale(table: &Table, at_ms: i64, batch: &mut Batch) {
    if !table.alive {
        return;
    }
    for slot in table.tracked_slots() {
        batch.push(slot, at_ms, stale_nan());
    }
}

fn sample_limit() -> Refused {
    Refused { reason: "sample limit exceeded".into(), kind: RefusedKind::SampleLimit }
}
