//! Logarithms.

use super::NAN;
use super::parts::frexp;

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;
const L1: f64 = 6.666666666666735130e-01;
const L2: f64 = 3.999999999940941908e-01;
const L3: f64 = 2.857142874366239149e-01;
const L4: f64 = 2.222219843214978396e-01;
const L5: f64 = 1.818357216161805012e-01;
const L6: f64 = 1.531383769920937332e-01;
const L7: f64 = 1.479819860511658591e-01;

/// The natural logarithm, as Go's assembly for amd64: subnormal arguments are not normalised there, so their answer is
/// wrong there, and here.
pub fn log(x: f64) -> f64 {
    const HALF_SQRT2: f64 = 7.07106781186547524401e-01;
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let bits = x.to_bits();
    if bits >> 63 == 1 {
        return NAN;
    }
    if !x.is_finite() {
        return x;
    }
    let mut f1 = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0.5f64.to_bits());
    let mut k = ((bits >> 52 & 0x7ff) as i64 - 0x3fe) as f64;
    if f1 <= HALF_SQRT2 {
        k -= 1.0;
        f1 *= 2.0;
    }
    let f = f1 - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
    let t2 = s4 * (L2 + s4 * (L4 + s4 * L6));
    let r = t1 + t2;
    let hfsq = 0.5 * f * f;
    k * LN2_HI - ((hfsq - (s * (hfsq + r) + k * LN2_LO)) - f)
}

/// The logarithm to base 10.
pub fn log10(x: f64) -> f64 {
    log(x) * 0.43429448190325182765112891891660508
}

/// The logarithm to base 2, exact for powers of 2.
pub fn log2(x: f64) -> f64 {
    let (fraction, exp) = frexp(x);
    if fraction == 0.5 {
        return (exp - 1) as f64;
    }
    log(fraction) * 1.44269504088896340735992468100189214 + exp as f64
}

/// The natural logarithm of `1 + x`, precise near 0.
pub fn log1p(x: f64) -> f64 {
    const SQRT2_M1: f64 = 4.142135623730950488017e-01;
    const SQRT2_HALF_M1: f64 = -2.928932188134524755992e-01;
    const SMALL: f64 = 1.0 / (1u64 << 29) as f64;
    const TINY: f64 = 1.0 / (1u64 << 54) as f64;
    const TWO53: f64 = (1u64 << 53) as f64;
    if x < -1.0 || x.is_nan() {
        return NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let abs = x.abs();
    let (mut f, mut mantissa, mut k) = (0.0, 0u64, 1i64);
    if abs < SQRT2_M1 {
        if abs < TINY {
            return x;
        }
        if abs < SMALL {
            return x - x * x * 0.5;
        }
        if x > SQRT2_HALF_M1 {
            (f, mantissa, k) = (x, 1, 0);
        }
    }
    let mut c = 0.0;
    if k != 0 {
        let u = if abs < TWO53 { 1.0 + x } else { x };
        mantissa = u.to_bits();
        k = (mantissa >> 52) as i64 - 1023;
        if abs < TWO53 {
            c = if k > 0 { 1.0 - (u - x) } else { x - (u - 1.0) } / u;
        }
        mantissa &= 0x000f_ffff_ffff_ffff;
        let u = if mantissa < 0x0006_a09e_667f_3bcd {
            f64::from_bits(mantissa | 0x3ff0_0000_0000_0000)
        } else {
            k += 1;
            let half = f64::from_bits(mantissa | 0x3fe0_0000_0000_0000);
            mantissa = (0x0010_0000_0000_0000 - mantissa) >> 2;
            half
        };
        f = u - 1.0;
    }
    let hfsq = 0.5 * f * f;
    let kf = k as f64;
    if mantissa == 0 {
        if f == 0.0 {
            return if k == 0 { 0.0 } else { kf * LN2_HI + (c + kf * LN2_LO) };
        }
        let r = hfsq * (1.0 - 0.66666666666666666 * f);
        return if k == 0 { f - r } else { kf * LN2_HI - ((r - (kf * LN2_LO + c)) - f) };
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))));
    if k == 0 {
        return f - (hfsq - s * (hfsq + r));
    }
    kf * LN2_HI - ((hfsq - (s * (hfsq + r) + (kf * LN2_LO + c))) - f)
}
