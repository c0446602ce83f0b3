//! Text as Go's `strconv` and `fmt` write it: quoted strings and characters, and what they read back.

use std::fmt::Write;

/// Whether Go prints `c` as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Behind another character, the standard library escapes exactly those that are not printable.
    let mut buf = [b'a', 0, 0, 0, 0];
    let len = c.encode_utf8(&mut buf[1..]).len();
    std::str::from_utf8(&buf[..=len]).is_ok_and(|s| s.escape_debug().nth(1) == Some(c))
}

fn push_escaped(out: &mut String, c: char, quote: char) {
    match c {
        c if c == quote || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if is_print(c) => out.push(c),
        c => {
            let n = u32::from(c);
            // Writing to a String cannot fail.
            let _ = match n {
                0..=0x1f | 0x7f => write!(out, "\\x{n:02x}"),
                0..=0xffff => write!(out, "\\u{n:04x}"),
                _ => write!(out, "\\U{n:08x}"),
            };
        }
    }
}

/// The text in double quotes, as `strconv.Quote`.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

/// Appends the text in double quotes.
pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    text.chars().for_each(|c| push_escaped(out, c, '"'));
    out.push('"');
}

/// Bytes in double quotes; what is no UTF-8 becomes `\x..`.
pub fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut out, c, '"'));
        for b in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out.push('"');
    out
}

/// A character in single quotes, as `%q` of a rune; `None` is the end of the input.
pub fn quote_char(c: Option<char>) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c.unwrap_or(char::REPLACEMENT_CHARACTER), '\'');
    out.push('\'');
    out
}

/// A character as `%#U` writes it: `U+0071 'q'`.
pub fn describe_char(c: char) -> String {
    let n = u32::from(c);
    if is_print(c) { format!("U+{n:04X} '{c}'") } else { format!("U+{n:04X}") }
}

/// What a literal in quotes or back-quotes stands for. `None` when it is no literal.
///
/// Bytes written as `\x` or octal escapes need not be UTF-8 together; what is not becomes U+FFFD.
pub fn unquote(literal: &str) -> Option<String> {
    unquote_bytes(literal)
        .map(|b| String::from_utf8(b).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// The bytes that a literal in quotes or back-quotes stands for. `None` when it is no literal.
pub fn unquote_bytes(literal: &str) -> Option<Vec<u8>> {
    let quote = literal.chars().next()?;
    let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    if literal.len() < 2 || !matches!(quote, '"' | '\'' | '`') {
        return None;
    }
    if quote == '`' || !inner.contains('\\') {
        return Some(inner.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let mut push = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if c != '\\' {
            push(c);
            continue;
        }
        match chars.next()? {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            'x' => bytes.push(u8::try_from(digits(&mut chars, 16, 2, 0)?).ok()?),
            'u' => push(char::from_u32(digits(&mut chars, 16, 4, 0)?)?),
            'U' => push(char::from_u32(digits(&mut chars, 16, 8, 0)?)?),
            c @ '0'..='7' => bytes.push(u8::try_from(digits(&mut chars, 8, 2, c.to_digit(8)?)?).ok()?),
            c if c == '\\' || c == quote => push(c),
            _ => return None,
        }
    }
    Some(bytes)
}

fn digits(chars: &mut std::str::Chars<'_>, base: u32, count: usize, mut value: u32) -> Option<u32> {
    for _ in 0..count {
        value = value.checked_mul(base)?.checked_add(chars.next()?.to_digit(base)?)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_like_go() {
        fn check(text: &str, expect: &str) {
            assert_eq!(quote(text), expect);
            if !text.contains('\u{fffd}') {
                assert_eq!(unquote(expect).as_deref(), Some(text));
            }
        }
        check("", r#""""#);
        check("a\"b\\c'", r#""a\"b\\c'""#);
        check("\u{7}\u{8}\u{c}\n\r\t\u{b}\0\x7f", r#""\a\b\f\n\r\t\v\x00\x7f""#);
        check("é€😀a\u{301}", "\"é€😀a\u{301}\"");
        check("\u{301}", "\"\u{301}\"");
        check("\u{200b}\u{a0}\u{e000}\u{e0001}", r#""\u200b\u00a0\ue000\U000e0001""#);
    }

    #[test]
    fn characters() {
        assert_eq!(quote_char(Some('\'')), r"'\''");
        assert_eq!(quote_char(Some('"')), "'\"'");
        assert_eq!(quote_char(Some('\n')), r"'\n'");
        assert_eq!(quote_char(None), "'\u{fffd}'");
        assert_eq!(describe_char('q'), "U+0071 'q'");
        assert_eq!(describe_char('\n'), "U+000A");
    }

    #[test]
    fn unquoted() {
        fn check(literal: &str, expect: Option<&str>) {
            assert_eq!(unquote(literal).as_deref(), expect, "{literal}");
        }
        check(r#"'a"\''"#, Some("a\"'"));
        check(r"`a\n`", Some(r"a\n"));
        check(r#""\x41\101\u0041\U00000041""#, Some("AAAA"));
        check(r#""\xe2\x82\xac""#, Some("€"));
        check(r#""\xff""#, Some("\u{fffd}"));
        check(r#""\q""#, None);
        check(r#""\'""#, None);
        check(r#"""#, None);
        check("", None);
        let bytes = unquote_bytes(r#""a\xffé""#).unwrap();
        assert_eq!(quote_bytes(&bytes), r#""a\xffé""#);
    }
}
