//! Sums, means, deviations and quantiles of windows: each window anew, in order, so that the bits are Prometheus'.

use super::super::error::EvalError;
use super::super::math::{self, kahan};
use super::{Series, Sink, Window, histograms};

/// `sum_over_time`
pub(crate) fn sum(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let total = |(sum, c): (f64, f64)| if sum.is_infinite() { sum } else { sum + c };
    let mut rest = s.windows;
    while let Some(w) = rest.first() {
        if let Some(sums) = lanes(s, rest, false) {
            rest.iter().zip(sums).for_each(|(w, sum)| out.float(w.step, total(sum)));
            rest = &rest[LANES..];
            continue;
        }
        rest = &rest[1..];
        if w.hists() > 0 {
            histograms::sum(s, w, out)?;
            continue;
        }
        let add = |(sum, c), v: &f64| kahan(*v, sum, c);
        out.float(w.step, total(s.samples.v[w.flo..w.fhi].iter().fold((0.0, 0.0), add)));
    }
    Ok(())
}

/// Windows that are summed side by side: each sum is a chain of dependent additions, four of them hide its latency.
const LANES: usize = 4;

/// Sums and compensations of the next windows, if they are of one length and hold floats only. With `from_first` the
/// first value is the start of the sum.
fn lanes(s: &Series<'_>, windows: &[Window], from_first: bool) -> Option<[(f64, f64); LANES]> {
    let windows: &[Window; LANES] = windows.first_chunk()?;
    let length = windows[0].floats();
    if length < 8 || windows.iter().any(|w| w.floats() != length || w.hists() > 0) {
        return None;
    }
    let v = &s.samples.v;
    let values: [&[f64]; LANES] = windows.map(|w| &v[w.flo..w.fhi]);
    let mut acc = [(0.0, 0.0); LANES];
    let mut from = 0;
    if from_first {
        acc = values.map(|v| (v[0], 0.0));
        from = 1;
    }
    for i in from..length {
        for (acc, values) in acc.iter_mut().zip(&values) {
            let (v, (sum, c)) = (values[i], *acc);
            let t = sum + v;
            // As `kahan`, but for its look at infinity: an infinite sum is never compensated by those who call.
            let (big, small) = if sum.abs() >= v.abs() { (sum, v) } else { (v, sum) };
            *acc = (t, c + ((big - t) + small));
        }
    }
    Some(acc)
}

/// `avg_over_time`
pub(crate) fn avg(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let mut rest = s.windows;
    while let Some(w) = rest.first() {
        if let Some(sums) = lanes(s, rest, true)
            && sums.iter().all(|(sum, _)| sum.is_finite())
        {
            for (w, (sum, c)) in rest.iter().zip(sums) {
                let count = w.floats() as f64;
                out.float(w.step, sum / count + c / count);
            }
            rest = &rest[LANES..];
            continue;
        }
        rest = &rest[1..];
        if w.hists() > 0 {
            histograms::avg(s, w, out)?;
            continue;
        }
        out.float(w.step, mean(&s.samples.v[w.flo..w.fhi]));
    }
    Ok(())
}

/// The mean: of the sum as long as that is finite, incremental from there on.
fn mean(values: &[f64]) -> f64 {
    let Some((&first, rest)) = values.split_first() else { return f64::NAN };
    let (mut sum, mut c) = (first, 0.0);
    let mut rest = rest.iter().enumerate();
    let mut count = 1.0;
    for (i, &v) in rest.by_ref() {
        count = (i + 2) as f64;
        let (new_sum, new_c) = kahan(v, sum, c);
        if !new_sum.is_infinite() {
            (sum, c) = (new_sum, new_c);
            continue;
        }
        let mut mean = sum / (count - 1.0);
        c /= count - 1.0;
        (mean, c) = step(v, count, mean, c);
        for (i, &v) in rest.by_ref() {
            (mean, c) = step(v, (i + 2) as f64, mean, c);
        }
        return mean + c;
    }
    sum / count + c / count
}

fn step(v: f64, count: f64, mean: f64, c: f64) -> (f64, f64) {
    let q = (count - 1.0) / count;
    kahan(v / count, q * mean, q * c)
}

fn variance(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut cmean, mut aux, mut caux) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for v in values {
        count += 1.0;
        let delta = v - (mean + cmean);
        (mean, cmean) = kahan(delta / count, mean, cmean);
        (aux, caux) = kahan(delta * (v - (mean + cmean)), aux, caux);
    }
    (aux + caux) / count
}

fn floats_only(
    s: &Series<'_>,
    out: &mut Sink<'_>,
    mut f: impl FnMut(&Window, &[f64], &mut Sink<'_>) -> f64,
) -> Result<(), EvalError> {
    for w in s.windows {
        if w.floats() == 0 {
            continue;
        }
        let v = f(w, &s.samples.v[w.flo..w.fhi], out);
        out.ignored(s, w);
        out.float(w.step, v);
    }
    Ok(())
}

/// `stdvar_over_time`
pub(crate) fn stdvar(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    floats_only(s, out, |_, v, _| variance(v))
}

/// `stddev_over_time`
pub(crate) fn stddev(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    floats_only(s, out, |_, v, _| variance(v).sqrt())
}

/// `quantile_over_time`
pub(crate) fn quantile(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let mut sorted = Vec::new();
    let span = s.param_spans.first().copied().unwrap_or(s.span);
    floats_only(s, out, |w, v, out| {
        let q = s.param(0, w.step).unwrap_or(f64::NAN);
        if q.is_nan() || !(0.0..=1.0).contains(&q) {
            out.notes.invalid_quantile(q, span);
        }
        sorted.clear();
        sorted.extend_from_slice(v);
        math::quantile(q, &mut sorted)
    })
}

/// `mad_over_time`: the median of the distances from the median.
pub(crate) fn mad(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let mut sorted = Vec::new();
    floats_only(s, out, |_, v, _| {
        if v.iter().any(|v| v.is_nan()) {
            return f64::NAN;
        }
        sorted.clear();
        sorted.extend_from_slice(v);
        let median = math::quantile(0.5, &mut sorted);
        sorted.iter_mut().for_each(|v| *v = (*v - median).abs());
        math::quantile(0.5, &mut sorted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_survives_sums_that_overflow() {
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(mean(&[f64::INFINITY, 1.0]), f64::INFINITY);
    }

    #[test]
    fn variance_of_the_population() {
        assert_eq!(variance(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 4.0);
    }
}
