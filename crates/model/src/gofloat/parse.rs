//! Reads floats as Go's `strconv.ParseFloat` does: decimal, hexadecimal, `Inf`, `NaN`, underscores between digits.

/// Why a text is not a float, in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    /// Not of the syntax of a float.
    #[error("invalid syntax")]
    Syntax,
    /// Too large for 64 bits.
    #[error("value out of range")]
    Range,
}

/// The float that `s` spells, all of it, as Go's `strconv.ParseFloat(s, 64)`.
///
/// # Errors
/// When `s` is not a float by Go's syntax, or is too large.
pub fn parse(s: &str) -> Result<f64, FloatError> {
    let bytes = s.as_bytes();
    let (negative, body) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let magnitude = match body.first() {
        Some(b'0'..=b'9' | b'.') => number(body)?,
        Some(b'i' | b'I') if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") => {
            f64::INFINITY
        }
        // Go takes no sign before NaN.
        Some(b'n' | b'N') if body.len() == bytes.len() && body.eq_ignore_ascii_case(b"nan") => {
            return Ok(go_nan());
        }
        _ => return Err(FloatError::Syntax),
    };
    Ok(if negative { -magnitude } else { magnitude })
}

/// The NaN that Go's `math.NaN()` gives.
fn go_nan() -> f64 {
    f64::from_bits(0x7ff8_0000_0000_0001)
}

fn number(body: &[u8]) -> Result<f64, FloatError> {
    let underscores = body.contains(&b'_');
    if underscores && !underscores_ok(body) {
        return Err(FloatError::Syntax);
    }
    let cleaned: Vec<u8>;
    let digits = if underscores {
        cleaned = body.iter().copied().filter(|&b| b != b'_').collect();
        &cleaned
    } else {
        body
    };
    if let [b'0', b'x' | b'X', rest @ ..] = digits {
        return hexadecimal(rest);
    }
    // fast-float takes the same decimals once they are known to start with a digit or a point, and nothing else.
    let v: f64 = fast_float2::parse(digits).map_err(|_| FloatError::Syntax)?;
    if v.is_infinite() { Err(FloatError::Range) } else { Ok(v) }
}

/// Underscores must stand between digits, or between the base prefix and a digit.
fn underscores_ok(body: &[u8]) -> bool {
    let hex = matches!(body, [b'0', b'x' | b'X', ..]);
    let mut last_is_digit = hex;
    let mut last_is_underscore = false;
    for &b in body.iter().skip(if hex { 2 } else { 0 }) {
        let digit = b.is_ascii_digit() || (hex && b.is_ascii_hexdigit());
        match b {
            b'_' if !last_is_digit => return false,
            _ if last_is_underscore && !digit => return false,
            _ => {}
        }
        last_is_digit = digit;
        last_is_underscore = b == b'_';
    }
    !last_is_underscore
}

/// A mantissa in hexadecimal with the exponent of two that Go demands: `1.8p3`.
fn hexadecimal(s: &[u8]) -> Result<f64, FloatError> {
    let at = s.iter().position(|b| matches!(b, b'p' | b'P')).ok_or(FloatError::Syntax)?;
    let (mantissa, exponent) = s.split_at(at);
    let (mut m, mut sticky, mut exp) = (0u64, false, 0i64);
    let (mut point, mut any) = (false, false);
    for &b in mantissa {
        let Some(d) = char::from(b).to_digit(16) else {
            if b != b'.' || point {
                return Err(FloatError::Syntax);
            }
            point = true;
            continue;
        };
        any = true;
        if m >> 60 == 0 {
            m = m << 4 | u64::from(d);
            exp -= if point { 4 } else { 0 };
        } else {
            sticky |= d != 0;
            exp += if point { 0 } else { 4 };
        }
    }
    if !any {
        return Err(FloatError::Syntax);
    }
    exp += exponent_of_two(exponent.get(1..).unwrap_or(&[]))?;
    scale(m, sticky, exp)
}

fn exponent_of_two(s: &[u8]) -> Result<i64, FloatError> {
    let (negative, digits) = match s {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, s),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FloatError::Syntax);
    }
    // Beyond ten thousand every float is zero or infinite.
    let e = digits.iter().fold(0i64, |e, &b| if e < 10_000 { e * 10 + i64::from(b - b'0') } else { e });
    Ok(if negative { -e } else { e })
}

/// `m` × 2^`exp`, rounded half to even; `sticky` says that digits other than zero were cut off.
fn scale(m: u64, sticky: bool, exp: i64) -> Result<f64, FloatError> {
    if m == 0 {
        return Ok(0.0);
    }
    let shift = m.leading_zeros();
    let m = m << shift; // value = m × 2^(exp - shift), the top bit of m is set
    let top = exp - i64::from(shift) + 63; // exponent of that top bit
    if top > 1023 {
        return Err(FloatError::Range);
    }
    // Bits that fit: 53, fewer for subnormal numbers.
    let keep = if top >= -1022 { 53 } else { 53 - (-1022 - top) };
    if keep < 0 {
        return Ok(0.0);
    }
    let cut = 64 - keep as u32; // 11..=64
    let (mut bits, rest, half) =
        if cut == 64 { (0, m, 1u64 << 63) } else { (m >> cut, m & ((1 << cut) - 1), 1u64 << (cut - 1)) };
    if rest > half || (rest == half && (sticky || bits & 1 == 1)) {
        bits += 1;
    }
    // Adding the biased exponent lets a carry out of the mantissa raise it by itself.
    let biased = if top >= -1022 { ((top + 1022) as u64) << 52 } else { 0 };
    let v = f64::from_bits(biased + bits);
    if v.is_infinite() { Err(FloatError::Range) } else { Ok(v) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(s: &str, expect: Result<f64, FloatError>) {
        assert_eq!(parse(s).map(f64::to_bits), expect.map(f64::to_bits), "{s}");
    }

    #[test]
    fn decimals_and_names() {
        check("1.5e3", Ok(1500.0));
        check("+.5", Ok(0.5));
        check("1.", Ok(1.0));
        check("-0", Ok(-0.0));
        check("1_000", Ok(1000.0));
        check("-iNf", Ok(f64::NEG_INFINITY));
        check("Infinity", Ok(f64::INFINITY));
        check("nan", Ok(go_nan()));
        check("1e400", Err(FloatError::Range));
        check("1e-400", Ok(0.0));
        for s in ["", "-nan", "+", ".", "1e", "1__0", "_1", "1_", "1_.5", "infi", "1 ", "e5", "0b1", "1f"] {
            check(s, Err(FloatError::Syntax));
        }
    }

    #[test]
    fn hexadecimals_need_an_exponent_and_round_to_even() {
        check("0x1p-2", Ok(0.25));
        check("0X_1.8P1", Ok(3.0));
        check("0x10", Err(FloatError::Syntax));
        check("0xp1", Err(FloatError::Syntax));
        check("0x1p", Err(FloatError::Syntax));
        check("0x1p1024", Err(FloatError::Range));
        check("0x1p-1074", Ok(5e-324));
        check("0x1p-1075", Ok(0.0));
        check("0x1.8p-1075", Ok(5e-324));
        check("0x1.00000000000008p0", Ok(1.0));
        check("0x1.000000000000080001p0", Ok(f64::from_bits(0x3ff0_0000_0000_0001)));
        check("0x1.fffffffffffffp1023", Ok(f64::MAX));
        check("0x1.fffffffffffff8p1023", Err(FloatError::Range));
    }
}
