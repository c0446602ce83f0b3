//! Which series there are: label pairs, their postings, the label set of each slot, and the way back.

use super::postings::Postings;
use super::symbols::Symbols;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};
use tortie_model::Labels;

/// A label name with a value.
pub(crate) struct Pair {
    pub(crate) name: u32,
    pub(crate) value: u32,
    pub(crate) postings: Postings,
}

/// The label side of the head. Guarded by one lock; no page lock is held while it is taken.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) symbols: Symbols,
    pub(crate) pairs: Vec<Pair>,
    pair_table: HashTable<u32>,
    free_pairs: Vec<u32>,
    /// Pairs of each label name, in no order.
    pub(crate) by_name: HashMap<u32, Vec<u32>, RandomState>,
    /// Pairs of each slot, ascending by name; empty for a slot without a series.
    sets: Vec<Box<[u32]>>,
    set_bytes: usize,
    /// Slots of series, found by their set.
    table: HashTable<u32>,
    /// Slots to use again, descending.
    free_slots: Vec<u32>,
    hasher: RandomState,
}

impl Index {
    /// Number of series.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The slot of a label set.
    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        let mut set = Vec::with_capacity(16);
        for (n, v) in labels {
            set.push(self.find_pair(n, v)?);
        }
        self.find_set(&set)
    }

    fn find_set(&self, set: &[u32]) -> Option<u32> {
        self.table.find(self.hasher.hash_one(set), |&s| self.set(s) == set).copied()
    }

    /// The pair of a name and a value, when a series has it.
    pub(crate) fn find_pair(&self, name: &str, value: &str) -> Option<u32> {
        let hash = hash_pair(&self.hasher, name, value);
        self.pair_table
            .find(hash, |&p| {
                let pair = &self.pairs[p as usize];
                self.symbols.text(pair.value) == value && self.symbols.text(pair.name) == name
            })
            .copied()
    }

    /// Adds a series that is not there and returns its slot.
    pub(crate) fn insert(&mut self, labels: &Labels) -> u32 {
        let mut set = Vec::with_capacity(16);
        for (n, v) in labels {
            set.push(self.add_pair(n, v));
        }
        let slot = match self.free_slots.pop() {
            Some(s) => s,
            None => {
                grow(&mut self.sets);
                self.sets.push(Box::default());
                (self.sets.len() - 1) as u32
            }
        };
        for &p in &set {
            self.pairs[p as usize].postings.insert(slot);
        }
        self.set_bytes += set.len() * 4;
        let (sets, hasher) = (&mut self.sets, &self.hasher);
        sets[slot as usize] = set.into_boxed_slice();
        let hash = hasher.hash_one(&*sets[slot as usize]);
        self.table.insert_unique(hash, slot, |&s| hasher.hash_one(&*sets[s as usize]));
        slot
    }

    /// Takes series out of table and postings so that nothing finds them any more. Their sets stay readable until
    /// [`Index::free`]. `gone` is sorted.
    pub(crate) fn remove(&mut self, gone: &[u32]) {
        let mut touched: Vec<u32> = Vec::new();
        for &slot in gone {
            touched.extend_from_slice(self.set(slot));
            let hash = self.hasher.hash_one(self.set(slot));
            if let Ok(e) = self.table.find_entry(hash, |&s| s == slot) {
                e.remove();
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for p in touched {
            self.pairs[p as usize].postings.remove_all(gone);
        }
    }

    /// Gives up the sets of removed series; their slots are used again.
    pub(crate) fn free(&mut self, gone: &[u32]) {
        for &slot in gone {
            let Some(place) = self.sets.get_mut(slot as usize) else { continue };
            let set = std::mem::take(place);
            self.set_bytes -= set.len() * 4;
            for &p in &set {
                self.drop_pair_if_unused(p);
            }
            self.free_slots.push(slot);
        }
        self.free_slots.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// The pairs of a slot; empty when it has no series.
    #[inline]
    pub(crate) fn set(&self, slot: u32) -> &[u32] {
        self.sets.get(slot as usize).map_or(&[], |s| s)
    }

    /// Name and value of a pair.
    #[inline]
    pub(crate) fn pair_text(&self, p: u32) -> (&str, &str) {
        self.pairs
            .get(p as usize)
            .map_or(("", ""), |x| (self.symbols.text(x.name), self.symbols.text(x.value)))
    }

    /// The labels of a slot.
    pub(crate) fn labels(&self, slot: u32) -> Labels {
        Labels::from_sorted(self.set(slot).iter().map(|&p| self.pair_text(p)))
    }

    /// Order of two slots by their labels.
    pub(crate) fn compare(&self, a: u32, b: u32) -> Ordering {
        let (x, y) = (self.set(a), self.set(b));
        for (&p, &q) in x.iter().zip(y) {
            if p != q {
                let o = self.pair_text(p).cmp(&self.pair_text(q));
                if o != Ordering::Equal {
                    return o;
                }
            }
        }
        x.len().cmp(&y.len())
    }

    /// All slots with a series, ascending.
    pub(crate) fn all(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.table.iter().copied().collect();
        all.sort_unstable();
        all
    }

    fn add_pair(&mut self, name: &str, value: &str) -> u32 {
        if let Some(p) = self.find_pair(name, value) {
            return p;
        }
        let pair = Pair {
            name: self.symbols.acquire(name),
            value: self.symbols.acquire(value),
            postings: Postings::default(),
        };
        let name_symbol = pair.name;
        let p = match self.free_pairs.pop() {
            Some(p) => {
                self.pairs[p as usize] = pair;
                p
            }
            None => {
                grow(&mut self.pairs);
                self.pairs.push(pair);
                (self.pairs.len() - 1) as u32
            }
        };
        self.by_name.entry(name_symbol).or_default().push(p);
        let (pairs, symbols, hasher) = (&self.pairs, &self.symbols, &self.hasher);
        self.pair_table.insert_unique(hash_pair(hasher, name, value), p, |&q| {
            let x = &pairs[q as usize];
            hash_pair(hasher, symbols.text(x.name), symbols.text(x.value))
        });
        p
    }

    fn drop_pair_if_unused(&mut self, p: u32) {
        let Some(pair) = self.pairs.get(p as usize) else { return };
        if pair.postings.len() > 0 {
            return;
        }
        let (name, value) = (pair.name, pair.value);
        let hash = hash_pair(&self.hasher, self.symbols.text(name), self.symbols.text(value));
        // Already dropped when another series that went had it too.
        let Ok(e) = self.pair_table.find_entry(hash, |&q| q == p) else { return };
        e.remove();
        if let Some(list) = self.by_name.get_mut(&name) {
            list.retain(|q| *q != p);
            if list.is_empty() {
                self.by_name.remove(&name);
            }
        }
        self.symbols.release(name);
        self.symbols.release(value);
        self.free_pairs.push(p);
    }

    /// Bytes of label sets, of symbols and pairs, of postings, of the tables.
    pub(crate) fn memory(&self) -> (usize, usize, usize, usize) {
        let labels = self.set_bytes + self.sets.capacity() * 16;
        let names: usize = self.by_name.values().map(|v| v.capacity() * 4).sum();
        let symbols = self.symbols.memory()
            + self.pairs.capacity() * size_of::<Pair>()
            + self.pair_table.allocation_size()
            + self.by_name.allocation_size()
            + names
            + self.free_pairs.capacity() * 4;
        let postings = self.pairs.iter().map(|p| p.postings.memory()).sum();
        let index = self.table.allocation_size() + self.free_slots.capacity() * 4;
        (labels, symbols, postings, index)
    }
}

/// Grows by an eighth instead of doubling: these lists are a large part of the memory of a series.
fn grow<T>(v: &mut Vec<T>) {
    if v.len() == v.capacity() {
        v.reserve_exact((v.len() / 8).max(64));
    }
}

fn hash_pair(hasher: &RandomState, name: &str, value: &str) -> u64 {
    let mut h = hasher.build_hasher();
    name.hash(&mut h);
    value.hash(&mut h);
    h.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn l(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn slots_are_found_removed_and_reused() {
        let mut ix = Index::default();
        let (a, b) = (l(&[("__name__", "m"), ("i", "1")]), l(&[("__name__", "m"), ("i", "2")]));
        let (sa, sb) = (ix.insert(&a), ix.insert(&b));
        assert_eq!((ix.find(&a), ix.find(&b), ix.find(&l(&[("i", "1")]))), (Some(sa), Some(sb), None));
        assert_eq!(ix.labels(sb), b);
        ix.remove(&[sa]);
        assert_eq!(ix.find(&a), None);
        assert_eq!(ix.labels(sa), a, "readable until freed");
        ix.free(&[sa]);
        assert!(ix.symbols.get("1").is_none() && ix.symbols.get("m").is_some());
        let c = l(&[("__name__", "n")]);
        assert_eq!(ix.insert(&c), sa);
        assert_eq!(ix.all(), [sa, sb]);
    }

    #[test]
    fn order_is_that_of_labels() {
        let sets = [
            l(&[("a", "zz")]),
            l(&[("aa", "b")]),
            l(&[("a", "b"), ("b", "c")]),
            l(&[("a", "b")]),
            Labels::empty(),
        ];
        let mut ix = Index::default();
        let slots: Vec<u32> = sets.iter().map(|s| ix.insert(s)).collect();
        for (i, x) in sets.iter().enumerate() {
            for (j, y) in sets.iter().enumerate() {
                assert_eq!(ix.compare(slots[i], slots[j]), x.cmp(y), "{x:?} {y:?}");
            }
        }
    }
}
