//! What test data needs: stepping through histograms and storing them as a database would.

use super::FloatHistogram;

impl FloatHistogram {
    /// The sum of both, as the operator `+` makes it.
    ///
    /// # Errors
    /// When one has exponential and the other custom buckets.
    pub fn plus(&self, other: &FloatHistogram) -> Result<FloatHistogram, super::ops::HistogramError> {
        let mut sum = self.clone();
        sum.add(other).map(|_| sum)
    }

    /// The difference, as the operator `-` makes it.
    ///
    /// # Errors
    /// When one has exponential and the other custom buckets.
    pub fn minus(&self, other: &FloatHistogram) -> Result<FloatHistogram, super::ops::HistogramError> {
        let mut difference = self.clone();
        difference.sub(other).map(|_| difference)
    }

    /// The same without empty buckets and with spans that touch joined.
    #[must_use]
    pub fn compacted(&self) -> FloatHistogram {
        let mut h = self.clone();
        h.compact();
        h
    }

    /// Whether a counter was reset between `previous` and this one.
    pub fn follows_reset(&self, previous: &FloatHistogram) -> bool {
        self.detect_reset(previous)
    }
}
