//! Go's `%q`: bytes as a quoted string, for error messages that read as Prometheus' do.

use std::fmt::Write;

/// At most this many bytes of foreign input stand in a message; a whole broken body must not.
const MESSAGE_BYTES: usize = 512;

/// Quotes `bytes` as Go's `%q` does; what is longer than 512 bytes ends in `...`.
pub fn quote(bytes: &[u8]) -> String {
    let cut = bytes.get(..MESSAGE_BYTES).unwrap_or(bytes);
    let mut out = String::with_capacity(cut.len() + 2);
    out.push('"');
    for chunk in cut.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_char(&mut out, c));
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    if cut.len() < bytes.len() {
        out.push_str("...");
    }
    out.push('"');
    out
}

fn push_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0b' => out.push_str("\\v"),
        '\x0c' => out.push_str("\\f"),
        c if (c as u32) < 0x20 || c == '\x7f' => {
            let _ = write!(out, "\\x{:02x}", c as u32);
        }
        c if c.is_control() || matches!(c, '\u{a0}' | '\u{ad}' | '\u{feff}') => {
            let _ = write!(out, "\\u{:04x}", c as u32);
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expect: &str) {
        assert_eq!(quote(input), expect);
    }

    #[test]
    fn reads_as_go() {
        check(b"a\n", r#""a\n""#);
        check(b"\"\\", r#""\"\\""#);
        check(b"\xffx\0", r#""\xffx\x00""#);
        check("ü\u{85}".as_bytes(), "\"ü\\u0085\"");
        assert!(quote(&[b'x'; 9000]).len() < 600);
    }
}
