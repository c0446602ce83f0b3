//! Functions over ranges: one series at a time, all its windows in one go.

mod call;
mod changes;
pub(crate) mod extended;
mod extremes;
mod histograms;
mod picks;
mod rate;
mod regress;
mod smoothed;
mod sums;

use super::annotations::Annotations;
use super::histogram::FloatHistogram;
use super::samples::Samples;
use super::step_columns::Steps;
use crate::span::Span;
use std::sync::Arc;

/// What a series' samples look like from one step.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// Floats in the window: `flo..fhi`.
    pub flo: usize,
    pub fhi: usize,
    /// Histograms in the window: `hlo..hhi`.
    pub hlo: usize,
    pub hhi: usize,
    /// Time of the step.
    pub t: i64,
    /// The range is `(start, end]`, whatever the window's samples are.
    pub start: i64,
    pub end: i64,
    /// Which step.
    pub step: usize,
}

impl Window {
    pub(crate) fn is_empty(&self) -> bool {
        self.flo == self.fhi && self.hlo == self.hhi
    }

    pub(crate) fn floats(&self) -> usize {
        self.fhi - self.flo
    }

    pub(crate) fn hists(&self) -> usize {
        self.hhi - self.hlo
    }
}

/// One series and everything a function needs to know of the call.
pub(crate) struct Series<'a> {
    pub samples: &'a Samples,
    pub windows: &'a [Window],
    /// Metric name, or empty.
    pub name: &'a str,
    /// Place of the range vector argument.
    pub span: Span,
    /// Length of the range in milliseconds.
    pub range: i64,
    pub lookback: i64,
    pub anchored: bool,
    pub smoothed: bool,
    /// Start timestamps of the floats, empty when they do not count.
    pub starts: &'a [i64],
    /// Start timestamps of the histograms, empty when they do not count.
    pub hist_starts: &'a [i64],
    /// Other arguments, a value a step each.
    pub params: &'a [Vec<f64>],
    /// Their places.
    pub param_spans: &'a [Span],
}

impl Series<'_> {
    /// Start timestamp of histogram `i` of the series; 0 is unknown.
    pub(crate) fn hist_start(&self, i: usize) -> i64 {
        self.hist_starts.get(i).copied().unwrap_or(0)
    }

    /// Whether start timestamps say that a counter began anew before histogram `i` of the series.
    pub(crate) fn hist_start_reset(&self, i: usize) -> bool {
        if self.hist_starts.is_empty() || i == 0 {
            return false;
        }
        let t = &self.samples.ht;
        rate::start_reset(self.hist_start(i - 1), t[i - 1], self.hist_start(i), t[i])
    }

    pub(crate) fn param(&self, i: usize, step: usize) -> Option<f64> {
        self.params.get(i)?.get(step).copied()
    }
}

/// Where a function puts its results.
pub(crate) struct Sink<'a> {
    pub steps: &'a mut Steps,
    pub row: usize,
    pub notes: &'a mut Annotations,
}

impl Sink<'_> {
    #[inline]
    pub(crate) fn float(&mut self, step: usize, v: f64) {
        self.steps.set_float(self.row, step, v);
    }

    pub(crate) fn histogram(&mut self, step: usize, h: Arc<FloatHistogram>) {
        self.steps.set_histogram(self.row, step, h);
    }

    /// Notes a window of floats that also holds histograms, which the function passes over.
    pub(crate) fn ignored(&mut self, s: &Series<'_>, w: &Window) {
        if w.hists() > 0 {
            self.notes.histogram_ignored_in_range(s.name, s.span);
        }
    }
}
