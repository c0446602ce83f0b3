//! `and`, `or`, `unless`: presence of the other side's signatures as bits over the steps.

use super::super::error::EvalError;
use super::super::run::Evaluator;
use super::super::step_columns::{Steps, for_each_bit};
use super::matching::Signatures;
use crate::ast::{BinaryOp, VectorMatching};

impl Evaluator<'_> {
    /// Evaluates a set operator.
    pub(crate) fn set_operator(
        &mut self,
        op: BinaryOp,
        matching: &VectorMatching,
        l: &Steps,
        r: &Steps,
    ) -> Result<Steps, EvalError> {
        let sigs = Signatures::new(matching, l, r);
        self.reserve_rows(l.steps(), l.len())?;
        let mut out = Steps::with_capacity(l.steps(), l.len());
        match op {
            BinaryOp::Or => {
                let left = presence(l, &sigs.left, sigs.count);
                for i in 0..l.len() {
                    out.push_row(l.labels[i].clone(), l.drop_name[i], l.row(i));
                }
                for (i, sig) in sigs.right.iter().enumerate() {
                    masked(r, i, &left[*sig as usize], false, &mut out);
                }
            }
            _ => {
                let right = presence(r, &sigs.right, sigs.count);
                for (i, sig) in sigs.left.iter().enumerate() {
                    masked(l, i, &right[*sig as usize], op == BinaryOp::And, &mut out);
                }
            }
        }
        Ok(out)
    }
}

/// Steps at which each signature has a sample.
fn presence(s: &Steps, sigs: &[u32], count: usize) -> Vec<Vec<u64>> {
    let mut all = vec![vec![0u64; s.words()]; count];
    for (i, sig) in sigs.iter().enumerate() {
        if let Some(bits) = all.get_mut(*sig as usize) {
            s.row(i).or_presence(bits);
        }
    }
    all
}

/// Appends row `i` of `from` at the steps of `mask` (or at all others), unless nothing is left of it.
fn masked(from: &Steps, i: usize, mask: &[u64], at_mask: bool, out: &mut Steps) {
    let row = from.row(i);
    let mut keep = vec![0u64; mask.len()];
    row.presence_into(&mut keep);
    for (k, m) in keep.iter_mut().zip(mask) {
        *k &= if at_mask { *m } else { !*m };
    }
    if keep.iter().all(|w| *w == 0) {
        return;
    }
    let to = out.push(from.labels[i].clone(), from.drop_name[i]);
    for_each_bit(&keep, |s| {
        if let Some(cell) = row.cell(s) {
            out.set(to, s, cell);
        }
    });
}
