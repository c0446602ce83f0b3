//! YAML values as JSON, with the types that `sigs.k8s.io/yaml` gives them (go-yaml 2: `yes` and `on` are booleans,
//! `0755` is octal, dates stay texts), since that is what kubectl sends.

use serde_json::{Map, Number, Value};
use tortie_config::yaml::{self, Node};
use tortie_config::{Diagnostic, Position};

/// Most values of a document, those behind aliases counted each time.
const MOST: usize = 2_000_000;

/// The JSON of a document.
///
/// # Errors
/// When aliases make it too large, or a number is none that JSON has.
pub(super) fn to_json(root: &Node) -> Result<Value, Diagnostic> {
    let mut left = MOST;
    convert(root, &mut left)
}

fn convert(node: &Node, left: &mut usize) -> Result<Value, Diagnostic> {
    *left = left
        .checked_sub(1)
        .ok_or_else(|| Diagnostic::new(node.at, format!("aliases make more than {MOST} values of it")))?;
    match &node.value {
        yaml::Value::Null => Ok(Value::Null),
        yaml::Value::Scalar { text, plain: false } => Ok(Value::String(text.clone())),
        yaml::Value::Scalar { text, plain: true } => plain(text, node.at),
        yaml::Value::Seq(items) => {
            Ok(Value::Array(items.iter().map(|n| convert(n, left)).collect::<Result<_, _>>()?))
        }
        yaml::Value::Map(entries) => {
            let mut out = Map::with_capacity(entries.len());
            for (key, value) in entries {
                out.insert(key.text.clone(), convert(value, left)?);
            }
            Ok(Value::Object(out))
        }
    }
}

/// A scalar without quotes (go-yaml 2, `resolve.go`).
fn plain(text: &str, at: Position) -> Result<Value, Diagnostic> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => {
            return Err(
                Diagnostic::new(at, format!("{text} is no number of JSON")).hint("put quotes around it")
            );
        }
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits))
        }
        Some(b'.') => float(text),
        _ => None,
    };
    Ok(number.map_or_else(|| Value::String(text.to_owned()), Value::Number))
}

/// An integer as Go's `strconv.ParseInt` with base 0 reads it.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let value = u64::from_str_radix(digits, base).ok()?;
    if !negative {
        return Some(Number::from(value));
    }
    let negated = 0i64.checked_sub_unsigned(value)?;
    Some(Number::from(negated))
}

/// A float of the form `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['-', '+']).unwrap_or(e))),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fine = digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    if !fine {
        return None;
    }
    let value: f64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    // What is whole is written without a point, as Go's JSON does.
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_have_the_types_that_kubectl_gives_them() {
        fn check(input: &str, expect: &str) {
            let root = yaml::parse(&format!("- {input}\n")).unwrap();
            assert_eq!(to_json(&root).unwrap().to_string(), format!("[{expect}]"), "{input}");
        }
        check("yes", "true");
        check("Off", "false");
        check("'yes'", "\"yes\"");
        check("9091", "9091");
        check("0755", "493");
        check("0x1F", "31");
        check("1_000", "1000");
        check("-7", "-7");
        check("08", "8");
        check("1.5", "1.5");
        check("1e3", "1000");
        check("18446744073709551615", "18446744073709551615");
        check("1.2.3", "\"1.2.3\"");
        check("v1", "\"v1\"");
        check("15s", "\"15s\"");
        check("2026-11-26", "\"2026-11-26\"");
        check("~", "null");
        check("!!str 1", "\"1\"");
        check("-", "[null]");
        check("10.0.0.0/8", "\"10.0.0.0/8\"");
    }
}
