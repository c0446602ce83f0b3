//! Buckets of a histogram with their bounds, in order, and its text form.

use super::super::math::format_g;
use super::sparse::{self, Entry};
use super::{FloatHistogram, bounds};
use std::fmt;

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Whether an observation at the lower bound is in it.
    pub lower_inclusive: bool,
    /// Whether an observation at the upper bound is in it.
    pub upper_inclusive: bool,
    /// Observations.
    pub count: f64,
}

impl Bucket {
    /// Share of the bucket below `v`, which is within it: on a straight line, or between powers.
    pub(crate) fn fraction_below(&self, v: f64, linear: bool) -> f64 {
        use super::super::math::go::log2;
        if linear {
            return (v - self.lower) / (self.upper - self.lower);
        }
        let (lower, upper, at) = (log2(self.lower.abs()), log2(self.upper.abs()), log2(v.abs()));
        if v > 0.0 { (at - lower) / (upper - lower) } else { 1.0 - ((at - upper) / (lower - upper)) }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        let (lower, upper, count) = (format_g(self.lower), format_g(self.upper), format_g(self.count));
        write!(f, "{open}{lower},{upper}{close}:{count}")
    }
}

impl FloatHistogram {
    /// Buckets of the positive side, ascending.
    pub fn positive_buckets(&self) -> Vec<Bucket> {
        let bucket = |e: Entry| {
            let (lower, upper) = bounds::positive(e.index, self.schema, &self.custom_values);
            let (lower_inclusive, upper_inclusive) =
                if self.is_custom() { (e.index == 0, true) } else { (lower < 0.0, upper > 0.0) };
            Bucket { lower, upper, lower_inclusive, upper_inclusive, count: e.count }
        };
        sparse::entries(&self.positive_spans, &self.positive, &[]).into_iter().map(bucket).collect()
    }

    /// Buckets of the negative side, from the one next to zero on.
    pub fn negative_buckets(&self) -> Vec<Bucket> {
        let bucket = |e: Entry| {
            let (inner, outer) = bounds::positive(e.index, self.schema, &[]);
            let (lower, upper) = (-outer, -inner);
            Bucket {
                lower,
                upper,
                lower_inclusive: lower < 0.0,
                upper_inclusive: upper > 0.0,
                count: e.count,
            }
        };
        sparse::entries(&self.negative_spans, &self.negative, &[]).into_iter().map(bucket).collect()
    }

    /// The zero bucket.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// All buckets, ascending; those that reach into the zero bucket end at its border.
    pub fn all_buckets(&self) -> Vec<Bucket> {
        let mut all = self.negative_buckets();
        all.reverse();
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive_buckets());
        let zero = self.zero_threshold;
        for b in &mut all {
            if b.upper < 0.0 && b.upper > -zero {
                b.upper = -zero;
            } else if b.lower > 0.0 && b.lower < zero {
                b.lower = zero;
            }
        }
        all
    }
}

impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", format_g(self.count), format_g(self.sum))?;
        for b in self.negative_buckets().iter().rev().filter(|b| b.count != 0.0) {
            write!(f, ", {b}")?;
        }
        if self.zero_count != 0.0 {
            write!(f, ", {}", self.zero_bucket())?;
        }
        for b in self.positive_buckets().iter().filter(|b| b.count != 0.0) {
            write!(f, ", {b}")?;
        }
        f.write_str("}")
    }
}
