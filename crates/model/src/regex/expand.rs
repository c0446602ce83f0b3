//! Replacement templates: `$1`, `${1}`, `$name`, `${name}`, `$$`, as Go's `Regexp.Expand` reads them.

use super::Captures;
use std::sync::LazyLock;

/// Letters and digits beyond ASCII that a name in a template may have.
static NAME_CHARS: LazyLock<Option<regex_automata::meta::Regex>> =
    LazyLock::new(|| regex_automata::meta::Regex::new(r"^[\p{L}\p{Nd}]$").ok());

/// Appends `template` with its references replaced by what the groups of `captures` matched in `text`. A group that
/// is not there or did not match gives nothing; a `$` that starts no name stands for itself.
pub(super) fn expand(template: &str, text: &str, captures: &Captures<'_>, out: &mut String) {
    let mut rest = template;
    while let Some((plain, after)) = rest.split_once('$') {
        out.push_str(plain);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            out.push('$');
            continue;
        };
        rest = after;
        let found = match number(name) {
            Some(index) => captures.span(index),
            None => captures.named(name),
        };
        if let Some((from, to)) = found {
            out.push_str(text.get(from..to).unwrap_or(""));
        }
    }
    out.push_str(rest);
}

/// The name at the start of `s`, in braces or not, and what follows.
fn reference(s: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match s.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (s, false),
    };
    let len = inner.find(|c| !is_name_char(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(len);
    if name.is_empty() {
        return None;
    }
    let rest = if braced { rest.strip_prefix('}')? } else { rest };
    Some((name, rest))
}

fn is_name_char(c: char) -> bool {
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    NAME_CHARS.as_ref().is_some_and(|re| re.is_match(c.encode_utf8(&mut [0; 4]).as_bytes()))
}

/// The group number that a name spells: digits without a leading zero, below a hundred million.
fn number(name: &str) -> Option<usize> {
    let leading_zero = name.len() > 1 && name.starts_with('0');
    if leading_zero || name.len() > 9 || !name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    name.parse().ok()
}
