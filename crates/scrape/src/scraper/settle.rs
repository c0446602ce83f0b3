//! After the commit: new series get their slots, lines that are gone give theirs up, refused rows are counted.

use super::Scraper;
use crate::body::{NEW, REPEAT, Table, UNKNOWN};
use crate::ingest::{Change, Outcome, Work};
use crate::shared::Shared;
use std::collections::HashMap;
use tortie_model::stale::{is_stale, stale_nan};
use tortie_tsdb::append::{Batch, Committed, Refusal, Slot};

/// Slot to line.
type Used = HashMap<u32, u32, foldhash::fast::RandomState>;

/// Rows that the scrape did not store though it succeeded.
#[derive(Debug, Default)]
struct Lost {
    duplicates: u64,
    out_of_order: u64,
    out_of_bounds: u64,
    series: u64,
}

impl Scraper {
    /// Learns from a commit; returns what the Targets page should say of it. `body_rows` is how many known and new rows
    /// came from the body, the rest is the report.
    #[allow(clippy::too_many_arguments)] // one call, and each is a plain fact of the scrape
    pub(super) fn settle(
        &mut self,
        shared: &Shared,
        work: &Work,
        outcome: Outcome,
        empty: bool,
        committed: &Committed,
        body_rows: (usize, usize),
        at_ms: i64,
    ) -> String {
        self.reports.learn(committed.new.get(body_rows.1..).unwrap_or(&[]));
        let mut lost =
            Lost { duplicates: outcome.duplicates, out_of_bounds: outcome.out_of_bounds, ..Lost::default() };
        if outcome.error.is_some() || empty {
            self.table.alive = false;
            return String::new();
        }
        lost.count(&work.batch, committed, body_rows);
        match outcome.change {
            Some(change) => lost.duplicates += self.adopt(shared, change, work, committed, at_ms),
            None => {
                self.table.alive = true;
                self.table.set_untracked(outcome.untracked);
            }
        }
        lost.tell(shared, self)
    }

    /// Makes the table of a body with new lines; returns how many series turned out to be repeated.
    fn adopt(
        &mut self,
        shared: &Shared,
        change: Change,
        work: &Work,
        committed: &Committed,
        at_ms: i64,
    ) -> u64 {
        let Change { template, mut draft, mut gone, stale_later } = change;
        let mut used = Used::default();
        if !work.new_lines.is_empty() {
            used.extend(
                draft.slots.iter().enumerate().filter(|(_, s)| **s < NEW).map(|(line, s)| (*s, line as u32)),
            );
        }
        let mut repeated = 0;
        for (&line, &slot) in work.new_lines.iter().zip(&committed.new) {
            let Some(entry) = draft.slots.get_mut(line as usize) else { continue };
            match slot {
                Some(Slot(slot)) if *entry != NEW => gone.push(Slot(slot)),
                Some(Slot(slot)) => match used.get(&slot) {
                    None => {
                        *entry = slot;
                        used.insert(slot, line);
                    }
                    Some(&first) => {
                        // The same labels under another text: the first line keeps the series.
                        *entry = REPEAT;
                        draft.repeats.push((line, first));
                        gone.push(Slot(slot));
                        repeated += 1;
                    }
                },
                None if *entry == NEW => *entry = UNKNOWN,
                None => {}
            }
        }
        for entry in draft.slots.iter_mut().filter(|e| **e == NEW) {
            *entry = UNKNOWN;
        }
        draft.repeats.sort_unstable();
        self.mark_stale(shared, stale_later.iter().filter(|s| !used.contains_key(&s.0)), at_ms);
        self.relabel_all = false;
        self.table = Table::from_draft(shared.templates.intern(template), draft);
        shared.sink.release(&gone);
        repeated
    }

    /// Stale markers for series that turned out to be gone.
    fn mark_stale<'s>(&self, shared: &Shared, slots: impl Iterator<Item = &'s Slot>, at_ms: i64) {
        let mut batch = Batch::default();
        for slot in slots {
            batch.push(*slot, at_ms, stale_nan());
        }
        if !batch.is_empty()
            && let Err(e) = shared.sink.commit(&batch)
        {
            tracing::warn!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), err = %e, "Stale commit failed");
        }
    }
}

impl Lost {
    /// Counts refused rows of the body; stale markers and reports come late by design when a target came back.
    fn count(&mut self, batch: &Batch, committed: &Committed, body_rows: (usize, usize)) {
        let known = batch.slots.len();
        for &(row, reason) in &committed.refused {
            let of_body = if row < known {
                row < body_rows.0 && !batch.v.get(row).copied().is_some_and(is_stale)
            } else {
                row - known < body_rows.1
            };
            if !of_body {
                continue;
            }
            match reason {
                Refusal::OutOfOrder => self.out_of_order += 1,
                Refusal::OutOfBounds => self.out_of_bounds += 1,
                Refusal::DuplicateTimestamp => self.duplicates += 1,
                Refusal::SeriesLimit => self.series += 1,
            }
        }
    }

    /// Counts and logs as Prometheus does; the text for the Targets page.
    fn tell(&self, shared: &Shared, scraper: &Scraper) -> String {
        let stats = &shared.stats;
        stats.duplicates.add(self.duplicates);
        stats.out_of_order.add(self.out_of_order);
        stats.out_of_bounds.add(self.out_of_bounds);
        stats.refused_series.add(self.series);
        let mut said = Vec::new();
        let (pool, target) = (&scraper.target.pool, scraper.target.url.as_str());
        let rows = [
            (self.out_of_order, "Error on ingesting out-of-order samples", "out-of-order samples"),
            (
                self.duplicates,
                "Error on ingesting samples with different value but same timestamp",
                "duplicate samples (the first of each series is kept)",
            ),
            (
                self.out_of_bounds,
                "Error on ingesting samples that are too old or are too far into the future",
                "samples too old or too far in the future",
            ),
            (
                self.series,
                "Error on ingesting new series over the memory budget",
                "new series over the memory budget",
            ),
        ];
        for (n, log, short) in rows {
            if n > 0 {
                tracing::warn!(component = "scrape manager", scrape_pool = %pool, target, num_dropped = n, "{log}");
                said.push(format!("{n} {short}"));
            }
        }
        if said.is_empty() { String::new() } else { format!("not stored: {}", said.join(", ")) }
    }
}
