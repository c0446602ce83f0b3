//! The page of each alert: what it means, what breaks, how to look, how to mend.

include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// The list of all pages, as Markdown.
pub const INDEX: &str = include_str!("../../../../docs/runbooks/README.md");

/// The page of an alert, as Markdown.
pub fn page(alert: &str) -> Option<&'static str> {
    ALL.iter().find(|(name, _)| *name == alert).map(|(_, text)| *text)
}
