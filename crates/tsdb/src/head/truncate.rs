//! Truncation: what is in a block now leaves the head. New readers begin after it at once; memory is freed when no
//! reader from before is left; slots are used again when no reader knows them.

use super::{Head, add, page, page_of, place_of, read, write};
use crate::head_chunks::unpack;
use crate::wal::{checkpoint, record, segments};
use hashbrown::HashSet;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Head {
    /// Drops samples before `mint`, then series that nobody holds and that have none left, then writes a WAL
    /// checkpoint in place of the older two thirds of its segments.
    ///
    /// # Errors
    /// What the system said; samples are dropped from memory in any case, and the next call tries the rest again.
    pub fn truncate(&self, mint: i64) -> io::Result<()> {
        if !self.is_initialized() || self.min_time() >= mint {
            return Ok(());
        }
        self.min_valid_time.fetch_max(mint, Ordering::AcqRel);
        self.max_time.fetch_max(mint, Ordering::AcqRel);
        self.min_time.store(mint, Ordering::Release);
        // After the new time is set: a view that opens later has a higher number and begins at `mint`.
        let epoch = self.views.epoch();
        *self.truncate_epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
        add(&self.counters.truncations, 1);
        let collected = self.collect();
        let checkpointed = self.checkpoint(mint);
        self.used_bytes.store(self.memory().total(), Ordering::Relaxed);
        collected.and(checkpointed)
    }

    /// Frees what a truncation left behind, as far as readers allow it.
    pub(crate) fn collect(&self) -> io::Result<()> {
        let mut waiting = self.truncate_epoch.lock().unwrap_or_else(PoisonError::into_inner);
        let due = waiting.is_some_and(|e| !self.views.any_open_since(e));
        if due {
            *waiting = None;
        }
        drop(waiting);
        let result = if due { self.drop_old_data() } else { Ok(()) };
        self.reuse_slots();
        result
    }

    /// Drops chunks before the head's time, series without data, and files that no chunk needs.
    pub(crate) fn drop_old_data(&self) -> io::Result<()> {
        let _one = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let mint = self.min_time();
        let mut oldest = i64::MAX;
        let mut min_file = u32::MAX;
        let mut empty: Vec<u32> = Vec::new();
        let pages = self.pages().clone();
        for (number, shared) in pages.iter().enumerate() {
            let mut p = write(shared);
            for i in 0..page::SLOTS {
                if p.flags[i] & page::LIVE == 0 {
                    continue;
                }
                self.drop_old_chunks(&mut p, i, mint);
                if let Some(first) =
                    p.full[i].first().map(|c| c.mint).or((p.pos[i].num > 0).then_some(p.mint[i]))
                {
                    oldest = oldest.min(first);
                } else if p.holders[i] == 0 {
                    empty.push((number * page::SLOTS + i) as u32);
                }
                for c in &*p.full[i] {
                    if c.place & page::PENDING == 0 {
                        min_file = min_file.min(unpack(c.place).0);
                    }
                }
            }
        }
        self.remove_series(&empty);
        if oldest > self.min_time() {
            let floor = oldest.min(self.appendable_min_valid_time());
            self.min_time.fetch_max(floor, Ordering::AcqRel);
            self.min_valid_time.fetch_max(floor, Ordering::AcqRel);
        }
        self.forget_tombstones(mint);
        match &self.disk {
            Some(d) => d.chunks.truncate(min_file),
            None => Ok(()),
        }
    }

    fn drop_old_chunks(&self, p: &mut page::Page, i: usize, mint: i64) {
        let old = p.full[i].iter().take_while(|c| c.maxt < mint).count();
        if old > 0 {
            let mut list = std::mem::take(&mut p.full[i]).into_vec();
            for c in list.drain(..old) {
                if c.place & page::PENDING != 0 && p.pending.remove(&(c.place & !page::PENDING)).is_some() {
                    self.counters.chunks_pending.fetch_sub(1, Ordering::Relaxed);
                }
            }
            p.full[i] = list.into_boxed_slice();
        }
        let open = p.pos[i].num > 0 && p.t[i] < mint;
        if open {
            p.drop_open(i);
        }
        let n = old as u64 + u64::from(open);
        if n > 0 {
            add(&self.counters.chunks_removed, n);
            self.counters.chunks.fetch_sub(n, Ordering::Relaxed);
        }
    }

    /// Removes series that still have no data and no holder. `empty` is ascending.
    fn remove_series(&self, empty: &[u32]) {
        if empty.is_empty() {
            return;
        }
        let keep_until = self.min_time();
        let mut gone = Vec::with_capacity(empty.len());
        let mut index = self.index_mut();
        let mut expiries = self.wal_expiries.lock().unwrap_or_else(PoisonError::into_inner);
        for &slot in empty {
            let Some(shared) = self.page(page_of(slot)) else { continue };
            let mut p = write(&shared);
            let i = place_of(slot);
            // A commit may have taken it up since it was looked at.
            if p.holders[i] == 0 && !p.has_data(i) {
                expiries.insert(p.refs[i], keep_until);
                p.flags[i] = 0;
                p.refs[i] = 0;
                p.t[i] = i64::MIN;
                gone.push(slot);
            }
        }
        index.remove(&gone);
        drop(expiries);
        drop(index);
        add(&self.counters.series_removed, gone.len() as u64);
        // Views opened from here on cannot find these slots.
        let epoch = self.views.epoch();
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push((epoch, gone));
    }

    fn reuse_slots(&self) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.is_empty() {
            return;
        }
        let ready: Vec<(u64, Vec<u32>)> = {
            let (ready, wait) =
                std::mem::take(&mut *retired).into_iter().partition(|(e, _)| !self.views.any_open_since(*e));
            *retired = wait;
            ready
        };
        drop(retired);
        if !ready.is_empty() {
            let mut index = self.index_mut();
            for (_, slots) in &ready {
                index.free(slots);
            }
        }
    }

    fn forget_tombstones(&self, mint: i64) {
        if !self.has_tombstones.load(Ordering::Acquire) {
            return;
        }
        let mut stones = self.tombstones.write().unwrap_or_else(PoisonError::into_inner);
        for ranges in stones.values_mut() {
            ranges.retain(|(_, b)| *b >= mint);
        }
        stones.retain(|_, r| !r.is_empty());
        self.has_tombstones.store(!stones.is_empty(), Ordering::Release);
    }

    /// Begins a new WAL segment and, when there are enough, replaces the older two thirds by a checkpoint.
    fn checkpoint(&self, mint: i64) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let _one = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = disk.dir.join("wal");
        let all = segments::list_segments(disk.fs.as_ref(), &dir)?;
        disk.wal.next_segment()?;
        let (Some(&first), Some(&newest)) = (all.first(), all.last()) else { return Ok(()) };
        let last = first + newest.saturating_sub(1).saturating_sub(first) * 2 / 3;
        if newest == 0 || last <= first {
            return Ok(());
        }
        let live = self.live_refs();
        let expiries = self.wal_expiries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keep = |r: u64| live.contains(&r) || expiries.get(&r).is_some_and(|until| *until >= mint);
        add(&self.counters.checkpoints, 1);
        let done = checkpoint::write(&disk.fs, &dir, last, mint, self.options.wal_compression, &keep);
        let stats = match done {
            Ok(s) => s,
            Err(e) => {
                add(&self.counters.checkpoints_failed, 1);
                return Err(e);
            }
        };
        for d in &stats.damage {
            add(&self.counters.wal_corruptions, 1);
            tracing::warn!(component = "tsdb", file = %d.file, offset = d.offset, err = d.what, "damaged WAL record left out of the checkpoint");
        }
        checkpoint::remove_superseded(disk.fs.as_ref(), &dir, last)?;
        self.wal_expiries.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until >= mint);
        disk.journal.replace(&mut self.series_records().into_iter())?;
        tracing::info!(
            component = "tsdb",
            first,
            last,
            series = stats.series,
            samples = stats.samples,
            "WAL checkpoint complete"
        );
        Ok(())
    }

    fn live_refs(&self) -> HashSet<u64> {
        let mut refs = HashSet::new();
        for shared in self.pages().iter() {
            let p = read(shared);
            refs.extend(p.refs.iter().zip(&p.flags).filter(|(_, f)| **f & page::LIVE != 0).map(|(r, _)| *r));
        }
        refs
    }

    /// Series records of all series, a page each.
    pub(crate) fn series_records(&self) -> Vec<Vec<u8>> {
        let index = self.index();
        let mut out = Vec::new();
        for (number, shared) in self.pages().iter().enumerate() {
            let p = read(shared);
            let mut rec = Vec::new();
            record::begin_series(&mut rec);
            for i in 0..page::SLOTS {
                if p.flags[i] & page::LIVE != 0 {
                    let set = index.set((number * page::SLOTS + i) as u32);
                    record::put_series(
                        &mut rec,
                        p.refs[i],
                        set.len(),
                        set.iter().map(|q| index.pair_text(*q)),
                    );
                }
            }
            if rec.len() > 1 {
                out.push(rec);
            }
        }
        out
    }
}
