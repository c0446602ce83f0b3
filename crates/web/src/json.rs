//! JSON as Prometheus writes it, into a byte buffer.

use tortie_model::{Labels, gofloat};
use tortie_promql::eval::FloatHistogram;

/// Writes a string as Go's `encoding/json` does: `<`, `>`, `&`, U+2028 and U+2029 are escaped too.
pub fn string(out: &mut Vec<u8>, s: &str) {
    write_string(out, s, true);
}

/// Writes a string without escaping HTML's characters, as Prometheus writes label names and values.
pub fn plain_string(out: &mut Vec<u8>, s: &str) {
    write_string(out, s, false);
}

fn write_string(out: &mut Vec<u8>, s: &str, html: bool) {
    out.push(b'"');
    let bytes = s.as_bytes();
    let mut start = 0;
    for (i, &b) in bytes.iter().enumerate() {
        let escape: Option<&[u8]> = match b {
            b'"' => Some(b"\\\""),
            b'\\' => Some(b"\\\\"),
            b'\n' => Some(b"\\n"),
            b'\r' => Some(b"\\r"),
            b'\t' => Some(b"\\t"),
            b'<' if html => Some(b"\\u003c"),
            b'>' if html => Some(b"\\u003e"),
            b'&' if html => Some(b"\\u0026"),
            _ => None,
        };
        if let Some(e) = escape {
            out.extend_from_slice(&bytes[start..i]);
            out.extend_from_slice(e);
            start = i + 1;
        } else if b < 0x20 {
            out.extend_from_slice(&bytes[start..i]);
            out.extend_from_slice(format!("\\u{b:04x}").as_bytes());
            start = i + 1;
        } else if html && b == 0xe2 && (s[i..].starts_with('\u{2028}') || s[i..].starts_with('\u{2029}')) {
            out.extend_from_slice(&bytes[start..i]);
            out.extend_from_slice(if s[i..].starts_with('\u{2028}') { b"\\u2028" } else { b"\\u2029" });
            start = i + 3;
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Writes a comma, a key and a colon.
pub(crate) fn key(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    string(out, key);
    out.push(b':');
}

/// Writes a label set as an object.
pub fn labels(out: &mut Vec<u8>, l: &Labels) {
    pairs(out, l.iter());
}

/// Writes names and values as an object, as label sets are written.
pub(crate) fn pairs<'a>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (i, (n, v)) in pairs.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        plain_string(out, n);
        out.push(b':');
        plain_string(out, v);
    }
    out.push(b'}');
}

/// Writes a timestamp in seconds with up to three decimals, from milliseconds.
pub fn timestamp(out: &mut Vec<u8>, ms: i64) {
    gofloat::format_timestamp_into(ms, out);
}

/// Writes a value as Prometheus does: a quoted float.
pub fn value(out: &mut Vec<u8>, v: f64) {
    out.push(b'"');
    gofloat::format_json_into(v, out);
    out.push(b'"');
}

/// Writes `[timestamp, "value"]`.
#[inline]
pub fn point(out: &mut Vec<u8>, ms: i64, v: f64) {
    out.push(b'[');
    timestamp(out, ms);
    out.push(b',');
    value(out, v);
    out.push(b']');
}

/// Writes a native histogram: its count and sum. Buckets follow when histograms are stored; until then the store
/// refuses them by name, so none can be in an answer.
pub fn histogram(out: &mut Vec<u8>, h: &FloatHistogram) {
    out.extend_from_slice(b"{\"count\":");
    value(out, h.count);
    out.extend_from_slice(b",\"sum\":");
    value(out, h.sum);
    out.push(b'}');
}

/// Writes a decimal number.
pub fn integer(out: &mut Vec<u8>, n: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut n = n;
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes an array of strings.
pub fn strings<S: AsRef<str>>(out: &mut Vec<u8>, items: &[S]) {
    out.push(b'[');
    for (i, s) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(out, s.as_ref());
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_escape_as_go() {
        assert_eq!(
            written(|o| string(o, "a\"b\\<&>\n\u{1}\u{2028}ü")),
            "\"a\\\"b\\\\\\u003c\\u0026\\u003e\\n\\u0001\\u2028ü\""
        );
        assert_eq!(written(|o| plain_string(o, "<&>")), "\"<&>\"");
    }

    #[test]
    fn timestamps_drop_zero_milliseconds() {
        let cases = [
            (0, "0"),
            (1000, "1"),
            (1001, "1.001"),
            (-1, "-0.001"),
            (-1500, "-1.500"),
            (1_435_781_451_781, "1435781451.781"),
        ];
        for (ms, want) in cases {
            assert_eq!(written(|o| timestamp(o, ms)), want);
        }
    }

    #[test]
    fn points_quote_their_values() {
        assert_eq!(written(|o| point(o, 1500, f64::INFINITY)), "[1.500,\"+Inf\"]");
        assert_eq!(written(|o| point(o, 0, 1e21)), "[0,\"1e+21\"]");
    }
}
