//! Records written since the last good sync: kept for logging them again when a sync fails.
//!
//! They lie in a few blocks of memory that are used again. A piece of memory a record would be allocated by the thread
//! that commits and freed by the one that syncs, which is the slow way of every allocator.

use std::collections::VecDeque;

/// Bytes after which a block takes no further record.
const BLOCK: usize = 1 << 20;

#[derive(Default)]
struct Block {
    number: u64,
    bytes: Vec<u8>,
    /// Flags and length of each record.
    records: Vec<(u8, usize)>,
}

/// Records in the order of writing, the oldest dropped when there are too many bytes.
#[derive(Default)]
pub(super) struct Unsynced {
    blocks: VecDeque<Block>,
    /// The last block is at an end.
    sealed: bool,
    /// Number of the newest block.
    newest: u64,
    spare: Option<Block>,
    bytes: usize,
}

impl Unsynced {
    /// Keeps a record, and at most `most` bytes in all.
    pub(super) fn push(&mut self, flags: u8, record: &[u8], most: usize) {
        if self.sealed || self.blocks.back().is_none_or(|b| b.bytes.len() + record.len() > BLOCK) {
            self.begin();
        }
        let Some(block) = self.blocks.back_mut() else { return };
        let (len, after) = (block.bytes.len(), block.bytes.len() + record.len());
        if after > block.bytes.capacity() {
            // Twice as much, but not beyond a block: a vector by itself would go to two.
            block.bytes.reserve_exact((2 * len).min(BLOCK).max(after) - len);
        }
        block.bytes.extend_from_slice(record);
        block.records.push((flags, record.len()));
        self.bytes += record.len();
        while self.bytes > most && self.blocks.len() > 1 {
            self.drop_oldest();
        }
    }

    fn begin(&mut self) {
        self.newest += 1;
        let block = self.spare.take().unwrap_or_default();
        self.blocks.push_back(Block { number: self.newest, ..block });
        self.sealed = false;
    }

    /// A mark behind the last record: see [`Unsynced::forget`].
    pub(super) fn seal(&mut self) -> u64 {
        self.sealed = true;
        self.newest
    }

    /// Drops all that was there when `mark` was set.
    pub(super) fn forget(&mut self, mark: u64) {
        while self.blocks.front().is_some_and(|b| b.number <= mark) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(mut block) = self.blocks.pop_front() else { return };
        self.bytes -= block.bytes.len();
        // What a burst needed is not kept for ever.
        if block.bytes.capacity() <= 4 * block.bytes.len() {
            block.bytes.clear();
            block.records.clear();
            self.spare = Some(block);
        }
    }

    /// All records: flags and bytes.
    pub(super) fn records(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.blocks.iter().flat_map(|b| {
            let mut rest = b.bytes.as_slice();
            b.records.iter().map(move |(flags, len)| {
                let (record, after) = rest.split_at_checked(*len).unwrap_or((rest, &[]));
                rest = after;
                (*flags, record)
            })
        })
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let one = |b: &Block| b.bytes.capacity() + b.records.capacity() * size_of::<(u8, usize)>();
        self.blocks.iter().chain(&self.spare).map(one).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 3 * BLOCK;

    fn all(u: &Unsynced) -> Vec<(u8, Vec<u8>)> {
        u.records().map(|(f, r)| (f, r.to_vec())).collect()
    }

    #[test]
    fn what_came_after_the_mark_stays() {
        let mut u = Unsynced::default();
        u.push(0, b"a", MOST);
        u.push(8, b"bc", MOST);
        let mark = u.seal();
        assert_eq!(all(&u), [(0, b"a".to_vec()), (8, b"bc".to_vec())]);
        u.push(0, b"", MOST);
        u.push(0, b"d", MOST);
        u.forget(mark);
        assert_eq!(all(&u), [(0, Vec::new()), (0, b"d".to_vec())]);
        assert_eq!(u.bytes, 1);
        u.forget(mark);
        let mark = u.seal();
        assert_eq!((u.seal(), all(&u).len()), (mark, 2));
        u.forget(mark);
        assert!(all(&u).is_empty() && u.bytes == 0);
    }

    #[test]
    fn memory_is_used_again_and_bounded() {
        let mut u = Unsynced::default();
        let record = vec![7; 1000];
        let mut most = 0;
        for _ in 0..20 {
            for _ in 0..500 {
                u.push(8, &record, MOST);
            }
            let mark = u.seal();
            u.push(8, &record, MOST);
            u.forget(mark);
            assert_eq!(all(&u).len(), 1);
            most = most.max(u.memory());
        }
        assert!(most < 3 * BLOCK, "{most} bytes for half a megabyte of records");
        for _ in 0..10_000 {
            u.push(8, &record, MOST);
        }
        assert!(u.bytes <= MOST && u.memory() <= MOST + 3 * BLOCK, "{} bytes", u.memory());
        assert!(all(&u).iter().all(|(f, r)| *f == 8 && *r == record));
    }
}
