//! Where and why a body of the text format is refused.

/// A refused body: the reason in Prometheus' words, and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (line {line}, column {column})")]
pub struct ParseError {
    /// What was expected and what stood there.
    pub reason: String,
    /// Line of the offending token, from 1.
    pub line: usize,
    /// Column of the offending token in bytes, from 1.
    pub column: usize,
}

impl ParseError {
    /// An error at byte `at` of `body`.
    pub(crate) fn at(body: &[u8], at: usize, reason: String) -> ParseError {
        let before = body.get(..at).unwrap_or(body);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |i| i + 1) + 1;
        ParseError { reason, line, column }
    }
}
