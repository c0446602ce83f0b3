//! Which names metrics and labels may have.

use std::fmt;

/// The two rules for names that Prometheus knows (`metric_name_validation_scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameScheme {
    /// Any text that is not empty.
    #[default]
    Utf8,
    /// Letters, digits and `_` of ASCII, no digit first; metric names may have `:` too.
    Legacy,
}

impl NameScheme {
    /// `utf8` or `legacy`.
    pub fn as_str(self) -> &'static str {
        match self {
            NameScheme::Utf8 => "utf8",
            NameScheme::Legacy => "legacy",
        }
    }

    /// Whether a metric may have this name.
    pub fn is_metric_name(self, name: &str) -> bool {
        match self {
            NameScheme::Utf8 => !name.is_empty(),
            NameScheme::Legacy => is_legacy_metric_name(name),
        }
    }

    /// Whether a label may have this name.
    pub fn is_label_name(self, name: &str) -> bool {
        match self {
            NameScheme::Utf8 => !name.is_empty(),
            NameScheme::Legacy => is_legacy_label_name(name),
        }
    }
}

impl fmt::Display for NameScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether PromQL can write this metric name without quotes.
pub fn is_legacy_metric_name(name: &str) -> bool {
    legacy(name, |b| b == b':')
}

/// Whether PromQL can write this label name without quotes.
pub fn is_legacy_label_name(name: &str) -> bool {
    legacy(name, |_| false)
}

fn legacy(name: &str, also: impl Fn(u8) -> bool) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_' || also(b);
    let mut bytes = name.bytes();
    bytes.next().is_some_and(&letter) && bytes.all(|b| letter(b) || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_differ() {
        for (name, legacy_metric, legacy_label) in [
            ("up", true, true),
            ("a:b", true, false),
            ("1a", false, false),
            ("a.b", false, false),
            ("_0", true, true),
            ("", false, false),
        ] {
            assert_eq!(NameScheme::Legacy.is_metric_name(name), legacy_metric, "{name}");
            assert_eq!(NameScheme::Legacy.is_label_name(name), legacy_label, "{name}");
            assert_eq!(NameScheme::Utf8.is_label_name(name), !name.is_empty(), "{name}");
        }
    }
}
