//! `topk`, `bottomk`, `limitk`, `limit_ratio`: some series of each group at each step, labels and all.

use super::super::error::EvalError;
use super::super::math::format_g;
use super::super::plan::Aggregate;
use super::super::run::Evaluator;
use super::super::step_columns::{Cell, Grid, Steps};
use super::{Groups, Param};
use crate::ast::AggregateOp;
use crate::span::Span;
use tortie_model::labels_hash;

const MAX_INT: f64 = 9_223_372_036_854_774_784.0;
const MIN_INT: f64 = -9_223_372_036_854_775_808.0;

/// A row and its value at the step; histograms weigh 0.
type Entry = (usize, f64);

impl Evaluator<'_> {
    pub(crate) fn ranked(
        &mut self,
        a: &Aggregate,
        span: Span,
        p: &Param,
        input: &Steps,
        groups: &Groups,
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let mut out = Steps::new(grid.n);
        if !self.parameter_is_of_use(a.op, p)? {
            return Ok(out);
        }
        self.reserve_rows(grid.n, input.len())?;
        // Row of the output for each row of the input.
        let mut placed: Vec<Option<usize>> = vec![None; input.len()];
        let hashes = match a.op {
            AggregateOp::LimitRatio => {
                input.labels.iter().map(|l| labels_hash::hash(l) as f64 / u64::MAX as f64).collect()
            }
            _ => Vec::new(),
        };
        let mut heaps: Vec<Vec<Entry>> = vec![Vec::new(); groups.len()];
        for step in 0..grid.n {
            if step % 64 == 0 {
                self.ctx.check()?;
            }
            heaps.iter_mut().for_each(Vec::clear);
            let k = (p.at(step) as i64).min(input.len() as i64);
            let ratio = p.at(step).clamp(-1.0, 1.0);
            let nothing = if a.op == AggregateOp::LimitRatio { ratio == 0.0 } else { k < 1 };
            if nothing {
                continue;
            }
            let k = k.max(0) as usize;
            for (i, &g) in groups.of_row().iter().enumerate() {
                let Some(cell) = input.row(i).cell(step) else { continue };
                let Some(heap) = heaps.get_mut(g as usize) else { continue };
                match (a.op, cell) {
                    (AggregateOp::Topk | AggregateOp::Bottomk, Cell::H(_)) => {
                        self.notes.histogram_ignored(a.op.as_str(), span);
                    }
                    (AggregateOp::Topk, Cell::F(v)) => keep_best(heap, k, (i, v), less),
                    (AggregateOp::Bottomk, Cell::F(v)) => keep_best(heap, k, (i, v), greater),
                    (AggregateOp::Limitk, cell) if heap.len() < k => push(heap, (i, weight(cell)), less),
                    (AggregateOp::LimitRatio, cell) => {
                        let offset = hashes.get(i).copied().unwrap_or(0.0);
                        let within = if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio };
                        if within {
                            push(heap, (i, weight(cell)), less);
                        }
                    }
                    _ => {}
                }
            }
            for heap in &mut heaps {
                match a.op {
                    AggregateOp::Topk => sort_reverse(heap, less),
                    AggregateOp::Bottomk => sort_reverse(heap, greater),
                    _ => {}
                }
                for &(i, _) in heap.iter() {
                    let Some(cell) = input.row(i).cell(step) else { continue };
                    let Some(place) = placed.get_mut(i) else { continue };
                    let row =
                        *place.get_or_insert_with(|| out.push(input.labels[i].clone(), input.drop_name[i]));
                    out.set(row, step, cell);
                }
            }
        }
        Ok(out)
    }

    /// Checks the parameter as a whole; `false` when nothing can come of it.
    fn parameter_is_of_use(&mut self, op: AggregateOp, p: &Param) -> Result<bool, EvalError> {
        if op == AggregateOp::LimitRatio {
            if p.max == 0.0 && p.min == 0.0 {
                return Ok(false);
            }
            if p.nan {
                return Err(EvalError::exec("Ratio value is NaN"));
            }
            if p.max > 1.0 {
                self.notes.invalid_ratio(p.max, 1.0, p.span);
            }
            if p.min < -1.0 {
                self.notes.invalid_ratio(p.min, -1.0, p.span);
            }
            return Ok(true);
        }
        if p.max < 1.0 {
            return Ok(false);
        }
        if p.nan {
            return Err(EvalError::exec("Parameter value is NaN"));
        }
        if p.min <= MIN_INT {
            return Err(EvalError::exec(format!("Scalar value {} underflows int64", format_g(p.min))));
        }
        if p.max >= MAX_INT {
            return Err(EvalError::exec(format!("Scalar value {} overflows int64", format_g(p.max))));
        }
        Ok(true)
    }
}

fn weight(cell: Cell<'_>) -> f64 {
    match cell {
        Cell::F(v) => v,
        Cell::H(_) => 0.0,
    }
}

fn less(a: f64, b: f64) -> bool {
    a.is_nan() || a < b
}

fn greater(a: f64, b: f64) -> bool {
    a.is_nan() || a > b
}

/// Keeps the `k` best entries, the worst one at the top. Ties fall as in Go's `container/heap`.
fn keep_best(heap: &mut Vec<Entry>, k: usize, e: Entry, worse: fn(f64, f64) -> bool) {
    if heap.len() < k {
        push(heap, e, worse);
        return;
    }
    let Some(top) = heap.first_mut() else { return };
    let beats = if top.1.is_nan() { !e.1.is_nan() } else { !e.1.is_nan() && worse(top.1, e.1) };
    if beats {
        *top = e;
        down(heap, worse);
    }
}

fn push(heap: &mut Vec<Entry>, e: Entry, less: fn(f64, f64) -> bool) {
    heap.push(e);
    let mut j = heap.len() - 1;
    while j > 0 {
        let parent = (j - 1) / 2;
        if !less(heap[j].1, heap[parent].1) {
            break;
        }
        heap.swap(parent, j);
        j = parent;
    }
}

fn down(heap: &mut [Entry], less: fn(f64, f64) -> bool) {
    let n = heap.len();
    let mut i = 0;
    loop {
        let left = 2 * i + 1;
        if left >= n {
            return;
        }
        let right = left + 1;
        let j = if right < n && less(heap[right].1, heap[left].1) { right } else { left };
        if !less(heap[j].1, heap[i].1) {
            return;
        }
        heap.swap(i, j);
        i = j;
    }
}

/// Best first. Up to twelve entries, Go sorts by insertion, which `less` with NaN needs to come out the same.
fn sort_reverse(heap: &mut [Entry], less: fn(f64, f64) -> bool) {
    if heap.len() <= 12 {
        for i in 1..heap.len() {
            let mut j = i;
            while j > 0 && less(heap[j - 1].1, heap[j].1) {
                heap.swap(j, j - 1);
                j -= 1;
            }
        }
        return;
    }
    heap.sort_by(|a, b| match (a.1.is_nan(), b.1.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Greater,
        (false, true) => std::cmp::Ordering::Less,
        _ if less(a.1, b.1) => std::cmp::Ordering::Greater,
        _ if less(b.1, a.1) => std::cmp::Ordering::Less,
        _ => std::cmp::Ordering::Equal,
    });
}
