//! Label names and values, each kept once and known by a number; freed when nothing uses them.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Texts by number.
#[derive(Default)]
pub(crate) struct Symbols {
    text: Vec<Box<str>>,
    uses: Vec<u32>,
    table: HashTable<u32>,
    free: Vec<u32>,
    hasher: RandomState,
    bytes: usize,
}

impl Symbols {
    /// The number of `s`, when it is in use.
    pub(crate) fn get(&self, s: &str) -> Option<u32> {
        self.table.find(self.hasher.hash_one(s), |&i| self.text(i) == s).copied()
    }

    /// The number of `s`, with one more use.
    pub(crate) fn acquire(&mut self, s: &str) -> u32 {
        if let Some(i) = self.get(s) {
            if let Some(n) = self.uses.get_mut(i as usize) {
                *n += 1;
            }
            return i;
        }
        let i = match self.free.pop() {
            Some(i) => {
                self.text[i as usize] = s.into();
                self.uses[i as usize] = 1;
                i
            }
            None => {
                self.text.push(s.into());
                self.uses.push(1);
                (self.text.len() - 1) as u32
            }
        };
        self.bytes += s.len();
        let (text, hasher) = (&self.text, &self.hasher);
        self.table.insert_unique(hasher.hash_one(s), i, |&j| hasher.hash_one(&*text[j as usize]));
        i
    }

    /// One use less; the last one frees the text.
    pub(crate) fn release(&mut self, i: u32) {
        let Some(n) = self.uses.get_mut(i as usize) else { return };
        *n = n.saturating_sub(1);
        if *n > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&*self.text[i as usize]);
        if let Ok(entry) = self.table.find_entry(hash, |&j| j == i) {
            entry.remove();
        }
        self.bytes -= self.text[i as usize].len();
        self.text[i as usize] = "".into();
        self.free.push(i);
    }

    /// The text of a number in use; empty for one that is not.
    #[inline]
    pub(crate) fn text(&self, i: u32) -> &str {
        self.text.get(i as usize).map_or("", |s| s)
    }

    /// Numbers in use with their texts, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.table.iter().map(|&i| (i, self.text(i)))
    }

    /// Bytes asked from the allocator.
    pub(crate) fn memory(&self) -> usize {
        self.bytes
            + self.text.capacity() * 16
            + self.uses.capacity() * 4
            + self.free.capacity() * 4
            + self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_while_used_and_reused_after() {
        let mut s = Symbols::default();
        let (a, b) = (s.acquire("a"), s.acquire("b"));
        assert_eq!(s.acquire("a"), a);
        s.release(a);
        assert_eq!(s.get("a"), Some(a));
        s.release(a);
        assert_eq!(s.get("a"), None);
        assert_eq!(s.text(b), "b");
        assert_eq!(s.acquire("c"), a);
        assert_eq!(s.iter().count(), 2);
    }
}
