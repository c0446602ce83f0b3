//! Reading the head: a view that stands still, the series that matchers select, their samples.
//!
//! A read copies the bytes it needs under the page's lock and decodes them outside.

use super::{Head, page, page_of, place_of, read};
use crate::chunk::{self, ENC_XOR};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tortie_model::storage::{Newest, Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};

/// A view of the head: it sees no commit that began after it was opened, and keeps what it sees from being freed.
///
/// Exact: every sample of every commit up to the view's is seen, none of a later one. Series that a later commit
/// created may be selected; they then have no samples.
pub struct HeadView<'a> {
    head: &'a Head,
    id: u64,
    visible: u64,
    mint: i64,
    maxt: i64,
}

impl Drop for HeadView<'_> {
    fn drop(&mut self) {
        self.head.views.close(self.id);
    }
}

impl Queryable for Head {
    /// Opens a view. A database that also reads blocks must open this view before it looks at its list of blocks:
    /// what a truncation moved into a block in between is then seen twice, not lost.
    fn querier<'a>(&'a self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(self.view(mint, maxt)))
    }
}

impl Head {
    /// Opens a view of the samples within `[mint, maxt]`, both inclusive.
    pub fn view(&self, mint: i64, maxt: i64) -> HeadView<'_> {
        let (id, visible) = self.views.open();
        // After the view is registered: a truncation that is not seen here waits for the view.
        let floor = if self.is_initialized() { self.min_time() } else { i64::MIN };
        HeadView { head: self, id, visible, mint: mint.max(floor), maxt }
    }
}

/// Where the samples of one series lie, copied out under the lock.
#[derive(Default)]
struct Parts {
    full: Vec<(page::FullChunk, Option<Arc<[u8]>>)>,
    open: Option<Vec<u8>>,
    /// The first time that must not be seen.
    hidden_from: Option<i64>,
}

impl HeadView<'_> {
    /// Lowest time that the view reads (the head may begin later than asked for).
    pub fn mint(&self) -> i64 {
        self.mint
    }

    pub(crate) fn head(&self) -> &Head {
        self.head
    }

    fn parts(&self, slot: u32, mint: i64, maxt: i64) -> Parts {
        let Some(page) = self.head.page(page_of(slot)) else { return Parts::default() };
        let page = read(&page);
        let i = place_of(slot);
        let hidden_from = page.hidden_from(i, self.visible);
        let maxt = hidden_from.map_or(maxt, |t| maxt.min(t.saturating_sub(1)));
        let overlapping = page.full[i].iter().filter(|c| c.mint <= maxt && c.maxt >= mint);
        let full = overlapping
            .map(|c| {
                let waiting = (c.place & page::PENDING != 0)
                    .then(|| page.pending.get(&(c.place & !page::PENDING)).cloned());
                (*c, waiting.flatten())
            })
            .collect();
        let open =
            (page.pos[i].num > 0 && page.mint[i] <= maxt && page.t[i] >= mint).then(|| page.open_data(i));
        Parts { full, open, hidden_from }
    }

    /// Appends the samples of a slot in `[mint, maxt]` that this view sees to `out`.
    pub(crate) fn read_slot(
        &self,
        slot: u32,
        mint: i64,
        maxt: i64,
        out: &mut Columns,
    ) -> Result<(), StorageError> {
        let (mint, maxt) = (mint.max(self.mint), maxt.min(self.maxt));
        if mint > maxt {
            return Ok(());
        }
        let parts = self.parts(slot, mint, maxt);
        let maxt = parts.hidden_from.map_or(maxt, |t| maxt.min(t.saturating_sub(1)));
        let corrupt = |e: chunk::ChunkError| {
            StorageError::Corrupt(format!(
                "head series {}: {e}",
                self.head.index().labels(slot).metric_name()
            ))
        };
        let mut buf = Vec::new();
        for (c, waiting) in &parts.full {
            match waiting {
                Some(data) => chunk::decode(ENC_XOR, data, mint, maxt, out).map_err(corrupt)?,
                None => {
                    let encoding = self.head.read_full(c, &mut buf)?;
                    chunk::decode(encoding, &buf, mint, maxt, out).map_err(corrupt)?;
                }
            }
        }
        if let Some(data) = &parts.open {
            chunk::decode(ENC_XOR, data, mint, maxt, out).map_err(corrupt)?;
        }
        self.head.apply_tombstones(slot, out);
        Ok(())
    }

    /// Raw chunks of a slot that overlap `[mint, maxt]`, for the writing of a block.
    pub(crate) fn raw_chunks(
        &self,
        slot: u32,
        mint: i64,
        maxt: i64,
        out: &mut Vec<chunk::RawChunk>,
    ) -> Result<(), StorageError> {
        let parts = self.parts(slot, mint, maxt);
        for (c, waiting) in parts.full {
            let mut data = Vec::new();
            let encoding = match waiting {
                Some(d) => {
                    data.extend_from_slice(&d);
                    ENC_XOR
                }
                None => self.head.read_full(&c, &mut data)?,
            };
            out.push(chunk::RawChunk { mint: c.mint, maxt: c.maxt, encoding, data });
        }
        if let (Some(data), Some(page)) = (parts.open, self.head.page(page_of(slot))) {
            // The chunk may have grown since it was copied; its own range is what counts here.
            let page_mint = read(&page).mint[place_of(slot)];
            let mut cols = Columns::default();
            chunk::decode(ENC_XOR, &data, i64::MIN, i64::MAX, &mut cols)
                .map_err(|e| StorageError::Corrupt(e.to_string()))?;
            let first = cols.t.first().copied().unwrap_or(page_mint);
            let last = cols.t.last().copied().unwrap_or(first);
            out.push(chunk::RawChunk { mint: first, maxt: last, encoding: ENC_XOR, data });
        }
        Ok(())
    }
}

impl Head {
    /// Reads a full chunk that is in a file.
    fn read_full(&self, c: &page::FullChunk, out: &mut Vec<u8>) -> Result<u8, StorageError> {
        match &self.disk {
            Some(d) => d.chunks.read(c.place, out),
            None => Err(StorageError::Corrupt("head chunk is neither in memory nor on disk".to_owned())),
        }
    }

    pub(crate) fn apply_tombstones(&self, slot: u32, out: &mut Columns) {
        if !self.has_tombstones.load(Ordering::Acquire) {
            return;
        }
        let stones = self.tombstones.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(ranges) = stones.get(&slot) else { return };
        let gone = |t: i64| ranges.iter().any(|(a, b)| *a <= t && t <= *b);
        let keep: Vec<bool> = out.t.iter().map(|t| !gone(*t)).collect();
        let mut k = keep.iter();
        out.v.retain(|_| k.next().copied().unwrap_or(true));
        let mut k = keep.iter();
        out.st.retain(|_| k.next().copied().unwrap_or(true));
        out.t.retain(|t| !gone(*t));
    }

    fn deleted(&self, slot: u32) -> bool {
        self.has_tombstones.load(Ordering::Acquire)
            && self.tombstones.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains_key(&slot)
    }
}

impl Querier for HeadView<'_> {
    fn select<'a>(
        &'a self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'a>, StorageError> {
        let index = self.head.index();
        let mut slots = index.select(matchers);
        drop(index);
        self.keep_those_with_data(&mut slots);
        let index = self.head.index();
        slots.sort_unstable_by(|a, b| index.compare(*a, *b));
        drop(index);
        if hints.limit > 0 {
            slots.truncate(hints.limit);
        }
        Ok(Box::new(HeadSeries { view: self, slots }))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
    ) -> Result<Vec<String>, StorageError> {
        let mut values = self.head.index().label_values(name, matchers);
        if limit > 0 {
            values.truncate(limit);
        }
        Ok(values)
    }

    fn label_names(&self, matchers: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        let mut names = self.head.index().label_names(matchers);
        if limit > 0 {
            names.truncate(limit);
        }
        Ok(names)
    }
}

impl HeadView<'_> {
    /// Drops slots whose samples all lie outside the view. `slots` is ascending.
    fn keep_those_with_data(&self, slots: &mut Vec<u32>) {
        let pages = self.head.pages();
        let mut out = 0;
        let mut i = 0;
        while let Some(&first) = slots.get(i) {
            let number = page_of(first);
            let Some(page) = pages.get(number) else { break };
            let page = read(page);
            while let Some(&slot) = slots.get(i) {
                if page_of(slot) != number {
                    break;
                }
                i += 1;
                let p = place_of(slot);
                let from = page.full[p].first().map_or(page.mint[p], |c| c.mint);
                if page.has_data(p) && page.t[p] >= self.mint && from <= self.maxt {
                    slots[out] = slot;
                    out += 1;
                }
            }
        }
        slots.truncate(out);
    }
}

struct HeadSeries<'a> {
    view: &'a HeadView<'a>,
    slots: Vec<u32>,
}

impl SeriesSet for HeadSeries<'_> {
    fn len(&self) -> usize {
        self.slots.len()
    }

    fn labels(&self, i: usize) -> Labels {
        self.slots.get(i).map_or_else(Labels::empty, |s| self.view.head.index().labels(*s))
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        out.clear();
        match self.slots.get(i) {
            Some(slot) => self.view.read_slot(*slot, mint, maxt, out),
            None => Ok(()),
        }
    }

    fn newest(
        &self,
        i: usize,
        after: i64,
        at: i64,
        scratch: &mut Columns,
    ) -> Result<Option<Newest>, StorageError> {
        let Some(&slot) = self.slots.get(i) else { return Ok(None) };
        let (at, after) = (at.min(self.view.maxt), after.max(self.view.mint.saturating_sub(1)));
        if let Some(known) = self.view.newest_of_two(slot, after, at) {
            return Ok(known);
        }
        scratch.clear();
        self.view.read_slot(slot, after.saturating_add(1), at, scratch)?;
        Ok(scratch.t.last().zip(scratch.v.last()).map(|(&t, &v)| Newest::Float { t, v }))
    }
}

impl HeadView<'_> {
    /// The newest sample in `(after, at]` when the last two samples tell; the outer `None` is "decode".
    fn newest_of_two(&self, slot: u32, after: i64, at: i64) -> Option<Option<Newest>> {
        if self.head.deleted(slot) {
            return None;
        }
        let page = self.head.page(page_of(slot))?;
        let page = read(&page);
        let i = place_of(slot);
        if !page.undo.is_empty() && page.hidden_from(i, self.visible).is_some() {
            return None;
        }
        let (t, delta) = (page.t[i], page.delta[i]);
        if t == i64::MIN || page.flags[i] & page::VALUE_UNKNOWN != 0 {
            return None;
        }
        let pick = |t: i64, v: u64| (t > after).then(|| Newest::Float { t, v: f64::from_bits(v) });
        if t <= at {
            return Some(pick(t, page.v[i]));
        }
        let before = t.checked_sub(delta)?;
        (delta > 0 && before <= at).then(|| pick(before, page.prev_v[i]))
    }
}
