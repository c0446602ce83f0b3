//! Constants that are numbers: a text is an integer, an unsigned integer and a float at once where it can be.

use super::unquote;
use tortie_model::gofloat;

/// A number in all types that can hold it.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// Real and imaginary part, when it was written as such.
    pub(crate) complex: Option<(f64, f64)>,
    /// As it stands in the template.
    pub(crate) text: String,
}

impl Number {
    /// The number that a token of digits spells.
    ///
    /// # Errors
    /// When it is none, in Go's words.
    pub(super) fn plain(text: &str) -> Result<Number, String> {
        if let Some(imaginary) = text.strip_suffix('i').and_then(|s| gofloat::parse(s).ok()) {
            return Ok(Number::from_complex(text, 0.0, imaginary));
        }
        let mut n = Number { int: None, uint: None, float: None, complex: None, text: text.to_owned() };
        if let Some(whole) = integer(text) {
            let signed = text.starts_with(['+', '-']);
            n.int = i64::try_from(whole).ok();
            n.uint = if signed && whole != 0 { None } else { u64::try_from(whole).ok() };
        }
        n.float = n.int.map(|i| i as f64).or_else(|| n.uint.map(|u| u as f64));
        if n.float.is_some() {
            return Ok(n);
        }
        let Ok(f) = gofloat::parse(text) else {
            return Err(format!("illegal number syntax: {}", crate::gofmt::quote::double(text, false)));
        };
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", crate::gofmt::quote::double(text, false)));
        }
        n.float = Some(f);
        n.int = whole_i64(f);
        n.uint = whole_u64(f);
        Ok(n)
    }

    /// The number of a character between quotes.
    ///
    /// # Errors
    /// When it is not one character, in Go's words.
    pub(super) fn character(text: &str) -> Result<Number, String> {
        let c = unquote::character(text)?;
        let code = u32::from(c);
        Ok(Number {
            int: Some(i64::from(code)),
            uint: Some(u64::from(code)),
            float: Some(f64::from(code)),
            complex: None,
            text: text.to_owned(),
        })
    }

    /// The number that `1+2i` spells.
    ///
    /// # Errors
    /// When it is none, in Go's words.
    pub(super) fn complex(text: &str) -> Result<Number, String> {
        let body = text.strip_suffix('i').unwrap_or(text);
        // The second sign that does not belong to an exponent.
        let split = body
            .char_indices()
            .skip(1)
            .filter(|(at, c)| {
                matches!(c, '+' | '-') && !body.get(..*at).is_some_and(|s| s.ends_with(['e', 'E', 'p', 'P']))
            })
            .map(|(at, _)| at)
            .last();
        let parts = split.map(|at| body.split_at(at));
        let parsed = parts.and_then(|(re, im)| Some((gofloat::parse(re).ok()?, gofloat::parse(im).ok()?)));
        let (re, im) = parsed.ok_or_else(|| "syntax error scanning complex number".to_owned())?;
        Ok(Number::from_complex(text, re, im))
    }

    fn from_complex(text: &str, re: f64, im: f64) -> Number {
        let real = (im == 0.0).then_some(re);
        Number {
            int: real.and_then(whole_i64),
            uint: real.and_then(whole_u64),
            float: real,
            complex: Some((re, im)),
            text: text.to_owned(),
        }
    }

    /// Whether the text is that of a float rather than an integer.
    pub(crate) fn is_written_as_float(&self) -> bool {
        let hex =
            matches!(self.text.as_bytes(), [b'0', b'x' | b'X', _, ..]) && !self.text.contains(['p', 'P']);
        self.float.is_some()
            && !hex
            && !self.text.starts_with('\'')
            && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

fn whole_i64(f: f64) -> Option<i64> {
    (f.abs() < 9.2e18 && f.fract() == 0.0).then_some(f as i64)
}

fn whole_u64(f: f64) -> Option<u64> {
    ((0.0..1.8e19).contains(&f) && f.fract() == 0.0).then_some(f as u64)
}

/// The integer that a text spells by Go's syntax of literals, with a sign; none when it is too large for 64 bits.
fn integer(text: &str) -> Option<i128> {
    let (negative, body) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (base, prefix) = match body.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, 2),
        [b'0', b'o' | b'O', ..] => (8, 2),
        [b'0', b'b' | b'B', ..] => (2, 2),
        [b'0', _, ..] => (8, 1),
        _ => (10, 0),
    };
    let digits = body.get(prefix..)?;
    // An underscore stands between two digits, or between the prefix and a digit.
    let mut value = 0i128;
    let mut last = if prefix > 0 { '0' } else { '_' };
    for c in digits.chars() {
        match c.to_digit(base) {
            Some(d) => value = value * i128::from(base) + i128::from(d),
            None if c == '_' && last != '_' => {}
            None => return None,
        }
        last = c;
        if value > i128::from(u64::MAX) {
            return None;
        }
    }
    if last == '_' || (prefix == 2 && digits.is_empty()) {
        return None;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, int: Option<i64>, float: Option<f64>) {
        let n = Number::plain(text).expect(text);
        assert_eq!((n.int, n.float), (int, float), "{text}");
    }

    #[test]
    fn a_text_is_all_that_it_can_be() {
        check("12", Some(12), Some(12.0));
        check("-0", Some(0), Some(0.0));
        check("0x1F", Some(31), Some(31.0));
        check("017", Some(15), Some(15.0));
        check("1_000", Some(1000), Some(1000.0));
        check("1e3", Some(1000), Some(1000.0));
        check("1.5", None, Some(1.5));
        check("18446744073709551615", None, Some(1.8446744073709552e19));
        assert_eq!(
            Number::plain("18446744073709551616").unwrap_err(),
            "integer overflow: \"18446744073709551616\""
        );
        assert_eq!(Number::plain("0x").unwrap_err(), "illegal number syntax: \"0x\"");
        assert_eq!(Number::complex("1+2i").map(|n| n.complex), Ok(Some((1.0, 2.0))));
    }
}
