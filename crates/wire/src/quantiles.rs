//! Quantiles of the durations of the last ten minutes, in bounded memory: counts by size in five slices of time, as
//! Prometheus' client ages its summaries. A value is known to 1 %.

/// Length of a slice of time, nanoseconds.
const SLICE: u64 = 120_000_000_000;
/// Slices that count: what is older than eight to ten minutes is forgotten.
const SLICES: usize = 5;
/// Each size is this much larger than the one before.
const GROWTH: f64 = 1.02;
/// The smallest duration that is told from smaller ones, nanoseconds.
const SMALLEST: f64 = 100.0;
/// Sizes: up to 1,000 s and more.
const SIZES: usize = 1_200;

/// Durations by size.
#[derive(Debug, Default)]
pub struct Recent {
    slices: [Slice; SLICES],
}

#[derive(Debug, Default)]
struct Slice {
    /// Number of the slice of time whose durations are here.
    of: u64,
    /// Empty before the first one.
    counts: Vec<u32>,
}

impl Recent {
    /// Counts a duration at a time, both in nanoseconds.
    pub fn observe(&mut self, now_ns: u64, ns: u64) {
        let of = now_ns / SLICE;
        let Some(slice) = self.slices.get_mut((of % SLICES as u64) as usize) else { return };
        if slice.of != of || slice.counts.is_empty() {
            *slice = Slice { of, counts: vec![0; SIZES] };
        }
        if let Some(n) = slice.counts.get_mut(size(ns)) {
            *n = n.saturating_add(1);
        }
    }

    /// The quantiles `of` the durations at a time, seconds; NaN when there are none.
    pub fn quantiles(&self, now_ns: u64, of: &[f64]) -> Vec<f64> {
        let oldest = (now_ns / SLICE).saturating_sub(SLICES as u64 - 1);
        let live: Vec<&Slice> =
            self.slices.iter().filter(|s| s.of >= oldest && !s.counts.is_empty()).collect();
        let at = |i: usize| live.iter().filter_map(|s| s.counts.get(i)).map(|n| u64::from(*n)).sum::<u64>();
        let total: u64 = (0..SIZES).map(at).sum();
        let one = |q: &f64| {
            // The rank that the client of Prometheus takes.
            let rank = ((total as f64 * q) as u64).max(1);
            let mut seen = 0;
            for i in 0..SIZES {
                seen += at(i);
                if seen >= rank && total > 0 {
                    return middle(i) / 1e9;
                }
            }
            f64::NAN
        };
        of.iter().map(one).collect()
    }
}

/// The size of a duration.
fn size(ns: u64) -> usize {
    let larger = (ns as f64 / SMALLEST).max(1.0).ln() / GROWTH.ln();
    (larger as usize).min(SIZES - 1)
}

/// The duration in the middle of a size, nanoseconds.
fn middle(size: usize) -> f64 {
    SMALLEST * GROWTH.powf(size as f64 + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_percent_and_grow_old() {
        let mut r = Recent::default();
        assert!(r.quantiles(0, &[0.5])[0].is_nan());
        for ms in 1..=1000u64 {
            r.observe(5, ms * 1_000_000);
        }
        let check = |r: &Recent, now: u64, expect: [f64; 3]| {
            for (got, expect) in r.quantiles(now, &[0.01, 0.5, 0.99]).into_iter().zip(expect) {
                assert!((got - expect).abs() <= 0.011 * expect, "{got} {expect}");
            }
        };
        check(&r, 5, [0.01, 0.5, 0.99]);
        check(&r, 4 * SLICE, [0.01, 0.5, 0.99]);
        r.observe(2 * SLICE, 7_000_000_000);
        assert!(r.quantiles(5 * SLICE, &[0.5])[0] > 6.9, "only the later one is young enough");
        assert!(r.quantiles(7 * SLICE, &[0.5])[0].is_nan());
        r.observe(8 * SLICE, u64::MAX);
        r.observe(8 * SLICE, 0);
        assert!(r.quantiles(8 * SLICE, &[0.0])[0] < 2e-7);
    }
}
