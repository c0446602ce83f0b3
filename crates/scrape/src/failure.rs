//! Why a scrape failed, in the words that Prometheus' Targets page uses.

/// A failed scrape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What happened.
    pub reason: String,
    /// Whether the body was too big: then `scrape_body_size_bytes` is -1.
    pub too_big: bool,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Failure {
        Failure { reason: reason.into(), too_big: false }
    }

    /// A failure before the body: Go puts the URL before it.
    pub(crate) fn get(url: &str, reason: &str) -> Failure {
        Failure::new(format!("Get {url:?}: {reason}"))
    }
}
