//! Aggregations: series are sorted into groups once, then each group is worked off in the order of its series.

mod count_values;
mod floats;
mod groups;
pub(crate) mod histograms;
mod ranked;

use super::error::EvalError;
use super::plan::{Aggregate, Kind};
use super::run::Evaluator;
use super::step_columns::{Grid, Steps};
use crate::ast::AggregateOp;
use crate::span::Span;
pub(crate) use groups::{Groups, group_key, group_labels};

/// The parameter of an aggregation at each step, with its extremes.
pub(crate) struct Param {
    values: Vec<f64>,
    pub max: f64,
    pub min: f64,
    pub nan: bool,
    pub span: Span,
}

impl Param {
    fn new(values: Vec<f64>, span: Span) -> Param {
        let (mut max, mut min) = (-f64::MAX, f64::MAX);
        for v in &values {
            max = super::math::go_max(max, *v);
            min = super::math::go_min(min, *v);
        }
        let nan = values.iter().any(|v| v.is_nan());
        Param { values, max, min, nan, span }
    }

    pub(crate) fn at(&self, step: usize) -> f64 {
        self.values.get(step).copied().unwrap_or(0.0)
    }
}

impl Evaluator<'_> {
    /// Evaluates an aggregation.
    pub(crate) fn aggregate(&mut self, a: &Aggregate, span: Span, grid: Grid) -> Result<Steps, EvalError> {
        if a.op == AggregateOp::CountValues {
            return self.count_values(a, grid);
        }
        let before = self.held;
        let param = match &a.param {
            Some(p) if !matches!(p.kind, Kind::Str(_)) => {
                Some(Param::new(self.eval_scalar(p, grid)?, p.span))
            }
            _ => None,
        };
        let input = self.eval_vector(&a.expr, grid)?;
        let groups = Groups::new(&input, &a.grouping, a.without);
        let out = match (a.op, param) {
            (
                AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio,
                Some(p),
            ) => self.ranked(a, span, &p, &input, &groups, grid)?,
            (_, param) => {
                if let (AggregateOp::Quantile, Some(p)) = (a.op, &param) {
                    self.note_quantile(p);
                }
                self.grouped(a, param.as_ref(), &input, &groups)?
            }
        };
        self.replace(before, out.samples())?;
        Ok(out)
    }

    fn note_quantile(&mut self, p: &Param) {
        if p.nan {
            self.notes.invalid_quantile(f64::NAN, p.span);
        }
        if p.max > 1.0 {
            self.notes.invalid_quantile(p.max, p.span);
        }
        if p.min < 0.0 {
            self.notes.invalid_quantile(p.min, p.span);
        }
    }

    /// One row a group.
    fn grouped(
        &mut self,
        a: &Aggregate,
        param: Option<&Param>,
        input: &Steps,
        groups: &Groups,
    ) -> Result<Steps, EvalError> {
        let n = input.steps();
        self.reserve_rows(n, groups.len())?;
        let mut out = Steps::with_capacity(n, groups.len());
        for members in groups.members() {
            let Some(&first) = members.first() else { continue };
            let drop_name = members.iter().any(|m| input.drop_name[*m]);
            let row = out.push(group_labels(&input.labels[first], &a.grouping, a.without), drop_name);
            let mixed = members.iter().any(|m| input.row(*m).histograms.is_some());
            match a.op {
                AggregateOp::Sum | AggregateOp::Avg if mixed => {
                    histograms::sum_or_avg(a, input, members, &mut out, row, &mut self.notes)?;
                }
                _ => {
                    floats::aggregate(a.op, param, input, members, &mut out, row);
                    if mixed && ignores_histograms(a.op) {
                        self.notes.histogram_ignored(a.op.as_str(), a.expr.span);
                    }
                }
            }
            if out.row(row).is_empty() {
                out.pop();
            }
        }
        Ok(out)
    }
}

fn ignores_histograms(op: AggregateOp) -> bool {
    use AggregateOp::{Max, Min, Quantile, Stddev, Stdvar};
    matches!(op, Max | Min | Quantile | Stddev | Stdvar)
}
