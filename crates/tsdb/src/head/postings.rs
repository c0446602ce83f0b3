//! Sorted lists of slots: one per label pair, and the set operations of selection.

/// The slots that have one label pair, ascending.
///
/// A target's series lie in consecutive slots, so that its own labels need only a start and a length.
#[derive(Debug, Clone)]
pub(crate) enum Postings {
    /// Consecutive slots.
    Run {
        /// The first.
        start: u32,
        /// How many; 0 is the empty list.
        len: u32,
    },
    /// Any slots.
    List(Vec<u32>),
}

impl Default for Postings {
    fn default() -> Self {
        Postings::Run { start: 0, len: 0 }
    }
}

impl Postings {
    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        match self {
            Postings::Run { len, .. } => *len as usize,
            Postings::List(l) => l.len(),
        }
    }

    /// Adds a slot that is not in the list.
    pub(crate) fn insert(&mut self, slot: u32) {
        match self {
            Postings::Run { start, len } if *len == 0 => (*start, *len) = (slot, 1),
            Postings::Run { start, len } if slot == *start + *len => *len += 1,
            Postings::Run { start, len } => {
                let mut list: Vec<u32> = Vec::with_capacity(*len as usize + 1);
                list.extend(*start..*start + *len);
                insert_sorted(&mut list, slot);
                *self = Postings::List(list);
            }
            Postings::List(l) => insert_sorted(l, slot),
        }
    }

    /// Removes every slot that `gone` (sorted) has.
    pub(crate) fn remove_all(&mut self, gone: &[u32]) {
        let mut left = self.to_vec();
        subtract(&mut left, gone);
        let (first, last) = (left.first().copied().unwrap_or(0), left.last().copied().unwrap_or(0));
        if left.is_empty() || (last - first) as usize == left.len() - 1 {
            *self = Postings::Run { start: first, len: left.len() as u32 };
        } else {
            left.shrink_to_fit();
            *self = Postings::List(left);
        }
    }

    /// The slots.
    pub(crate) fn to_vec(&self) -> Vec<u32> {
        match self {
            Postings::Run { start, len } => (*start..*start + *len).collect(),
            Postings::List(l) => l.clone(),
        }
    }

    /// Keeps those of `slots` (sorted) that are in this list.
    pub(crate) fn intersect(&self, slots: &mut Vec<u32>) {
        match self {
            Postings::Run { start, len } => {
                let end = *start + *len;
                let a = slots.partition_point(|s| s < start);
                let b = slots.partition_point(|s| *s < end);
                slots.truncate(b);
                slots.drain(..a);
            }
            Postings::List(l) => intersect(slots, l),
        }
    }

    /// Bytes asked from the allocator.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Postings::Run { .. } => 0,
            Postings::List(l) => l.capacity() * 4,
        }
    }
}

fn insert_sorted(list: &mut Vec<u32>, slot: u32) {
    // Doubling would leave a quarter of all postings memory unused; an eighth is enough for appends to stay cheap.
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(4));
    }
    match list.last() {
        Some(&last) if last > slot => {
            let at = list.partition_point(|s| *s < slot);
            list.insert(at, slot);
        }
        _ => list.push(slot),
    }
}

/// Keeps those of `a` that are in `b`; both sorted.
pub(crate) fn intersect(a: &mut Vec<u32>, b: &[u32]) {
    let mut rest = b;
    a.retain(|x| {
        // Gallop: `a` is often much shorter.
        let mut step = 1;
        while rest.get(step).is_some_and(|y| y < x) {
            step *= 2;
        }
        let window = rest.get(..rest.len().min(step + 1)).unwrap_or(rest);
        let at = window.partition_point(|y| y < x);
        rest = rest.get(at..).unwrap_or(&[]);
        rest.first() == Some(x)
    });
}

/// Removes from `a` what is in `b`; both sorted.
pub(crate) fn subtract(a: &mut Vec<u32>, b: &[u32]) {
    let mut rest = b;
    a.retain(|x| {
        while let Some((y, after)) = rest.split_first() {
            if y < x {
                rest = after;
            } else {
                return y != x;
            }
        }
        true
    });
}

/// The union of lists, sorted, without duplicates.
pub(crate) fn union<'a>(lists: impl Iterator<Item = &'a Postings>) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    let mut count = 0;
    for l in lists {
        count += 1;
        match l {
            Postings::Run { start, len } => all.extend(*start..*start + *len),
            Postings::List(v) => all.extend_from_slice(v),
        }
    }
    if count > 1 {
        all.sort_unstable();
        all.dedup();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn as_sets(a in prop::collection::btree_set(0u32..200, 0..60), b in prop::collection::btree_set(0u32..200, 0..60), order in any::<bool>()) {
            let mut p = Postings::default();
            let mut items: Vec<u32> = b.iter().copied().collect();
            if order {
                items.reverse();
            }
            for x in items {
                p.insert(x);
            }
            let b_list: Vec<u32> = b.iter().copied().collect();
            prop_assert_eq!(&p.to_vec(), &b_list);
            prop_assert_eq!(p.len(), b.len());

            let mut x: Vec<u32> = a.iter().copied().collect();
            p.intersect(&mut x);
            prop_assert_eq!(x, a.intersection(&b).copied().collect::<Vec<_>>());

            let mut x: Vec<u32> = a.iter().copied().collect();
            subtract(&mut x, &b_list);
            prop_assert_eq!(x, a.difference(&b).copied().collect::<Vec<_>>());

            let mut q = Postings::default();
            a.iter().for_each(|x| q.insert(*x));
            prop_assert_eq!(union([&p, &q].into_iter()), a.union(&b).copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
            q.remove_all(&b_list);
            prop_assert_eq!(q.to_vec(), a.difference(&b).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn consecutive_slots_cost_nothing() {
        let mut p = Postings::default();
        (100..700).for_each(|s| p.insert(s));
        assert_eq!((p.memory(), p.len()), (0, 600));
    }
}
