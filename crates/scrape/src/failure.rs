//! Why a scrape failed, in the words that Prometheus' Targets page uses.

use std::io;

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

/// What the system said, as Go prints it: `connection refused`.
pub(crate) fn system_text(e: &io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    let mut chars = text.chars();
    match chars.next() {
        // A word in capitals stays: only the first letter of a sentence is made small.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_go() {
        assert_eq!(system_text(&io::Error::from_raw_os_error(111)), "connection refused");
        assert_eq!(system_text(&io::Error::from_raw_os_error(104)), "connection reset by peer");
    }
}
