//! Times as the API server writes them.

use jiff::Timestamp;

/// Seconds since the Unix epoch as RFC 3339, `2026-01-05T10:00:00Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|t| t.to_string()).unwrap_or_default()
}

/// Seconds since the Unix epoch of an RFC 3339 text.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|t| t.as_second())
}
