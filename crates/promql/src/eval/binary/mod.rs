//! Binary operators: scalars with scalars, vectors with scalars, vectors with vectors.

mod element;
mod matching;
mod sets;
mod vectors;
pub(crate) use vectors::text;

use super::error::EvalError;
use super::plan::{Binary, RESERVED};
use super::run::{Evaluator, Out};
use super::step_columns::{Grid, Steps, for_each_bit};
use crate::ast::BinaryOp;
use crate::span::Span;
use element::{Kept, apply, elements, float_op};

impl Evaluator<'_> {
    /// Evaluates a binary operator.
    pub(crate) fn binary(&mut self, b: &Binary, span: Span, grid: Grid) -> Result<Out, EvalError> {
        let before = self.held;
        let lhs = self.eval(&b.lhs, grid)?;
        let rhs = self.eval(&b.rhs, grid)?;
        let out = match (lhs, rhs) {
            (Out::Scalar(mut l), Out::Scalar(r)) => {
                for (l, r) in l.iter_mut().zip(&r) {
                    let (v, keep) = float_op(b.op, *l, *r);
                    *l = if b.op.is_comparison() { f64::from(u8::from(keep)) } else { v };
                }
                Out::Scalar(l)
            }
            (Out::Vector(v), Out::Scalar(s)) => Out::Vector(self.with_scalar(b, span, v, &s, false, grid)?),
            (Out::Scalar(s), Out::Vector(v)) => Out::Vector(self.with_scalar(b, span, v, &s, true, grid)?),
            (Out::Vector(l), Out::Vector(r)) => {
                let Some(matching) = &b.matching else {
                    return Err(EvalError::exec("vectors without matching"));
                };
                let out = match b.op {
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                        self.set_operator(b.op, matching, &l, &r)?
                    }
                    _ => self.vectors(b, matching, span, &l, &r, grid)?,
                };
                Out::Vector(self.finish(out, grid)?)
            }
            _ => {
                return Err(EvalError::exec(format!(
                    "operator {} needs scalars or instant vectors",
                    b.op.as_str()
                )));
            }
        };
        let n = match &out {
            Out::Vector(v) => v.samples(),
            Out::Scalar(v) => v.len() as u64,
            _ => 0,
        };
        self.replace(before, n)?;
        Ok(out)
    }

    /// A vector with a scalar; `swap` when the scalar stands on the left.
    fn with_scalar(
        &mut self,
        b: &Binary,
        span: Span,
        mut v: Steps,
        scalar: &[f64],
        swap: bool,
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let drops_name = changes_schema(b.op) || b.return_bool;
        for i in 0..v.len() {
            if v.row(i).histograms.is_some() {
                self.row_with_scalar(b, span, &mut v, i, scalar, swap)?;
            } else if matches!(b.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
                let (bits, _) = v.floats_mut(i);
                if bits.iter().any(|w| *w != 0) {
                    self.notes.incompatible_types("float", b.op.as_str(), "float", span);
                    bits.fill(0);
                }
            } else {
                let (bits, floats) = v.floats_mut(i);
                let present = bits.to_vec();
                for_each_bit(&present, |s| {
                    let (l, r) = if swap { (scalar[s], floats[s]) } else { (floats[s], scalar[s]) };
                    let (value, keep) = float_op(b.op, l, r);
                    if b.return_bool {
                        floats[s] = f64::from(u8::from(keep));
                    } else if !b.op.is_comparison() {
                        floats[s] = value;
                    } else if !keep {
                        bits[s >> 6] &= !(1 << (s & 63));
                    }
                });
            }
            if drops_name {
                self.drop_name(&mut v, i);
            }
        }
        v.retain(|_, r| !r.is_empty());
        self.finish(v, grid)
    }

    /// The same for a row that holds histograms.
    fn row_with_scalar(
        &mut self,
        b: &Binary,
        span: Span,
        v: &mut Steps,
        i: usize,
        scalar: &[f64],
        swap: bool,
    ) -> Result<(), EvalError> {
        let mut out = Steps::new(v.steps());
        let row = out.push(v.labels[i].clone(), v.drop_name[i]);
        for (s, &k) in scalar.iter().enumerate() {
            let Some(cell) = v.row(i).cell(s) else { continue };
            let (mut value, keep) = elements(b.op, cell, k, swap, span, &mut self.notes)?;
            let Some(keep) = keep else { continue };
            if b.op.is_comparison() && swap {
                value = Kept::of(cell);
            }
            if b.return_bool {
                value = Kept::F(f64::from(u8::from(keep)));
            } else if !keep {
                continue;
            }
            value.put(&mut out, row, s);
        }
        v.clear_histograms(i);
        let (bits, floats) = v.floats_mut(i);
        bits.copy_from_slice(out.row(row).bits);
        floats.copy_from_slice(out.row(row).floats);
        for (s, h) in out.row(row).histograms.into_iter().flat_map(|h| h.iter()).enumerate() {
            if let Some(h) = h {
                v.set_histogram(i, s, std::sync::Arc::clone(h));
            }
        }
        Ok(())
    }
}

/// Whether the result of an operator is something else than the metric it came from.
pub(crate) fn changes_schema(op: BinaryOp) -> bool {
    use BinaryOp::{Add, Atan2, Div, Mod, Mul, Pow, Sub};
    matches!(op, Add | Sub | Div | Mul | Pow | Mod | Atan2)
}

/// Labels without name, type and unit.
pub(crate) fn without_reserved(labels: &tortie_model::Labels) -> tortie_model::Labels {
    labels.without(&RESERVED)
}
