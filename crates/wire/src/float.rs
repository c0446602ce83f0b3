//! Numbers of the text formats, read as Go's `ParseFloat` reads them. They are written by `tortie_model::gofloat`.

use tortie_model::stale::NORMAL_NAN_BITS;

/// Why a number was refused; the text is Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    /// Not a number.
    #[error("invalid syntax")]
    Syntax,
    /// Too big for a double.
    #[error("value out of range")]
    Range,
    /// Hexadecimal exponent or underscore, which Prometheus does not take.
    #[error("unsupported character in float")]
    Unsupported,
}

/// Powers of ten that a double holds exactly.
const POW10: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Reads a whole number text. Every NaN becomes the one that Prometheus stores.
///
/// # Errors
/// When Prometheus' parser would refuse it.
pub fn parse(text: &[u8]) -> Result<f64, FloatError> {
    if let Some((v, used)) = parse_short(text)
        && used == text.len()
    {
        return Ok(v);
    }
    parse_any(text)
}

/// Reads a short decimal (`[-]digits[.digits][e[+-]digits]`, at most 15 digits) at the start of `text`: the value and
/// how many bytes it took. The result is exact: mantissa and power of ten both fit a double. `None` means "ask
/// [`parse`]", and so must every caller that finds another character of a number behind it.
#[inline]
pub fn parse_short(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let mut i = usize::from(negative);
    let mut mantissa: u64 = 0;
    let start = i;
    while let Some(d) = digit(text, i) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(d);
        i += 1;
    }
    let mut digits = i - start;
    let mut scale: i32 = 0;
    if text.get(i) == Some(&b'.') {
        i += 1;
        let from = i;
        while let Some(d) = digit(text, i) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(d);
            i += 1;
        }
        digits += i - from;
        scale = -((i - from) as i32);
    }
    // The first test keeps the sum of many digits from wrapping into something that looks short.
    if digits == 0 || digits > 17 || mantissa > MAX_EXACT {
        return None;
    }
    if matches!(text.get(i), Some(b'e' | b'E')) {
        let (exponent, used) = short_exponent(text.get(i + 1..)?)?;
        scale += exponent;
        i += 1 + used;
    }
    let v = mantissa as f64;
    let v = match scale {
        0 => v,
        s if s < 0 => v / POW10.get(s.unsigned_abs() as usize)?,
        s => v * POW10.get(s as usize)?,
    };
    Some((if negative { -v } else { v }, i))
}

/// Up to here every whole number is a double.
const MAX_EXACT: u64 = 1 << 53;

#[inline]
fn short_exponent(text: &[u8]) -> Option<(i32, usize)> {
    let signed = matches!(text.first(), Some(b'+' | b'-'));
    let mut i = usize::from(signed);
    let from = i;
    let mut e: i32 = 0;
    while let Some(d) = digit(text, i) {
        e = e * 10 + d as i32;
        i += 1;
        if i - from > 3 {
            return None;
        }
    }
    (i > from).then_some((if text.first() == Some(&b'-') { -e } else { e }, i))
}

#[inline]
fn digit(text: &[u8], i: usize) -> Option<u64> {
    let d = text.get(i)?.wrapping_sub(b'0');
    (d < 10).then_some(u64::from(d))
}

fn parse_any(text: &[u8]) -> Result<f64, FloatError> {
    if text.iter().any(|b| matches!(b, b'p' | b'P' | b'_')) {
        return Err(FloatError::Unsupported);
    }
    if let Some(v) = special(text) {
        return Ok(v);
    }
    let body = match text {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    // Words ("inf", "nan") were taken above with Go's rules; the library has its own.
    if !body.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        return Err(FloatError::Syntax);
    }
    let v: f64 = fast_float2::parse(body).map_err(|_| FloatError::Syntax)?;
    if v.is_infinite() {
        return Err(FloatError::Range);
    }
    Ok(if text.first() == Some(&b'-') { -v } else { v })
}

/// `inf`, `infinity` with any sign and `nan` with none, in any case.
fn special(text: &[u8]) -> Option<f64> {
    let (sign, word) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        all => (1.0, all),
    };
    if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        return Some(sign * f64::INFINITY);
    }
    text.eq_ignore_ascii_case(b"nan").then(|| f64::from_bits(NORMAL_NAN_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tortie_model::gofloat::format_g;

    #[track_caller]
    fn check(input: &str, expect: Result<f64, FloatError>) {
        let got = parse(input.as_bytes());
        assert_eq!(got.map(f64::to_bits), expect.map(f64::to_bits), "{input}");
    }

    #[test]
    fn reads_what_go_reads() {
        check("1", Ok(1.0));
        check("-0", Ok(-0.0));
        check("+1.5", Ok(1.5));
        check(".5", Ok(0.5));
        check("5.", Ok(5.0));
        check("1.7976931348623157e+308", Ok(f64::MAX));
        check("123456789012345678", Ok(123_456_789_012_345_678.0));
        check("+Inf", Ok(f64::INFINITY));
        check("-infinity", Ok(f64::NEG_INFINITY));
        check("nAn", Ok(f64::from_bits(NORMAL_NAN_BITS)));
    }

    #[test]
    fn refuses_what_go_refuses() {
        for bad in
            ["", "-", "+", ".", "e5", "1e", "1e+", "-nan", "+nan", "infi", "1 ", "0x10", "--1", "1..2", "+-1"]
        {
            check(bad, Err(FloatError::Syntax));
        }
        check("1e400", Err(FloatError::Range));
        check("0x1p4", Err(FloatError::Unsupported));
        check("1_000", Err(FloatError::Unsupported));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bits in any::<u64>()) {
            let v = f64::from_bits(bits);
            let back = parse(format_g(v).as_bytes()).unwrap();
            prop_assert!(back.to_bits() == v.to_bits() || (v.is_nan() && back.is_nan()));
        }

        #[test]
        fn decimals_are_those_of_the_standard_library(text in "-?[0-9]{1,17}(\\.[0-9]{0,9})?(e[+-]?[0-9]{1,2})?") {
            prop_assert_eq!(parse(text.as_bytes()).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
