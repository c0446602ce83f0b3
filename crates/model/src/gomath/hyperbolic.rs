//! Hyperbolic functions and their inverses.

use super::{NAN, exp, log, log1p};

const NEAR_ZERO: f64 = 1.0 / (1u64 << 28) as f64;
const LARGE: f64 = (1u64 << 28) as f64;
const LN2: f64 = 0.693147180559945309417232121458176568;

/// The hyperbolic sine.
pub fn sinh(x: f64) -> f64 {
    let abs = if x < 0.0 { -x } else { x };
    let y = if abs > 21.0 {
        exp(abs) * 0.5
    } else if abs > 0.5 {
        let e = exp(abs);
        (e - 1.0 / e) * 0.5
    } else {
        let sq = abs * abs;
        let p = -0.2630563213397497062819489e+2 * sq + -0.2894211355989563807284660366e+4;
        let p = p * sq + -0.8991272022039509355398013511e+5;
        let p = (p * sq + -0.6307673640497716991184787251e+6) * abs;
        let q = sq + -0.173678953558233699533450911e+3;
        let q = q * sq + 0.1521517378790019070696485176e+5;
        p / (q * sq + -0.6307673640497716991212077277e+6)
    };
    if x < 0.0 { -y } else { y }
}

/// The hyperbolic cosine.
pub fn cosh(x: f64) -> f64 {
    let x = x.abs();
    let e = exp(x);
    if x > 21.0 { e * 0.5 } else { (e + 1.0 / e) * 0.5 }
}

/// The hyperbolic tangent.
pub fn tanh(x: f64) -> f64 {
    const MAX_LOG: f64 = 8.8029691931113054295988e+01;
    let abs = x.abs();
    if abs > 0.5 * MAX_LOG {
        return if x < 0.0 { -1.0 } else { 1.0 };
    }
    if abs >= 0.625 {
        let z = 1.0 - 2.0 / (exp(2.0 * abs) + 1.0);
        return if x < 0.0 { -z } else { z };
    }
    if x == 0.0 {
        return x;
    }
    let s = x * x;
    let p = (-9.64399179425052238628e-1 * s + -9.92877231001918586564e1) * s + -1.61468768441708447952e3;
    let q = ((s + 1.12811678491632931402e2) * s + 2.23548839060100448583e3) * s + 4.84406305325125486048e3;
    x + x * s * p / q
}

/// The inverse hyperbolic sine.
pub fn asinh(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let abs = if x < 0.0 { -x } else { x };
    let y = if abs > LARGE {
        log(abs) + LN2
    } else if abs > 2.0 {
        log(2.0 * abs + 1.0 / ((abs * abs + 1.0).sqrt() + abs))
    } else if abs < NEAR_ZERO {
        abs
    } else {
        log1p(abs + abs * abs / (1.0 + (1.0 + abs * abs).sqrt()))
    };
    if x < 0.0 { -y } else { y }
}

/// The inverse hyperbolic cosine.
pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        return NAN;
    }
    if x == 1.0 {
        return 0.0;
    }
    if x >= LARGE {
        return log(x) + LN2;
    }
    if x > 2.0 {
        return log(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()));
    }
    let t = x - 1.0;
    log1p(t + (2.0 * t + t * t).sqrt())
}

/// The inverse hyperbolic tangent.
pub fn atanh(x: f64) -> f64 {
    if !(-1.0..=1.0).contains(&x) {
        return NAN;
    }
    if x.abs() == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    let abs = if x < 0.0 { -x } else { x };
    let y = if abs < NEAR_ZERO {
        abs
    } else if abs < 0.5 {
        let t = abs + abs;
        0.5 * log1p(t + t * abs / (1.0 - abs))
    } else {
        0.5 * log1p((abs + abs) / (1.0 - abs))
    };
    if x < 0.0 { -y } else { y }
}
