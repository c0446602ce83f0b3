//! Symbols, postings offsets and hot postings of all blocks, within one bound in bytes; the least used goes first.

use super::symbols::Symbols;
use super::table::PostingsTable;
use crate::block::Ulid;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is kept of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Symbols(Ulid),
    Table(Ulid),
    /// A list of postings by its offset in the index.
    List(Ulid, u64),
}

#[derive(Clone)]
pub(super) enum Value {
    Symbols(Arc<Symbols>),
    Table(Arc<PostingsTable>),
    List(Arc<Vec<u32>>),
}

impl Value {
    fn bytes(&self) -> usize {
        // The map's own entry is counted with a round number.
        128 + match self {
            Value::Symbols(s) => s.bytes(),
            Value::Table(t) => t.bytes(),
            Value::List(l) => l.len() * 4,
        }
    }
}

struct Entry {
    value: Value,
    used: u64,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    tick: u64,
}

/// The cache that all blocks of a database share.
pub struct BlockCache {
    bound: usize,
    inner: Mutex<Inner>,
}

impl BlockCache {
    /// A cache of at most `bound` bytes. What is larger than the bound is read again each time.
    pub fn new(bound: usize) -> BlockCache {
        BlockCache { bound, inner: Mutex::new(Inner::default()) }
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    pub(super) fn get(&self, key: Key) -> Option<Value> {
        let mut inner = self.lock();
        inner.tick += 1;
        let tick = inner.tick;
        let entry = inner.entries.get_mut(&key)?;
        entry.used = tick;
        Some(entry.value.clone())
    }

    pub(super) fn put(&self, key: Key, value: Value) {
        let size = value.bytes();
        if size > self.bound {
            return;
        }
        let mut inner = self.lock();
        inner.tick += 1;
        let used = inner.tick;
        if let Some(old) = inner.entries.insert(key, Entry { value, used }) {
            inner.bytes -= old.value.bytes();
        }
        inner.bytes += size;
        if inner.bytes > self.bound {
            inner.shrink(self.bound);
        }
    }

    /// Forgets a block.
    pub(super) fn forget(&self, block: Ulid) {
        let mut inner = self.lock();
        let mut freed = 0;
        inner.entries.retain(|k, e| {
            let keep = !matches!(k, Key::Symbols(u) | Key::Table(u) | Key::List(u, _) if *u == block);
            freed += if keep { 0 } else { e.value.bytes() };
            keep
        });
        inner.bytes -= freed;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops the least used entries until an eighth of the bound is free, so that the next ones need no walk.
    fn shrink(&mut self, bound: usize) {
        let mut by_use: Vec<(u64, Key)> = self.entries.iter().map(|(&k, e)| (e.used, k)).collect();
        by_use.sort_unstable_by_key(|&(used, _)| used);
        for (_, key) in by_use {
            if self.bytes <= bound - bound / 8 {
                return;
            }
            if let Some(e) = self.entries.remove(&key) {
                self.bytes -= e.value.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_the_hot_entry_stays() {
        let cache = BlockCache::new(10_000);
        let list = |n: usize| Value::List(Arc::new(vec![0; n]));
        let hot = Key::List(Ulid(1), 0);
        cache.put(hot, list(100));
        for i in 1..200 {
            cache.put(Key::List(Ulid(1), i), list(100));
            assert!(cache.get(hot).is_some());
            assert!(cache.bytes() <= 10_000);
        }
        cache.put(Key::List(Ulid(2), 0), list(100_000));
        assert!(cache.get(Key::List(Ulid(2), 0)).is_none());
        cache.forget(Ulid(1));
        assert_eq!(cache.bytes(), 0);
    }
}
