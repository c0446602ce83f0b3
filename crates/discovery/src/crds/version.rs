//! Versions of Prometheus as the operator reads them: a field that a version does not know is left out.
//!
//! A suffix makes a version older than the plain one, so `v3.14.0-distroless` is before `3.14.0`; the operator has it so.

use std::cmp::Ordering;
use std::fmt;

/// The version that the operator takes when the object names none (prometheus-operator 0.93).
pub const DEFAULT: &str = "v3.13.2";

/// A semantic version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// What follows the `-`, at its dots; empty for a plain version.
    suffix: Vec<String>,
}

/// A text that is no version, in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse Prometheus version: {0}")]
pub struct NotAVersion(String);

impl NotAVersion {
    /// The reason alone.
    pub(crate) fn reason(&self) -> &str {
        &self.0
    }
}

impl Version {
    /// Reads `v3.5.0`, `3.5`, `v2.54.0-rc.1`; missing numbers are 0.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Version, NotAVersion> {
        let fail = |why: String| Err(NotAVersion(why));
        let plain = text.trim();
        let plain = plain.strip_prefix('v').unwrap_or(plain);
        let mut parts: Vec<String> = plain.splitn(3, '.').map(padded).collect();
        if parts.len() < 3 && parts.last().is_some_and(|p| p.contains(['-', '+'])) {
            return fail("Short version cannot contain PreRelease/Build metadata".to_owned());
        }
        parts.resize(3, "0".to_owned());
        let last = parts.pop().unwrap_or_default();
        let (last, _build) = last.split_once('+').unwrap_or((&last, ""));
        let (last, suffix) = last.split_once('-').map_or((last, None), |(n, s)| (n, Some(s)));
        parts.push(last.to_owned());
        let mut numbers = [0; 3];
        for ((slot, part), name) in numbers.iter_mut().zip(&parts).zip(["major", "minor", "patch"]) {
            match part.parse() {
                Ok(n) => *slot = n,
                Err(_) => return fail(format!("Invalid character(s) found in {name} number {part:?}")),
            }
        }
        let suffix: Vec<String> = suffix.map_or_else(Vec::new, |s| s.split('.').map(str::to_owned).collect());
        if suffix.iter().any(String::is_empty) {
            return fail("Prerelease is empty".to_owned());
        }
        Ok(Version { numbers, suffix })
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.numbers[0]
    }

    /// Whether it is this version or a later one. `minimum` is a constant of this crate.
    pub(crate) fn since(&self, minimum: &str) -> bool {
        Version::parse(minimum).is_ok_and(|m| *self >= m)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.suffix.is_empty(), other.suffix.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => suffixes(&self.suffix, &other.suffix),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A part as the operator's library takes it: without zeros before it, and with one where no digit begins it.
fn padded(part: &str) -> String {
    let part = if part.len() > 1 { part.trim_start_matches('0') } else { part };
    if part.starts_with(|c: char| c.is_ascii_digit()) { part.to_owned() } else { format!("0{part}") }
}

/// Numbers by value and before words; a longer list is later.
fn suffixes(a: &[String], b: &[String]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.numbers;
        write!(f, "{a}.{b}.{c}")?;
        if self.suffix.is_empty() { Ok(()) } else { write!(f, "-{}", self.suffix.join(".")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, minimum: &str, expect: bool) {
        assert_eq!(Version::parse(text).unwrap().since(minimum), expect, "{text} >= {minimum}");
    }

    #[test]
    fn a_suffix_is_older() {
        check("v3.14.0", "3.14.0", true);
        check("v3.14.0-distroless", "3.14.0", false);
        check("v3.14.1-distroless", "3.14.0", true);
        check("3.0.0-rc.1", "3.0.0-rc.0", true);
        check("3.0.0-rc.10", "3.0.0-rc.9", true);
        check("2.45", "2.45.0", true);
        check("v3", "2.99.0", true);
    }

    #[test]
    fn texts_that_are_none() {
        for text in ["x", "1.2.3.4", "2.45-rc.1", "1.2.3-"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
