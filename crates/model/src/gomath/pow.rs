//! Powers.

use super::parts::{frexp, ldexp, modf};
use super::{NAN, exp, log};

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y == 1.0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return NAN;
    }
    if x == 0.0 {
        return of_zero(x, y);
    }
    if y.is_infinite() {
        return limit(x, y > 0.0);
    }
    if x == f64::NEG_INFINITY {
        return pow(1.0 / x, -y);
    }
    if x == f64::INFINITY {
        return if y < 0.0 { 0.0 } else { x };
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    finite(x, y)
}

fn is_odd(x: f64) -> bool {
    x.abs() < (1u64 << 53) as f64 && x.fract() == 0.0 && x as i64 & 1 == 1
}

fn of_zero(x: f64, y: f64) -> f64 {
    match (y < 0.0, is_odd(y)) {
        (true, true) => f64::INFINITY.copysign(x),
        (true, false) => f64::INFINITY,
        (false, true) => x,
        (false, false) => 0.0,
    }
}

/// The limit for an exponent that is too large to matter otherwise.
fn limit(x: f64, positive: bool) -> f64 {
    match (x == -1.0, (x.abs() < 1.0) == positive) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => f64::INFINITY,
    }
}

fn finite(x: f64, y: f64) -> f64 {
    let (mut whole, mut fraction) = modf(y.abs());
    if fraction != 0.0 && x < 0.0 {
        return NAN;
    }
    if whole >= 9_223_372_036_854_775_808.0 {
        return limit(x, y > 0.0);
    }
    // The answer is a × 2^e.
    let (mut a, mut e) = (1.0, 0i64);
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        a = exp(fraction * log(x));
    }
    let (mut base, mut base_exp) = frexp(x);
    let mut i = whole as i64;
    while i != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&base_exp) {
            // Overflow or underflow is certain; the exponent alone says which.
            e += base_exp;
            break;
        }
        if i & 1 == 1 {
            a *= base;
            e += base_exp;
        }
        base *= base;
        base_exp <<= 1;
        if base < 0.5 {
            base += base;
            base_exp -= 1;
        }
        i >>= 1;
    }
    if y < 0.0 {
        a = 1.0 / a;
        e = -e;
    }
    ldexp(a, e)
}
