//! Sine, cosine, tangent (Cephes), with Payne and Hanek's reduction for large arguments.

use super::NAN;

const PI4A: f64 = 7.85398125648498535156e-1;
const PI4B: f64 = 3.77489470793079817668e-8;
const PI4C: f64 = 2.69515142907905952645e-15;
const FOUR_OVER_PI: f64 = 1.2732395447351626861510701069801148;
/// From here on the three parts of π/4 are too short.
const REDUCE_FROM: f64 = (1u64 << 29) as f64;

/// Octant (even, below 8; not reduced for small `x`) and what is left of `x` ≥ 0.
fn reduce(x: f64) -> (u64, f64) {
    if x >= REDUCE_FROM {
        return reduce_large(x);
    }
    let mut j = (x * FOUR_OVER_PI) as u64;
    let mut y = j as f64;
    if j & 1 == 1 {
        j += 1;
        y += 1.0;
    }
    (j & 7, ((x - y * PI4A) - y * PI4B) - y * PI4C)
}

fn sin_poly(z: f64) -> f64 {
    let zz = z * z;
    let p = 1.58962301576546568060e-10 * zz + -2.50507477628578072866e-8;
    let p = p * zz + 2.75573136213857245213e-6;
    let p = p * zz + -1.98412698295895385996e-4;
    let p = p * zz + 8.33333333332211858878e-3;
    let p = p * zz + -1.66666666666666307295e-1;
    z + z * zz * p
}

fn cos_poly(z: f64) -> f64 {
    let zz = z * z;
    let p = -1.13585365213876817300e-11 * zz + 2.08757008419747316778e-9;
    let p = p * zz + -2.75573141792967388112e-7;
    let p = p * zz + 2.48015872888517045348e-5;
    let p = p * zz + -1.38888888888730564116e-3;
    let p = p * zz + 4.16666666666665929218e-2;
    1.0 - 0.5 * zz + zz * zz * p
}

/// The sine of `x` radians.
pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let mut negative = x < 0.0;
    let (mut j, z) = reduce(x.abs());
    if j > 3 {
        negative = !negative;
        j -= 4;
    }
    let y = if j == 1 || j == 2 { cos_poly(z) } else { sin_poly(z) };
    if negative { -y } else { y }
}

/// The cosine of `x` radians.
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return NAN;
    }
    let mut negative = false;
    let (mut j, z) = reduce(x.abs());
    if j > 3 {
        j -= 4;
        negative = !negative;
    }
    if j > 1 {
        negative = !negative;
    }
    let y = if j == 1 || j == 2 { sin_poly(z) } else { cos_poly(z) };
    if negative { -y } else { y }
}

/// The tangent of `x` radians.
pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let (j, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = z;
    if zz > 1e-14 {
        let p = (-1.30936939181383777646e4 * zz + 1.15351664838587416140e6) * zz + -1.79565251976484877988e7;
        let q = zz + 1.36812963470692954678e4;
        let q = q * zz + -1.32089234440210967447e6;
        let q = q * zz + 2.50083801823357915839e7;
        let q = q * zz + -5.38695755929454629881e7;
        y = z + z * (zz * p / q);
    }
    if j & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

/// Binary digits of 4/π, most significant first; the first word is its whole part.
const FOUR_OVER_PI_DIGITS: [u64; 20] = [
    0x0000000000000001,
    0x45f306dc9c882a53,
    0xf84eafa3ea69bb81,
    0xb6c52b3278872083,
    0xfca2c757bd778ac3,
    0x6e48dc74849ba5c0,
    0x0c925dd413a32439,
    0xfc3bd63962534e7d,
    0xd1046bea5d768909,
    0xd338e04d68befc82,
    0x7323ac7306a673e9,
    0x3908bf177bf25076,
    0x3ff12fffbc0b301f,
    0xde5e2316b414da3e,
    0xda6cfd9e4f96136e,
    0x9e8c7ecd3cbfd45a,
    0xea4f758fd7cbe2f6,
    0x7a0e73ef14a525d4,
    0xd7f6bf623f1aba10,
    0xac06608df8f6d757,
];

fn reduce_large(x: f64) -> (u64, f64) {
    let bits = x.to_bits();
    let exp = (bits >> 52 & 0x7ff) as i64 - 1023 - 52;
    let mantissa = bits & 0x000f_ffff_ffff_ffff | 1 << 52;
    // x ≥ 2^29, so exp + 61 lies in 38..=1032, and the words looked at within the table.
    let at = (exp + 61).max(0) as usize;
    let (word, shift) = (at / 64, (at % 64) as u32);
    let digits = |i: usize| {
        let get = |i: usize| FOUR_OVER_PI_DIGITS.get(i).copied().unwrap_or(0);
        get(i) << shift | get(i + 1).checked_shr(64 - shift).unwrap_or(0)
    };
    let (z0, z1, z2) = (digits(word), digits(word + 1), digits(word + 2));
    let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
    let (p1, p2) = (wide(z1, mantissa), wide(z2, mantissa));
    let (lo, carry) = (p1 as u64).overflowing_add((p2 >> 64) as u64);
    let hi = z0.wrapping_mul(mantissa).wrapping_add((p1 >> 64) as u64).wrapping_add(u64::from(carry));
    let mut j = hi >> 61;
    // What follows the octant is the fraction; make a float of it.
    let fraction = hi << 3 | lo >> 61;
    let zeros = fraction.leading_zeros();
    let e = 1023 - u64::from(zeros + 1);
    let mantissa =
        fraction.checked_shl(zeros + 1).unwrap_or(0) | lo.checked_shr(64 - (zeros + 1)).unwrap_or(0);
    let mut z = f64::from_bits(mantissa >> 12 | e << 52);
    if j & 1 == 1 {
        j = (j + 1) & 7;
        z -= 1.0;
    }
    (j, z * std::f64::consts::FRAC_PI_4)
}
