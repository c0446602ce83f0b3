//! Straight lines through windows, smoothing and integrals.

use super::super::error::EvalError;
use super::super::math::kahan;
use super::{Series, Sink, Window};

/// Slope and value at `at` (milliseconds) of the line of least squares.
fn line(t: &[i64], v: &[f64], at: i64) -> (f64, f64) {
    let first = v.first().copied().unwrap_or(f64::NAN);
    let mut constant = true;
    let (mut n, mut sx, mut cx, mut sy, mut cy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut sxy, mut cxy, mut sx2, mut cx2) = (0.0, 0.0, 0.0, 0.0);
    for (i, (&t, &y)) in t.iter().zip(v).enumerate() {
        if constant && i > 0 && y != first {
            constant = false;
        }
        n += 1.0;
        let x = (t - at) as f64 / 1e3;
        (sx, cx) = kahan(x, sx, cx);
        (sy, cy) = kahan(y, sy, cy);
        (sxy, cxy) = kahan(x * y, sxy, cxy);
        (sx2, cx2) = kahan(x * x, sx2, cx2);
    }
    if constant {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    (sx, sy, sxy, sx2) = (sx + cx, sy + cy, sxy + cxy, sx2 + cx2);
    let cov = sxy - sx * sy / n;
    let var = sx2 - sx * sx / n;
    let slope = cov / var;
    (slope, sy / n - slope * sx / n)
}

/// Windows of two floats and more; a mix with histograms is noted.
fn two_and_more(s: &Series<'_>, out: &mut Sink<'_>, f: impl Fn(&Window, &[i64], &[f64]) -> f64) {
    for w in s.windows {
        if w.floats() == 0 {
            continue;
        }
        out.ignored(s, w);
        if w.floats() > 1 {
            out.float(w.step, f(w, &s.samples.t[w.flo..w.fhi], &s.samples.v[w.flo..w.fhi]));
        }
    }
}

/// `deriv`
pub(crate) fn deriv(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    two_and_more(s, out, |w, t, v| line(t, v, s.samples.t[w.flo]).0);
    Ok(())
}

/// `predict_linear`
pub(crate) fn predict_linear(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    two_and_more(s, out, |w, t, v| {
        let ahead = s.param(0, w.step).unwrap_or(f64::NAN);
        let (slope, value) = line(t, v, w.t);
        slope * ahead + value
    });
    Ok(())
}

/// `double_exponential_smoothing`
pub(crate) fn double_exponential_smoothing(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    for w in s.windows {
        let (sf, tf) = (s.param(0, w.step).unwrap_or(0.0), s.param(1, w.step).unwrap_or(0.0));
        if sf <= 0.0 || sf >= 1.0 {
            return Err(EvalError::exec(format!(
                "invalid smoothing factor. Expected: 0 < sf < 1, got: {sf:.6}"
            )));
        }
        if tf <= 0.0 || tf >= 1.0 {
            return Err(EvalError::exec(format!("invalid trend factor. Expected: 0 < tf < 1, got: {tf:.6}")));
        }
        let v = &s.samples.v[w.flo..w.fhi];
        if v.is_empty() {
            continue;
        }
        out.ignored(s, w);
        let [first, second, ..] = v else { continue };
        let (mut s0, mut s1, mut trend) = (0.0, *first, second - first);
        for (i, value) in v.iter().enumerate().skip(1) {
            let x = sf * value;
            if i > 1 {
                trend = tf * (s1 - s0) + (1.0 - tf) * trend;
            }
            let y = (1.0 - sf) * (s1 + trend);
            (s0, s1) = (s1, x + y);
        }
        out.float(w.step, s1);
    }
    Ok(())
}

/// `integral`: strategy 0 left point, 1 right point, 2 trapezoids. NaN counts as 0.
pub(crate) fn integral(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    let span = s.param_spans.first().copied().unwrap_or(s.span);
    for w in s.windows {
        if w.floats() == 0 {
            continue;
        }
        out.ignored(s, w);
        let mut strategy = 2;
        if let Some(v) = s.param(0, w.step) {
            if v == 0.0 || v == 1.0 || v == 2.0 {
                strategy = v as u8;
            } else {
                out.notes.invalid_strategy(v, span);
            }
        }
        out.float(w.step, area(&s.samples.t[w.flo..w.fhi], &s.samples.v[w.flo..w.fhi], strategy));
    }
    Ok(())
}

fn area(t: &[i64], v: &[f64], strategy: u8) -> f64 {
    let or_zero = |v: f64| if v.is_nan() { 0.0 } else { v };
    let (mut sum, mut c) = (0.0, 0.0);
    for i in 1..v.len() {
        let (prev, curr) = (or_zero(v[i - 1]), or_zero(v[i]));
        let (value, cvalue) = match strategy {
            0 => (prev, 0.0),
            1 => (curr, 0.0),
            _ if prev == 0.0 && curr == 0.0 => (0.0, 0.0),
            _ => middle(prev, curr),
        };
        if value != 0.0 || cvalue != 0.0 {
            let dt = (t[i] - t[i - 1]) as f64 / 1000.0;
            (sum, c) = kahan(value * dt, sum, c + cvalue * dt);
        }
    }
    if sum.is_infinite() { sum } else { sum + c }
}

fn middle(prev: f64, curr: f64) -> (f64, f64) {
    let (value, c) = kahan(curr, prev, 0.0);
    if value.is_infinite() && !curr.is_infinite() && !prev.is_infinite() {
        return kahan(curr / 2.0, prev / 2.0, 0.0);
    }
    (value / 2.0, c / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_its_own_points() {
        let (slope, value) = line(&[0, 1000, 2000], &[1.0, 3.0, 5.0], 4000);
        assert_eq!((slope, value), (2.0, 9.0));
        assert_eq!(line(&[0, 1000], &[7.0, 7.0], 0), (0.0, 7.0));
    }

    #[test]
    fn areas_by_strategy() {
        let (t, v) = (&[0, 1000, 3000][..], &[1.0, 3.0, 5.0][..]);
        assert_eq!(area(t, v, 0), 1.0 + 6.0);
        assert_eq!(area(t, v, 1), 3.0 + 10.0);
        assert_eq!(area(t, v, 2), 2.0 + 8.0);
    }
}
