//! One operator over two elements, floats or histograms.

use super::super::annotations::{Annotations, Operation};
use super::super::error::EvalError;
use super::super::histogram::{FloatHistogram, HistogramError};
use super::super::math::go;
use super::super::step_columns::{Cell, Steps};
use crate::ast::BinaryOp;
use crate::span::Span;
use std::sync::Arc;

/// A result that is not yet in its column.
#[derive(Clone)]
pub(crate) enum Kept {
    F(f64),
    H(Arc<FloatHistogram>),
}

impl Kept {
    pub(crate) fn of(cell: Cell<'_>) -> Kept {
        match cell {
            Cell::F(v) => Kept::F(v),
            Cell::H(h) => Kept::H(Arc::clone(h)),
        }
    }

    pub(crate) fn put(self, out: &mut Steps, row: usize, step: usize) {
        match self {
            Kept::F(v) => out.set_float(row, step, v),
            Kept::H(h) => out.set_histogram(row, step, h),
        }
    }
}

/// A value and whether it is kept; comparisons give the left one.
#[inline]
pub(crate) fn float_op(op: BinaryOp, l: f64, r: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (l + r, true),
        BinaryOp::Sub => (l - r, true),
        BinaryOp::Mul => (l * r, true),
        BinaryOp::Div => (l / r, true),
        BinaryOp::Pow => (go::pow(l, r), true),
        BinaryOp::Mod => (go::modulo(l, r), true),
        BinaryOp::Atan2 => (go::atan2(l, r), true),
        _ => (l, compares(op, l, r)),
    }
}

/// Whether a comparison holds.
#[inline]
pub(crate) fn compares(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Eq => l == r,
        BinaryOp::Ne => l != r,
        BinaryOp::Gt => l > r,
        BinaryOp::Lt => l < r,
        BinaryOp::Ge => l >= r,
        BinaryOp::Le => l <= r,
        _ => false,
    }
}

/// A vector's element with a scalar. `None` for keep: the operator does not take these kinds, which is noted.
pub(crate) fn elements(
    op: BinaryOp,
    cell: Cell<'_>,
    scalar: f64,
    swap: bool,
    span: Span,
    notes: &mut Annotations,
) -> Result<(Kept, Option<bool>), EvalError> {
    let (l, r) = if swap { (Cell::F(scalar), cell) } else { (cell, Cell::F(scalar)) };
    apply(op, l, r, span, notes)
}

fn kind(cell: Cell<'_>) -> &'static str {
    match cell {
        Cell::F(_) => "float",
        Cell::H(_) => "histogram",
    }
}

/// Two elements. `None` for keep: the operator does not take these kinds, which is noted.
pub(crate) fn apply(
    op: BinaryOp,
    l: Cell<'_>,
    r: Cell<'_>,
    span: Span,
    notes: &mut Annotations,
) -> Result<(Kept, Option<bool>), EvalError> {
    let histogram = |mut h: FloatHistogram| {
        h.compact();
        (Kept::H(Arc::new(h)), Some(true))
    };
    match (l, r, op) {
        (Cell::F(_), Cell::F(_), BinaryOp::TrimLower | BinaryOp::TrimUpper) => {}
        (Cell::F(l), Cell::F(r), op) => {
            let (v, keep) = float_op(op, l, r);
            return Ok((Kept::F(v), Some(keep)));
        }
        (Cell::F(l), Cell::H(r), BinaryOp::Mul) => {
            let mut h = r.as_ref().clone();
            h.mul(l);
            return Ok(histogram(h));
        }
        (Cell::H(l), Cell::F(r), BinaryOp::Mul) => {
            let mut h = l.as_ref().clone();
            h.mul(r);
            return Ok(histogram(h));
        }
        (Cell::H(l), Cell::F(r), BinaryOp::Div) => {
            let mut h = l.as_ref().clone();
            h.div(r);
            return Ok(histogram(h));
        }
        (Cell::H(l), Cell::F(r), BinaryOp::TrimUpper | BinaryOp::TrimLower) => {
            let mut h = l.as_ref().clone();
            h.trim(r, op == BinaryOp::TrimUpper);
            return Ok((Kept::H(Arc::new(h)), Some(true)));
        }
        (Cell::H(l), Cell::H(r), BinaryOp::Add | BinaryOp::Sub) => {
            let mut h = l.as_ref().clone();
            let add = op == BinaryOp::Add;
            let operation = if add { Operation::Addition } else { Operation::Subtraction };
            let merged = if add { h.add(r) } else { h.sub(r) };
            match merged {
                Ok(m) => {
                    if !add {
                        h.hint = tortie_model::columns::ResetHint::Gauge;
                    }
                    if m.reset_collision {
                        notes.reset_collision(operation, span);
                    } else if m.bounds_reconciled {
                        notes.custom_bounds_reconciled(operation, span);
                    }
                    return Ok(histogram(h));
                }
                Err(HistogramError::IncompatibleSchema) => {
                    notes.incompatible_layout(op.as_str(), span);
                    return Ok((Kept::F(0.0), None));
                }
            }
        }
        (Cell::H(l), Cell::H(r), BinaryOp::Eq | BinaryOp::Ne) => {
            let keep = l.same(r) == (op == BinaryOp::Eq);
            return Ok((Kept::H(Arc::clone(l)), Some(keep)));
        }
        _ => {}
    }
    notes.incompatible_types(kind(l), op.as_str(), kind(r), span);
    Ok((Kept::F(0.0), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        assert_eq!(float_op(BinaryOp::Mod, -5.0, 3.0), (-2.0, true));
        assert_eq!(float_op(BinaryOp::Pow, 2.0, 10.0), (1024.0, true));
        assert_eq!(float_op(BinaryOp::Gt, 1.0, 2.0), (1.0, false));
        assert!(float_op(BinaryOp::Ne, f64::NAN, f64::NAN).1);
    }
}
