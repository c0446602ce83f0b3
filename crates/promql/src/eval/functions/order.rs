//! `sort` and its kin; only the order of instant vectors is theirs.

use super::super::error::EvalError;
use super::super::plan::Call;
use super::super::run::Evaluator;
use super::super::step_columns::{Grid, Steps};
use super::text;
use std::cmp::Ordering;
use tortie_model::Labels;

impl Evaluator<'_> {
    pub(crate) fn sort(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let mut v = self.vector_arg(c, 0, grid)?;
        let by_value = matches!(c.func.name, "sort" | "sort_desc");
        if by_value {
            for i in 0..v.len() {
                v.clear_histograms(i);
            }
            v.retain(|_, r| !r.is_empty());
        }
        if grid.n > 1 {
            return Ok(v);
        }
        let names: Vec<&str> = if by_value {
            Vec::new()
        } else {
            (1..c.args.len()).map(|i| text(c, i)).collect::<Result<_, _>>()?
        };
        let mut order: Vec<usize> = (0..v.len()).collect();
        let value = |i: usize| v.row(i).float(0).unwrap_or(f64::NAN);
        let labels = |a: usize, b: usize| by_labels(&names, &v.labels[a], &v.labels[b]);
        match c.func.name {
            "sort" => order.sort_by(|a, b| nan_last(value(*a), value(*b), false)),
            "sort_desc" => order.sort_by(|a, b| nan_last(value(*a), value(*b), true)),
            "sort_by_label" => order.sort_by(|a, b| labels(*a, *b)),
            _ => order.sort_by(|a, b| labels(*b, *a)),
        }
        let mut out = Steps::with_capacity(grid.n, v.len());
        for i in order {
            out.push_row(v.labels[i].clone(), v.drop_name[i], v.row(i));
        }
        self.finish(out, grid)
    }
}

fn nan_last(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        _ => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

fn by_labels(names: &[&str], a: &Labels, b: &Labels) -> Ordering {
    for name in names {
        let (x, y) = (a.value(name), b.value(name));
        if x != y {
            return if natural_before(x, y) { Ordering::Less } else { Ordering::Greater };
        }
    }
    a.cmp(b)
}

/// Runs of digits and of anything else.
fn runs(s: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = s;
    while let Some(first) = rest.bytes().next() {
        let digit = first.is_ascii_digit();
        let end = rest.bytes().position(|b| b.is_ascii_digit() != digit).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push(run);
        rest = after;
    }
    out
}

/// Whether `a` comes before `b` when runs of digits are taken as numbers.
fn natural_before(a: &str, b: &str) -> bool {
    let (x, y) = (runs(a), runs(b));
    for (i, run) in x.iter().enumerate() {
        let Some(other) = y.get(i) else { return false };
        let equal = match (run.parse::<i64>(), other.parse::<i64>()) {
            (Ok(m), Ok(n)) if m != n => return m < n,
            (Ok(_), Ok(_)) => true,
            _ => run == other,
        };
        if !equal {
            return run < other;
        }
        if i + 1 == x.len() {
            return true;
        }
        if i + 1 == y.len() {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_count_as_numbers() {
        for (a, b, expect) in [
            ("cpu2", "cpu10", true),
            ("cpu10", "cpu2", false),
            ("a", "b", true),
            ("x1y", "x1z", true),
            ("10", "9", false),
        ] {
            assert_eq!(natural_before(a, b), expect, "{a} {b}");
        }
    }

    #[test]
    fn nan_is_always_last() {
        let mut v = [f64::NAN, 1.0, 2.0];
        v.sort_by(|a, b| nan_last(*a, *b, true));
        assert_eq!(v[..2], [2.0, 1.0]);
    }
}
