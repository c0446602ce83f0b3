//! Samples of one series as columns: what every chunk decodes into and every operator reads.

/// Samples of one series, ascending in time, floats and histograms apart.
///
/// A timestamp appears in one of the two only. Stale markers are ordinary floats with
/// [`crate::stale::STALE_NAN_BITS`]; histogram staleness is a run whose sums are stale markers.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Columns {
    /// Timestamps of the float samples, milliseconds since the epoch, strictly ascending.
    pub t: Vec<i64>,
    /// Values, as long as `t`.
    pub v: Vec<f64>,
    /// Start timestamps in milliseconds (0 = unknown), either empty or as long as `t`.
    pub st: Vec<i64>,
    /// Native histograms, in runs of one bucket layout each, ascending in time.
    pub histograms: Vec<HistogramRun>,
}

/// Consecutive native histogram samples that share one bucket layout.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct HistogramRun {
    /// Timestamps in milliseconds, strictly ascending.
    pub t: Vec<i64>,
    /// Start timestamps in milliseconds (0 = unknown), either empty or as long as `t`.
    pub st: Vec<i64>,
    /// Resolution: -4..=8 for exponential buckets, -53 for custom bounds.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Spans of the positive buckets: (gap to the previous span's end, or the first index; length).
    pub positive_spans: Vec<(i32, u32)>,
    /// Spans of the negative buckets.
    pub negative_spans: Vec<(i32, u32)>,
    /// Upper bounds of custom buckets (schema -53), else empty.
    pub custom_values: Vec<f64>,
    /// Observations per sample, as long as `t`.
    pub count: Vec<f64>,
    /// Sum of observations per sample, as long as `t`.
    pub sum: Vec<f64>,
    /// Observations in the zero bucket per sample, as long as `t`.
    pub zero_count: Vec<f64>,
    /// Absolute counts, one row a sample: positive buckets then negative buckets.
    pub buckets: Vec<f64>,
    /// What is known of a counter reset before the first sample; there is none within a run. [`ResetHint::NotReset`] on
    /// a run that begins within a chunk.
    pub reset_hint: ResetHint,
}

/// What the writer knew about a counter reset at the start of a histogram chunk.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum ResetHint {
    /// Not known: compare buckets.
    #[default]
    Unknown,
    /// The first sample of the run follows a reset.
    Reset,
    /// The first sample of the run follows no reset.
    NotReset,
    /// A gauge histogram: resets mean nothing.
    Gauge,
}

impl Columns {
    /// Empties all columns and keeps their memory.
    pub fn clear(&mut self) {
        self.t.clear();
        self.v.clear();
        self.st.clear();
        self.histograms.clear();
    }

    /// Whether there is neither a float nor a histogram.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty() && self.histograms.is_empty()
    }

    /// Appends one float sample; `t` must be above the last one.
    #[inline]
    pub fn push(&mut self, t: i64, v: f64) {
        self.t.push(t);
        self.v.push(v);
    }
}
