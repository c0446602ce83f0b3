//! Why a template was refused or ended, in Go's words.

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no template.
    Parse,
    /// A function failed or a value is of the wrong type.
    Exec,
    /// A bound of [`crate::Limits`] was reached.
    Limit,
}

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The whole message as Go has it: `template: NAME:LINE: ...` or `template: NAME:LINE:COLUMN: executing ...`.
    pub message: String,
    /// Line of the text, from 1.
    pub line: usize,
    /// Byte within the line, from 0; none for errors of parsing.
    pub column: Option<usize>,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
