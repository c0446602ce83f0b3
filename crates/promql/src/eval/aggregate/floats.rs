//! Aggregations of floats within one group, step columns in and one step column out.

use super::super::math::{self, kahan};
use super::super::step_columns::{Steps, for_each_bit};
use super::Param;
use crate::ast::AggregateOp;

/// Aggregates the rows `members` of `input` into row `row` of `out`.
pub(crate) fn aggregate(
    op: AggregateOp,
    param: Option<&Param>,
    input: &Steps,
    members: &[usize],
    out: &mut Steps,
    row: usize,
) {
    match op {
        AggregateOp::Sum => sum(input, members, out, row),
        AggregateOp::Avg => avg(input, members, out, row),
        AggregateOp::Min => {
            fold(input, members, out, row, |acc, v| if acc > v || acc.is_nan() { v } else { acc })
        }
        AggregateOp::Max => {
            fold(input, members, out, row, |acc, v| if acc < v || acc.is_nan() { v } else { acc })
        }
        AggregateOp::Count => count(input, members, out, row, false),
        AggregateOp::Group => count(input, members, out, row, true),
        AggregateOp::Stdvar => deviation(input, members, out, row, |v| v),
        AggregateOp::Stddev => deviation(input, members, out, row, f64::sqrt),
        AggregateOp::Quantile => quantile(param, input, members, out, row),
        // The others do not give one row a group.
        _ => {}
    }
}

fn fold(input: &Steps, members: &[usize], out: &mut Steps, row: usize, f: impl Fn(f64, f64) -> f64) {
    let (bits, acc) = out.floats_mut(row);
    for &m in members {
        let r = input.row(m);
        for_each_bit(r.bits, |s| {
            let v = r.floats[s];
            acc[s] = if bits[s >> 6] >> (s & 63) & 1 == 1 { f(acc[s], v) } else { v };
        });
        or_into(bits, r.bits);
    }
}

fn or_into(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t |= f);
}

fn sum(input: &Steps, members: &[usize], out: &mut Steps, row: usize) {
    let mut c = vec![0.0; input.steps()];
    let (bits, acc) = out.floats_mut(row);
    for &m in members {
        let r = input.row(m);
        for (w, word) in r.bits.iter().enumerate() {
            let seen = bits[w];
            let mut word = *word;
            bits[w] |= word;
            while word != 0 {
                let b = word.trailing_zeros() as usize;
                word &= word - 1;
                let s = w * 64 + b;
                if seen >> b & 1 == 1 {
                    (acc[s], c[s]) = kahan(r.floats[s], acc[s], c[s]);
                } else {
                    acc[s] = r.floats[s];
                }
            }
        }
    }
    for_each_bit(bits, |s| acc[s] += c[s]);
}

fn avg(input: &Steps, members: &[usize], out: &mut Steps, row: usize) {
    let n = input.steps();
    let mut c = vec![0.0; n];
    let mut count = vec![0.0f64; n];
    // Steps whose sum went over the edge: from there on the mean is kept instead of the sum.
    let mut incremental = vec![false; n];
    let (bits, acc) = out.floats_mut(row);
    for &m in members {
        let r = input.row(m);
        for_each_bit(r.bits, |s| {
            let v = r.floats[s];
            count[s] += 1.0;
            if count[s] == 1.0 {
                acc[s] = v;
                return;
            }
            if !incremental[s] {
                let (sum, nc) = kahan(v, acc[s], c[s]);
                if !sum.is_infinite() {
                    (acc[s], c[s]) = (sum, nc);
                    return;
                }
                incremental[s] = true;
                acc[s] /= count[s] - 1.0;
                c[s] /= count[s] - 1.0;
            }
            let q = (count[s] - 1.0) / count[s];
            (acc[s], c[s]) = kahan(v / count[s], q * acc[s], q * c[s]);
        });
        or_into(bits, r.bits);
    }
    for_each_bit(bits, |s| {
        acc[s] = if incremental[s] { acc[s] + c[s] } else { acc[s] / count[s] + c[s] / count[s] };
    });
}

/// Counts samples of both kinds, or says 1 where there are any.
fn count(input: &Steps, members: &[usize], out: &mut Steps, row: usize, only_presence: bool) {
    let mut present = vec![0u64; input.words()];
    let (bits, acc) = out.floats_mut(row);
    for &m in members {
        input.row(m).presence_into(&mut present);
        for_each_bit(&present, |s| acc[s] += 1.0);
        or_into(bits, &present);
    }
    if only_presence {
        for_each_bit(bits, |s| acc[s] = 1.0);
    }
}

fn deviation(input: &Steps, members: &[usize], out: &mut Steps, row: usize, last: impl Fn(f64) -> f64) {
    let n = input.steps();
    let mut count = vec![0.0f64; n];
    let mut mean = vec![0.0f64; n];
    let (bits, acc) = out.floats_mut(row);
    for &m in members {
        let r = input.row(m);
        for_each_bit(r.bits, |s| {
            let v = r.floats[s];
            count[s] += 1.0;
            if count[s] == 1.0 {
                mean[s] = v;
                acc[s] = if v.is_nan() || v.is_infinite() { f64::NAN } else { 0.0 };
                return;
            }
            let delta = v - mean[s];
            mean[s] += delta / count[s];
            acc[s] += delta * (v - mean[s]);
        });
        or_into(bits, r.bits);
    }
    for_each_bit(bits, |s| acc[s] = last(acc[s] / count[s]));
}

fn quantile(param: Option<&Param>, input: &Steps, members: &[usize], out: &mut Steps, row: usize) {
    let mut values = Vec::with_capacity(members.len());
    for s in 0..input.steps() {
        values.clear();
        values.extend(members.iter().filter_map(|m| input.row(*m).float(s)));
        if !values.is_empty() {
            let q = param.map_or(f64::NAN, |p| p.at(s));
            out.set_float(row, s, math::quantile(q, &mut values));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::Labels;

    fn check(op: AggregateOp, values: &[f64], expect: f64) {
        let mut input = Steps::new(1);
        for v in values {
            let row = input.push(Labels::empty(), false);
            input.set_float(row, 0, *v);
        }
        let mut out = Steps::new(1);
        let row = out.push(Labels::empty(), false);
        aggregate(op, None, &input, &(0..values.len()).collect::<Vec<_>>(), &mut out, row);
        let got = out.row(row).float(0).unwrap();
        assert!(got == expect || got.is_nan() && expect.is_nan(), "{op:?} {values:?}: {got} != {expect}");
    }

    #[test]
    fn groups_of_floats() {
        check(AggregateOp::Sum, &[1e100, 1.0, -1e100], 1.0);
        check(AggregateOp::Avg, &[f64::MAX, f64::MAX], f64::MAX);
        check(AggregateOp::Avg, &[1.0, 2.0], 1.5);
        check(AggregateOp::Min, &[f64::NAN, 2.0, 1.0], 1.0);
        check(AggregateOp::Max, &[1.0, f64::NAN], 1.0);
        check(AggregateOp::Count, &[5.0, f64::NAN], 2.0);
        check(AggregateOp::Group, &[5.0, 6.0], 1.0);
        check(AggregateOp::Stdvar, &[1.0, 3.0], 1.0);
        check(AggregateOp::Stddev, &[f64::INFINITY], f64::NAN);
    }
}
