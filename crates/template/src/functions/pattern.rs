//! Regular expressions.

use crate::gofmt::quote;
use tortie_model::regex::Regex;

/// Whether `pattern` matches anywhere in `text`.
pub(super) fn is_match(pattern: &str, text: &str) -> Result<bool, String> {
    Ok(Regex::search(pattern).map_err(|e| e.to_string())?.is_match(text))
}

/// Every match of `pattern` in `text` replaced by `replacement`, whose `$1` and `${name}` are groups; at most `limit`
/// bytes and one.
pub(super) fn replace_all(
    pattern: &str,
    replacement: &str,
    text: &str,
    limit: usize,
) -> Result<String, String> {
    let regex =
        Regex::search(pattern).map_err(|e| format!("regexp: Compile({}): {e}", quote::pattern(pattern)))?;
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut first = true;
    while from <= text.len() && out.len() <= limit {
        let Some(found) = regex.captures_from(text, from) else { break };
        let Some((start, end)) = found.span(0) else { break };
        out.push_str(text.get(copied..start).unwrap_or(""));
        // An empty match right after another is none.
        if end > copied || start == 0 && first {
            regex.expand(replacement, text, &found, &mut out);
        }
        first = false;
        copied = end;
        let width = text.get(from..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8);
        from = end.max(from + width);
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    Ok(out)
}
