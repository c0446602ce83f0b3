//! Secrets: values that cannot be printed, serialised or compared by length.

use std::fmt;

/// A password, token or key. `Debug` and `Display` say `<secret>`; only [`Secret::expose`] gives the text.
#[derive(Clone, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: &str) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the texts differ, and also when their lengths do.
    fn eq(&self, other: &Secret) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        let longest = a.len().max(b.len());
        let at = |s: &[u8], i: usize| {
            u16::from(s.get(i).copied().unwrap_or(0)) | if i < s.len() { 0x100 } else { 0 }
        };
        (0..longest).fold(0, |diff, i| diff | (at(a, i) ^ at(b, i))) == 0
    }
}
impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_and_compares_all() {
        let s = Secret::new("hunter2");
        assert_eq!(format!("{s} {s:?}"), "<secret> <secret>");
        assert_eq!(s, Secret::new("hunter2"));
        assert_ne!(s, Secret::new("hunter"));
        assert_ne!(s, Secret::new("hunter2\0"));
        assert_ne!(s, Secret::new("hunter3"));
    }
}
