//! `rate`, `increase`, `delta`, `irate`, `idelta`: differences over windows with counter resets and extrapolation.
//!
//! Resets of a series are found once; a window then only adds those within it, in order, so that the sum has the
//! bits of one that walks all samples.

use super::super::error::EvalError;
use super::super::plan::seconds;
use super::{Series, Sink, Window, extended, histograms};

/// `rate`
pub(crate) fn rate(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    extrapolated(s, out, true, true)
}

/// `increase`
pub(crate) fn increase(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    extrapolated(s, out, true, false)
}

/// `delta`
pub(crate) fn delta(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    extrapolated(s, out, false, false)
}

/// `irate`
pub(crate) fn irate(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    instant(s, out, true)
}

/// `idelta`
pub(crate) fn idelta(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    instant(s, out, false)
}

/// Whether start timestamps say that a counter began anew between two samples: `(st, t)` before, `(st, t)` now.
pub(crate) fn start_reset(prev_st: i64, prev_t: i64, st: i64, t: i64) -> bool {
    if prev_st == st || st == 0 || st >= t || st < prev_t {
        return false;
    }
    if st > prev_t {
        return true;
    }
    // The start is the previous sample: a reset for deltas, none for cumulative series of unknown start.
    prev_st <= prev_t && prev_st != 0 && prev_st != prev_t
}

/// Whether a start timestamp says that the counter began after `after`.
pub(crate) fn start_reset_after(after: i64, st: i64, t: i64) -> bool {
    st > after && t > after && start_reset(after, after, st, t)
}

/// Whether a sample's start lies before the previous sample without being that one's start.
pub(crate) fn starts_overlap(prev_st: i64, prev_t: i64, st: i64) -> bool {
    st != 0 && st < prev_t && st != prev_st
}

fn extrapolated(
    s: &Series<'_>,
    out: &mut Sink<'_>,
    counter: bool,
    per_second: bool,
) -> Result<(), EvalError> {
    let start_at = |i: usize| s.starts.get(i).copied().unwrap_or(0);
    let (t, v) = (&s.samples.t, &s.samples.v);
    let (mut resets, mut overlaps) = (Vec::new(), Vec::new());
    if counter && !(s.anchored || s.smoothed) {
        for i in 1..v.len() {
            if v[i] < v[i - 1]
                || (!s.starts.is_empty() && start_reset(start_at(i - 1), t[i - 1], start_at(i), t[i]))
            {
                resets.push(i);
            }
            if !s.starts.is_empty() && starts_overlap(start_at(i - 1), t[i - 1], start_at(i)) {
                overlaps.push(i);
            }
        }
    }
    let (mut from, mut until) = (0, 0);
    for w in s.windows {
        if w.hists() > 0 && w.floats() > 0 {
            out.notes.mixed_range(s.name, s.span);
            continue;
        }
        if s.anchored || s.smoothed {
            if w.hists() > 0 {
                extended::histogram_rate(s, w, out, counter, per_second)?;
            } else {
                extended::rate(s, w, out, counter, per_second);
            }
            continue;
        }
        if w.hists() > 0 {
            histograms::rate(s, w, out, counter, per_second)?;
            continue;
        }
        // Resets within the window, its first sample apart.
        while from < resets.len() && resets[from] <= w.flo {
            from += 1;
        }
        until = until.max(from);
        while until < resets.len() && resets[until] < w.fhi {
            until += 1;
        }
        if overlaps.iter().any(|i| *i > w.flo && *i < w.fhi) {
            out.notes.start_time_overlap(s.name, s.span);
        }
        let mut diff = v[w.fhi - 1] - v[w.flo];
        for &i in &resets[from..until] {
            diff += v[i - 1];
        }
        if let Some(r) = extrapolate(s, w, diff, counter, per_second, start_at(w.flo)) {
            out.float(w.step, r);
        }
    }
    Ok(())
}

fn extrapolate(
    s: &Series<'_>,
    w: &Window,
    mut diff: f64,
    counter: bool,
    per_second: bool,
    start: i64,
) -> Option<f64> {
    let first_value = s.samples.v[w.flo];
    let edges = Edges { first: s.samples.t[w.flo], last: s.samples.t[w.fhi - 1], gaps: w.floats() - 1 };
    let from_start = counter && start != 0 && start > w.start && start < edges.first;
    if from_start {
        diff += first_value;
    }
    let zero = (diff > 0.0 && first_value >= 0.0).then_some((first_value, diff));
    let factor =
        edges.factor(w, if from_start { Some(start) } else { None }, if counter { zero } else { None })?;
    let factor = if per_second { factor / seconds(s.range) } else { factor };
    Some(diff * factor)
}

/// The samples at the ends of a window.
pub(crate) struct Edges {
    /// Time of the first sample.
    pub first: i64,
    /// Time of the last sample.
    pub last: i64,
    /// Number of samples less one.
    pub gaps: usize,
}

impl Edges {
    /// By how much the difference grows when it is taken to the borders of the window. `start` is a start timestamp
    /// within the window, `zero` the first value and the difference of a counter, which was never below 0.
    pub(crate) fn factor(&self, w: &Window, start: Option<i64>, zero: Option<(f64, f64)>) -> Option<f64> {
        let mut to_start = (self.first - w.start) as f64 / 1000.0;
        let mut to_end = (w.end - self.last) as f64 / 1000.0;
        let mut sampled = (self.last - self.first) as f64 / 1000.0;
        let average = if self.gaps > 0 { sampled / self.gaps as f64 } else { 0.0 };
        let threshold = average * 1.1;
        if let Some(start) = start {
            to_start = 0.0;
            sampled = (self.last - start) as f64 / 1000.0;
        } else if self.gaps == 0 {
            return None;
        } else {
            if to_start >= threshold {
                to_start = average / 2.0;
            }
            if let Some((first, diff)) = zero {
                let to_zero = sampled * (first / diff);
                if to_zero < to_start {
                    to_start = to_zero;
                }
            }
        }
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        Some(if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled })
    }
}

/// The two newest samples of a window, oldest first; of equal times, the histogram is taken as the older one.
#[derive(Clone, Copy)]
enum Pick {
    Float(usize),
    Histogram(usize),
}

fn instant(s: &Series<'_>, out: &mut Sink<'_>, counter: bool) -> Result<(), EvalError> {
    let (t, v) = (&s.samples.t, &s.samples.v);
    let start_at = |i: usize| s.starts.get(i).copied().unwrap_or(0);
    for w in s.windows {
        if w.floats() + w.hists() < 2 {
            continue;
        }
        let time = |p: Pick| match p {
            Pick::Float(i) => t[i],
            Pick::Histogram(i) => s.samples.ht[i],
        };
        let mut last: Vec<Pick> = Vec::with_capacity(4);
        last.extend((w.flo.max(w.fhi.saturating_sub(2))..w.fhi).map(Pick::Float));
        last.extend((w.hlo.max(w.hhi.saturating_sub(2))..w.hhi).map(Pick::Histogram));
        last.sort_by_key(|p| (time(*p), matches!(p, Pick::Float(_))));
        let [.., a, b] = last[..] else { continue };
        let interval = time(b) - time(a);
        if interval == 0 {
            continue;
        }
        let per_second = interval as f64 / 1000.0;
        match (a, b) {
            (Pick::Float(a), Pick::Float(b)) => {
                let reset = counter && (v[b] < v[a] || start_reset(start_at(a), t[a], start_at(b), t[b]));
                let diff = if reset { v[b] } else { v[b] - v[a] };
                out.float(w.step, if counter { diff / per_second } else { diff });
            }
            (Pick::Histogram(a), Pick::Histogram(b)) => {
                histograms::instant(s, w, (a, b), per_second, out, counter)?
            }
            _ => out.notes.mixed_range(s.name, s.span),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_timestamps_tell_resets() {
        for (args, expect) in [
            ((10, 50, 10, 60), false),
            ((10, 50, 55, 60), true),
            ((10, 50, 50, 60), true),
            ((50, 50, 50, 60), false),
            ((0, 50, 50, 60), false),
            ((10, 50, 60, 60), false),
            ((10, 50, 40, 60), false),
            ((10, 50, 0, 60), false),
        ] {
            let (a, b, c, d) = args;
            assert_eq!(start_reset(a, b, c, d), expect, "{args:?}");
        }
    }
}
