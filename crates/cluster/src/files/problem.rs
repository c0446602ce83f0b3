//! What is wrong with a file, and where.

use std::fmt;
use std::sync::Arc;
use tortie_config::{Diagnostic, Diagnostics, Position};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A document that is of no concern, such as the values of a chart.
    Note,
    /// Something that was meant to be read and could not be.
    Error,
}

/// A part of a file that could not be read. `Display` is place, cause, snippet and hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was given.
    pub file: Arc<str>,
    /// How bad it is.
    pub level: Level,
    /// Where; `None` for the file as a whole.
    pub at: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line in question; may be empty.
    pub line: String,
}

impl Problem {
    pub(super) fn new(
        file: Arc<str>,
        level: Level,
        at: Option<Position>,
        message: &str,
        hint: Option<&str>,
        line: &str,
    ) -> Problem {
        let hint = hint.map(str::to_owned);
        Problem { file, level, at, message: message.to_owned(), hint, line: line.to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.at else {
            write!(f, "{}: {}", self.file, self.message)?;
            return match &self.hint {
                Some(hint) => write!(f, "\nhint: {hint}"),
                None => Ok(()),
            };
        };
        // The renderer takes a text and finds the line in it: one that begins with the wanted line and is cut to it.
        let item = Diagnostic { at, message: self.message.clone(), hint: self.hint.clone() };
        let text = format!("{}{}", "\n".repeat(at.line.saturating_sub(1)), self.line);
        Diagnostics::new(&self.file, &text, vec![item]).fmt(f)
    }
}

impl std::error::Error for Problem {}
