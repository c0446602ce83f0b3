//! Least and greatest of a window by monotonic deques: each sample goes in and out once, whatever the range.
//!
//! NaN loses against every number; a window of nothing but NaN gives its last one.

use super::super::error::EvalError;
use super::{Series, Sink};
use std::collections::VecDeque;

/// Calls `emit` with the index of each window's extreme. `beats(new, old)` says that `old` can never be it again.
fn scan(s: &Series<'_>, out: &mut Sink<'_>, beats: impl Fn(f64, f64) -> bool, emit: impl Fn(usize) -> f64) {
    let v = &s.samples.v;
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    for w in s.windows {
        if w.floats() == 0 {
            continue;
        }
        next = next.max(w.flo);
        while next < w.fhi {
            let x = v[next];
            if !x.is_nan() {
                while candidates.back().is_some_and(|&b| beats(x, v[b])) {
                    candidates.pop_back();
                }
                candidates.push_back(next);
            }
            next += 1;
        }
        while candidates.front().is_some_and(|&f| f < w.flo) {
            candidates.pop_front();
        }
        let at = candidates.front().copied().unwrap_or(w.fhi - 1);
        out.float(w.step, emit(at));
        out.ignored(s, w);
    }
}

/// `max_over_time`
pub(crate) fn max(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    scan(s, out, |new, old| new > old, |i| s.samples.v[i]);
    Ok(())
}

/// `min_over_time`
pub(crate) fn min(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    scan(s, out, |new, old| new < old, |i| s.samples.v[i]);
    Ok(())
}

/// `ts_of_max_over_time`: the last one when several are equal.
pub(crate) fn max_time(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    scan(s, out, |new, old| new >= old, |i| s.samples.t[i] as f64 / 1000.0);
    Ok(())
}

/// `ts_of_min_over_time`: the last one when several are equal.
pub(crate) fn min_time(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    scan(s, out, |new, old| new <= old, |i| s.samples.t[i] as f64 / 1000.0);
    Ok(())
}
