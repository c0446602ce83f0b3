//! One side of a histogram as (index, count) pairs, and back to spans.

/// Buckets of one side, ascending by index. `c` is the Kahan compensation, 0 outside of sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub index: i32,
    pub count: f64,
    pub c: f64,
}

/// Spans and counts of one side.
pub(crate) type Side = (Vec<(i32, u32)>, Vec<f64>);

/// The buckets of `spans`; counts that are missing end it, compensations that are missing are 0.
pub(crate) fn entries(spans: &[(i32, u32)], counts: &[f64], comp: &[f64]) -> Vec<Entry> {
    let mut out = Vec::with_capacity(counts.len());
    let mut index: i32 = 0;
    let mut at = 0;
    for &(offset, length) in spans {
        index = index.wrapping_add(offset);
        for _ in 0..length {
            let Some(&count) = counts.get(at) else { return out };
            out.push(Entry { index, count, c: comp.get(at).copied().unwrap_or(0.0) });
            index = index.wrapping_add(1);
            at += 1;
        }
    }
    out
}

/// Spans, counts and compensations of `entries`.
pub(crate) fn side(entries: &[Entry]) -> (Side, Vec<f64>) {
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let mut next = 0;
    for e in entries {
        match spans.last_mut() {
            Some(last) if e.index == next => last.1 += 1,
            _ => spans.push((e.index.wrapping_sub(next), 1)),
        }
        next = e.index.wrapping_add(1);
    }
    ((spans, entries.iter().map(|e| e.count).collect()), entries.iter().map(|e| e.c).collect())
}

/// Index at a lower resolution.
pub(crate) fn reduced_index(index: i32, from: i32, to: i32) -> i32 {
    ((index.wrapping_sub(1)) >> (from - to).clamp(0, 31)) + 1
}

/// Buckets at a lower resolution. With `kahan` the sums are compensated.
pub(crate) fn reduce(entries: Vec<Entry>, from: i32, to: i32, kahan: bool) -> Vec<Entry> {
    if from <= to {
        return entries;
    }
    let mut out: Vec<Entry> = Vec::with_capacity(entries.len());
    for e in entries {
        let index = reduced_index(e.index, from, to);
        match out.last_mut() {
            Some(last) if last.index == index => add(last, e.count, e.c, kahan, true),
            _ => out.push(Entry { index, ..e }),
        }
    }
    out
}

fn add(to: &mut Entry, count: f64, c: f64, kahan: bool, always: bool) {
    if !kahan {
        to.count += count;
        return;
    }
    (to.count, to.c) = super::super::math::kahan(count, to.count, to.c);
    if always || c != 0.0 {
        (to.count, to.c) = super::super::math::kahan(c, to.count, to.c);
    }
}

/// Both sides' buckets added, those of `b` first multiplied by `sign`; buckets of `b` that `skip` refuses from the
/// beginning on are left out.
pub(crate) fn merge(
    a: &[Entry],
    b: &[Entry],
    sign: f64,
    kahan: bool,
    skip: impl Fn(i32) -> bool,
) -> Vec<Entry> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let mut b = b.iter().skip_while(|e| skip(e.index)).map(|e| match sign < 0.0 {
        true => Entry { index: e.index, count: -e.count, c: -e.c },
        false => *e,
    });
    let mut next = b.next();
    for e in a {
        while let Some(x) = next
            && x.index < e.index
        {
            out.push(x);
            next = b.next();
        }
        let mut e = *e;
        if let Some(x) = next
            && x.index == e.index
        {
            add(&mut e, x.count, x.c, kahan, false);
            next = b.next();
        }
        out.push(e);
    }
    out.extend(next);
    out.extend(b);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_survive_the_way_there_and_back() {
        let spans = vec![(-2, 2), (3, 1)];
        let e = entries(&spans, &[1.0, 2.0, 3.0], &[]);
        assert_eq!(e.iter().map(|e| e.index).collect::<Vec<_>>(), [-2, -1, 3]);
        assert_eq!(side(&e).0, (spans, vec![1.0, 2.0, 3.0]));
    }

    #[test]
    fn lower_resolution_adds_pairs() {
        let e = entries(&[(1, 4)], &[1.0, 2.0, 3.0, 4.0], &[]);
        let r = reduce(e, 1, 0, false);
        assert_eq!(r.iter().map(|e| (e.index, e.count)).collect::<Vec<_>>(), [(1, 3.0), (2, 7.0)]);
    }

    #[test]
    fn merging_keeps_the_order() {
        let a = entries(&[(0, 1), (2, 1)], &[1.0, 2.0], &[]);
        let b = entries(&[(1, 3)], &[10.0, 20.0, 30.0], &[]);
        let m = merge(&a, &b, -1.0, false, |_| false);
        assert_eq!(
            m.iter().map(|e| (e.index, e.count)).collect::<Vec<_>>(),
            [(0, 1.0), (1, -10.0), (2, -20.0), (3, -28.0)]
        );
    }
}
