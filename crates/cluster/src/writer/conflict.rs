//! The conflicts of server-side apply.
//!
//! The words are those of `k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go`.

use crate::client::Status;
use std::fmt;

/// A field that another manager keeps with another value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldConflict {
    /// Who keeps it.
    pub manager: String,
    /// Through which subresource; mostly empty.
    pub subresource: String,
    /// In which version; empty for a manager that applies too.
    pub api_version: String,
    /// When that manager last wrote, as RFC 3339. Mostly empty: the server says it for some kinds of conflict alone, and
    /// the object's `managedFields` have it.
    pub time: String,
    /// The field, such as `.spec.ports[name="x"].port`.
    pub path: String,
    /// The server's words.
    pub message: String,
}

impl fmt::Display for FieldConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is kept by {}", self.path, self.manager)?;
        if !self.time.is_empty() {
            write!(f, " (last written {})", self.time)?;
        }
        Ok(())
    }
}

/// The conflicts that a refusal names; empty when it is about something else.
pub(super) fn read(status: &Status) -> Vec<FieldConflict> {
    status
        .causes()
        .iter()
        .filter(|c| c.reason == "FieldManagerConflict")
        .map(|c| FieldConflict { path: c.field.clone(), ..parse(&c.message) })
        .collect()
}

/// Reads `conflict with "m" with subresource "s" using v1 at 2026-11-26T21:00:00Z`.
fn parse(message: &str) -> FieldConflict {
    let mut out = FieldConflict { message: message.to_owned(), ..FieldConflict::default() };
    let rest = message.strip_prefix("conflict with ").unwrap_or(message);
    let Some((manager, mut rest)) = quoted(rest) else { return out };
    out.manager = manager;
    if let Some(after) = rest.strip_prefix(" with subresource ")
        && let Some((subresource, after)) = quoted(after)
    {
        out.subresource = subresource;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(" using ") {
        let (version, time) = after.split_once(" at ").unwrap_or((after, ""));
        out.api_version = version.trim_end_matches(':').to_owned();
        out.time = time.trim_end_matches(':').to_owned();
    }
    out
}

/// A text in Go's quotes at the start, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (i, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let raw = inner.get(..i)?;
                // Go's escapes that JSON has too are resolved; others are rare in names and stay.
                let name = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                return Some((name, inner.get(i + 1..)?));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_server() {
        fn check(input: &str, expect: [&str; 4]) {
            let c = parse(input);
            assert_eq!([c.manager.as_str(), &c.subresource, &c.api_version, &c.time], expect, "{input}");
            assert_eq!(c.message, input);
        }
        check(
            "conflict with \"operator\" using apps/v1 at 2026-11-26T21:00:00Z",
            ["operator", "", "apps/v1", "2026-11-26T21:00:00Z"],
        );
        check("conflict with \"flux\"", ["flux", "", "", ""]);
        check(
            "conflict with \"a \\\"b\\\"\" with subresource \"status\" using v1",
            ["a \"b\"", "status", "v1", ""],
        );
        check("something else", ["", "", "", ""]);
    }
}
