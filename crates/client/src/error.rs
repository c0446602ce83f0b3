//! Why a request failed.

use http::Method;

/// A failed request. Its text is Go's: `Get "http://h/": dial tcp ...`; no secret stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There was no answer.
    #[error("{}: {reason}", asked(method, url))]
    Request {
        /// Method of the request.
        method: Method,
        /// Its URL without a password.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The time of the request was over.
    #[error("{}: context deadline exceeded", asked(method, url))]
    Deadline {
        /// Method of the request.
        method: Method,
        /// Its URL without a password.
        url: String,
    },
    /// The answer is longer than the caller takes.
    #[error("{}: the body has more than {limit} bytes", asked(method, url))]
    TooBig {
        /// Method of the request.
        method: Method,
        /// Its URL without a password.
        url: String,
        /// Most bytes.
        limit: usize,
    },
}

fn asked(method: &Method, url: &str) -> String {
    let name = method.as_str();
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("{first}{} {url:?}", rest.to_ascii_lowercase())
}

impl Error {
    /// Whether the time was over.
    pub fn is_deadline(&self) -> bool {
        matches!(self, Error::Deadline { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_go() {
        let e = Error::Deadline { method: Method::POST, url: "http://h/".into() };
        assert_eq!(e.to_string(), "Post \"http://h/\": context deadline exceeded");
        assert!(e.is_deadline());
    }
}
