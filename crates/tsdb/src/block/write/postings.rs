//! Lists of series by label pair, gathered in memory while a block is written: about a byte a label of a series.

use crate::block::bytes::{Cursor, put_uvarint};
use hashbrown::HashMap;

/// An ascending list of series references as differences.
#[derive(Default)]
pub(super) struct List {
    last: u32,
    count: u32,
    bytes: Vec<u8>,
}

impl List {
    fn push(&mut self, series: u32) {
        put_uvarint(&mut self.bytes, u64::from(series - self.last));
        self.last = series;
        self.count += 1;
    }

    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// The references, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut c = Cursor::new(&self.bytes);
        let mut last = 0u32;
        std::iter::from_fn(move || {
            last = last.wrapping_add(c.uvarint()? as u32);
            Some(last)
        })
    }
}

/// All lists of a block.
#[derive(Default)]
pub(super) struct Postings {
    /// Every series.
    pub(super) all: List,
    by_pair: HashMap<(u32, u32), List, foldhash::fast::RandomState>,
}

impl Postings {
    /// Adds a series that has these label pairs (symbol numbers of name and value). References must ascend.
    pub(super) fn add(&mut self, series: u32, pairs: &[(u32, u32)]) {
        self.all.push(series);
        for &pair in pairs {
            self.by_pair.entry(pair).or_default().push(series);
        }
    }

    /// The lists ascending by name, then value: symbol numbers are in the order of their texts.
    pub(super) fn sorted(&self) -> Vec<(u32, u32, &List)> {
        let mut v: Vec<_> = self.by_pair.iter().map(|(&(name, value), list)| (name, value, list)).collect();
        v.sort_unstable_by_key(|&(name, value, _)| (name, value));
        v
    }
}
