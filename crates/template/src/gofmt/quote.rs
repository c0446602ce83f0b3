//! Text between quotes, as Go's `strconv.Quote` and `%#U` write it.

use crate::letters::is_print;
use std::fmt::Write;

/// `s` between double quotes; with `ascii` everything else is escaped.
pub(crate) fn double(s: &str, ascii: bool) -> String {
    between(s, '"', ascii)
}

/// One character between single quotes.
pub(crate) fn single(c: char, ascii: bool) -> String {
    between(c.encode_utf8(&mut [0; 4]), '\'', ascii)
}

/// Whether `s` can stand between backquotes.
pub(crate) fn can_backquote(s: &str) -> bool {
    s.chars().all(|c| (c == '\t' || c >= ' ') && !matches!(c, '`' | '\u{7f}' | '\u{feff}' | '\u{fffd}'))
}

/// As Go's package `regexp` quotes a pattern: between backquotes where possible.
pub(crate) fn pattern(s: &str) -> String {
    if can_backquote(s) { format!("`{s}`") } else { double(s, false) }
}

/// `U+0021 '!'`
pub(crate) fn code_point(c: char) -> String {
    let code = u32::from(c);
    if is_print(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}

fn between(s: &str, quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push(quote);
    for c in s.chars() {
        let code = u32::from(c);
        let written = match c {
            '\u{7}' => out.write_str("\\a"),
            '\u{8}' => out.write_str("\\b"),
            '\u{c}' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\u{b}' => out.write_str("\\v"),
            _ if c == quote || c == '\\' => write!(out, "\\{c}"),
            _ if is_print(c) && (c.is_ascii() || !ascii) => out.write_char(c),
            _ if code < 0x20 || code == 0x7f => write!(out, "\\x{code:02x}"),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
        // Writing into a String cannot fail.
        debug_assert!(written.is_ok());
    }
    out.push(quote);
    out
}
