//! Answers of the engine: scalars, strings, vectors and matrices with their annotations and statistics.

use super::histogram::FloatHistogram;
use std::sync::Arc;
use tortie_model::{Columns, Labels};

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the expression evaluates to.
    pub value: Value,
    /// Texts that start with `PromQL warning: `, in the order in which they were first seen.
    pub warnings: Vec<String>,
    /// Texts that start with `PromQL info: `, in the order in which they were first seen.
    pub infos: Vec<String>,
    /// What the evaluation cost.
    pub stats: Stats,
}

/// What an evaluation cost, counted as Prometheus counts samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples looked at (`totalQueryableSamples`).
    pub samples: u64,
    /// Most samples in memory at once (`peakSamples`).
    pub peak_samples: u64,
    /// Series selected, summed over selectors.
    pub series: u64,
}

/// The value of an expression.
#[derive(Debug, Clone)]
pub enum Value {
    /// One number.
    Scalar {
        /// Evaluation time, milliseconds.
        t: i64,
        /// The number.
        v: f64,
    },
    /// One string.
    Str {
        /// Evaluation time, milliseconds.
        t: i64,
        /// The string.
        s: String,
    },
    /// One sample a series at the evaluation time, in the order the expression gives.
    Vector(Vec<Sample>),
    /// Samples over time, ascending by labels.
    Matrix(Vec<Series>),
}

/// One sample of a vector.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// Evaluation time, milliseconds.
    pub t: i64,
    /// The value.
    pub v: SampleValue,
}

/// A float or a native histogram.
#[derive(Debug, Clone)]
pub enum SampleValue {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

/// One series of a matrix.
#[derive(Debug, Clone)]
pub struct Series {
    /// The series.
    pub labels: Labels,
    /// Its samples.
    pub columns: Columns,
}
