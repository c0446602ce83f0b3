//! Smoothed instant selectors: values interpolated between the samples on both sides of a step.

use super::super::error::EvalError;
use super::super::plan::Selector;
use super::super::run::Evaluator;
use super::super::samples::{Samples, Slider};
use super::super::select::BATCH;
use super::super::step_columns::{Grid, Steps};
use super::extended::interpolate;
use super::histograms;
use crate::span::Span;
use std::sync::Arc;
use tortie_model::Columns;
use tortie_model::columns::ResetHint;

impl Evaluator<'_> {
    /// A smoothed selector at each step.
    pub(crate) fn select_smoothed(
        &mut self,
        s: &Selector,
        span: Span,
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let lookback = self.lookback;
        let (mint, maxt) = (s.reference(grid.start) - lookback + 1, s.reference(grid.end()) + lookback);
        let set = self.open(s, mint, maxt, grid.interval)?;
        self.reserve_rows(grid.n, set.len())?;
        let mut out = Steps::with_capacity(grid.n, set.len());
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            if i % BATCH == 0 {
                self.ctx.check()?;
            }
            set.read(i, mint, maxt, &mut scratch)?;
            samples.take(&mut scratch);
            samples.drop_stale();
            if samples.is_empty() {
                continue;
            }
            let labels = set.labels(i);
            let row = out.push(labels.clone(), false);
            let (mut fs, mut hs) = (Slider::default(), Slider::default());
            for step in 0..grid.n {
                let at = s.reference(grid.at(step));
                let f = fs.slide(&samples.t, at - lookback, at + lookback);
                let h = hs.slide(&samples.ht, at - lookback, at + lookback);
                if !f.is_empty() && !h.is_empty() {
                    self.notes.mixed_range(labels.metric_name(), span);
                    continue;
                }
                if !h.is_empty() {
                    let next = h.start + samples.ht[h.clone()].partition_point(|t| *t < at);
                    if let Some(value) = self.smooth_histogram(
                        &samples,
                        (h.start, h.end),
                        next,
                        at,
                        labels.metric_name(),
                        span,
                    ) {
                        out.set_histogram(row, step, value);
                    }
                    continue;
                }
                let next = f.start + samples.t[f.clone()].partition_point(|t| *t < at);
                let point = |i: usize| (samples.t[i], samples.v[i]);
                if next < f.end && samples.t[next] == at {
                    out.set_float(row, step, samples.v[next]);
                } else if next > f.start && next < f.end {
                    out.set_float(row, step, interpolate(point(next - 1), point(next), at, false));
                } else if next > f.start {
                    out.set_float(row, step, samples.v[next - 1]);
                }
            }
            let n = out.row(row).samples();
            if n == 0 {
                out.pop();
            }
            self.count(n)?;
        }
        Ok(out)
    }

    fn smooth_histogram(
        &mut self,
        samples: &Samples,
        (from, until): (usize, usize),
        next: usize,
        at: i64,
        name: &str,
        span: Span,
    ) -> Option<Arc<super::super::histogram::FloatHistogram>> {
        if next < until && samples.ht[next] == at {
            return Some(Arc::clone(&samples.h[next]));
        }
        let before = next.checked_sub(1).filter(|i| *i >= from)?;
        let (a, ta) = (&samples.h[before], samples.ht[before]);
        if next >= until {
            let mut h = a.as_ref().clone();
            h.hint = ResetHint::Unknown;
            return Some(Arc::new(h));
        }
        let (b, tb) = (&samples.h[next], samples.ht[next]);
        if a.is_custom() != b.is_custom() {
            self.notes.mixed_exponential_custom(name, span);
            return None;
        }
        let counter = a.hint != ResetHint::Gauge || b.hint != ResetHint::Gauge;
        match histograms::interpolate((a, ta), (b, tb), at, counter, span, &mut self.notes) {
            Ok(h) => Some(Arc::new(h)),
            Err(_) => {
                self.notes.mixed_exponential_custom(name, span);
                None
            }
        }
    }
}
