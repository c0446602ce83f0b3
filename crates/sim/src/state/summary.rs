//! A summary with quantiles over the last minutes, as Go's client library keeps it.

use std::collections::VecDeque;

/// Observations kept for the quantiles of one summary. A real one keeps a compressed stream; the last few hundred
/// give the same answers to its precision.
const KEPT: usize = 500;

/// How many pauses the Go runtime remembers.
const PAUSES: usize = 256;

/// Count, sum and quantiles.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    count: f64,
    sum: f64,
    ranks: &'static [f64],
    /// Window in seconds; 0 means for ever.
    window: i64,
    start: i64,
    kept: VecDeque<(i64, f64)>,
    quantiles: [f64; 5],
    stale: bool,
}

impl Summary {
    /// A summary of a process that started at second `start`, with Calico's quantiles over `window` seconds.
    pub(crate) fn new(start: i64, window: i64) -> Summary {
        Summary {
            count: 0.0,
            sum: 0.0,
            ranks: &[0.5, 0.9, 0.99],
            window,
            start,
            kept: VecDeque::new(),
            quantiles: [f64::NAN; 5],
            stale: false,
        }
    }

    /// The runtime's summary of its pauses, whose quantiles are never NaN.
    pub(crate) fn pauses(start: i64) -> Summary {
        Summary { ranks: &[0.0, 0.25, 0.5, 0.75, 1.0], quantiles: [0.0; 5], ..Summary::new(start, 0) }
    }

    /// Sees `v` at second `t`.
    pub(crate) fn observe(&mut self, t: i64, v: f64) {
        self.observe_many(t, v, 1);
    }

    /// Sees `v` `n` times at second `t`.
    pub(crate) fn observe_many(&mut self, t: i64, v: f64, n: u32) {
        if n == 0 {
            return;
        }
        self.count += f64::from(n);
        self.sum += v * f64::from(n);
        for _ in 0..n.min(8) {
            self.kept.push_back((t, v));
        }
        let most = if self.window == 0 { PAUSES } else { KEPT };
        while self.kept.len() > most {
            self.kept.pop_front();
        }
        self.stale = true;
    }

    /// Forgets what is out of the window at second `t`, and computes the quantiles anew when something changed.
    ///
    /// The client library rotates five buckets within a window, so what counts is between 4/5 of it and all of it.
    pub(crate) fn settle(&mut self, t: i64) {
        if self.window > 0 {
            let fifth = self.window / 5;
            let oldest = t - (t - self.start).rem_euclid(fifth.max(1)) - 4 * fifth;
            while self.kept.front().is_some_and(|(at, _)| *at < oldest) {
                self.kept.pop_front();
                self.stale = true;
            }
        }
        if !self.stale {
            return;
        }
        self.stale = false;
        let mut sorted: Vec<f64> = self.kept.iter().map(|(_, v)| *v).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for (slot, rank) in self.quantiles.iter_mut().zip(self.ranks) {
            let at = (rank * sorted.len() as f64).ceil().max(1.0) as usize - 1;
            *slot = sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN);
        }
    }

    /// Quantile number `i`, as of the last [`Summary::settle`].
    pub(crate) fn quantile(&self, i: usize) -> f64 {
        self.quantiles.get(i).copied().unwrap_or(f64::NAN)
    }

    /// Sum of all observations.
    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }

    /// Number of observations.
    pub(crate) fn count(&self) -> f64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(observed: &[(i64, f64)], at: i64, expect: [f64; 3]) {
        let mut s = Summary::new(0, 600);
        observed.iter().for_each(|(t, v)| s.observe(*t, *v));
        s.settle(at);
        let got = [s.quantile(0), s.quantile(1), s.quantile(2)];
        assert!(got.iter().zip(&expect).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{got:?}");
    }

    #[test]
    fn quantiles_are_nan_when_idle() {
        check(&[], 10, [f64::NAN; 3]);
        check(&[(5, 2.0)], 10, [2.0; 3]);
        check(&[(5, 1.0), (6, 3.0)], 10, [1.0, 3.0, 3.0]);
        check(&[(5, 2.0)], 599, [2.0; 3]);
        check(&[(5, 2.0)], 600, [f64::NAN; 3]);
    }
}
