//! Why an evaluation gave no answer, in Prometheus' words and kinds.

use crate::span::Span;
use tortie_model::storage::StorageError;

/// An evaluation that failed. [`EvalError::kind`] says which error type of the HTTP API it is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EvalError {
    /// The expression cannot be evaluated over this data.
    #[error("{0}")]
    Execution(String),
    /// The deadline passed; the place names what ran.
    #[error("query timed out in {0}")]
    Timeout(&'static str),
    /// The caller raised the cancel flag; the place names what ran.
    #[error("query was canceled in {0}")]
    Canceled(&'static str),
    /// More samples than `max_samples` would be in memory at once.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// The bytes budget shared by all queries is used up.
    #[error(
        "query needs {needed} more bytes and the memory of all queries together is used up (hint: narrow the selector, shorten the range or raise the step)"
    )]
    Budget {
        /// Bytes that could not be reserved.
        needed: u64,
    },
    /// This engine does not evaluate that yet: what, and where it stands in the query.
    #[error("{what} at {at} (hint: see COMPAT.md)")]
    Unsupported {
        /// What is not evaluated, as a sentence.
        what: String,
        /// Line and column of `span` in the query, `line:col`.
        at: String,
        /// Where it stands.
        span: Span,
    },
    /// Reading samples failed.
    #[error("expanding series: {0}")]
    Storage(#[from] StorageError),
}

/// The error types of the HTTP API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `execution`, status 422.
    Execution,
    /// `timeout`, status 503.
    Timeout,
    /// `canceled`, status 503.
    Canceled,
}

impl EvalError {
    /// An execution error with `text`.
    pub(crate) fn exec(text: impl Into<String>) -> EvalError {
        EvalError::Execution(text.into())
    }

    /// The error type of the HTTP API.
    pub fn kind(&self) -> ErrorKind {
        match self {
            EvalError::Timeout(_) => ErrorKind::Timeout,
            EvalError::Canceled(_) | EvalError::Storage(StorageError::Cancelled) => ErrorKind::Canceled,
            _ => ErrorKind::Execution,
        }
    }
}
