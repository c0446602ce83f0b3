//! `absent`: 1 where nothing is.

use super::super::error::EvalError;
use super::super::plan::{Call, Kind, Node, RESERVED};
use super::super::run::Evaluator;
use super::super::step_columns::{Grid, Steps};
use super::arg;
use tortie_model::{Labels, LabelsBuilder, MatchOp};

/// The labels that a selector fixes to one value, the metric name apart.
pub(crate) fn labels_of(node: &Node) -> Labels {
    let (Kind::Vector(s) | Kind::Matrix(s, _)) = &node.kind else { return Labels::empty() };
    let mut b = LabelsBuilder::new();
    let mut fixed: Vec<&str> = Vec::new();
    for m in &s.matchers {
        if RESERVED.contains(&m.name.as_str()) {
            continue;
        }
        if m.op == MatchOp::Equal && !fixed.contains(&m.name.as_str()) {
            b.set(&m.name, &m.value);
            fixed.push(&m.name);
        } else {
            // Two conditions on a label: it has no one value.
            b.del(&m.name);
        }
    }
    b.labels()
}

impl Evaluator<'_> {
    pub(crate) fn absent(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let v = self.vector_arg(c, 0, grid)?;
        let mut some = vec![0u64; v.words()];
        for i in 0..v.len() {
            v.row(i).or_presence(&mut some);
        }
        let mut out = Steps::new(grid.n);
        let row = out.push(labels_of(arg(c, 0)?), false);
        for s in 0..grid.n {
            if some[s >> 6] >> (s & 63) & 1 == 0 {
                out.set_float(row, s, 1.0);
            }
        }
        if out.row(row).is_empty() {
            out.pop();
        }
        Ok(out)
    }
}
