//! Floats with a verb and a number of digits, as Go's `strconv.FormatFloat`.

use tortie_model::gofloat;

/// Digits beyond these are zeros in every float.
const MOST_DIGITS: usize = 1100;

/// `v` by the verb `e E f g G b x X`; without `precision` as many digits as are needed.
pub(super) fn format(v: f64, verb: char, precision: Option<usize>) -> String {
    if !v.is_finite() {
        return gofloat::format_g(v);
    }
    let text = match (verb, precision) {
        ('f', None) => gofloat::format_f(v),
        ('f', Some(p)) => {
            let digits = p.min(MOST_DIGITS);
            format!("{v:.digits$}") + &"0".repeat(p - digits)
        }
        ('e' | 'E', None) => scientific(&format!("{v:e}")),
        ('e' | 'E', Some(p)) => {
            let digits = p.min(MOST_DIGITS);
            let text = format!("{v:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            scientific(&format!("{mantissa}{}e{exponent}", "0".repeat(p - digits)))
        }
        ('b', _) => return binary(v),
        ('x' | 'X', _) => hexadecimal(v, precision),
        (_, None) => gofloat::format_g(v),
        (_, Some(p)) => general(v, p.clamp(1, MOST_DIGITS)),
    };
    if verb.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

/// `1.5e3` to `1.5e+03`.
fn scientific(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// At most `precision` significant digits, without zeros at the end.
fn general(v: f64, precision: usize) -> String {
    let exact = format!("{v:.*e}", precision - 1);
    let (mantissa, exponent) = exact.split_once('e').unwrap_or((&exact, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    // Digits that are not needed do not keep a number from being written plainly.
    let mut limit = precision as i32;
    if limit > digits && digits > exponent {
        limit = digits;
    }
    if exponent < -4 || exponent >= limit {
        return scientific(&format!("{mantissa}e{exponent}"));
    }
    format!("{v:.*}", (digits - 1 - exponent).max(0) as usize)
}

/// Mantissa and exponent of two as integers: `4503599627370496p-52`.
fn binary(v: f64) -> String {
    let (negative, mantissa, exponent) = parts(v);
    format!("{}{mantissa}p{}{}", if negative { "-" } else { "" }, sign(exponent), exponent.abs())
}

fn parts(v: f64) -> (bool, u64, i64) {
    let bits = v.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    match biased {
        0 => (v.is_sign_negative(), fraction, -1074),
        b => (v.is_sign_negative(), fraction | 1 << 52, b - 1075),
    }
}

fn sign(exponent: i64) -> char {
    if exponent < 0 { '-' } else { '+' }
}

/// `0x1.8p+01`
fn hexadecimal(v: f64, precision: Option<usize>) -> String {
    let (negative, mut mantissa, mut exponent) = parts(v);
    if mantissa == 0 {
        exponent = 0;
    } else {
        exponent += 52;
        // The leading digit is 1: its bit is number 60, fifteen digits follow.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent -= i64::from(shift) - 8;
    }
    let mut digits = 15;
    if let Some(p) = precision
        && p < 15
    {
        digits = p;
        let cut = 4 * (15 - p) as u32;
        let (rest, half) = (mantissa & ((1 << cut) - 1), 1u64 << (cut - 1));
        mantissa >>= cut;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= cut;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => fraction.truncate(fraction.trim_end_matches('0').len()),
        Some(p) if p <= 15 => fraction.truncate(digits),
        Some(p) => fraction.push_str(&"0".repeat(p - 15)),
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!(
        "{}0x{}{point}{fraction}p{}{:02}",
        if negative { "-" } else { "" },
        mantissa >> 60,
        sign(exponent),
        exponent.abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(v: f64, verb: char, precision: Option<usize>, expect: &str) {
        assert_eq!(format(v, verb, precision), expect, "{v} {verb} {precision:?}");
    }

    #[test]
    fn verbs() {
        check(1234.5678, 'g', Some(4), "1235");
        check(123456.0, 'g', Some(4), "1.235e+05");
        check(100000.0, 'g', Some(6), "100000");
        check(0.00001234, 'g', Some(2), "1.2e-05");
        check(0.5, 'g', Some(4), "0.5");
        check(0.0, 'g', Some(4), "0");
        check(2.5, 'f', Some(0), "2");
        check(0.125, 'f', Some(2), "0.12");
        check(1e6, 'e', Some(2), "1.00e+06");
        check(1.0, 'b', None, "4503599627370496p-52");
        check(1.0, 'x', None, "0x1p+00");
        check(3.0, 'X', Some(3), "0X1.800P+01");
        check(f64::INFINITY, 'f', Some(2), "+Inf");
    }
}
