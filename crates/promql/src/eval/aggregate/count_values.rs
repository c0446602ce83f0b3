//! `count_values`: how many series of a group have which value.

use super::super::annotations::quote;
use super::super::error::EvalError;
use super::super::math::format_f;
use super::super::plan::{Aggregate, Kind};
use super::super::run::Evaluator;
use super::super::step_columns::{Cell, Grid, Steps};
use super::groups::group_labels;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use tortie_model::Labels;

impl Evaluator<'_> {
    /// Evaluates `count_values`.
    pub(crate) fn count_values(&mut self, a: &Aggregate, grid: Grid) -> Result<Steps, EvalError> {
        let before = self.held;
        let Some(Kind::Str(label)) = a.param.as_ref().map(|p| &p.kind) else {
            return Err(EvalError::exec("count_values needs a label name"));
        };
        if label.is_empty() {
            return Err(EvalError::exec(format!("invalid label name {}", quote(label))));
        }
        let mut grouping = a.grouping.clone();
        if !a.without {
            grouping.push(label.clone());
            grouping.sort();
            grouping.dedup();
        }
        let input = self.eval_vector(&a.expr, grid)?;
        let mut out = Steps::new(grid.n);
        let mut rows: HashMap<Labels, usize, RandomState> = HashMap::default();
        for i in 0..input.len() {
            let row = input.row(i);
            // Rows of the values that this series already had.
            let mut known: HashMap<u64, usize, RandomState> = HashMap::default();
            for step in 0..grid.n {
                let Some(cell) = row.cell(step) else { continue };
                let seen = match cell {
                    Cell::F(v) => known.get(&v.to_bits()).copied(),
                    Cell::H(_) => None,
                };
                let to = match seen {
                    Some(to) => to,
                    None => {
                        let text = match cell {
                            Cell::F(v) => format_f(v),
                            Cell::H(h) => h.to_string(),
                        };
                        let mut b = input.labels[i].builder();
                        b.set(label, &text);
                        let labels = group_labels(&b.labels(), &grouping, a.without);
                        let to = match rows.get(&labels) {
                            Some(&to) => to,
                            None => {
                                self.reserve_rows(grid.n, 1)?;
                                let to = out.push(labels.clone(), false);
                                rows.insert(labels, to);
                                to
                            }
                        };
                        if let Cell::F(v) = cell {
                            known.insert(v.to_bits(), to);
                        }
                        to
                    }
                };
                let so_far = out.row(to).float(step).unwrap_or(0.0);
                out.set_float(to, step, so_far + 1.0);
            }
        }
        self.replace(before, out.samples())?;
        Ok(out)
    }
}
