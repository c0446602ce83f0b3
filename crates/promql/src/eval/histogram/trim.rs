//! `</` and `>/`: observations on one side of a value, buckets that hold the value split by interpolation.

use super::FloatHistogram;
use super::buckets::Bucket;

impl FloatHistogram {
    /// Keeps the observations below `at` (`upper`) or above it. Count and sum follow from what is left.
    pub(crate) fn trim(&mut self, at: f64, upper: bool) {
        let custom = self.is_custom();
        let (positive, negative) = (self.positive_buckets(), self.negative_buckets());
        let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
        let mut keep = |counts: &mut [f64], buckets: &[Bucket], is_positive: bool| {
            let mut any = false;
            for (c, b) in counts.iter_mut().zip(buckets).filter(|(_, b)| b.count != 0.0) {
                any = true;
                let (kept, middle) = part(b, at, upper, is_positive, custom);
                count += kept;
                sum += middle * kept;
                if *c != kept {
                    *c = kept;
                    changed = true;
                }
            }
            any
        };
        let has_positive = keep(&mut self.positive, &positive, true);
        let has_negative = keep(&mut self.negative, &negative, false);
        if self.zero_count > 0.0 {
            let (kept, middle) = zero_part(&self.zero_bucket(), at, upper, has_negative, has_positive);
            changed |= self.zero_count != kept;
            self.zero_count = kept;
            sum += middle * kept;
            count += kept;
        }
        if changed {
            self.count = count;
            self.sum = sum;
            self.compact();
        }
    }
}

/// Count and middle of what is left of a bucket.
fn part(b: &Bucket, at: f64, upper: bool, positive: bool, custom: bool) -> (f64, f64) {
    let (whole, some) = if upper { (b.upper <= at, b.lower < at) } else { (b.lower >= at, b.upper > at) };
    if whole {
        return (b.count, middle(b.lower, b.upper, positive, custom));
    }
    if !some {
        return (0.0, 0.0);
    }
    if b.lower == f64::NEG_INFINITY || b.upper == f64::INFINITY {
        return open_part(b, at, upper);
    }
    let below = if at <= b.lower {
        0.0
    } else if at >= b.upper {
        b.count
    } else {
        b.count * b.fraction_below(at, custom)
    };
    if upper {
        (below, middle(b.lower, at, positive, custom))
    } else {
        (b.count - below, middle(at, b.upper, positive, custom))
    }
}

/// The same for a bucket that is open at one end.
fn open_part(b: &Bucket, at: f64, upper: bool) -> (f64, f64) {
    let finite = |v: f64| if v.is_infinite() { 0.0 } else { v };
    if b.lower == f64::NEG_INFINITY {
        if upper {
            return if at >= b.upper {
                (b.count, 0.0)
            } else if at > 0.0 && b.upper > 0.0 && b.upper != f64::INFINITY {
                (b.count * at / b.upper, at / 2.0)
            } else if b.upper <= 0.0 {
                (b.count, at)
            } else {
                (0.0, finite(b.upper))
            };
        }
        return if at <= b.lower {
            (b.count, 0.0)
        } else if at >= 0.0 && b.upper > at && b.upper != f64::INFINITY {
            (b.count * (1.0 - at / b.upper), (at + b.upper) / 2.0)
        } else {
            (0.0, finite(b.upper))
        };
    }
    if !upper && at >= b.lower { (b.count, at) } else { (0.0, finite(b.lower)) }
}

fn zero_part(zero: &Bucket, at: f64, upper: bool, has_negative: bool, has_positive: bool) -> (f64, f64) {
    let high = if has_negative && !has_positive { 0.0 } else { zero.upper };
    let low = if has_positive && !has_negative { 0.0 } else { zero.lower };
    if upper {
        return if at <= low {
            (0.0, 0.0)
        } else if at >= high {
            (zero.count, (low + high) / 2.0)
        } else {
            (zero.count * ((at - low) / (high - low)), (low + at) / 2.0)
        };
    }
    if at <= low {
        (zero.count, (low + high) / 2.0)
    } else if at >= high {
        (0.0, 0.0)
    } else {
        (zero.count * ((high - at) / (high - low)), (at + high) / 2.0)
    }
}

/// Where the observations between two bounds are taken to be.
fn middle(low: f64, high: f64, positive: bool, linear: bool) -> f64 {
    if low.is_infinite() {
        return if high.is_infinite() {
            0.0
        } else if high > 0.0 {
            high / 2.0
        } else {
            high
        };
    }
    if high.is_infinite() {
        return low;
    }
    if linear {
        return (low + high) / 2.0;
    }
    let geometric = (low * high).abs().sqrt();
    if positive { geometric } else { -geometric }
}
