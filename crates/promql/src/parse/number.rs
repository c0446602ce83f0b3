//! The values of numbers and durations.

use super::{Parser, Result};
use crate::go_text::quote;
use crate::lex::{Kind, Token};
use tortie_model::{duration, gofloat};

impl Parser<'_> {
    /// The value of a number, or of a duration in seconds.
    pub(super) fn number_value(&self, token: Token) -> Result<f64> {
        let text = self.text(token);
        if token.kind == Kind::Duration {
            return match duration::parse(text) {
                Ok(ms) => Ok(seconds(ms)),
                Err(e) => self.fail(token.span, e.to_string()),
            };
        }
        if let Some(n) = integer(text) {
            return Ok(n as f64);
        }
        match gofloat::parse(text) {
            Ok(v) => Ok(v),
            Err(e) => {
                let reason = match e {
                    gofloat::FloatError::Range => "value out of range",
                    gofloat::FloatError::Syntax => "invalid syntax",
                };
                let text = quote(text);
                self.fail(
                    token.span,
                    format!("error parsing number: strconv.ParseFloat: parsing {text}: {reason}"),
                )
            }
        }
    }
}

/// Seconds as Go's `Duration.Seconds`: the whole ones and the fraction are rounded apart.
fn seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000 * 1_000_000) as f64 / 1e9
}

/// An integer as `strconv.ParseInt` with base 0 reads it: `0x1f`, `017` (octal), `1_000`. `None` when it is none.
fn integer(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (digits, base) = match lower.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (lower.get(1..)?, 8),
        None => (lower.as_str(), 10),
    };
    // An underscore stands between digits, where the prefix counts as one.
    let between = |s: &str| !s.ends_with('_') && !s.contains("__");
    if !between(digits) || (base == 10 && digits.starts_with('_')) {
        return None;
    }
    i64::from_str_radix(&digits.replace('_', ""), base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_all_bases() {
        fn check(text: &str, expect: Option<i64>) {
            assert_eq!(integer(text), expect, "{text}");
        }
        check("0", Some(0));
        check("12", Some(12));
        check("0x1F", Some(31));
        check("0x_1f", Some(31));
        check("017", Some(15));
        check("08", None);
        check("1_000", Some(1000));
        check("1__0", None);
        check("0_7", Some(7));
        check("9223372036854775808", None);
        check("1e3", None);
        check("inf", None);
    }
}
