//! Committing a batch: resolve new series, judge and log all rows, then store them page by page.
//!
//! Everything that can fail is before the first page is changed. Each page is locked twice, once to judge and once to
//! store, however many rows it has.

use super::page::{self, Outcome};
use super::{Head, add, page_of, place_of, read, write};
use crate::append::{AppendError, Batch, Committed, Refusal, Slot};
use crate::wal::record;
use std::cell::RefCell;
use std::sync::atomic::Ordering;

/// Bytes that a new series is taken for until they are counted.
const GUESS_PER_SERIES: u64 = 400;

thread_local! {
    /// Buffers of the series and the samples record, kept between commits of a thread.
    static RECORDS: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

impl Head {
    /// Stores a batch. Rows may be refused one by one; see [`Committed::refused`].
    ///
    /// Returns after the WAL's `write` returned and the samples are visible.
    ///
    /// # Errors
    /// When nothing of the batch was stored: the WAL cannot take it, or the head is closed.
    pub fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        RECORDS.with_borrow_mut(|(series, samples)| {
            series.clear();
            samples.clear();
            let mut done = Committed::default();
            if !batch.new.is_empty() {
                self.resolve(batch, &mut done, series);
            }
            self.init_times(batch, &done);
            let min_valid = self.appendable_min_valid_time();
            self.judge(batch, &done, min_valid, samples);
            if let Err(e) = self.log(series, samples) {
                add(&self.counters.wal_failed, 1);
                let held: Vec<Slot> = done.new.iter().flatten().copied().collect();
                self.release(&held);
                return Err(AppendError::Wal(e.to_string()));
            }
            if !series.is_empty() {
                self.mark_logged(&done);
            }
            self.store(batch, min_valid, &mut done);
            Ok(done)
        })
    }

    /// Finds or creates the series of the batch's new rows, holds their slots, and writes the series record of those
    /// that no record in the WAL names yet.
    fn resolve(&self, batch: &Batch, done: &mut Committed, series: &mut Vec<u8>) {
        let mut missing = Vec::new();
        {
            let index = self.index();
            for (i, (labels, _, _)) in batch.new.iter().enumerate() {
                match index.find(labels) {
                    Some(slot) => {
                        self.hold(slot);
                        done.new.push(Some(Slot(slot)));
                    }
                    None => {
                        done.new.push(None);
                        missing.push(i);
                    }
                }
            }
        }
        if !missing.is_empty() {
            self.create(batch, &missing, done);
        }
        let index = self.index();
        for (slot, (labels, _, _)) in done.new.iter().zip(&batch.new) {
            let Some(slot) = slot else { continue };
            let page = self.page_for(slot.0);
            let page = read(&page);
            if page.flags[place_of(slot.0)] & page::LOGGED == 0 {
                if series.is_empty() {
                    record::begin_series(series);
                }
                record::put_series(series, page.refs[place_of(slot.0)], labels.len(), labels.iter());
            }
        }
        drop(index);
    }

    fn create(&self, batch: &Batch, missing: &[usize], done: &mut Committed) {
        let known = batch.slots.len();
        let cap = self.options.memory_cap;
        let mut index = self.index_mut();
        for &i in missing {
            let Some((labels, _, _)) = batch.new.get(i) else { continue };
            // Another commit, or an earlier row of this one, may have created it since.
            let slot = match index.find(labels) {
                Some(slot) => slot,
                None if cap > 0 && self.used_bytes.load(Ordering::Relaxed) >= cap => {
                    add(&self.counters.series_limited, 1);
                    done.refused.push((known + i, Refusal::SeriesLimit));
                    continue;
                }
                None => {
                    let slot = index.insert(labels);
                    let ref_id = self.last_ref.fetch_add(1, Ordering::Relaxed) + 1;
                    write(&self.page_for(slot)).begin(place_of(slot), ref_id);
                    self.used_bytes.fetch_add(GUESS_PER_SERIES, Ordering::Relaxed);
                    add(&self.counters.series_created, 1);
                    done.created += 1;
                    slot
                }
            };
            self.hold(slot);
            if let Some(place) = done.new.get_mut(i) {
                *place = Some(Slot(slot));
            }
        }
    }

    /// One more holder. Called with the index locked, so that the series cannot go in between.
    fn hold(&self, slot: u32) {
        let page = self.page_for(slot);
        let mut page = write(&page);
        let h = &mut page.holders[place_of(slot)];
        *h = h.saturating_add(1);
    }

    fn mark_logged(&self, done: &Committed) {
        for slot in done.new.iter().flatten() {
            let page = self.page_for(slot.0);
            let logged = read(&page).flags[place_of(slot.0)] & page::LOGGED != 0;
            if !logged {
                write(&page).flags[place_of(slot.0)] |= page::LOGGED;
            }
        }
    }

    /// The first sample ever sets the head's times, as Prometheus' `initTime`.
    fn init_times(&self, batch: &Batch, done: &Committed) {
        if self.is_initialized() {
            return;
        }
        let first_new =
            || done.new.iter().zip(&batch.new).find(|(s, _)| s.is_some()).map(|(_, (_, t, _))| *t);
        let Some(t) = batch.t.first().copied().or_else(first_new) else { return };
        if t < self.min_valid_time.load(Ordering::Acquire) {
            return;
        }
        // The newest time first: `is_initialized` looks at the oldest.
        if self.max_time.compare_exchange(i64::MIN, t, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.min_time.fetch_min(t, Ordering::AcqRel);
        }
    }

    /// Writes the samples record of the rows that will be stored.
    fn judge(&self, batch: &Batch, done: &Committed, min_valid: i64, samples: &mut Vec<u8>) {
        if self.disk.is_none() {
            return;
        }
        let mut enc = record::SamplesEncoder::default();
        let pages = self.pages();
        for (number, run) in runs(batch.slots.len(), |i| batch.slots[i].0) {
            let Some(page) = pages.get(number) else { continue };
            let page = read(page);
            for ((slot, t), v) in
                batch.slots[run.clone()].iter().zip(&batch.t[run.clone()]).zip(&batch.v[run])
            {
                let i = place_of(slot.0);
                if *t >= min_valid && *t > page.t[i] {
                    enc.put(samples, page.refs[i], *t, v.to_bits());
                }
            }
        }
        for (slot, (_, t, v)) in done.new.iter().zip(&batch.new) {
            let Some(slot) = slot else { continue };
            let Some(page) = pages.get(page_of(slot.0)) else { continue };
            let page = read(page);
            let i = place_of(slot.0);
            if *t >= min_valid && *t > page.t[i] {
                enc.put(samples, page.refs[i], *t, v.to_bits());
            }
        }
    }

    fn log(&self, series: &[u8], samples: &[u8]) -> std::io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let records: [&[u8]; 2] = [series, samples];
        let from = usize::from(series.is_empty());
        let to = 2 - usize::from(samples.is_empty());
        if from >= to {
            return Ok(());
        }
        if !series.is_empty() {
            disk.journal.add(series);
        }
        disk.wal.log(records.get(from..to).unwrap_or(&[]))
    }

    /// Stores all rows. Nothing here can fail; a panic ends the process (see [`super::views`]).
    fn store(&self, batch: &Batch, min_valid: i64, done: &mut Committed) {
        let ticket = self.views.begin_commit();
        let mut tally = Tally { mint: i64::MAX, maxt: i64::MIN, ..Tally::default() };
        let cut = self.cut();
        let pages = self.pages();
        for (number, run) in runs(batch.slots.len(), |i| batch.slots[i].0) {
            let Some(page) = pages.get(number) else {
                done.refused.extend(run.map(|i| (i, Refusal::OutOfBounds)));
                continue;
            };
            let mut page = write(page);
            page.forget_undo(ticket.oldest_reader);
            let rows = batch.slots[run.clone()].iter().zip(&batch.t[run.clone()]).zip(&batch.v[run.clone()]);
            for (row, ((slot, t), v)) in run.zip(rows) {
                tally.row(&mut page, slot.0, *t, v.to_bits(), row, min_valid, cut, &ticket, done);
            }
        }
        let slots: Vec<Option<Slot>> = done.new.clone();
        for (k, (slot, (_, t, v))) in slots.iter().zip(&batch.new).enumerate() {
            let Some(slot) = slot else { continue };
            let Some(page) = pages.get(page_of(slot.0)) else { continue };
            let mut page = write(page);
            page.forget_undo(ticket.oldest_reader);
            let row = batch.slots.len() + k;
            tally.row(&mut page, slot.0, *t, v.to_bits(), row, min_valid, cut, &ticket, done);
        }
        drop(pages);
        if tally.stored > 0 {
            // The newest time first: `is_initialized` looks at the oldest.
            self.max_time.fetch_max(tally.maxt, Ordering::AcqRel);
            self.min_time.fetch_min(tally.mint, Ordering::AcqRel);
        }
        drop(ticket);
        self.count(&tally);
    }

    fn count(&self, t: &Tally) {
        let c = &self.counters;
        add(&c.samples, t.stored);
        for (counter, n) in [
            (&c.out_of_order, t.out_of_order),
            (&c.out_of_bounds, t.out_of_bounds),
            (&c.duplicate, t.duplicate),
        ] {
            if n > 0 {
                add(counter, n);
            }
        }
        if t.begun > 0 {
            add(&c.chunks, t.begun);
            add(&c.chunks_created, t.begun);
            add(&c.chunks_pending, t.filled);
        }
    }
}

/// What a commit counted, added up at its end.
#[derive(Default)]
struct Tally {
    stored: u64,
    begun: u64,
    filled: u64,
    out_of_order: u64,
    out_of_bounds: u64,
    duplicate: u64,
    mint: i64,
    maxt: i64,
}

impl Tally {
    #[inline(always)] // the loop over a page's rows then keeps its columns' addresses in registers
    #[allow(clippy::too_many_arguments)] // one call site each for known and new rows, inlined
    fn row(
        &mut self,
        page: &mut page::Page,
        slot: u32,
        t: i64,
        v: u64,
        row: usize,
        min_valid: i64,
        cut: page::Cut,
        ticket: &super::views::Ticket<'_>,
        done: &mut Committed,
    ) {
        if t < min_valid {
            self.out_of_bounds += 1;
            done.refused.push((row, Refusal::OutOfBounds));
            return;
        }
        let i = place_of(slot);
        let had_chunk = page.pos[i].num > 0;
        match page.append(i, t, v, cut) {
            Outcome::Stored => {}
            Outcome::StoredInNewChunk => {
                self.begun += 1;
                self.filled += u64::from(had_chunk);
            }
            Outcome::Same => return,
            Outcome::Duplicate => {
                self.duplicate += 1;
                done.refused.push((row, Refusal::DuplicateTimestamp));
                return;
            }
            Outcome::OutOfOrder => {
                self.out_of_order += 1;
                done.refused.push((row, Refusal::OutOfOrder));
                return;
            }
        }
        self.stored += 1;
        self.mint = self.mint.min(t);
        self.maxt = self.maxt.max(t);
        if ticket.oldest_reader.is_some() {
            page.note_undo(i, ticket.number, t, ticket.newest_reader);
        }
    }
}

/// Runs of rows in the same page: page number and rows.
fn runs(n: usize, slot_at: impl Fn(usize) -> u32) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        if next >= n {
            return None;
        }
        let (start, number) = (next, page_of(slot_at(next)));
        while next < n && page_of(slot_at(next)) == number {
            next += 1;
        }
        Some((number, start..next))
    })
}
