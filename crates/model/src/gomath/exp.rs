//! Exponentials.

use super::parts::ldexp;

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;

/// e to the power of `x`: Shibata's method with fused multiplication, as Go's assembly for amd64.
pub fn exp(x: f64) -> f64 {
    const LOG2E: f64 = 1.4426950408889634073599246810018920;
    const LN2_UPPER: f64 = 0.69314718055966295651160180568695068359375;
    const LN2_LOWER: f64 = 0.28235290563031577122588448175013436025525412068e-12;
    const OVERFLOW: f64 = 7.09782712893384e+02;
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    if !x.is_finite() {
        return x;
    }
    if x > OVERFLOW {
        return f64::INFINITY;
    }
    let n = (LOG2E * x).round_ties_even();
    if n < -1075.0 {
        return 0.0;
    }
    let r = (-n).mul_add(LN2_UPPER, x);
    let r = (-n).mul_add(LN2_LOWER, r) * 0.0625;
    let p = 2.4801587301587301587e-5f64;
    let p = p.mul_add(r, 1.9841269841269841270e-4);
    let p = p.mul_add(r, 1.3888888888888888889e-3);
    let p = p.mul_add(r, 8.3333333333333333333e-3);
    let p = p.mul_add(r, 4.1666666666666666667e-2);
    let p = p.mul_add(r, 1.6666666666666666667e-1);
    let p = p.mul_add(r, 0.5);
    let p = p.mul_add(r, 1.0);
    // e^r - 1, squared four times by (y + 2)·y because r was divided by 16.
    let y = r * p;
    let y = y * (y + 2.0);
    let y = y * (y + 2.0);
    let y = y * (y + 2.0);
    let y = y.mul_add(y + 2.0, 1.0);
    let e = n as i64 + 0x3ff;
    if e >= 0x7ff {
        return f64::INFINITY;
    }
    if e > 0 {
        return y * f64::from_bits((e as u64) << 52);
    }
    if e < -52 {
        return 0.0;
    }
    y * f64::from_bits(((e + 0x3fe) as u64) << 52) * f64::MIN_POSITIVE
}

/// 2 to the power of `x`.
pub fn exp2(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 1.0239999999999999e+03 {
        return f64::INFINITY;
    }
    if x < -1.0740e+03 {
        return 0.0;
    }
    let k = if x > 0.0 {
        (x + 0.5) as i64
    } else if x < 0.0 {
        (x - 0.5) as i64
    } else {
        0
    };
    let t = x - k as f64;
    exp_multi(t * LN2_HI, -t * LN2_LO, k)
}

/// e^(hi - lo) × 2^k for |hi - lo| ≤ ln(2)/2.
fn exp_multi(hi: f64, lo: f64, k: i64) -> f64 {
    const P1: f64 = 1.66666666666666657415e-01;
    const P2: f64 = -2.77777777770155933842e-03;
    const P3: f64 = 6.61375632143793436117e-05;
    const P4: f64 = -1.65339022054652515390e-06;
    const P5: f64 = 4.13813679705723846039e-08;
    let r = hi - lo;
    let t = r * r;
    let c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    ldexp(y, k)
}

/// e to the power of `x`, less 1, precise near 0.
pub fn expm1(x: f64) -> f64 {
    const OVERFLOW: f64 = 7.09782712893383973096e+02;
    const LN2_X56: f64 = 3.88162421113569373274e+01;
    const LN2_HALF_X3: f64 = 1.03972077083991796413e+00;
    const LN2_HALF: f64 = 3.46573590279972654709e-01;
    const INV_LN2: f64 = 1.44269504088896338700e+00;
    const TINY: f64 = 1.0 / (1u64 << 54) as f64;
    const Q1: f64 = -3.33333333333331316428e-02;
    const Q2: f64 = 1.58730158725481460165e-03;
    const Q3: f64 = -7.93650757867487942473e-05;
    const Q4: f64 = 4.00821782732936239552e-06;
    const Q5: f64 = -2.01099218183624371326e-07;
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    let negative = x < 0.0;
    let abs = x.abs();
    if abs >= LN2_X56 {
        if negative {
            return -1.0;
        }
        if abs >= OVERFLOW {
            return f64::INFINITY;
        }
    }
    let (mut x, mut c, mut k) = (x, 0.0, 0i64);
    if abs > LN2_HALF {
        let (hi, lo);
        if abs < LN2_HALF_X3 {
            (hi, lo, k) = if negative { (x + LN2_HI, -LN2_LO, -1) } else { (x - LN2_HI, LN2_LO, 1) };
        } else {
            k = if negative { INV_LN2 * x - 0.5 } else { INV_LN2 * x + 0.5 } as i64;
            let t = k as f64;
            (hi, lo) = (x - t * LN2_HI, t * LN2_LO);
        }
        x = hi - lo;
        c = (hi - x) - lo;
    } else if abs < TINY {
        return x;
    }
    let hfx = 0.5 * x;
    let hxs = x * hfx;
    let r1 = 1.0 + hxs * (Q1 + hxs * (Q2 + hxs * (Q3 + hxs * (Q4 + hxs * Q5))));
    let t = 3.0 - r1 * hfx;
    let e = hxs * ((r1 - t) / (6.0 - x * t));
    if k == 0 {
        return x - (x * e - hxs);
    }
    let e = x * (e - c) - c - hxs;
    let raise = |y: f64| f64::from_bits(y.to_bits().wrapping_add((k as u64) << 52));
    match k {
        -1 => 0.5 * (x - e) - 0.5,
        1 if x < -0.25 => -2.0 * (e - (x + 0.5)),
        1 => 1.0 + 2.0 * (x - e),
        k if k <= -2 || k > 56 => raise(1.0 - (e - x)) - 1.0,
        k if k < 20 => raise(f64::from_bits(0x3ff0_0000_0000_0000 - (0x20_0000_0000_0000 >> k)) - (e - x)),
        k => raise(x - (e + f64::from_bits(((0x3ff - k) as u64) << 52)) + 1.0),
    }
}
