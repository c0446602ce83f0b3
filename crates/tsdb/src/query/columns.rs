//! Joining the samples that two sources hold of one series.

use tortie_model::Columns;
use tortie_model::storage::StorageError;

/// Adds `part` to `out`; where both have a timestamp, `part`'s sample stays.
pub(super) fn append(out: &mut Columns, part: &Columns) -> Result<(), StorageError> {
    append_floats(out, part);
    let Some(first) = part.histograms.first().and_then(|r| r.t.first().copied()) else { return Ok(()) };
    let last = out.histograms.last().and_then(|r| r.t.last().copied());
    if last.is_some_and(|last| last >= first) {
        return Err(StorageError::Corrupt(
            "native histograms of one series overlap between blocks: not merged yet".to_owned(),
        ));
    }
    out.histograms.extend(part.histograms.iter().cloned());
    Ok(())
}

fn append_floats(out: &mut Columns, part: &Columns) {
    let Some(&first) = part.t.first() else { return };
    // Nearly always one source ends before the next begins.
    let keep = out.t.partition_point(|&t| t < first);
    if keep == out.t.len() {
        start_times(out, part, keep);
        out.t.extend_from_slice(&part.t);
        out.v.extend_from_slice(&part.v);
        return;
    }
    let (tail_t, tail_v) = (out.t.split_off(keep), out.v.split_off(keep));
    let tail_st = if out.st.is_empty() { Vec::new() } else { out.st.split_off(keep) };
    let with_st = !tail_st.is_empty() || !part.st.is_empty();
    if with_st {
        out.st.resize(keep, 0);
    }
    let (mut a, mut b) = (0, 0);
    loop {
        let (left, right) = (tail_t.get(a).copied(), part.t.get(b).copied());
        let (t, v, st) = match (left, right) {
            (None, None) => return,
            (Some(l), r) if r.is_none_or(|r| l < r) => {
                let row = (l, tail_v.get(a), tail_st.get(a));
                a += 1;
                row
            }
            (l, Some(r)) => {
                if l == Some(r) {
                    a += 1;
                }
                let row = (r, part.v.get(b), part.st.get(b));
                b += 1;
                row
            }
            // The guard above takes every left one without a right one.
            (Some(_), None) => return,
        };
        out.t.push(t);
        out.v.push(v.copied().unwrap_or(f64::NAN));
        if with_st {
            out.st.push(st.copied().unwrap_or(0));
        }
    }
}

fn start_times(out: &mut Columns, part: &Columns, len: usize) {
    if out.st.is_empty() && part.st.is_empty() {
        return;
    }
    out.st.resize(len, 0);
    if part.st.is_empty() {
        out.st.resize(len + part.t.len(), 0);
    } else {
        out.st.extend_from_slice(&part.st);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(samples: &[(i64, f64)]) -> Columns {
        let mut c = Columns::default();
        for &(t, v) in samples {
            c.push(t, v);
        }
        c
    }

    fn check(a: &[(i64, f64)], b: &[(i64, f64)], want: &[(i64, f64)]) {
        let mut out = columns(a);
        append(&mut out, &columns(b)).unwrap();
        assert_eq!(out, columns(want), "{a:?} + {b:?}");
    }

    #[test]
    fn the_later_source_wins_and_order_stays() {
        check(&[], &[(1, 1.0)], &[(1, 1.0)]);
        check(&[(1, 1.0)], &[], &[(1, 1.0)]);
        check(&[(1, 1.0)], &[(2, 2.0)], &[(1, 1.0), (2, 2.0)]);
        check(&[(1, 1.0), (2, 2.0)], &[(2, -2.0), (3, 3.0)], &[(1, 1.0), (2, -2.0), (3, 3.0)]);
        check(&[(5, 5.0), (9, 9.0)], &[(1, 1.0), (6, 6.0)], &[(1, 1.0), (5, 5.0), (6, 6.0), (9, 9.0)]);
    }

    #[test]
    fn start_timestamps_stay_with_their_samples() {
        let mut out = columns(&[(1, 1.0), (4, 4.0)]);
        let mut part = columns(&[(3, 3.0), (5, 5.0)]);
        part.st = vec![30, 50];
        append(&mut out, &part).unwrap();
        assert_eq!((out.t, out.st), (vec![1, 3, 4, 5], vec![0, 30, 0, 50]));
    }
}
