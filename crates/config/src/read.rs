//! Reads typed values out of the YAML tree, and collects what is wrong.

use crate::diagnostics::{Diagnostic, Position};
use crate::keys::{self, Status};
use crate::secret::Secret;
use crate::yaml::{Key, Node, Value};
use std::sync::Arc;
use tortie_model::duration;

/// Collects errors while sections are read: a file shows all its errors at once.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    pub(crate) items: Vec<Diagnostic>,
}

impl Errors {
    pub(crate) fn push(&mut self, at: Position, message: impl Into<String>) {
        self.items.push(Diagnostic::new(at, message));
    }

    pub(crate) fn add(&mut self, d: Diagnostic) {
        self.items.push(d);
    }
}

/// A mapping whose keys are taken one by one; those left at the end are unknown.
pub(crate) struct Section<'a> {
    /// Path of the mapping in the key table, such as `scrape_configs[]`; empty for the file itself.
    path: String,
    /// Where the mapping starts.
    pub(crate) at: Position,
    left: Vec<(&'a Key, &'a Arc<Node>)>,
}

impl<'a> Section<'a> {
    /// The mapping of `node`; null is an empty one. Keys that are refused are reported here, once for all.
    pub(crate) fn open(node: &'a Node, path: &str, errors: &mut Errors) -> Section<'a> {
        let mut section = Section { path: path.to_owned(), at: node.at, left: Vec::new() };
        match &node.value {
            Value::Null => {}
            Value::Map(entries) => {
                for (key, value) in entries {
                    if section.admits(key, value, errors) {
                        section.left.push((key, value));
                    }
                }
            }
            _ => errors.push(node.at, format!("{} must be a mapping, not {}", section.name(), node.kind())),
        }
        section
    }

    fn name(&self) -> &str {
        if self.path.is_empty() { "the configuration" } else { &self.path }
    }

    fn child(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn admits(&self, key: &Key, value: &Node, errors: &mut Errors) -> bool {
        let path = self.child(&key.text);
        let Some(row) = keys::find(&path) else {
            let mut d = Diagnostic::new(key.at, format!("field {} not found in {}", key.text, self.name()));
            if let Some(near) = keys::nearest(&self.path, &key.text) {
                d = d.hint(format!("did you mean {near}?"));
            }
            errors.add(d);
            return false;
        };
        let Status::Refused { reason, neutral } = row.status else { return true };
        let is_neutral =
            matches!(&value.value, Value::Scalar { text, .. } if neutral.contains(&text.as_str()));
        if !is_neutral && !value.says_nothing() {
            errors.add(Diagnostic::new(key.at, format!("{path} is not supported yet: {reason}")).hint(
                format!(
                    "remove it; COMPAT.md, Configuration, row `{}`",
                    if path.ends_with(row.path) { &path } else { row.path }
                ),
            ));
        }
        false
    }

    /// The value of a key, if it is there and not null.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a Arc<Node>> {
        let i = self.left.iter().position(|(k, _)| k.text == key)?;
        let (_, node) = self.left.swap_remove(i);
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// All keys that are left, for mappings with free keys.
    pub(crate) fn path_of(&self, key: &str) -> String {
        self.child(key)
    }

    pub(crate) fn text(&mut self, key: &str, errors: &mut Errors) -> Option<(String, Position)> {
        let node = self.take(key)?;
        text(node, errors).map(|t| (t, node.at))
    }

    pub(crate) fn secret(&mut self, key: &str, errors: &mut Errors) -> Option<Secret> {
        let node = self.take(key)?;
        match &node.value {
            Value::Scalar { text, .. } => Some(Secret::new(text)),
            // The value stays out of the message.
            _ => {
                errors.push(node.at, format!("{} must be a text, not {}", self.child(key), node.kind()));
                None
            }
        }
    }

    pub(crate) fn boolean(&mut self, key: &str, errors: &mut Errors) -> Option<bool> {
        let node = self.take(key)?;
        let value = match &node.value {
            Value::Scalar { text, plain: true } => boolean(text),
            _ => None,
        };
        if value.is_none() {
            errors.push(node.at, format!("cannot unmarshal {} into bool", shown(node)));
        }
        value
    }

    pub(crate) fn unsigned(&mut self, key: &str, errors: &mut Errors) -> Option<u64> {
        let node = self.take(key)?;
        let value = match &node.value {
            Value::Scalar { text, plain: true } => unsigned(text),
            _ => None,
        };
        if value.is_none() {
            errors.push(node.at, format!("cannot unmarshal {} into uint", shown(node)));
        }
        value
    }

    /// A duration in milliseconds.
    pub(crate) fn duration(&mut self, key: &str, errors: &mut Errors) -> Option<(i64, Position)> {
        let node = self.take(key)?;
        match duration::parse(&text(node, errors)?) {
            Ok(ms) => Some((ms, node.at)),
            Err(e) => {
                errors.add(
                    Diagnostic::new(node.at, e.to_string()).hint("write numbers with units: 30s, 1m30s, 1h"),
                );
                None
            }
        }
    }

    /// The elements of a list.
    pub(crate) fn list(&mut self, key: &str, errors: &mut Errors) -> Option<&'a [Arc<Node>]> {
        let node = self.take(key)?;
        match &node.value {
            Value::Seq(items) => Some(items),
            _ => {
                errors.push(node.at, format!("{} must be a list, not {}", self.child(key), node.kind()));
                None
            }
        }
    }

    /// The elements of a list of texts.
    pub(crate) fn texts(&mut self, key: &str, errors: &mut Errors) -> Option<Vec<(String, Position)>> {
        let items = self.list(key, errors)?;
        Some(items.iter().filter_map(|n| Some((text(n, errors)?, n.at))).collect())
    }
}

/// A scalar as text, whatever it looks like; null is the empty text.
pub(crate) fn text(node: &Node, errors: &mut Errors) -> Option<String> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text.clone()),
        Value::Null => Some(String::new()),
        _ => {
            errors.push(node.at, format!("must be a text, not {}", node.kind()));
            None
        }
    }
}

fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, .. } => format!("`{}`", text.chars().take(40).collect::<String>()),
        _ => node.kind().to_owned(),
    }
}

/// Booleans of YAML 1.1, as Prometheus' library reads them.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Whole numbers of YAML 1.1: decimal, `0x`, `0b`, octal with a leading `0`, underscores, and floats without a fraction.
pub(crate) fn unsigned(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    let with =
        |prefix: &str, radix| digits.strip_prefix(prefix).and_then(|d| u64::from_str_radix(d, radix).ok());
    if let Some(v) = with("0x", 16).or_else(|| with("0b", 2)).or_else(|| with("0o", 8)) {
        return Some(v);
    }
    if digits.len() > 1
        && let Some(v) = with("0", 8)
    {
        return Some(v);
    }
    if let Ok(v) = digits.parse() {
        return Some(v);
    }
    let v = tortie_model::gofloat::parse(digits)
        .ok()
        .filter(|v| digits.contains(['.', 'e', 'E']) && (0.0..1.8e19).contains(v))?;
    Some(v as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_of_yaml_one() {
        for (text, value) in [
            ("0", 0),
            ("12", 12),
            ("0x1F", 31),
            ("010", 8),
            ("0o10", 8),
            ("0b11", 3),
            ("1_000", 1000),
            ("1e3", 1000),
            ("+5", 5),
        ] {
            assert_eq!(unsigned(text), Some(value), "{text}");
        }
        for text in ["", "-1", "abc", "1s", "nan", "0x", "08x"] {
            assert_eq!(unsigned(text), None, "{text}");
        }
        assert_eq!((boolean("yes"), boolean("OFF"), boolean("tRue")), (Some(true), Some(false), None));
    }
}
