//! Explicit timestamps behind the samples of a text exposition.

/// `body` with ` ms` behind each sample line. Comments and empty lines stay. Lines that already carry a timestamp
/// would get a second one: recordings of Calico's components have none.
pub(super) fn stamp(body: &[u8], ms: i64) -> Vec<u8> {
    let tail = format!(" {ms}");
    let lines = body.iter().filter(|b| **b == b'\n').count();
    let mut out = Vec::with_capacity(body.len() + lines * tail.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let (text, end) = match line.strip_suffix(b"\n") {
            Some(text) => (text, &b"\n"[..]),
            None => (line, &b""[..]),
        };
        out.extend_from_slice(text);
        if !text.is_empty() && !text.starts_with(b"#") {
            out.extend_from_slice(tail.as_bytes());
        }
        out.extend_from_slice(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: &str) {
        assert_eq!(String::from_utf8(stamp(body.as_bytes(), 1500)).unwrap(), expect);
    }

    #[test]
    fn samples_get_a_timestamp_and_comments_do_not() {
        check("# HELP a b\n# TYPE a gauge\na 1\n", "# HELP a b\n# TYPE a gauge\na 1 1500\n");
        check("a{b=\"#\"} NaN\n\na 2", "a{b=\"#\"} NaN 1500\n\na 2 1500");
        check("", "");
    }
}
