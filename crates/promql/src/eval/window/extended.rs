//! `anchored` and `smoothed` ranges: values at the very borders, picked from or interpolated between neighbours.

use super::super::error::EvalError;
use super::super::plan::seconds;
use super::super::samples::Samples;
use super::rate::{start_reset, start_reset_after};
use super::{Series, Sink, Window};

/// A sample.
#[derive(Clone, Copy)]
struct Point {
    t: i64,
    v: f64,
}

/// The floats of a window with their start timestamps.
struct Points<'a> {
    t: &'a [i64],
    v: &'a [f64],
    st: &'a [i64],
    /// Earliest time that is looked at.
    lookback_start: i64,
    smoothed: bool,
    counter: bool,
}

/// The value at `t` on the line through two points; a counter that fell is taken to start from 0.
pub(crate) fn interpolate(p1: (i64, f64), p2: (i64, f64), t: i64, counter: bool) -> f64 {
    let mut y1 = p1.1;
    let y2 = p2.1;
    if counter && y2 < y1 {
        y1 = 0.0;
    }
    y1 + (y2 - y1) * (t - p1.0) as f64 / (p2.0 - p1.0) as f64
}

fn between(a: Point, b: Point, t: i64, counter: bool) -> f64 {
    interpolate((a.t, a.v), (b.t, b.v), t, counter)
}

impl Points<'_> {
    fn at(&self, i: usize) -> Point {
        Point { t: self.t[i], v: self.v[i] }
    }

    fn start(&self, i: usize) -> i64 {
        self.st.get(i).copied().unwrap_or(0)
    }

    /// Value and start timestamp at the left border; `first` is the newest sample at or before it, else the first.
    fn left(&self, first: usize, border: i64) -> (f64, i64) {
        let mut p = self.at(first);
        let st = self.start(first);
        let mut shown = if st > border { 0 } else { st };
        if p.t == border {
            return (p.v, st);
        }
        if p.t > border {
            if !self.counter || !start_reset_after(self.lookback_start, st, p.t) {
                return (p.v, shown);
            }
            if start_reset_after(border, st, p.t) || !self.smoothed {
                return (0.0, shown);
            }
            return (between(Point { t: st, v: 0.0 }, p, border, self.counter), shown);
        }
        let mut next = self.at(first + 1);
        let next_st = self.start(first + 1);
        if self.counter {
            if start_reset_after(border, next_st, next.t) {
                next = Point { t: next_st, v: 0.0 };
            } else if start_reset(st, p.t, next_st, next.t) {
                p = Point { t: next_st, v: 0.0 };
                shown = next_st;
            }
        }
        let v = if self.smoothed { between(p, next, border, self.counter) } else { p.v };
        (v, shown)
    }

    /// Value and start timestamp at the right border; `last` is the first sample at or after it, else the last.
    fn right(&self, last: usize, border: i64) -> (f64, i64) {
        let mut p = self.at(last);
        let st = self.start(last);
        let mut shown = if st > border { 0 } else { st };
        if p.t <= border {
            return (p.v, shown);
        }
        if last == 0 {
            if !self.counter || !start_reset_after(self.lookback_start, st, p.t) {
                return (p.v, shown);
            }
            if start_reset_after(border, st, p.t) || !self.smoothed {
                return (0.0, shown);
            }
            return (between(Point { t: st, v: 0.0 }, p, border, self.counter), shown);
        }
        let mut prev = self.at(last - 1);
        let prev_st = self.start(last - 1);
        if self.counter {
            if start_reset_after(border, st, p.t) {
                p = Point { t: st, v: 0.0 };
                shown = prev_st;
            } else if start_reset(prev_st, prev.t, st, p.t) {
                prev = Point { t: st, v: 0.0 };
            }
        }
        let v = if self.smoothed { between(prev, p, border, self.counter) } else { prev.v };
        (v, shown)
    }

    /// Indices of the samples that decide the borders.
    fn borders(&self, start: i64, end: i64) -> (usize, usize) {
        let last = self.t.len() - 1;
        let first = self.t[..last].partition_point(|t| *t <= start).saturating_sub(1);
        let last = if self.smoothed { self.t[..last].partition_point(|t| *t < end) } else { last };
        (first, last)
    }
}

/// `rate`, `increase`, `delta` of floats over an anchored or smoothed range.
pub(crate) fn rate(s: &Series<'_>, w: &Window, out: &mut Sink<'_>, counter: bool, per_second: bool) {
    if w.floats() == 0 {
        return;
    }
    let st = if s.starts.is_empty() { &[][..] } else { &s.starts[w.flo..w.fhi] };
    let points = Points {
        t: &s.samples.t[w.flo..w.fhi],
        v: &s.samples.v[w.flo..w.fhi],
        st,
        lookback_start: w.start - s.lookback,
        smoothed: s.smoothed,
        counter,
    };
    let (mut first, mut last) = points.borders(w.start, w.end);
    if points.t[last] <= w.start {
        return;
    }
    let first_t = points.t[first];
    if s.smoothed && first_t > w.end {
        let st = points.start(first);
        let reset_before_end =
            start_reset_after(points.lookback_start, st, first_t) && !start_reset_after(w.end, st, first_t);
        if !counter || !reset_before_end {
            return;
        }
    }
    let (left, left_st) = points.left(first, w.start);
    let (right, right_st) = points.right(last, w.end);
    let mut diff = right - left;
    if counter {
        if points.t[first] <= w.start {
            first += 1;
        }
        // One past the last sample that lies within.
        last = if points.t[last] >= w.end { last } else { last + 1 };
        let (mut prev, mut prev_t, mut prev_st) = (left, w.start, left_st);
        let mut correction = 0.0;
        for i in first..last.max(first) {
            let (t, v, st) = (points.t[i], points.v[i], points.start(i));
            if v < prev || start_reset(prev_st, prev_t, st, t) {
                correction += prev;
            }
            (prev, prev_t, prev_st) = (v, t, st);
        }
        if right < prev || start_reset(prev_st, prev_t, right_st, w.end) {
            correction += prev;
        }
        diff += correction;
    }
    out.float(w.step, if per_second { diff / seconds(s.range) } else { diff });
}

/// The samples of a range `(start, end]` with values at both borders.
pub(crate) fn bounded(samples: &Samples, start: i64, end: i64, smoothed: bool) -> (Vec<i64>, Vec<f64>) {
    if samples.t.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let points =
        Points { t: &samples.t, v: &samples.v, st: &[], lookback_start: start, smoothed, counter: false };
    let (mut first, last) = points.borders(start, end);
    if points.t[last] <= start {
        return (Vec::new(), Vec::new());
    }
    let (left, _) = points.left(first, start);
    let (right, _) = points.right(last, end);
    if points.t[first] <= start {
        first += 1;
    }
    let last = if points.t[last] >= end { last } else { last + 1 };
    let inner = first..last.max(first);
    let mut t = vec![start];
    let mut v = vec![left];
    t.extend_from_slice(&points.t[inner.clone()]);
    v.extend_from_slice(&points.v[inner]);
    t.push(end);
    v.push(right);
    (t, v)
}

/// `rate`, `increase`, `delta` of histograms over an anchored or smoothed range.
pub(crate) fn histogram_rate(
    s: &Series<'_>,
    w: &Window,
    out: &mut Sink<'_>,
    counter: bool,
    per_second: bool,
) -> Result<(), EvalError> {
    super::histograms::extended_rate(s, w, out, counter, per_second)
}
