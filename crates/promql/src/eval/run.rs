//! Evaluation of one node after the other, and the counting of samples.

use super::annotations::Annotations;
use super::context::{QueryContext, Reservation};
use super::engine::EngineOptions;
use super::error::EvalError;
use super::plan::{Kind, Node, RESERVED, Subquery};
use super::step_columns::{Cell, Grid, Steps, for_each_bit};
use super::value::{Series, Stats};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::Arc;
use tortie_model::Labels;
use tortie_model::storage::Querier;

/// What a node gives.
pub(crate) enum Out {
    /// An instant vector at each step.
    Vector(Steps),
    /// A number at each step.
    Scalar(Vec<f64>),
    /// A text.
    Str(String),
    /// Samples over time; only at the top of an instant query.
    Matrix(Vec<Series>),
}

/// The state of one query's evaluation.
pub(crate) struct Evaluator<'q> {
    pub options: &'q EngineOptions,
    pub lookback: i64,
    pub querier: &'q dyn Querier,
    pub ctx: &'q QueryContext<'q>,
    pub notes: Annotations,
    pub memory: Reservation,
    pub stats: Stats,
    /// Samples in memory, as Prometheus counts them.
    pub held: u64,
}

impl Evaluator<'_> {
    /// Evaluates `node` at all steps of `grid`.
    pub(crate) fn eval(&mut self, node: &Node, grid: Grid) -> Result<Out, EvalError> {
        self.ctx.check()?;
        // A subquery over years by milliseconds: its columns alone would not fit.
        if grid.n as u64 > self.options.max_samples {
            return Err(EvalError::TooManySamples);
        }
        let before = self.memory.bytes();
        let out = self.node(node, grid)?;
        // What the node needed in between is free again, its result is not.
        if let Out::Vector(v) = &out {
            self.memory.shrink_to(before + Steps::row_bytes(grid.n) * v.len() as u64);
        }
        Ok(out)
    }

    fn node(&mut self, node: &Node, grid: Grid) -> Result<Out, EvalError> {
        match &node.kind {
            Kind::Number(v) => {
                self.hold(grid.n as u64)?;
                Ok(Out::Scalar(vec![*v; grid.n]))
            }
            Kind::Str(s) => Ok(Out::Str(s.clone())),
            Kind::Vector(s) => Ok(Out::Vector(self.select(s, node.span, grid)?)),
            Kind::Matrix(s, range) => Ok(Out::Matrix(self.matrix(s, *range, grid)?)),
            Kind::Subquery(q) => Ok(Out::Matrix(self.subquery_matrix(q, grid)?)),
            Kind::Call(c) => self.call(c, node.span, grid),
            Kind::Aggregate(a) => Ok(Out::Vector(self.aggregate(a, node.span, grid)?)),
            Kind::Binary(b) => self.binary(b, node.span, grid),
            Kind::Neg(inner) => self.negate(inner, grid),
            Kind::Invariant(inner) => self.once(inner, grid),
        }
    }

    /// Evaluates a node that must be an instant vector.
    pub(crate) fn eval_vector(&mut self, node: &Node, grid: Grid) -> Result<Steps, EvalError> {
        match self.eval(node, grid)? {
            Out::Vector(v) => Ok(v),
            Out::Scalar(v) => {
                let mut s = Steps::new(grid.n);
                let row = s.push(Labels::empty(), false);
                for (i, v) in v.into_iter().enumerate() {
                    s.set_float(row, i, v);
                }
                Ok(s)
            }
            _ => Err(EvalError::exec("expected an instant vector")),
        }
    }

    /// Evaluates a node that must be a scalar.
    pub(crate) fn eval_scalar(&mut self, node: &Node, grid: Grid) -> Result<Vec<f64>, EvalError> {
        match self.eval(node, grid)? {
            Out::Scalar(v) => Ok(v),
            _ => Err(EvalError::exec("expected a scalar")),
        }
    }

    /// Evaluates at the first step and repeats the result at all others.
    fn once(&mut self, inner: &Node, grid: Grid) -> Result<Out, EvalError> {
        let before = self.stats.samples;
        let out = self.eval(inner, Grid::instant(grid.start))?;
        self.stats.samples = before + (self.stats.samples - before) * grid.n as u64;
        if grid.n == 1 {
            return Ok(out);
        }
        match out {
            Out::Vector(one) => {
                self.hold(one.samples() * (grid.n as u64 - 1))?;
                self.reserve_rows(grid.n, one.len())?;
                let mut all = Steps::with_capacity(grid.n, one.len());
                for i in 0..one.len() {
                    let row = all.push(one.labels[i].clone(), one.drop_name[i]);
                    let Some(cell) = one.row(i).cell(0) else { continue };
                    match cell {
                        Cell::F(v) => (0..grid.n).for_each(|s| all.set_float(row, s, v)),
                        Cell::H(h) => (0..grid.n).for_each(|s| all.set_histogram(row, s, Arc::clone(h))),
                    }
                }
                Ok(Out::Vector(all))
            }
            Out::Scalar(v) => {
                self.hold(grid.n as u64 - 1)?;
                Ok(Out::Scalar(vec![v.first().copied().unwrap_or(f64::NAN); grid.n]))
            }
            other => Ok(other),
        }
    }

    fn negate(&mut self, inner: &Node, grid: Grid) -> Result<Out, EvalError> {
        match self.eval(inner, grid)? {
            Out::Scalar(mut v) => {
                v.iter_mut().for_each(|v| *v = -*v);
                Ok(Out::Scalar(v))
            }
            Out::Vector(mut steps) => {
                for i in 0..steps.len() {
                    self.drop_name(&mut steps, i);
                    let (bits, floats) = steps.floats_mut(i);
                    for_each_bit(bits, |s| floats[s] = -floats[s]);
                    if let Some(hs) = steps.histograms_mut(i) {
                        for h in hs.iter_mut().flatten() {
                            let mut negative = h.as_ref().clone();
                            negative.mul(-1.0);
                            *h = Arc::new(negative);
                        }
                    }
                }
                if self.options.delayed_name_removal {
                    Ok(Out::Vector(steps))
                } else {
                    Ok(Out::Vector(merge_rows(steps)?))
                }
            }
            other => Ok(other),
        }
    }

    /// The grid of a subquery below a node at `grid`: its own step, aligned to multiples of it.
    pub(crate) fn subquery_grid(&self, q: &Subquery, grid: Grid) -> Grid {
        let step = if q.step != 0 { q.step } else { self.options.subquery_step_ms }.max(1);
        let (first, last) = match q.at {
            Some(at) => (at, at),
            None => (grid.start, grid.end()),
        };
        let begin = first - q.offset - q.range;
        let mut start = step * (begin / step);
        if start <= begin {
            start += step;
        }
        Grid::range(start, last - q.offset, step)
    }

    fn subquery_matrix(&mut self, q: &Subquery, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let inner = self.subquery_grid(q, grid);
        if inner.n == 0 {
            return Ok(Vec::new());
        }
        let steps = self.eval_vector(&q.expr, inner)?;
        Ok((0..steps.len())
            .map(|i| Series {
                labels: steps.labels[i].clone(),
                columns: super::engine::row_columns(&steps, i, inner),
            })
            .filter(|s| !s.columns.is_empty())
            .collect())
    }

    /// Marks the name of row `i` as gone, and takes it at once unless that is delayed.
    pub(crate) fn drop_name(&self, steps: &mut Steps, i: usize) {
        if !self.options.delayed_name_removal {
            steps.labels[i] = steps.labels[i].without(&RESERVED);
        }
        steps.drop_name[i] = true;
    }

    /// Brings rows of equal labels together, as the end of each operator does. At a single step with delayed name
    /// removal, duplicates may stand until the end of the query.
    pub(crate) fn finish(&self, steps: Steps, grid: Grid) -> Result<Steps, EvalError> {
        if grid.n == 1 && self.options.delayed_name_removal { Ok(steps) } else { merge_rows(steps) }
    }

    /// Counts `n` more samples in memory.
    pub(crate) fn hold(&mut self, n: u64) -> Result<(), EvalError> {
        self.held += n;
        self.stats.peak_samples = self.stats.peak_samples.max(self.held);
        if self.held > self.options.max_samples {
            return Err(EvalError::TooManySamples);
        }
        Ok(())
    }

    /// Ends an operator: its inputs (held since `before`) go, its result of `n` samples stays.
    pub(crate) fn replace(&mut self, before: u64, n: u64) -> Result<(), EvalError> {
        self.hold(n)?;
        self.held = before + n;
        Ok(())
    }

    /// Reserves the memory of `rows` rows of `n` steps.
    pub(crate) fn reserve_rows(&mut self, n: usize, rows: usize) -> Result<(), EvalError> {
        self.memory.grow(Steps::row_bytes(n) * rows as u64)
    }
}

/// The error of two samples with the same labels at one step.
pub(crate) fn same_labelset() -> EvalError {
    EvalError::exec("vector cannot contain metrics with the same labelset")
}

/// Brings rows of equal labels together; fails when both have a sample at the same step.
pub(crate) fn merge_rows(steps: Steps) -> Result<Steps, EvalError> {
    if steps.len() < 2 {
        return Ok(steps);
    }
    let mut rows: HashMap<&Labels, usize, RandomState> =
        HashMap::with_capacity_and_hasher(steps.len(), RandomState::default());
    let mut target = Vec::with_capacity(steps.len());
    for labels in &steps.labels {
        let next = rows.len();
        target.push(*rows.entry(labels).or_insert(next));
    }
    if rows.len() == steps.len() {
        return Ok(steps);
    }
    let mut out = Steps::with_capacity(steps.steps(), rows.len());
    for (i, &to) in target.iter().enumerate() {
        let row = steps.row(i);
        if to == out.len() {
            out.push_row(steps.labels[i].clone(), steps.drop_name[i], row);
            continue;
        }
        for s in 0..steps.steps() {
            let Some(cell) = row.cell(s) else { continue };
            if out.row(to).cell(s).is_some() {
                return Err(same_labelset());
            }
            out.set(to, s, cell);
        }
    }
    Ok(out)
}
