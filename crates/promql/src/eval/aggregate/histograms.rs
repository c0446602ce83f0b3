//! `sum` and `avg` of groups with native histograms, step after step.

use super::super::annotations::{Annotations, Operation};
use super::super::error::EvalError;
use super::super::histogram::{FloatHistogram, HistogramError};
use super::super::math::kahan;
use super::super::plan::Aggregate;
use super::super::step_columns::{Cell, Steps};
use crate::ast::AggregateOp;
use std::sync::Arc;
use tortie_model::columns::ResetHint;

/// A sum or mean of histograms that is kept like one of floats: as a sum while that is finite, else as a mean.
pub(crate) struct Mean {
    value: FloatHistogram,
    c: Option<FloatHistogram>,
    count: f64,
    incremental: bool,
    seen_reset: bool,
    seen_no_reset: bool,
    pub reconciled: bool,
}

impl Mean {
    pub(crate) fn new(first: &FloatHistogram) -> Mean {
        let mut m = Mean {
            value: first.clone(),
            c: None,
            count: 1.0,
            incremental: false,
            seen_reset: false,
            seen_no_reset: false,
            reconciled: false,
        };
        m.look_at(first);
        m
    }

    fn look_at(&mut self, h: &FloatHistogram) {
        self.seen_reset |= h.hint == ResetHint::Reset;
        self.seen_no_reset |= h.hint == ResetHint::NotReset;
    }

    /// Whether hints contradicted each other.
    pub(crate) fn collided(&self) -> bool {
        self.seen_reset && self.seen_no_reset
    }

    /// Adds to the sum.
    pub(crate) fn add_to_sum(&mut self, h: &FloatHistogram) -> Result<(), HistogramError> {
        self.look_at(h);
        self.reconciled |= self.value.kahan_add(h, &mut self.c)?.bounds_reconciled;
        Ok(())
    }

    /// Adds to the mean.
    pub(crate) fn add_to_mean(&mut self, h: &FloatHistogram) -> Result<(), HistogramError> {
        self.look_at(h);
        self.count += 1.0;
        if !self.incremental {
            let (mut sum, mut c) = (self.value.clone(), self.c.clone());
            self.reconciled |= sum.kahan_add(h, &mut c)?.bounds_reconciled;
            if !sum.has_overflow() {
                (self.value, self.c) = (sum, c);
                return Ok(());
            }
            self.incremental = true;
            self.value.div(self.count - 1.0);
            if let Some(c) = &mut self.c {
                c.div(self.count - 1.0);
            }
        }
        let q = (self.count - 1.0) / self.count;
        if let Some(c) = &mut self.c {
            c.mul(q);
        }
        let mut part = h.clone();
        part.div(self.count);
        self.value.mul(q);
        self.reconciled |= self.value.kahan_add(&part, &mut self.c)?.bounds_reconciled;
        Ok(())
    }

    /// The sum.
    pub(crate) fn sum(mut self) -> Result<FloatHistogram, HistogramError> {
        if let Some(c) = &self.c {
            self.value.add(c)?;
        }
        Ok(self.value)
    }

    /// The mean.
    pub(crate) fn mean(mut self) -> Result<FloatHistogram, HistogramError> {
        if !self.incremental {
            self.value.div(self.count);
            if let Some(c) = &mut self.c {
                c.div(self.count);
            }
        }
        self.sum()
    }
}

/// The group so far, at one step.
#[derive(Default)]
struct State {
    float: Option<(f64, f64, f64)>,
    incremental: bool,
    histogram: Option<Mean>,
    has_float: bool,
    has_histogram: bool,
    count: f64,
    incompatible: bool,
}

/// Sums (or means) the rows `members` of `input`, floats and histograms, into row `row` of `out`.
pub(crate) fn sum_or_avg(
    a: &Aggregate,
    input: &Steps,
    members: &[usize],
    out: &mut Steps,
    row: usize,
    notes: &mut Annotations,
) -> Result<(), EvalError> {
    let avg = a.op == AggregateOp::Avg;
    let fail = |e: HistogramError| EvalError::exec(e.to_string());
    for step in 0..input.steps() {
        let mut s = State::default();
        for &m in members {
            if s.incompatible {
                break;
            }
            match input.row(m).cell(step) {
                None => {}
                Some(Cell::F(v)) => s.float(v, avg),
                Some(Cell::H(h)) => {
                    let name = input.labels[m].metric_name();
                    s.histogram(h, avg).unwrap_or_else(|HistogramError::IncompatibleSchema| {
                        s.incompatible = true;
                        notes.mixed_exponential_custom(name, a.expr.span);
                    });
                }
            }
        }
        if s.has_float && s.has_histogram {
            notes.mixed_aggregation(a.expr.span);
            continue;
        }
        if let Some(h) = s.histogram.take() {
            if h.reconciled {
                notes.custom_bounds_reconciled(Operation::Aggregation, a.expr.span);
            }
            if s.incompatible {
                continue;
            }
            if h.collided() {
                notes.reset_collision(Operation::Aggregation, a.expr.span);
            }
            let mut h = if avg { h.mean() } else { h.sum() }.map_err(fail)?;
            h.compact();
            out.set_histogram(row, step, Arc::new(h));
        } else if let Some((v, _, c)) = s.float {
            let v = match (avg, s.incremental) {
                (false, _) | (true, true) => v + c,
                (true, false) => v / s.count + c / s.count,
            };
            out.set_float(row, step, v);
        }
    }
    Ok(())
}

impl State {
    fn float(&mut self, v: f64, avg: bool) {
        self.has_float = true;
        self.count += 1.0;
        let Some((acc, _, c)) = self.float else {
            // After a histogram the group is invalid anyway.
            self.float = Some((v, v, 0.0));
            return;
        };
        let count = self.count;
        let (acc, c) = if !avg {
            kahan(v, acc, c)
        } else if self.incremental {
            let q = (count - 1.0) / count;
            kahan(v / count, q * acc, q * c)
        } else {
            let (sum, nc) = kahan(v, acc, c);
            if sum.is_infinite() {
                self.incremental = true;
                let (mean, c) = (acc / (count - 1.0), c / (count - 1.0));
                let q = (count - 1.0) / count;
                kahan(v / count, q * mean, q * c)
            } else {
                (sum, nc)
            }
        };
        self.float = Some((acc, acc, c));
    }

    fn histogram(&mut self, h: &FloatHistogram, avg: bool) -> Result<(), HistogramError> {
        self.has_histogram = true;
        self.count += 1.0;
        match &mut self.histogram {
            // Histograms after a float are not looked at: the group is invalid.
            None if self.has_float => Ok(()),
            None => {
                self.histogram = Some(Mean::new(h));
                Ok(())
            }
            Some(m) if avg => m.add_to_mean(h),
            Some(m) => m.add_to_sum(h),
        }
    }
}
