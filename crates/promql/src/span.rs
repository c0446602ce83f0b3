//! Where in a query something stands.

/// A half-open range of bytes of the query's text: `start..end`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub const fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// From the start of this one to the end of `last`.
    #[must_use]
    pub const fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end }
    }

    /// The position of `start` as Prometheus prints it: `line:column`, the line counted in `\n` from one, the column
    /// in bytes from one. An empty query has an `unknown position`, a start behind its end an `invalid position`.
    pub fn line_column(self, query: &str) -> String {
        if query.is_empty() {
            return "unknown position".to_owned();
        }
        let Some(before) = query.as_bytes().get(..self.start) else {
            return "invalid position".to_owned();
        };
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = match before.iter().rposition(|&b| b == b'\n') {
            Some(newline) => self.start - newline,
            None => self.start + 1,
        };
        format!("{line}:{column}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, start: usize, expect: &str) {
        assert_eq!(Span::new(start, start).line_column(query), expect);
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        check("foo", 0, "1:1");
        check("foo", 3, "1:4");
        check("foo", 4, "invalid position");
        check("a\nbc\nd", 2, "2:1");
        check("a\nbc\nd", 3, "2:2");
        check("a\nbc\nd", 5, "3:1");
        check("", 0, "unknown position");
    }
}
