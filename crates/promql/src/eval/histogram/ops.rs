//! Arithmetic of histograms: factors, sums, differences, with zero buckets and resolutions brought together.

use super::super::math::kahan;
use super::sparse::{self, Entry};
use super::{FloatHistogram, bounds};
use std::sync::Arc;
use tortie_model::columns::ResetHint;

/// Why two histograms do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// One has exponential, the other custom buckets.
    #[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
    IncompatibleSchema,
}

/// What was noticed while two histograms were added or subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// One follows a counter reset, the other is known not to.
    pub reset_collision: bool,
    /// Custom bounds differed and were reduced to those in common.
    pub bounds_reconciled: bool,
}

impl FloatHistogram {
    /// Multiplies everything; a negative factor makes it a gauge.
    pub fn mul(&mut self, factor: f64) {
        self.scale(|v| v * factor);
        if factor < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    /// Divides everything. Division by 0 leaves no buckets.
    pub(crate) fn div(&mut self, by: f64) {
        if by == 0.0 {
            self.positive.clear();
            self.negative.clear();
            self.positive_spans.clear();
            self.negative_spans.clear();
        }
        self.scale(|v| v / by);
        if by < 0.0 {
            self.hint = ResetHint::Gauge;
        }
    }

    fn scale(&mut self, f: impl Fn(f64) -> f64) {
        self.zero_count = f(self.zero_count);
        self.count = f(self.count);
        self.sum = f(self.sum);
        self.positive.iter_mut().chain(&mut self.negative).for_each(|v| *v = f(*v));
    }

    /// Whether anything grew beyond all numbers.
    pub(crate) fn has_overflow(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative);
        [self.zero_count, self.count, self.sum].iter().chain(buckets).any(|v| v.is_infinite())
    }

    /// Adds `other`.
    ///
    /// # Errors
    /// When one has exponential, the other custom buckets.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Merged, HistogramError> {
        self.merge(other, 1.0)
    }

    /// Subtracts `other`.
    ///
    /// # Errors
    /// When one has exponential, the other custom buckets.
    pub fn sub(&mut self, other: &FloatHistogram) -> Result<Merged, HistogramError> {
        self.merge(other, -1.0)
    }

    fn merge(&mut self, other: &FloatHistogram, sign: f64) -> Result<Merged, HistogramError> {
        if self.is_custom() != other.is_custom() {
            return Err(HistogramError::IncompatibleSchema);
        }
        let reset_collision = self.adjust_hint(other);
        if !self.is_custom() {
            let (zero, _) = self.reconcile_zero(other, None);
            self.zero_count += sign * zero;
        }
        self.count += sign * other.count;
        self.sum += sign * other.sum;
        let bounds_reconciled = self.merge_buckets(other, sign, None);
        Ok(Merged { reset_collision, bounds_reconciled })
    }

    /// Adds `other` with the errors kept in `c`, which is made when there is none yet.
    pub(crate) fn kahan_add(
        &mut self,
        other: &FloatHistogram,
        c: &mut Option<FloatHistogram>,
    ) -> Result<Merged, HistogramError> {
        if self.is_custom() != other.is_custom() {
            return Err(HistogramError::IncompatibleSchema);
        }
        let reset_collision = self.adjust_hint(other);
        let mut comp = c.take().unwrap_or_else(|| self.compensation());
        if !self.is_custom() {
            let (zero, zero_c) = self.reconcile_zero(other, Some(&mut comp));
            (self.zero_count, comp.zero_count) = kahan(zero, self.zero_count, comp.zero_count);
            (self.zero_count, comp.zero_count) = kahan(zero_c, self.zero_count, comp.zero_count);
        }
        (self.count, comp.count) = kahan(other.count, self.count, comp.count);
        (self.sum, comp.sum) = kahan(other.sum, self.sum, comp.sum);
        let bounds_reconciled = self.merge_buckets(other, 1.0, Some(&mut comp));
        *c = Some(comp);
        Ok(Merged { reset_collision, bounds_reconciled })
    }

    /// A histogram of the same layout with nothing in it.
    fn compensation(&self) -> FloatHistogram {
        FloatHistogram {
            hint: self.hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            positive: vec![0.0; self.positive.len()],
            negative: vec![0.0; self.negative.len()],
            custom_values: Arc::clone(&self.custom_values),
            ..FloatHistogram::default()
        }
    }

    fn merge_buckets(
        &mut self,
        other: &FloatHistogram,
        sign: f64,
        comp: Option<&mut FloatHistogram>,
    ) -> bool {
        let with_c = comp.is_some();
        let (cp, cn) = comp.as_ref().map_or((&[][..], &[][..]), |c| (&c.positive[..], &c.negative[..]));
        let mut p = sparse::entries(&self.positive_spans, &self.positive, cp);
        let mut n = sparse::entries(&self.negative_spans, &self.negative, cn);
        let mut op = sparse::entries(&other.positive_spans, &other.positive, &[]);
        let mut on = sparse::entries(&other.negative_spans, &other.negative, &[]);
        let mut reconciled = false;
        if self.is_custom() {
            if self.custom_values == other.custom_values {
                p = sparse::merge(&p, &op, sign, with_c, |_| false);
            } else {
                reconciled = true;
                let common = common_bounds(&self.custom_values, &other.custom_values);
                p = merge_custom(
                    (&p, &self.custom_values),
                    (&op, &other.custom_values),
                    sign,
                    with_c,
                    &common,
                );
                self.custom_values = common.into();
            }
        } else {
            let schema = self.schema.min(other.schema);
            p = sparse::reduce(p, self.schema, schema, with_c);
            n = sparse::reduce(n, self.schema, schema, with_c);
            op = sparse::reduce(op, other.schema, schema, with_c);
            on = sparse::reduce(on, other.schema, schema, with_c);
            self.schema = schema;
            let threshold = self.zero_threshold;
            let skip = |i| bounds::exponential(i, schema) <= threshold;
            p = sparse::merge(&p, &op, sign, with_c, skip);
            n = sparse::merge(&n, &on, sign, with_c, skip);
        }
        let (positive, positive_c) = sparse::side(&p);
        let (negative, negative_c) = sparse::side(&n);
        (self.positive_spans, self.positive) = positive;
        (self.negative_spans, self.negative) = negative;
        if let Some(c) = comp {
            c.schema = self.schema;
            c.zero_threshold = self.zero_threshold;
            c.custom_values = Arc::clone(&self.custom_values);
            c.positive_spans.clone_from(&self.positive_spans);
            c.negative_spans.clone_from(&self.negative_spans);
            c.positive = positive_c;
            c.negative = negative_c;
        }
        reconciled
    }

    /// The hint of a sum; `true` when the two contradict each other.
    fn adjust_hint(&mut self, other: &FloatHistogram) -> bool {
        use ResetHint::{Gauge, Unknown};
        match (self.hint, other.hint) {
            (a, b) if a == b => false,
            (Gauge, _) | (Unknown, ResetHint::Reset | ResetHint::NotReset) => false,
            (_, Gauge) => {
                self.hint = Gauge;
                false
            }
            (_, Unknown) => {
                self.hint = Unknown;
                false
            }
            _ => {
                self.hint = Unknown;
                true
            }
        }
    }

    /// Widens zero buckets until both are the same; gives the other's count and compensation.
    fn reconcile_zero(
        &mut self,
        other: &FloatHistogram,
        mut comp: Option<&mut FloatHistogram>,
    ) -> (f64, f64) {
        let (mut count, mut threshold, mut c) = (other.zero_count, other.zero_threshold, 0.0);
        // Thresholds only grow, along bucket bounds; NaN would never end this.
        while threshold != self.zero_threshold && !threshold.is_nan() && !self.zero_threshold.is_nan() {
            if self.zero_threshold > threshold {
                (count, threshold, c) = other.zero_count_for(self.zero_threshold, None);
            }
            if threshold > self.zero_threshold {
                let (zero, t, zero_c) = self.zero_count_for(threshold, comp.as_deref());
                self.zero_count = zero;
                self.zero_threshold = t;
                if let Some(c) = comp.as_deref_mut() {
                    c.zero_count = zero_c;
                }
                self.empty_zero_buckets(comp.as_deref_mut());
            }
        }
        (count, c)
    }

    /// Count of a zero bucket of at least the width `larger`; it ends at a bound of a bucket that is not empty.
    pub(crate) fn zero_count_for(&self, larger: f64, comp: Option<&FloatHistogram>) -> (f64, f64, f64) {
        let start_c = comp.map_or(0.0, |c| c.zero_count);
        if larger <= self.zero_threshold {
            return (self.zero_count, self.zero_threshold, start_c);
        }
        let (cp, cn) = comp.map_or((&[][..], &[][..]), |c| (&c.positive[..], &c.negative[..]));
        let p = sparse::entries(&self.positive_spans, &self.positive, cp);
        let n = sparse::entries(&self.negative_spans, &self.negative, cn);
        let mut larger = larger;
        let mut c = start_c;
        'again: loop {
            let mut zero = self.zero_count;
            let mut take = |e: &Entry| {
                (zero, c) = kahan(e.count, zero, c);
                if comp.is_some() {
                    (zero, c) = kahan(e.c, zero, c);
                }
            };
            for (side, positive) in [(&p, true), (&n, false)] {
                for e in side {
                    let (lower, upper) = bounds::positive(e.index, self.schema, &[]);
                    if lower >= larger {
                        break;
                    }
                    take(e);
                    if upper > larger {
                        if e.count != 0.0 {
                            larger = upper;
                            if !positive {
                                continue 'again;
                            }
                        }
                        break;
                    }
                }
            }
            return (zero, larger, c);
        }
    }

    /// Empties the buckets within the zero bucket.
    fn empty_zero_buckets(&mut self, comp: Option<&mut FloatHistogram>) {
        let (schema, threshold) = (self.schema, self.zero_threshold);
        let (cp, cn) = comp.as_ref().map_or((&[][..], &[][..]), |c| (&c.positive[..], &c.negative[..]));
        let outside = |e: &Entry| {
            let (lower, _) = bounds::positive(e.index, schema, &[]);
            lower >= threshold && (e.count != 0.0 || e.c != 0.0)
        };
        let mut p = sparse::entries(&self.positive_spans, &self.positive, cp);
        let mut n = sparse::entries(&self.negative_spans, &self.negative, cn);
        p.retain(outside);
        n.retain(outside);
        let (positive, positive_c) = sparse::side(&p);
        let (negative, negative_c) = sparse::side(&n);
        (self.positive_spans, self.positive) = positive;
        (self.negative_spans, self.negative) = negative;
        if let Some(c) = comp {
            c.positive_spans.clone_from(&self.positive_spans);
            c.negative_spans.clone_from(&self.negative_spans);
            c.positive = positive_c;
            c.negative = negative_c;
        }
    }

    /// Removes empty buckets and joins spans that touch.
    pub fn compact(&mut self) {
        for (spans, counts) in
            [(&mut self.positive_spans, &mut self.positive), (&mut self.negative_spans, &mut self.negative)]
        {
            let mut e = sparse::entries(spans, counts, &[]);
            e.retain(|e| e.count != 0.0);
            (*spans, *counts) = sparse::side(&e).0;
        }
    }

    /// A copy at a lower resolution.
    pub(crate) fn at_schema(&self, schema: i32) -> FloatHistogram {
        let mut h = self.clone();
        if self.is_custom() || schema >= self.schema {
            return h;
        }
        let reduce = |spans: &[(i32, u32)], counts: &[f64]| {
            sparse::side(&sparse::reduce(sparse::entries(spans, counts, &[]), self.schema, schema, false)).0
        };
        (h.positive_spans, h.positive) = reduce(&self.positive_spans, &self.positive);
        (h.negative_spans, h.negative) = reduce(&self.negative_spans, &self.negative);
        h.schema = schema;
        h
    }
}

/// Bounds that both have.
pub(crate) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().copied().filter(|x| b.contains(x)).collect()
}

/// Buckets by the bounds in common, which may join several of each side.
fn merge_custom(
    (a, bounds_a): (&[Entry], &[f64]),
    (b, bounds_b): (&[Entry], &[f64]),
    sign: f64,
    with_c: bool,
    common: &[f64],
) -> Vec<Entry> {
    let mut target = vec![(0.0, 0.0); common.len() + 1];
    let mut put = |e: &Entry, bounds: &[f64], sign: f64, with_c: bool| {
        let upper = usize::try_from(e.index).ok().and_then(|i| bounds.get(i)).copied();
        let to = upper.map_or(common.len(), |u| common.partition_point(|c| *c < u));
        let Some(slot) = target.get_mut(to) else { return };
        *slot = kahan(if sign < 0.0 { -e.count } else { e.count }, slot.0, slot.1);
        if with_c {
            *slot = kahan(e.c, slot.0, slot.1);
        }
    };
    a.iter().for_each(|e| put(e, bounds_a, 1.0, with_c));
    b.iter().for_each(|e| put(e, bounds_b, sign, false));
    let entry = |(i, (count, c)): (usize, (f64, f64))| Entry { index: i as i32, count, c };
    target.into_iter().enumerate().filter(|(_, (v, c))| *v != 0.0 || *c != 0.0).map(entry).collect()
}
