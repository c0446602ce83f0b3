//! The engine: options, and the two kinds of queries.

use super::annotations::Annotations;
use super::context::{QueryContext, Reservation};
use super::error::EvalError;
use super::plan::{Plan, RESERVED, Times, compile};
use super::run::{Evaluator, Out};
use super::step_columns::{Cell, Grid, Steps};
use super::value::{Answer, Sample, SampleValue, Series, Stats, Value};
use crate::ast::{Expr, ValueType};
use crate::durations::{QueryTimes, resolve};
use std::sync::Arc;
use tortie_model::Columns;
use tortie_model::storage::Queryable;

/// Trees deeper than this are evaluated on a thread with a stack of its own.
const DEPTH_ON_CALLERS_STACK: usize = 48;
/// Stack of that thread; the deepest plan needs about a quarter of it.
const DEEP_STACK: usize = 64 << 20;

/// What holds for all queries of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How long a sample counts when no newer one follows, milliseconds (`--query.lookback-delta`).
    pub lookback_ms: i64,
    /// Most samples of one query in memory (`--query.max-samples`).
    pub max_samples: u64,
    /// Step of subqueries that name none, milliseconds (the evaluation interval).
    pub subquery_step_ms: i64,
    /// Metric names go at the end of the query (`--enable-feature=promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// `__type__` and `__unit__` are looked at (`--enable-feature=type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Start timestamps of samples tell counter resets (`--enable-feature=use-start-timestamps`).
    pub use_start_timestamps: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            lookback_ms: 300_000,
            max_samples: 50_000_000,
            subquery_step_ms: 60_000,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            use_start_timestamps: false,
        }
    }
}

/// Evaluates queries.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    options: EngineOptions,
}

impl Engine {
    /// An engine with `options`.
    pub fn new(options: EngineOptions) -> Engine {
        Engine { options }
    }

    /// The options.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Evaluates `expr` at one instant (milliseconds).
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn instant(
        &self,
        data: &dyn Queryable,
        expr: &Expr,
        at_ms: i64,
        ctx: &QueryContext<'_>,
    ) -> Result<Answer, EvalError> {
        self.evaluate(data, expr, Grid::instant(at_ms), 0, at_ms, ctx)
    }

    /// Evaluates `expr` at `start_ms`, `start_ms + step_ms`, .. up to `end_ms`. It must be a scalar or an instant vector.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn range(
        &self,
        data: &dyn Queryable,
        expr: &Expr,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        ctx: &QueryContext<'_>,
    ) -> Result<Answer, EvalError> {
        let ty = expr.value_type();
        if !matches!(ty, ValueType::Vector | ValueType::Scalar) {
            return Err(EvalError::exec(format!(
                "invalid expression type {:?} for range query, must be Scalar or instant Vector",
                ty.documented()
            )));
        }
        if step_ms <= 0 {
            return Err(EvalError::exec(
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            ));
        }
        self.evaluate(data, expr, Grid::range(start_ms, end_ms, step_ms), step_ms, end_ms, ctx)
    }

    fn evaluate(
        &self,
        data: &dyn Queryable,
        expr: &Expr,
        grid: Grid,
        step: i64,
        end: i64,
        ctx: &QueryContext<'_>,
    ) -> Result<Answer, EvalError> {
        ctx.check()?;
        let mut expr = expr.clone();
        let query_times = QueryTimes { step_ms: step, range_ms: end - grid.start };
        resolve(&mut expr, query_times).map_err(|e| EvalError::exec(e.to_string()))?;
        let lookback = ctx.lookback_ms.filter(|l| *l > 0).unwrap_or(self.options.lookback_ms);
        let plan = compile(&expr, Times { start: grid.start, end, step, lookback })?;
        if plan.depth <= DEPTH_ON_CALLERS_STACK {
            return self.execute(data, &plan, grid, step > 0, lookback, ctx);
        }
        std::thread::scope(|scope| {
            let run = || self.execute(data, &plan, grid, step > 0, lookback, ctx);
            let thread = std::thread::Builder::new().name("query-deep".to_owned()).stack_size(DEEP_STACK);
            match thread.spawn_scoped(scope, run) {
                Ok(handle) => match handle.join() {
                    Ok(answer) => answer,
                    // The border that catches panics is the caller's, on whichever stack the query ran.
                    Err(panic) => std::panic::resume_unwind(panic),
                },
                Err(e) => {
                    Err(EvalError::exec(format!("cannot start a thread for a deeply nested query: {e}")))
                }
            }
        })
    }

    fn execute(
        &self,
        data: &dyn Queryable,
        plan: &Plan,
        grid: Grid,
        range: bool,
        lookback: i64,
        ctx: &QueryContext<'_>,
    ) -> Result<Answer, EvalError> {
        let querier = data.querier(plan.mint, plan.maxt)?;
        let mut ev = Evaluator {
            options: &self.options,
            lookback,
            querier: querier.as_ref(),
            ctx,
            notes: Annotations::default(),
            memory: Reservation::new(ctx.budget.clone()),
            stats: Stats::default(),
            held: 0,
        };
        let out = if grid.n == 0 { Out::Vector(Steps::new(1)) } else { ev.eval(&plan.root, grid)? };
        let out = ev.clean_names(out)?;
        let value = answer(out, plan.root.ty, grid, range);
        let (warnings, infos) = ev.notes.texts(ctx.query);
        Ok(Answer { value, warnings, infos, stats: ev.stats })
    }
}

impl Evaluator<'_> {
    /// Takes the names away that delayed removal kept.
    fn clean_names(&self, out: Out) -> Result<Out, EvalError> {
        match out {
            Out::Vector(mut steps) if self.options.delayed_name_removal => {
                for (labels, drop) in steps.labels.iter_mut().zip(&steps.drop_name) {
                    if *drop {
                        *labels = labels.without(&RESERVED);
                    }
                }
                Ok(Out::Vector(super::run::merge_rows(steps)?))
            }
            other => Ok(other),
        }
    }
}

/// The public form of a result.
fn answer(out: Out, ty: ValueType, grid: Grid, range: bool) -> Value {
    match out {
        Out::Str(s) => Value::Str { t: grid.start, s },
        Out::Matrix(mut series) => {
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            Value::Matrix(series)
        }
        Out::Scalar(v) if range => {
            let t: Vec<i64> = (0..v.len()).map(|i| grid.at(i)).collect();
            let columns = Columns { t, v, ..Columns::default() };
            Value::Matrix(vec![Series { labels: tortie_model::Labels::empty(), columns }])
        }
        Out::Scalar(v) => Value::Scalar { t: grid.start, v: v.first().copied().unwrap_or(f64::NAN) },
        Out::Vector(steps) if range => Value::Matrix(matrix(&steps, grid)),
        Out::Vector(steps) => {
            debug_assert!(ty == ValueType::Vector);
            Value::Vector(vector(&steps, grid.start))
        }
    }
}

fn vector(steps: &Steps, t: i64) -> Vec<Sample> {
    let mut out = Vec::with_capacity(steps.len());
    for i in 0..steps.len() {
        let Some(cell) = steps.row(i).cell(0) else { continue };
        let v = match cell {
            Cell::F(v) => SampleValue::Float(v),
            Cell::H(h) => SampleValue::Histogram(Arc::clone(h)),
        };
        out.push(Sample { labels: steps.labels[i].clone(), t, v });
    }
    out
}

fn matrix(steps: &Steps, grid: Grid) -> Vec<Series> {
    let mut out = Vec::with_capacity(steps.len());
    for i in 0..steps.len() {
        let columns = row_columns(steps, i, grid);
        if !columns.is_empty() {
            out.push(Series { labels: steps.labels[i].clone(), columns });
        }
    }
    out.sort_by(|a, b| a.labels.cmp(&b.labels));
    out
}

/// Row `i` as samples at the times of the grid.
pub(crate) fn row_columns(steps: &Steps, i: usize, grid: Grid) -> Columns {
    let mut columns = Columns::default();
    let row = steps.row(i);
    let present: usize = row.bits.iter().map(|w| w.count_ones() as usize).sum();
    if present == grid.n {
        columns.t = (0..grid.n).map(|s| grid.at(s)).collect();
        columns.v = row.floats.to_vec();
    } else {
        columns.t.reserve_exact(present);
        columns.v.reserve_exact(present);
        super::step_columns::for_each_bit(row.bits, |s| columns.push(grid.at(s), row.floats[s]));
    }
    for (s, h) in row.histograms.iter().flat_map(|hs| hs.iter()).enumerate() {
        if let Some(h) = h {
            columns.histograms.push(h.to_run(grid.at(s)));
        }
    }
    columns
}
