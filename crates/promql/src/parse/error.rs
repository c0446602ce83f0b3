//! What is wrong with a query, and where.

use crate::span::Span;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Where.
    pub span: Span,
    /// What, without the position.
    pub message: String,
    /// `line:column` of the span's start, or `unknown position` for an empty query.
    pub position: String,
}

impl ParseError {
    pub(crate) fn new(query: &str, span: Span, message: impl Into<String>) -> ParseError {
        ParseError { span, message: message.into(), position: span.line_column(query) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: parse error: {}", self.position, self.message)
    }
}

impl std::error::Error for ParseError {}

/// All that was found wrong; never empty. Prints as its first, as Prometheus does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors {
    /// The first one found.
    pub first: ParseError,
    /// Those found after it. Only the type check goes on after an error.
    pub rest: Vec<ParseError>,
}

impl ParseErrors {
    /// All of them, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &ParseError> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<ParseError> for ParseErrors {
    fn from(first: ParseError) -> Self {
        ParseErrors { first, rest: Vec::new() }
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)
    }
}

impl std::error::Error for ParseErrors {}
