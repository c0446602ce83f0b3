//! Links to pages that show an expression.

use std::fmt::Write;

/// The path of the page that shows `expr` as a table: `/graph?g0.expr=...&g0.tab=1`.
pub fn table(expr: &str) -> String {
    let mut out = String::with_capacity(expr.len() + 24);
    out.push_str("/graph?g0.expr=");
    for b in expr.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(b as char),
            b' ' => out.push('+'),
            b => {
                // Writing into a text cannot fail.
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out.push_str("&g0.tab=1");
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn expressions_are_escaped_as_a_query() {
        assert_eq!(
            super::table(r#"up{job="a b"} == 0 ~ ü"#),
            "/graph?g0.expr=up%7Bjob%3D%22a+b%22%7D+%3D%3D+0+~+%C3%BC&g0.tab=1"
        );
    }
}
