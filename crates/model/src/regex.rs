//! Regular expressions in Go's syntax, matched by `regex-automata`.

/// Why a pattern was refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {message}")]
pub struct RegexError {
    /// Go's message after `error parsing regexp: `.
    pub message: String,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Regex {
    inner: regex_automata::meta::Regex,
}

impl Regex {
    /// Compiles `^(?s:PATTERN)$`, as Prometheus does for matchers and relabelling.
    ///
    /// # Errors
    /// When the pattern is not of Go's syntax.
    pub fn anchored(pattern: &str) -> Result<Regex, RegexError> {
        // Replaced by the own Go-syntax parser.
        regex_automata::meta::Regex::new(&format!("^(?s:{pattern})$"))
            .map(|inner| Regex { inner })
            .map_err(|e| RegexError { message: e.to_string() })
    }

    /// Whether the whole of `s` matches.
    pub fn is_match(&self, s: &str) -> bool {
        self.inner.is_match(s)
    }
}
