//! Native histograms as the evaluator holds them: float counts, absolute, one object a sample.

mod bounds;
pub mod buckets;
mod ops;
pub(crate) mod quantile;
mod resets;
mod scripted;
mod sparse;
mod trim;

pub use ops::{HistogramError, Merged};
use std::sync::Arc;
use tortie_model::HistogramRun;
use tortie_model::columns::ResetHint;

/// Schema of histograms with custom bounds.
pub const CUSTOM_SCHEMA: i32 = -53;

/// One native histogram with float counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FloatHistogram {
    /// What is known about a counter reset before this sample.
    pub hint: ResetHint,
    /// Resolution: -4..=8 for exponential buckets, [`CUSTOM_SCHEMA`] for custom bounds.
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// Observations.
    pub count: f64,
    /// Sum of observations.
    pub sum: f64,
    /// Spans of the positive buckets: gap to the previous span's end (or first index), length.
    pub positive_spans: Vec<(i32, u32)>,
    /// Spans of the negative buckets.
    pub negative_spans: Vec<(i32, u32)>,
    /// Counts of the positive buckets.
    pub positive: Vec<f64>,
    /// Counts of the negative buckets.
    pub negative: Vec<f64>,
    /// Upper bounds of custom buckets, without the last one at +Inf.
    pub custom_values: Arc<[f64]>,
}

impl FloatHistogram {
    /// Whether the buckets have custom bounds.
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_SCHEMA
    }

    /// How many float samples weigh as much, as Prometheus counts against its limit.
    pub(crate) fn size_in_samples(&self) -> u64 {
        let spans = (self.positive_spans.len() + self.negative_spans.len()) * 8;
        let counts = (self.positive.len() + self.negative.len() + self.custom_values.len()) * 8;
        ((168 + spans + counts + 8) / 16) as u64
    }

    /// The samples of a run, each with its time. Hints are those a reader of the chunk sees: no reset happens within a
    /// chunk. Nothing is known of its first sample, whatever the chunk's header says, as the chunk before may be gone; a
    /// run that begins within a chunk says [`ResetHint::NotReset`].
    pub fn from_run(run: &HistogramRun) -> impl Iterator<Item = (i64, FloatHistogram)> + '_ {
        let pos: usize = run.positive_spans.iter().map(|s| s.1 as usize).sum();
        let neg: usize = run.negative_spans.iter().map(|s| s.1 as usize).sum();
        let custom: Arc<[f64]> = run.custom_values.as_slice().into();
        let row = pos + neg;
        run.t.iter().enumerate().map(move |(i, &t)| {
            let get = |v: &[f64]| v.get(i).copied().unwrap_or(0.0);
            let buckets = run.buckets.get(i * row..(i + 1) * row).unwrap_or(&[]);
            let (p, n) = buckets.split_at(pos.min(buckets.len()));
            let hint = match run.reset_hint {
                ResetHint::Gauge => ResetHint::Gauge,
                ResetHint::NotReset => ResetHint::NotReset,
                _ if i > 0 => ResetHint::NotReset,
                _ => ResetHint::Unknown,
            };
            let h = FloatHistogram {
                hint,
                schema: run.schema,
                zero_threshold: run.zero_threshold,
                zero_count: get(&run.zero_count),
                count: get(&run.count),
                sum: get(&run.sum),
                positive_spans: run.positive_spans.clone(),
                negative_spans: run.negative_spans.clone(),
                positive: p.to_vec(),
                negative: n.to_vec(),
                custom_values: Arc::clone(&custom),
            };
            (t, h)
        })
    }

    /// This histogram as a run of one sample at `t`.
    pub fn to_run(&self, t: i64) -> HistogramRun {
        let mut buckets = self.positive.clone();
        buckets.extend_from_slice(&self.negative);
        HistogramRun {
            t: vec![t],
            st: Vec::new(),
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            custom_values: self.custom_values.to_vec(),
            count: vec![self.count],
            sum: vec![self.sum],
            zero_count: vec![self.zero_count],
            buckets,
            reset_hint: self.hint,
        }
    }
}
