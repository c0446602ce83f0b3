//! Deleting ranges of series from the head: remembered in the WAL, hidden from readers, left out of blocks.

use super::{Head, page_of, place_of, read};
use crate::wal::record::{self, RefTombstone};
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use tortie_model::Matcher;

impl Head {
    /// Hides the samples of all series that satisfy the matchers in `[mint, maxt]`, both inclusive. Returns how many
    /// series have samples there.
    ///
    /// # Errors
    /// When the WAL cannot take the record: nothing is deleted then.
    pub fn delete(&self, matchers: &[Matcher], mint: i64, maxt: i64) -> io::Result<usize> {
        let slots = self.index().select(matchers);
        let mut stones = Vec::new();
        let mut ranges = Vec::new();
        for slot in slots {
            let Some(shared) = self.page(page_of(slot)) else { continue };
            let p = read(&shared);
            let i = place_of(slot);
            let first = p.full[i].first().map_or(p.mint[i], |c| c.mint);
            if !p.has_data(i) || first > maxt || p.t[i] < mint {
                continue;
            }
            let range = (mint.max(first), maxt.min(p.t[i]));
            stones.push(RefTombstone { ref_id: p.refs[i], mint: range.0, maxt: range.1 });
            ranges.push((slot, range));
        }
        if stones.is_empty() {
            return Ok(0);
        }
        if let Some(disk) = &self.disk {
            let mut rec = Vec::new();
            record::put_tombstones(&mut rec, &stones);
            disk.wal.log(&[&rec])?;
        }
        for (slot, range) in &ranges {
            self.add_tombstone(*slot, *range);
        }
        Ok(ranges.len())
    }

    pub(crate) fn add_tombstone(&self, slot: u32, range: (i64, i64)) {
        self.tombstones.write().unwrap_or_else(PoisonError::into_inner).entry(slot).or_default().push(range);
        self.has_tombstones.store(true, Ordering::Release);
    }
}
