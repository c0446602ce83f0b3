//! Functions over instants, and the dispatch of all calls.

pub(crate) mod absent;
mod histograms;
pub(crate) mod info;
mod labels;
mod numbers;
mod order;
mod stamps;
pub(crate) mod time;

use super::error::EvalError;
use super::plan::{Call, Kind, Node};
use super::run::{Evaluator, Out};
use super::step_columns::{Grid, Steps, for_each_bit};
use crate::span::Span;
use tortie_model::Labels;

impl Evaluator<'_> {
    /// Evaluates a function call.
    pub(crate) fn call(&mut self, c: &Call, span: Span, grid: Grid) -> Result<Out, EvalError> {
        let name = c.func.name;
        if let ("timestamp" | "start_timestamp", Some(Kind::Vector(s))) =
            (name, c.args.first().map(|a| &a.kind))
        {
            return Ok(Out::Vector(self.timestamps_of(name, s, grid)?));
        }
        if c.args.iter().any(|a| matches!(a.kind, Kind::Matrix(..) | Kind::Subquery(_))) {
            return Ok(Out::Vector(self.range_call(c, grid)?));
        }
        if grid.n > 1 && matches!(name, "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc") {
            self.notes.sort_in_range(span);
        }
        let before = self.held;
        let out = self.instant_call(c, grid)?;
        let n = match &out {
            Out::Vector(v) => v.samples(),
            Out::Scalar(v) => v.len() as u64,
            _ => 0,
        };
        self.replace(before, n)?;
        Ok(out)
    }

    fn instant_call(&mut self, c: &Call, grid: Grid) -> Result<Out, EvalError> {
        let name = c.func.name;
        if let Some(f) = numbers::function(name) {
            let v = self.vector_arg(c, 0, grid)?;
            return Ok(Out::Vector(self.map_floats(v, grid, |_, v| f(v))?));
        }
        if let Some(f) = time::part(name) {
            return Ok(Out::Vector(self.time_part(c, grid, f)?));
        }
        match name {
            "clamp" | "clamp_min" | "clamp_max" => Ok(Out::Vector(self.clamp(c, grid)?)),
            "round" => Ok(Out::Vector(self.round(c, grid)?)),
            "max_of" | "min_of" => {
                let (a, b) = (self.scalar_arg(c, 0, grid)?, self.scalar_arg(c, 1, grid)?);
                let f = if name == "max_of" { super::math::go_max } else { super::math::go_min };
                Ok(Out::Scalar(a.iter().zip(&b).map(|(a, b)| f(*a, *b)).collect()))
            }
            "pi" => Ok(Out::Scalar(vec![std::f64::consts::PI; grid.n])),
            "time" => Ok(Out::Scalar((0..grid.n).map(|i| grid.at(i) as f64 / 1000.0).collect())),
            "scalar" => {
                let v = self.vector_arg(c, 0, grid)?;
                Ok(Out::Scalar(only_float(&v)))
            }
            "vector" => {
                let s = self.scalar_arg(c, 0, grid)?;
                let mut out = Steps::new(grid.n);
                let row = out.push(Labels::empty(), false);
                s.into_iter().enumerate().for_each(|(i, v)| out.set_float(row, i, v));
                Ok(Out::Vector(out))
            }
            "absent" => Ok(Out::Vector(self.absent(c, grid)?)),
            "timestamp" | "start_timestamp" => Ok(Out::Vector(self.step_times(c, grid)?)),
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
                Ok(Out::Vector(self.sort(c, grid)?))
            }
            "label_replace" => Ok(Out::Vector(self.label_replace(c, grid)?)),
            "label_join" => Ok(Out::Vector(self.label_join(c, grid)?)),
            "info" => Ok(Out::Vector(self.info(c, grid)?)),
            "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => {
                Ok(Out::Vector(self.histogram_ranks(c, grid)?))
            }
            _ if histograms::statistic(name).is_some() => Ok(Out::Vector(self.histogram_statistic(c, grid)?)),
            _ => Err(EvalError::Unsupported {
                what: format!("function {name} is not evaluated"),
                at: c
                    .args
                    .first()
                    .map_or_else(|| "unknown position".to_owned(), |a| a.span.line_column(self.ctx.query)),
                span: c.args.first().map_or(Span::default(), |a| a.span),
            }),
        }
    }

    /// Argument `i` as an instant vector.
    pub(crate) fn vector_arg(&mut self, c: &Call, i: usize, grid: Grid) -> Result<Steps, EvalError> {
        let node = arg(c, i)?;
        self.eval_vector(node, grid)
    }

    /// Argument `i` as a scalar.
    pub(crate) fn scalar_arg(&mut self, c: &Call, i: usize, grid: Grid) -> Result<Vec<f64>, EvalError> {
        let node = arg(c, i)?;
        self.eval_scalar(node, grid)
    }

    /// Applies `f` (step, value) to all floats; histograms and the metric name go.
    pub(crate) fn map_floats(
        &mut self,
        mut v: Steps,
        grid: Grid,
        f: impl Fn(usize, f64) -> f64,
    ) -> Result<Steps, EvalError> {
        for i in 0..v.len() {
            v.clear_histograms(i);
            let (bits, floats) = v.floats_mut(i);
            for_each_bit(bits, |s| floats[s] = f(s, floats[s]));
            self.drop_name(&mut v, i);
        }
        v.retain(|_, r| !r.is_empty());
        self.finish(v, grid)
    }
}

/// Argument `i` of a call.
pub(crate) fn arg(c: &Call, i: usize) -> Result<&Node, EvalError> {
    c.args.get(i).ok_or_else(|| EvalError::exec(format!("{} lacks argument {}", c.func.name, i + 1)))
}

/// Argument `i` of a call, a text.
pub(crate) fn text(c: &Call, i: usize) -> Result<&str, EvalError> {
    match &arg(c, i)?.kind {
        Kind::Str(s) => Ok(s),
        _ => Err(EvalError::exec(format!("{} needs a string as argument {}", c.func.name, i + 1))),
    }
}

/// The float at each step if there is exactly one, else NaN.
fn only_float(v: &Steps) -> Vec<f64> {
    let mut out = vec![f64::NAN; v.steps()];
    let mut seen = vec![0u8; v.steps()];
    for i in 0..v.len() {
        let row = v.row(i);
        for_each_bit(row.bits, |s| {
            seen[s] = seen[s].saturating_add(1);
            out[s] = if seen[s] == 1 { row.floats[s] } else { f64::NAN };
        });
    }
    out
}
