//! Counter resets and equality of histograms.

use super::ops::common_bounds;
use super::sparse::{self, Entry};
use super::{FloatHistogram, bounds};
use tortie_model::columns::ResetHint;

impl FloatHistogram {
    /// Whether a counter was reset between `previous` and this one.
    pub fn detect_reset(&self, previous: &FloatHistogram) -> bool {
        match self.hint {
            ResetHint::Reset => return true,
            ResetHint::NotReset => return false,
            ResetHint::Unknown | ResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.is_custom() {
            if !previous.is_custom() {
                return true;
            }
            if self.custom_values != previous.custom_values {
                return self.reset_with_other_bounds(previous);
            }
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (previous_zero, threshold, _) = previous.zero_count_for(self.zero_threshold, None);
        if threshold != self.zero_threshold || self.zero_count < previous_zero {
            return true;
        }
        self.side_fell(
            &self.positive_spans,
            &self.positive,
            previous,
            &previous.positive_spans,
            &previous.positive,
        ) || self.side_fell(
            &self.negative_spans,
            &self.negative,
            previous,
            &previous.negative_spans,
            &previous.negative,
        )
    }

    fn side_fell(
        &self,
        spans: &[(i32, u32)],
        counts: &[f64],
        previous: &FloatHistogram,
        previous_spans: &[(i32, u32)],
        previous_counts: &[f64],
    ) -> bool {
        let outside =
            |e: &Entry| self.is_custom() || bounds::exponential(e.index, self.schema) > self.zero_threshold;
        let mut now = sparse::entries(spans, counts, &[]).into_iter().skip_while(|e| !outside(e)).peekable();
        let before = sparse::reduce(
            sparse::entries(previous_spans, previous_counts, &[]),
            previous.schema,
            self.schema,
            false,
        );
        for e in before.iter().skip_while(|e| !outside(e)) {
            while now.next_if(|n| n.index < e.index).is_some() {}
            let count = now.peek().filter(|n| n.index == e.index).map(|n| n.count);
            if count.map_or(e.count != 0.0, |c| c < e.count) {
                return true;
            }
        }
        false
    }

    /// Counts between the bounds in common decide.
    fn reset_with_other_bounds(&self, previous: &FloatHistogram) -> bool {
        let common = common_bounds(&self.custom_values, &previous.custom_values);
        let by_common = |h: &FloatHistogram| {
            let mut sums = vec![0.0; common.len() + 1];
            for e in sparse::entries(&h.positive_spans, &h.positive, &[]) {
                let (_, upper) = bounds::positive(e.index, h.schema, &h.custom_values);
                if let Some(s) = sums.get_mut(common.partition_point(|c| *c < upper)) {
                    *s += e.count;
                }
            }
            sums
        };
        by_common(self).iter().zip(&by_common(previous)).any(|(now, before)| now < before)
    }

    /// Whether both hold the same, hints apart and bit for bit.
    pub fn same(&self, other: &FloatHistogram) -> bool {
        let bits = |h: &FloatHistogram| [h.count.to_bits(), h.sum.to_bits(), h.zero_count.to_bits()];
        let side = |spans: &[(i32, u32)], counts: &[f64]| -> Vec<(i32, u64)> {
            sparse::entries(spans, counts, &[]).iter().map(|e| (e.index, e.count.to_bits())).collect()
        };
        self.schema == other.schema
            && bits(self) == bits(other)
            && (!self.is_custom() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && side(&self.positive_spans, &self.positive) == side(&other.positive_spans, &other.positive)
            && side(&self.negative_spans, &self.negative) == side(&other.negative_spans, &other.negative)
    }
}
