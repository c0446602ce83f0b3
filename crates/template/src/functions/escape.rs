//! Text made safe for HTML, JavaScript and URLs.

use crate::letters::is_print;
use std::fmt::Write;

/// As `template.HTMLEscapeString`.
pub(super) fn html(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// As `template.JSEscapeString`.
pub(super) fn js(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        let code = u32::from(c);
        let written = match c {
            '\\' | '\'' | '"' => write!(out, "\\{c}"),
            '<' | '>' | '&' | '=' => write!(out, "\\u{code:04X}"),
            _ if code < 0x20 => write!(out, "\\u{code:04X}"),
            _ if c.is_ascii() || is_print(c) => out.write_char(c),
            _ => write!(out, "\\u{code:04X}"),
        };
        // Writing into a String cannot fail.
        debug_assert!(written.is_ok());
    }
    out
}

/// As `url.QueryEscape`.
pub(super) fn query(s: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(s.len());
    for b in s.bytes() {
        match b {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(b)),
            _ if b.is_ascii_alphanumeric() => out.push(char::from(b)),
            _ => {
                out.push('%');
                for digit in [b >> 4, b & 15] {
                    out.push(char::from(HEX[usize::from(digit)]));
                }
            }
        }
    }
    out
}
