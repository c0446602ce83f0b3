//! A page: 512 slots as columns, and the way of one sample into its open chunk.
//!
//! The open chunk of a slot is a bit string of which trailing zero bytes need not be there: two zero bits say "same
//! step, same value", so an idle series writes nothing but its counters.

use crate::chunk::bits::Scratch;
use crate::chunk::xor::{NO_WINDOW, State};
use hashbrown::HashMap;
use std::sync::Arc;

/// Slots of a page.
pub(crate) const SLOTS: usize = 512;
/// Bytes (two of count included) over which a chunk takes no more: Prometheus' `MaxBytesPerXORChunkBeforeAppend`.
const MAX_BYTES: u32 = 1024 - 19;
/// Set in [`FullChunk::place`] when the chunk waits in [`Page::pending`].
pub(crate) const PENDING: u64 = 1 << 63;

/// The slot has a series.
pub(crate) const LIVE: u8 = 1;
/// The slot's series record is in the WAL.
pub(crate) const LOGGED: u8 = 2;
/// Time of the last sample is known from a head chunk, its value is not (only while a start replays the WAL).
pub(crate) const VALUE_UNKNOWN: u8 = 4;

/// A chunk that takes no more samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FullChunk {
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    /// Reference into `chunks_head`, or [`PENDING`] with a key of [`Page::pending`].
    pub(crate) place: u64,
}

/// A sample that an open view must not see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undo {
    pub(crate) commit: u64,
    pub(crate) t: i64,
    pub(crate) slot: u16,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    /// Stored, and it began a new chunk.
    StoredInNewChunk,
    /// The very same sample is there.
    Same,
    /// Another value is there at this time.
    Duplicate,
    OutOfOrder,
}

/// When a chunk ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) range: i64,
    pub(crate) samples: u16,
}

/// How far an open chunk is: what a sample always needs, in one word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    /// Samples in the chunk, 0 when there is none.
    pub(crate) num: u16,
    bits: u16,
    leading: u8,
    trailing: u8,
}

impl Position {
    const EMPTY: Position = Position { num: 0, bits: 0, leading: NO_WINDOW, trailing: 0 };
}

/// Columns of 512 slots.
pub(crate) struct Page {
    /// Time of the newest sample, `i64::MIN` when there is none.
    pub(crate) t: [i64; SLOTS],
    /// Bits of the newest value.
    pub(crate) v: [u64; SLOTS],
    /// Bits of the value before.
    pub(crate) prev_v: [u64; SLOTS],
    /// Time from the sample before to the newest, 0 when there is none before.
    pub(crate) delta: [i64; SLOTS],
    /// Reference on disk, 0 for a slot without a series.
    pub(crate) refs: [u64; SLOTS],
    /// Time of the open chunk's first sample.
    pub(crate) mint: [i64; SLOTS],
    /// The open chunk ends before this time.
    next_at: [i64; SLOTS],
    /// How far the open chunk is.
    pub(crate) pos: [Position; SLOTS],
    /// The open chunk's bits after its last whole word of 64, left-aligned. With it here, most samples need not touch
    /// the buffer, which lies elsewhere in memory, and none needs to read it.
    tail: [u64; SLOTS],
    /// How many callers hold the slot.
    pub(crate) holders: [u16; SLOTS],
    pub(crate) flags: [u8; SLOTS],
    /// The open chunk's whole words of 64 bits; zero words at the end need not be there.
    buf: [Box<[u8]>; SLOTS],
    /// Full chunks, ascending in time.
    pub(crate) full: [Box<[FullChunk]>; SLOTS],
    /// Full chunks that are not in a file yet, by number.
    pub(crate) pending: HashMap<u64, Arc<[u8]>, foldhash::fast::RandomState>,
    next_pending: u64,
    /// What open views must not see: for each slot its first sample after each view.
    pub(crate) undo: Vec<Undo>,
    /// Number of the commit of the last entry in `undo` by slot; empty while there is none.
    undo_last: Vec<u64>,
    /// Bytes of `buf`.
    pub(crate) buf_bytes: usize,
}

impl Page {
    pub(crate) fn new() -> Box<Page> {
        Box::new(Page {
            t: [i64::MIN; SLOTS],
            v: [0; SLOTS],
            prev_v: [0; SLOTS],
            delta: [0; SLOTS],
            refs: [0; SLOTS],
            mint: [0; SLOTS],
            next_at: [0; SLOTS],
            pos: [Position::EMPTY; SLOTS],
            tail: [0; SLOTS],
            holders: [0; SLOTS],
            flags: [0; SLOTS],
            buf: std::array::from_fn(|_| Box::default()),
            full: std::array::from_fn(|_| Box::default()),
            pending: HashMap::default(),
            next_pending: 0,
            undo: Vec::new(),
            undo_last: Vec::new(),
            buf_bytes: 0,
        })
    }

    /// Makes slot `i` that of a new series.
    pub(crate) fn begin(&mut self, i: usize, ref_id: u64) {
        let i = i % SLOTS;
        self.refs[i] = ref_id;
        self.flags[i] = LIVE;
        self.holders[i] = 0;
        self.t[i] = i64::MIN;
        self.delta[i] = 0;
        self.drop_open(i);
        self.full[i] = Box::default();
    }

    /// Whether slot `i` holds any sample.
    pub(crate) fn has_data(&self, i: usize) -> bool {
        self.pos[i % SLOTS].num > 0 || !self.full[i % SLOTS].is_empty()
    }

    /// Stores a sample in slot `i`.
    #[inline]
    pub(crate) fn append(&mut self, i: usize, t: i64, v: u64, cut: Cut) -> Outcome {
        let i = i % SLOTS;
        let last = self.t[i];
        if t <= last {
            return match (t == last, self.v[i] == v) {
                (true, true) => Outcome::Same,
                (true, false) => Outcome::Duplicate,
                _ => Outcome::OutOfOrder,
            };
        }
        let num = self.pos[i].num;
        let mut begun = num == 0;
        if num > 0 {
            if num == cut.samples / 4 {
                self.next_at[i] = chunk_end(self.mint[i], last, self.next_at[i]);
            }
            let bytes = u32::from(self.pos[i].bits).div_ceil(8) + 2;
            if bytes > MAX_BYTES || t >= self.next_at[i] || num >= cut.samples.saturating_mul(2) {
                self.cut(i);
                begun = true;
            }
        }
        if begun {
            self.mint[i] = t;
            self.next_at[i] = (t / cut.range).saturating_mul(cut.range).saturating_add(cut.range);
        }
        self.encode(i, t, v);
        if begun { Outcome::StoredInNewChunk } else { Outcome::Stored }
    }

    #[inline]
    fn encode(&mut self, i: usize, t: i64, v: u64) {
        let (last, delta) = (self.t[i], self.delta[i]);
        let step = t.wrapping_sub(last);
        let old = std::mem::replace(&mut self.v[i], v);
        self.prev_v[i] = old;
        self.t[i] = t;
        let pos = self.pos[i];
        let off = u32::from(pos.bits) & 63;
        if pos.num >= 2 && step == delta && v == old && off < 62 {
            self.pos[i] = Position { num: pos.num + 1, bits: pos.bits + 2, ..pos };
            return;
        }
        let mut s =
            State { t: last, v: old, delta, leading: pos.leading, trailing: pos.trailing, num: pos.num };
        let mut w = Scratch::after(self.tail[i], off);
        s.encode(t, v, &mut w);
        // Unlike the encoder's, this difference lives on over the start of a chunk: it finds the sample before.
        self.delta[i] = if last == i64::MIN { 0 } else { step };
        let bits = pos.bits - off as u16 + w.len() as u16;
        self.pos[i] = Position { num: s.num, bits, leading: s.leading, trailing: s.trailing };
        let (words, tail) = w.words();
        self.tail[i] = tail;
        let mut at = usize::from(pos.bits >> 6) * 8;
        for word in words {
            if *word != 0 {
                self.put_word(i, at, *word);
            }
            at += 8;
        }
    }

    /// Puts 64 bits at byte `at` of the open chunk's buffer.
    #[inline]
    fn put_word(&mut self, i: usize, at: usize, word: u64) {
        let buf = &mut self.buf[i % SLOTS];
        if at + 8 > buf.len() {
            let larger = size_class(at + 8);
            self.buf_bytes += larger - buf.len();
            let mut grown = vec![0u8; larger].into_boxed_slice();
            if let Some(dst) = grown.get_mut(..buf.len()) {
                dst.copy_from_slice(buf);
            }
            *buf = grown;
        }
        if let Some(dst) = buf.get_mut(at..at + 8) {
            dst.copy_from_slice(&word.to_be_bytes());
        }
    }

    /// Ends the open chunk of slot `i`: it becomes a full one that waits to be written.
    pub(crate) fn cut(&mut self, i: usize) {
        let i = i % SLOTS;
        let data = self.open_data(i);
        let key = self.next_pending;
        self.next_pending += 1;
        self.pending.insert(key, data.into());
        self.push_full(i, FullChunk { mint: self.mint[i], maxt: self.t[i], place: PENDING | key });
        self.drop_open(i);
    }

    /// Adds a full chunk after those that are there.
    pub(crate) fn push_full(&mut self, i: usize, c: FullChunk) {
        let i = i % SLOTS;
        let mut list = std::mem::take(&mut self.full[i]).into_vec();
        list.reserve_exact(1);
        list.push(c);
        self.full[i] = list.into_boxed_slice();
    }

    /// Forgets the open chunk of slot `i`; its last two samples stay known.
    pub(crate) fn drop_open(&mut self, i: usize) {
        let i = i % SLOTS;
        self.pos[i] = Position::EMPTY;
        self.tail[i] = 0;
        self.buf_bytes -= self.buf[i].len();
        self.buf[i] = Box::default();
    }

    /// The open chunk of slot `i` as a chunk's data: count and bits.
    pub(crate) fn open_data(&self, i: usize) -> Vec<u8> {
        let i = i % SLOTS;
        let bits = self.pos[i].bits;
        let whole = usize::from(bits >> 6) * 8;
        let mut data = Vec::with_capacity(whole + 10);
        data.extend_from_slice(&self.pos[i].num.to_be_bytes());
        data.extend_from_slice(self.buf[i].get(..whole).unwrap_or(&self.buf[i]));
        data.resize(whole + 2, 0);
        data.extend_from_slice(&self.tail[i].to_be_bytes());
        data.truncate(usize::from(bits.div_ceil(8)) + 2);
        data
    }

    /// Time of the first sample of slot `i` that a view which sees commits up to `visible` must not see.
    pub(crate) fn hidden_from(&self, i: usize, visible: u64) -> Option<i64> {
        if self.undo.is_empty() {
            return None;
        }
        self.undo.iter().filter(|u| usize::from(u.slot) == i && u.commit > visible).map(|u| u.t).min()
    }

    /// Notes that views up to the one that sees `newest_reader` must not see a sample. Only the first one after each
    /// view counts, so that a reader that stays open long costs no more.
    #[inline]
    pub(crate) fn note_undo(&mut self, i: usize, commit: u64, t: i64, newest_reader: u64) {
        if self.undo_last.is_empty() {
            self.undo_last = vec![0; SLOTS];
        }
        let last = &mut self.undo_last[i % SLOTS];
        if *last <= newest_reader {
            *last = commit;
            self.undo.push(Undo { commit, t, slot: (i % SLOTS) as u16 });
        }
    }

    /// Drops undo entries that no open reader needs: all when there is none, else those that all readers see.
    pub(crate) fn forget_undo(&mut self, oldest_reader: Option<u64>) {
        if self.undo.is_empty() {
            return;
        }
        match oldest_reader {
            None => {
                self.undo = Vec::new();
                self.undo_last = Vec::new();
            }
            Some(visible) if self.undo.first().is_some_and(|u| u.commit <= visible) => {
                self.undo.retain(|u| u.commit > visible);
            }
            Some(_) => {}
        }
    }

    /// Bytes of full chunks: the lists and what waits to be written.
    pub(crate) fn full_bytes(&self) -> usize {
        let lists: usize = self.full.iter().map(|f| f.len() * size_of::<FullChunk>()).sum();
        let waiting: usize = self.pending.values().map(|d| d.len() + 16).sum();
        lists + waiting + self.pending.allocation_size()
    }
}

/// Where a chunk should end so that the rest of its range is cut evenly, judged at a quarter of its samples
/// (Prometheus' `computeChunkEndTime`).
fn chunk_end(start: i64, cur: i64, max: i64) -> i64 {
    let span = max.wrapping_sub(start) as f64;
    let n = span / ((cur.wrapping_sub(start).wrapping_add(1)) as f64 * 4.0);
    if n <= 1.0 {
        return max;
    }
    (start as f64 + span / n.floor()) as i64
}

/// Buffer sizes, in steps of a third to a half: a busy series moves its chunk a dozen times, and wastes a sixth of it on
/// average.
fn size_class(n: usize) -> usize {
    const CLASSES: [usize; 13] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
    CLASSES.into_iter().find(|c| *c >= n).unwrap_or(n.next_multiple_of(256))
}

#[cfg(test)]
mod tests;
