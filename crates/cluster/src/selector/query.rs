//! kubectl's `-l` text. Grammar: `k8s.io/apimachinery/pkg/labels/selector.go`, without `>` and `<`.

use super::{Need, Rule, names};
use std::collections::BTreeSet;

/// A text that is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a label selector: {0}")]
pub struct QueryError(String);

/// The requirements of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Need>, QueryError> {
    let mut needs = Vec::new();
    for part in parts(text)? {
        let need = requirement(part.trim())?;
        let values: Vec<&str> = match &need.rule {
            Rule::Is(v) => vec![v],
            Rule::In(l) | Rule::NotIn(l) => l.iter().map(String::as_str).collect(),
            Rule::Exists | Rule::Absent => Vec::new(),
        };
        names::check(&need.key, values).map_err(QueryError)?;
        needs.push(need);
    }
    Ok(needs)
}

/// Splits at the commas outside parentheses. A blank text has no parts.
fn parts(text: &str) -> Result<Vec<&str>, QueryError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let (mut out, mut from, mut depth) = (Vec::new(), 0, 0i32);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.push(text.get(from..i).unwrap_or(""));
                from = i + 1;
            }
            _ => {}
        }
        if !(0..=1).contains(&depth) {
            return Err(QueryError(format!("misplaced parenthesis in {text:?}")));
        }
    }
    if depth != 0 {
        return Err(QueryError(format!("a parenthesis is not closed in {text:?}")));
    }
    out.push(text.get(from..).unwrap_or(""));
    Ok(out)
}

fn requirement(part: &str) -> Result<Need, QueryError> {
    let need = |key: &str, rule| Ok(Need { key: key.trim().to_owned(), rule });
    if let Some(key) = part.strip_prefix('!') {
        return need(key, Rule::Absent);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return need(key, Rule::NotIn(BTreeSet::from([value.trim().to_owned()])));
    }
    if let Some((key, value)) = part.split_once('=') {
        return need(key, Rule::Is(value.strip_prefix('=').unwrap_or(value).trim().to_owned()));
    }
    if let Some((left, list)) = part.split_once('(') {
        let list = list.trim_end().strip_suffix(')').unwrap_or(list);
        let values: BTreeSet<String> = list.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = left.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => need(key, Rule::In(values)),
            (Some(key), Some("notin"), None) => need(key, Rule::NotIn(values)),
            _ => Err(QueryError(format!("{part:?} has neither in nor notin before its list"))),
        };
    }
    if part.is_empty() {
        return Err(QueryError("a requirement is empty".to_owned()));
    }
    need(part, Rule::Exists)
}
