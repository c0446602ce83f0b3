//! Floats taken apart and put together.

const SHIFT: u32 = 52;
const MASK: u64 = 0x7ff;
const BIAS: i64 = 1023;
/// Two to the 52nd power makes every subnormal number normal.
const TWO52: f64 = 4_503_599_627_370_496.0;

fn normalize(x: f64) -> (f64, i64) {
    if x.abs() < f64::MIN_POSITIVE { (x * TWO52, -52) } else { (x, 0) }
}

/// Fraction in `[0.5, 1)` and exponent with `x = fraction × 2^exponent`.
pub fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, e) = normalize(x);
    let bits = x.to_bits();
    let exp = e + ((bits >> SHIFT & MASK) as i64) - BIAS + 1;
    (f64::from_bits(bits & !(MASK << SHIFT) | ((BIAS - 1) as u64) << SHIFT), exp)
}

/// `fraction × 2^exp`.
pub fn ldexp(fraction: f64, exp: i64) -> f64 {
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let (fraction, e) = normalize(fraction);
    let bits = fraction.to_bits();
    let mut exp = exp.saturating_add(e).saturating_add((bits >> SHIFT & MASK) as i64 - BIAS);
    if exp < -1075 {
        return 0.0f64.copysign(fraction);
    }
    if exp > 1023 {
        return f64::INFINITY.copysign(fraction);
    }
    let mut factor = 1.0;
    if exp < -1022 {
        exp += 53;
        factor = 1.0 / (1u64 << 53) as f64;
    }
    factor * f64::from_bits(bits & !(MASK << SHIFT) | ((exp + BIAS) as u64) << SHIFT)
}

/// Whole part and fraction, both with the sign of `x`.
pub fn modf(x: f64) -> (f64, f64) {
    let whole = x.trunc();
    (whole, (x - whole).copysign(x))
}
