//! The samples of one series in memory, and the steps' windows over them.

use super::histogram::FloatHistogram;
use std::ops::Range;
use std::sync::Arc;
use tortie_model::Columns;
use tortie_model::columns::ResetHint;
use tortie_model::stale::is_stale;

/// Samples of one series: floats and histograms apart, each ascending in time.
#[derive(Default)]
pub(crate) struct Samples {
    pub t: Vec<i64>,
    pub v: Vec<f64>,
    /// Start timestamps of the floats; empty or as long as `t`.
    pub st: Vec<i64>,
    pub ht: Vec<i64>,
    pub h: Vec<Arc<FloatHistogram>>,
    /// Start timestamps of the histograms; empty or as long as `ht`.
    pub hst: Vec<i64>,
}

impl Samples {
    /// Takes over what storage gave; the vectors of `c` are swapped with those of before, to be used again.
    pub(crate) fn take(&mut self, c: &mut Columns) {
        std::mem::swap(&mut self.t, &mut c.t);
        std::mem::swap(&mut self.v, &mut c.v);
        std::mem::swap(&mut self.st, &mut c.st);
        let whole = self.t.len().min(self.v.len());
        self.t.truncate(whole);
        self.v.truncate(whole);
        if self.st.len() != self.t.len() {
            self.st.clear();
        }
        self.ht.clear();
        self.h.clear();
        self.hst.clear();
        let starts = c.histograms.iter().any(|r| !r.st.is_empty());
        for run in &c.histograms {
            for (i, (t, h)) in FloatHistogram::from_run(run).enumerate() {
                self.ht.push(t);
                self.h.push(Arc::new(h));
                if starts {
                    self.hst.push(run.st.get(i).copied().unwrap_or(0));
                }
            }
        }
    }

    /// Removes stale markers: they end a series, but no range function sees them.
    pub(crate) fn drop_stale(&mut self) {
        if self.v.iter().any(|v| is_stale(*v)) {
            let mut keep = 0;
            for i in 0..self.v.len() {
                if is_stale(self.v[i]) {
                    continue;
                }
                self.v[keep] = self.v[i];
                self.t[keep] = self.t[i];
                if !self.st.is_empty() {
                    self.st[keep] = self.st[i];
                }
                keep += 1;
            }
            self.v.truncate(keep);
            self.t.truncate(keep);
            self.st.truncate(keep);
        }
        if self.h.iter().any(|h| is_stale(h.sum)) {
            let keep: Vec<bool> = self.h.iter().map(|h| !is_stale(h.sum)).collect();
            let mut k = keep.iter();
            self.h.retain(|_| k.next().copied().unwrap_or(false));
            let mut k = keep.iter();
            self.ht.retain(|_| k.next().copied().unwrap_or(false));
            let mut k = keep.iter();
            self.hst.retain(|_| k.next().copied().unwrap_or(false));
        }
    }

    /// Says of each histogram of which nothing is known whether a counter was reset before it.
    pub(crate) fn find_resets(&mut self) {
        let mut previous: Option<usize> = None;
        for i in 0..self.h.len() {
            if is_stale(self.h[i].sum) {
                continue;
            }
            if let (Some(previous), ResetHint::Unknown) = (previous, self.h[i].hint) {
                let reset = self.h[i].detect_reset(&self.h[previous]);
                Arc::make_mut(&mut self.h[i]).hint =
                    if reset { ResetHint::Reset } else { ResetHint::NotReset };
            }
            previous = Some(i);
        }
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.t.is_empty() && self.h.is_empty()
    }
}

/// Moves two cursors over ascending times, as a window slides to the right.
#[derive(Default, Clone, Copy)]
pub(crate) struct Slider {
    lo: usize,
    hi: usize,
}

impl Slider {
    /// Indices of `times` in `(after, until]`; both ends must not move left between calls.
    #[inline]
    pub(crate) fn slide(&mut self, times: &[i64], after: i64, until: i64) -> Range<usize> {
        while self.hi < times.len() && times[self.hi] <= until {
            self.hi += 1;
        }
        while self.lo < self.hi && times[self.lo] <= after {
            self.lo += 1;
        }
        self.lo..self.hi
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::stale::stale_nan;

    #[test]
    fn windows_are_open_on_the_left() {
        let t = [10, 20, 30, 40];
        let mut s = Slider::default();
        assert_eq!(s.slide(&t, 10, 30), 1..3);
        assert_eq!(s.slide(&t, 20, 40), 2..4);
        assert_eq!(s.slide(&t, 40, 60), 4..4);
    }

    #[test]
    fn stale_markers_go() {
        let mut s = Samples { t: vec![1, 2, 3], v: vec![1.0, stale_nan(), 3.0], ..Samples::default() };
        s.drop_stale();
        assert_eq!((s.t, s.v), (vec![1, 3], vec![1.0, 3.0]));
    }
}
