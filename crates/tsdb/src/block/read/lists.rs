//! Set operations on ascending lists of series references.

/// References in both lists.
pub(crate) fn intersect(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(short.len());
    for &x in short {
        // Galloping: steps double until one is passed, so a short list against a long one stays cheap.
        let mut step = 1;
        while long.get(step - 1).is_some_and(|&y| y < x) && step < long.len() {
            step *= 2;
        }
        let upto = step.min(long.len());
        let i = long.get(..upto).unwrap_or(long).partition_point(|&y| y < x);
        long = long.get(i..).unwrap_or(&[]);
        match long.first() {
            Some(&y) if y == x => out.push(x),
            Some(_) => {}
            None => break,
        }
    }
    out
}

/// References of `a` that are not in `b`.
pub(crate) fn subtract(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut b = b.iter().copied().peekable();
    a.iter()
        .copied()
        .filter(|&x| {
            while b.next_if(|&y| y < x).is_some() {}
            b.peek() != Some(&x)
        })
        .collect()
}

/// References in any of the lists.
pub(crate) fn union<'a>(lists: impl IntoIterator<Item = &'a [u32]>) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::new();
    for l in lists {
        out.extend_from_slice(l);
    }
    // Lists of one label follow each other mostly in runs, which the sort takes as they are.
    out.sort();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use tortie_host::Rng;

    #[test]
    fn as_sets_do() {
        let mut rng = Rng::new(3);
        for _ in 0..300 {
            let mut set =
                |max: u64| (0..rng.below(max)).map(|_| rng.below(120) as u32).collect::<BTreeSet<_>>();
            let (a, b) = (set(12), set(100));
            let (va, vb): (Vec<_>, Vec<_>) = (a.iter().copied().collect(), b.iter().copied().collect());
            assert_eq!(intersect(&va, &vb), a.intersection(&b).copied().collect::<Vec<_>>());
            assert_eq!(subtract(&vb, &va), b.difference(&a).copied().collect::<Vec<_>>());
            assert_eq!(union([va.as_slice(), &vb]), a.union(&b).copied().collect::<Vec<_>>());
        }
    }
}
