//! Go's quoted strings and characters, read.

const INVALID: &str = "invalid syntax";

/// The text that a quoted string spells: between `"` with escapes, between backquotes without.
///
/// # Errors
/// When an escape is wrong, in Go's words.
pub(super) fn string(quoted: &str) -> Result<String, String> {
    let invalid = || INVALID.to_owned();
    if let Some(raw) = quoted.strip_prefix('`').and_then(|s| s.strip_suffix('`')) {
        return Ok(raw.replace('\r', ""));
    }
    let inner = quoted.strip_prefix('"').and_then(|s| s.strip_suffix('"')).ok_or_else(invalid)?;
    // Bytes, because `\xff` may be a part of a character.
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        match c {
            '\\' => match escape(&mut rest, '"').ok_or_else(invalid)? {
                Unit::Byte(b) => out.push(b),
                Unit::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            },
            '"' | '\n' => return Err(invalid()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The one character between single quotes.
///
/// # Errors
/// When it is not one, in Go's words.
pub(super) fn character(quoted: &str) -> Result<char, String> {
    let invalid = || INVALID.to_owned();
    let mut rest = quoted.strip_prefix('\'').ok_or_else(invalid)?;
    let first = rest.chars().next().ok_or_else(invalid)?;
    rest = rest.get(first.len_utf8()..).unwrap_or("");
    let c = match first {
        '\'' => return Err(invalid()),
        '\\' => match escape(&mut rest, '\'').ok_or_else(invalid)? {
            Unit::Byte(b) => char::from(b),
            Unit::Char(c) => c,
        },
        c => c,
    };
    if rest != "'" {
        return Err(format!("malformed character constant: {quoted}"));
    }
    Ok(c)
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// What stands after a backslash.
fn escape(rest: &mut &str, quote: char) -> Option<Unit> {
    let c = rest.chars().next()?;
    let after = rest.get(c.len_utf8()..)?;
    let digits = |from: &str, n: usize, base: u32| {
        let text = from.get(..n)?;
        text.chars().all(|c| c.is_digit(base)).then(|| u32::from_str_radix(text, base).ok())?
    };
    let (unit, used) = match c {
        'a' => (Unit::Byte(7), 1),
        'b' => (Unit::Byte(8), 1),
        'f' => (Unit::Byte(12), 1),
        'n' => (Unit::Byte(b'\n'), 1),
        'r' => (Unit::Byte(b'\r'), 1),
        't' => (Unit::Byte(b'\t'), 1),
        'v' => (Unit::Byte(11), 1),
        '\\' => (Unit::Byte(b'\\'), 1),
        'x' => (Unit::Byte(u8::try_from(digits(after, 2, 16)?).ok()?), 3),
        'u' => (Unit::Char(char::from_u32(digits(after, 4, 16)?)?), 5),
        'U' => (Unit::Char(char::from_u32(digits(after, 8, 16)?)?), 9),
        '0'..='7' => (Unit::Byte(u8::try_from(digits(rest, 3, 8)?).ok()?), 3),
        '\'' | '"' if c == quote => (Unit::Byte(c as u8), 1),
        _ => return None,
    };
    *rest = rest.get(used..)?;
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quoted: &str, expect: &str) {
        assert_eq!(string(quoted).as_deref(), Ok(expect), "{quoted}");
    }

    #[test]
    fn escapes() {
        check(r#""a\tb\"\\""#, "a\tb\"\\");
        check(r#""\u00e9\xc3\xa9\351""#, "éé\u{fffd}");
        check("`a\\n`", "a\\n");
        assert!(string(r#""\'""#).is_err());
        assert!(string(r#""\q""#).is_err());
        assert_eq!(character(r"'\''"), Ok('\''));
        assert_eq!(character("'ab'").unwrap_err(), "malformed character constant: 'ab'");
    }
}
