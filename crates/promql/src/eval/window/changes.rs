//! `resets` and `changes`: counts of neighbours that differ, by running totals over the series.

use super::super::error::EvalError;
use super::rate::start_reset;
use super::{Series, Sink, Window};

/// `resets`
pub(crate) fn resets(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let start = |i: usize| s.starts.get(i).copied().unwrap_or(0);
    let differs = |i: usize| {
        let (v, t) = (&s.samples.v, &s.samples.t);
        v[i] < v[i - 1] || start_reset(start(i - 1), t[i - 1], start(i), t[i])
    };
    count(s, out, differs, |i| s.hist_start_reset(i) || s.samples.h[i].detect_reset(&s.samples.h[i - 1]))
}

/// `changes`
pub(crate) fn changes(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let v = &s.samples.v;
    let differs = |i: usize| v[i] != v[i - 1] && !(v[i].is_nan() && v[i - 1].is_nan());
    count(s, out, differs, |i| !s.samples.h[i].same(&s.samples.h[i - 1]))
}

fn count(
    s: &Series<'_>,
    out: &mut Sink<'_>,
    floats: impl Fn(usize) -> bool,
    hists: impl Fn(usize) -> bool,
) -> Result<(), EvalError> {
    // totals[i]: differences among the samples up to index i.
    let mut totals = Vec::with_capacity(s.samples.v.len());
    let mut sum = 0u64;
    for i in 0..s.samples.v.len() {
        sum += u64::from(i > 0 && floats(i));
        totals.push(sum);
    }
    for w in s.windows {
        let Some((flo, hlo)) = first_indices(s, w) else { continue };
        if hlo == w.hhi {
            let n = if w.fhi > flo { totals[w.fhi - 1] - totals[flo] } else { 0 };
            out.float(w.step, n as f64);
            continue;
        }
        out.float(w.step, mixed(s, w, flo, hlo, &floats, &hists) as f64);
    }
    Ok(())
}

/// Floats and histograms in the order of time; a change of kind counts.
fn mixed(
    s: &Series<'_>,
    w: &Window,
    flo: usize,
    hlo: usize,
    floats: &impl Fn(usize) -> bool,
    hists: &impl Fn(usize) -> bool,
) -> u64 {
    let (mut f, mut h, mut n) = (flo, hlo, 0);
    let mut previous: Option<bool> = None;
    while f < w.fhi || h < w.hhi {
        let float = h >= w.hhi || (f < w.fhi && s.samples.t[f] < s.samples.ht[h]);
        n += match (previous, float) {
            (None, _) => 0,
            (Some(true), true) => u64::from(floats(f)),
            (Some(false), false) => u64::from(hists(h)),
            _ => 1,
        };
        previous = Some(float);
        if float { f += 1 } else { h += 1 }
    }
    n
}

/// With `anchored`, the window starts at the newest sample at or before the range, of whichever kind.
fn first_indices(s: &Series<'_>, w: &Window) -> Option<(usize, usize)> {
    if !s.anchored {
        return Some((w.flo, w.hlo));
    }
    let after = |times: &[i64], lo: usize, hi: usize| lo + times[lo..hi].partition_point(|t| *t <= w.start);
    let (f, h) = (after(&s.samples.t, w.flo, w.fhi), after(&s.samples.ht, w.hlo, w.hhi));
    if f >= w.fhi && h >= w.hhi {
        return None;
    }
    let last_float = f.checked_sub(1).filter(|i| *i >= w.flo);
    let last_hist = h.checked_sub(1).filter(|i| *i >= w.hlo);
    Some(match (last_float, last_hist) {
        (None, None) => (f, h),
        (Some(i), None) => (i, h),
        (None, Some(j)) => (f, j),
        (Some(i), Some(j)) if s.samples.t[i] >= s.samples.ht[j] => (i, h),
        (_, Some(j)) => (f, j),
    })
}
