//! Inverse trigonometric functions (Cephes).

use super::NAN;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// The angle in radians whose tangent is `x`.
pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    if x > 0.0 { of_positive(x) } else { -of_positive(-x) }
}

fn of_positive(x: f64) -> f64 {
    /// π/2 less its 53 bits.
    const MORE_BITS: f64 = 6.123233995736765886130e-17;
    const TAN_3PI_8: f64 = 2.41421356237309504880;
    if x <= 0.66 {
        return of_small(x);
    }
    if x > TAN_3PI_8 {
        return FRAC_PI_2 - of_small(1.0 / x) + MORE_BITS;
    }
    FRAC_PI_4 + of_small((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
}

fn of_small(x: f64) -> f64 {
    let z = x * x;
    let p = -8.750608600031904122785e-01 * z + -1.615753718733365076637e+01;
    let p = p * z + -7.500855792314704667340e+01;
    let p = p * z + -1.228866684490136173410e+02;
    let p = p * z + -6.485021904942025371773e+01;
    let q = z + 2.485846490142306297962e+01;
    let q = q * z + 1.650270098316988542046e+02;
    let q = q * z + 4.328810604912902668951e+02;
    let q = q * z + 4.853903996359136964868e+02;
    let q = q * z + 1.945506571482613964425e+02;
    let z = z * p / q;
    x * z + x
}

/// The angle in radians whose sine is `x`.
pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let abs = if x < 0.0 { -x } else { x };
    if abs > 1.0 {
        return NAN;
    }
    let root = (1.0 - abs * abs).sqrt();
    let angle = if abs > 0.7 { FRAC_PI_2 - of_positive(root / abs) } else { of_positive(abs / root) };
    if x < 0.0 { -angle } else { angle }
}

/// The angle in radians whose cosine is `x`.
pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}
