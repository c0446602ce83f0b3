//! Floats as text, in the layouts that Go's `strconv` writes and with the syntax that it reads.
//!
//! All of them print the shortest digits that read back as the same float; they differ in where the exponent begins.

mod parse;

pub use parse::{FloatError, parse};

/// Decimal digits of a finite float: value = 0.D1D2D3... × 10^point.
struct Decimal {
    digits: [u8; 24],
    len: usize,
    point: i32,
}

/// `v` as Go's `strconv.FormatFloat(v, 'f', -1, 64)`: never an exponent. PromQL prints values so.
pub fn format_f(v: f64) -> String {
    to_string(v, format_f_into)
}

/// Appends what [`format_f`] gives.
pub fn format_f_into(v: f64, out: &mut Vec<u8>) {
    if special(v, out) || small_integer(v, out) {
        return;
    }
    plain(v, &decimal(v), out);
}

/// `v` as Go's `strconv.FormatFloat(v, 'g', -1, 64)` and `%v`: an exponent below 1e-4 and from 1e6 on.
pub fn format_g(v: f64) -> String {
    to_string(v, format_g_into)
}

/// Appends what [`format_g`] gives.
pub fn format_g_into(v: f64, out: &mut Vec<u8>) {
    if special(v, out) {
        return;
    }
    let d = decimal(v);
    let exp = d.point - 1;
    if !(-4..6).contains(&exp) {
        scientific(v, &d, out);
    } else {
        plain(v, &d, out);
    }
}

/// `v` as Prometheus' JSON has it between the quotes: plain unless `abs(v) < 1e-6` or `abs(v) >= 1e21`.
pub fn format_json(v: f64) -> String {
    to_string(v, format_json_into)
}

/// Appends what [`format_json`] gives.
#[inline]
pub fn format_json_into(v: f64, out: &mut Vec<u8>) {
    if special(v, out) || small_integer(v, out) {
        return;
    }
    let abs = v.abs();
    let d = decimal(v);
    if abs != 0.0 && !(1e-6..1e21).contains(&abs) {
        scientific(v, &d, out);
    } else {
        plain(v, &d, out);
    }
}

/// `v` as the labels `le` and `quantile` carry it (OpenMetrics): as [`format_g`], with `.0` added to whole numbers.
pub fn format_openmetrics(v: f64) -> String {
    to_string(v, |v, out| {
        format_g_into(v, out);
        if v.is_finite() && !out.iter().any(|b| matches!(b, b'.' | b'e')) {
            out.extend_from_slice(b".0");
        }
    })
}

/// Appends a timestamp in milliseconds as seconds with up to three digits after the point, as Prometheus' JSON has it.
pub fn format_timestamp_into(t: i64, out: &mut Vec<u8>) {
    if t < 0 {
        out.push(b'-');
    }
    let t = t.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(t / 1000).as_bytes());
    let ms = t % 1000;
    if ms != 0 {
        out.push(b'.');
        for digit in [ms / 100, ms / 10 % 10, ms % 10] {
            out.push(b'0' + digit as u8);
        }
    }
}

fn to_string(v: f64, write: impl Fn(f64, &mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(24);
    write(v, &mut out);
    String::from_utf8(out).unwrap_or_default() // only ASCII was written
}

fn special(v: f64, out: &mut Vec<u8>) -> bool {
    if v.is_finite() {
        return false;
    }
    out.extend_from_slice(match v {
        _ if v.is_nan() => b"NaN",
        _ if v > 0.0 => b"+Inf",
        _ => b"-Inf",
    });
    true
}

/// Most samples are counts: below 2^53 an integer prints as itself.
#[inline]
fn small_integer(v: f64, out: &mut Vec<u8>) -> bool {
    let i = v as i64;
    if i as f64 != v || i.unsigned_abs() >= 1 << 53 || (i == 0 && v.is_sign_negative()) {
        return false;
    }
    out.extend_from_slice(itoa::Buffer::new().format(i).as_bytes());
    true
}

fn decimal(v: f64) -> Decimal {
    let mut d = Decimal { digits: [0; 24], len: 0, point: 0 };
    if v == 0.0 {
        d.point = 1;
        return d;
    }
    let mut buf = zmij::Buffer::new();
    let text = buf.format_finite(v.abs());
    let (mantissa, exp) = match text.split_once('e') {
        Some((m, e)) => (m, e.parse::<i32>().unwrap_or(0)),
        None => (text, 0),
    };
    let (int, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    d.point = int.len() as i32 + exp;
    for b in int.bytes().chain(frac.bytes()) {
        if d.len == 0 && b == b'0' {
            d.point -= 1;
        } else if let Some(slot) = d.digits.get_mut(d.len) {
            *slot = b;
            d.len += 1;
        }
    }
    while d.len > 0 && d.digits[d.len - 1] == b'0' {
        d.len -= 1;
    }
    d
}

fn plain(v: f64, d: &Decimal, out: &mut Vec<u8>) {
    if v.is_sign_negative() {
        out.push(b'-');
    }
    let digits = &d.digits[..d.len];
    if d.point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + d.point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
        return;
    }
    let point = d.point as usize;
    let whole = point.min(digits.len());
    out.extend_from_slice(&digits[..whole]);
    out.resize(out.len() + point - whole, b'0');
    if whole < digits.len() {
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

fn scientific(v: f64, d: &Decimal, out: &mut Vec<u8>) {
    if v.is_sign_negative() {
        out.push(b'-');
    }
    let digits = &d.digits[..d.len];
    out.push(digits.first().copied().unwrap_or(b'0'));
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    let exp = d.point - 1;
    out.extend_from_slice(if exp < 0 { b"e-" } else { b"e+" });
    let exp = exp.unsigned_abs();
    if exp < 10 {
        out.push(b'0');
    }
    out.extend_from_slice(itoa::Buffer::new().format(exp).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(v: f64, f: &str, g: &str, json: &str) {
        assert_eq!(
            (format_f(v).as_str(), format_g(v).as_str(), format_json(v).as_str()),
            (f, g, json),
            "{v:e}"
        );
    }

    #[test]
    fn layouts_are_those_of_go() {
        check(0.0, "0", "0", "0");
        check(-0.0, "-0", "-0", "-0");
        check(1.0, "1", "1", "1");
        check(f64::NAN, "NaN", "NaN", "NaN");
        check(f64::INFINITY, "+Inf", "+Inf", "+Inf");
        check(f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf");
        check(-1.5, "-1.5", "-1.5", "-1.5");
        check(0.1, "0.1", "0.1", "0.1");
        check(0.0001, "0.0001", "0.0001", "0.0001");
        check(0.00001, "0.00001", "1e-05", "0.00001");
        check(0.0000001, "0.0000001", "1e-07", "1e-07");
        check(1e20, "100000000000000000000", "1e+20", "100000000000000000000");
        check(1e21, "1000000000000000000000", "1e+21", "1e+21");
        check(1e6, "1000000", "1e+06", "1000000");
        check(123456789.0, "123456789", "1.23456789e+08", "123456789");
        check(5e-324, &format!("0.{}5", "0".repeat(323)), "5e-324", "5e-324");
        check(
            1.7976931348623157e308,
            &format!("17976931348623157{}", "0".repeat(292)),
            "1.7976931348623157e+308",
            "1.7976931348623157e+308",
        );
    }

    #[test]
    fn openmetrics_labels_have_a_point_or_an_exponent() {
        assert_eq!(format_openmetrics(10.0), "10.0");
        assert_eq!(format_openmetrics(0.005), "0.005");
        assert_eq!(format_openmetrics(1e6), "1e+06");
        assert_eq!(format_openmetrics(f64::INFINITY), "+Inf");
    }

    #[test]
    fn timestamps_are_seconds() {
        for (t, text) in [
            (0, "0"),
            (1000, "1"),
            (1001, "1.001"),
            (1010, "1.010"),
            (-1500, "-1.500"),
            (1_700_000_000_123, "1700000000.123"),
        ] {
            let mut out = Vec::new();
            format_timestamp_into(t, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
