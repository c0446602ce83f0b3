//! The symbol table of a block being written: text to number, in one arena.

use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Numbers of symbols, given in ascending order of the text.
#[derive(Default)]
pub(super) struct SymbolNumbers {
    arena: Vec<u8>,
    /// End of symbol `i` in the arena.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl SymbolNumbers {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Text of symbol `n`.
    pub(super) fn text(&self, n: u32) -> &[u8] {
        text(&self.arena, &self.ends, n)
    }

    /// Adds the next symbol; `false` when it is not above the last one or the arena is full (4 GiB).
    pub(super) fn push(&mut self, s: &[u8]) -> bool {
        let n = self.ends.len() as u32;
        if n > 0 && s <= self.text(n - 1) {
            return false;
        }
        self.arena.extend_from_slice(s);
        let Ok(end) = u32::try_from(self.arena.len()) else { return false };
        self.ends.push(end);
        let (arena, ends, hasher) = (&self.arena, &self.ends, &self.hasher);
        self.table.insert_unique(hasher.hash_one(s), n, |&k| hasher.hash_one(text(arena, ends, k)));
        true
    }

    /// Number of a symbol.
    pub(super) fn number(&self, s: &[u8]) -> Option<u32> {
        self.table.find(self.hasher.hash_one(s), |&k| text(&self.arena, &self.ends, k) == s).copied()
    }
}

fn text<'a>(arena: &'a [u8], ends: &[u32], n: u32) -> &'a [u8] {
    let n = n as usize;
    let start = n.checked_sub(1).and_then(|p| ends.get(p)).map_or(0, |&e| e as usize);
    let end = ends.get(n).map_or(start, |&e| e as usize);
    arena.get(start..end).unwrap_or(&[])
}
