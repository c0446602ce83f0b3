//! Classes of characters as Go's package `unicode` has them.

use std::sync::LazyLock;
use tortie_model::regex::Regex;

static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::anchored(r"\pL").ok());
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::anchored(r"\p{Nd}").ok());
static PRINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::anchored(r"[\pL\pM\pN\pP\pS]").ok());
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::anchored(r"[\pM\p{Cf}\p{Pc}]").ok());

fn is(class: &LazyLock<Option<Regex>>, c: char) -> bool {
    class.as_ref().is_some_and(|re| re.is_match(c.encode_utf8(&mut [0; 4])))
}

/// A letter, a decimal digit or an underscore.
pub(crate) fn is_name_char(c: char) -> bool {
    match c {
        _ if c.is_ascii() => c == '_' || c.is_ascii_alphanumeric(),
        _ => is(&LETTER, c) || is(&DIGIT, c),
    }
}

/// Whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_print(c: char) -> bool {
    match c {
        _ if c.is_ascii() => (' '..='~').contains(&c),
        _ => is(&PRINT, c),
    }
}

/// Combining marks, format characters and connectors such as the underscore.
pub(crate) fn joins(c: char) -> bool {
    match c {
        _ if c.is_ascii() => c == '_',
        _ => is(&MARK, c),
    }
}
