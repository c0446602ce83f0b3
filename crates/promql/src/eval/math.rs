//! Arithmetic whose bits matter: Kahan sums, quantiles, and the one place that names Go's mathematics.

pub(crate) use tortie_model::gofloat::{format_f, format_g, parse as parse_float};

/// Kahan summation in Neumaier's form, as Prometheus adds: the new sum and compensation.
#[inline]
pub(crate) fn kahan(inc: f64, sum: f64, c: f64) -> (f64, f64) {
    let t = sum + inc;
    if t.abs() > f64::MAX {
        return (t, 0.0);
    }
    let c = if sum.abs() >= inc.abs() { c + ((sum - t) + inc) } else { c + ((inc - t) + sum) };
    (t, c)
}

/// `math.Max` of Go: NaN wins over all but +Inf, 0 over -0.
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    if a > b { a } else { b }
}

/// `math.Min` of Go: NaN wins over all but -Inf, -0 over 0.
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { a } else { b };
    }
    if a < b { a } else { b }
}

/// The quantile `q` of `values`, whose order is lost: a weighted mean of its two neighbours.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let last = values.len() - 1;
    let rank = q * last as f64;
    let below = rank.floor().max(0.0);
    let weight = rank - rank.floor();
    let (_, &mut low, above) = values.select_nth_unstable_by((below as usize).min(last), nan_first);
    if weight == 0.0 {
        return low;
    }
    let high = above.iter().copied().min_by(nan_first).unwrap_or(low);
    low * (1.0 - weight) + high * weight
}

/// Ascending, NaN before everything.
fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// `%.2g` of Go.
pub(crate) fn format_g2(v: f64) -> String {
    if v.is_nan() || v.is_infinite() {
        return format_g(v);
    }
    let e = format!("{v:.1e}");
    let Some((mantissa, exponent)) = e.split_once('e') else { return e };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if (-4..2).contains(&exponent) {
        let digits = (1 - exponent).max(0) as usize;
        return trim(&format!("{v:.digits$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

/// Whether `a` and `b` differ by less than `epsilon` of their sum (`util/almost`).
pub(crate) fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
    if a.is_nan() && b.is_nan() {
        return true;
    }
    if a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let diff = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < epsilon * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < epsilon
}

/// Functions of Go's `math` by name, with Go's bits.
pub(crate) mod go {
    use std::f64::consts::PI;
    pub(crate) use tortie_model::gomath::{
        acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, exp, exp2, floor, log, log2, log10, modulo,
        pow, sin, sinh, sqrt, tan, tanh,
    };

    /// The angle of the point (x, y).
    pub(crate) fn atan2(y: f64, x: f64) -> f64 {
        if y.is_nan() || x.is_nan() {
            return f64::NAN;
        }
        if y == 0.0 {
            let flat = if x > 0.0 || (x == 0.0 && x.is_sign_positive()) { 0.0 } else { PI };
            return flat.copysign(y);
        }
        if x == 0.0 {
            return (PI / 2.0).copysign(y);
        }
        if x.is_infinite() {
            let angle = match (x > 0.0, y.is_infinite()) {
                (true, true) => PI / 4.0,
                (true, false) => 0.0,
                (false, true) => 3.0 * PI / 4.0,
                (false, false) => PI,
            };
            return angle.copysign(y);
        }
        if y.is_infinite() {
            return (PI / 2.0).copysign(y);
        }
        let q = atan(y / x);
        match (x < 0.0, q <= 0.0) {
            (true, true) => q + PI,
            (true, false) => q - PI,
            _ => q,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kahan_keeps_what_a_plain_sum_loses() {
        let (mut s, mut c) = (0.0, 0.0);
        for v in [1e100, 1.0, -1e100] {
            (s, c) = kahan(v, s, c);
        }
        assert_eq!(s + c, 1.0);
        assert_eq!(kahan(f64::INFINITY, 1.0, 5.0), (f64::INFINITY, 0.0));
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(0.25, &mut [1.0, 2.0]), 1.25);
        assert_eq!(quantile(-0.1, &mut [1.0]), f64::NEG_INFINITY);
        assert!(quantile(0.5, &mut []).is_nan());
    }

    #[test]
    fn two_digits_as_go_prints_them() {
        for (v, text) in
            [(3.0, "3"), (0.25, "0.25"), (10.0, "10"), (123.0, "1.2e+02"), (0.00001, "1e-05"), (0.0, "0")]
        {
            assert_eq!(format_g2(v), text);
        }
    }
}
