//! The tree of a rule file to its groups: keys and kinds of values, as Prometheus' YAML library says what is wrong.

use super::{Rule, RuleGroup};
use crate::diagnostics::Position;
use crate::read::Errors;
use crate::yaml::{Key, Node, Value};
use std::sync::Arc;
use tortie_model::duration;

/// A mapping whose keys are known by name.
pub(super) struct Fields<'a> {
    pub(super) at: Position,
    entries: &'a [(Key, Arc<Node>)],
}

impl<'a> Fields<'a> {
    /// The mapping of `node`, which has keys of `known`; null is an empty one. `kind` is Prometheus' name of it.
    pub(super) fn open(
        node: &'a Node,
        kind: &str,
        known: &[&str],
        ignore_unknown: bool,
        errors: &mut Errors,
    ) -> Fields<'a> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                errors.push(node.at, format!("cannot unmarshal {} into {kind}", shown(node)));
                &[]
            }
        };
        for (key, _) in entries.iter().filter(|(k, _)| !ignore_unknown && !known.contains(&k.text.as_str())) {
            let mut d =
                crate::Diagnostic::new(key.at, format!("field {} not found in type {kind}", key.text));
            let nearest = known
                .iter()
                .map(|n| (strsim::jaro_winkler(n, &key.text), n))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, name)) = nearest {
                d = d.hint(format!("did you mean {name}?"));
            }
            errors.add(d);
        }
        Fields { at: node.at, entries }
    }

    /// The value of a key, if it is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Arc<Node>> {
        let (_, node) = self.entries.iter().find(|(k, _)| k.text == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    pub(super) fn text(&self, key: &str, errors: &mut Errors) -> String {
        self.get(key).and_then(|n| text(n, errors)).unwrap_or_default()
    }

    /// A duration in milliseconds.
    pub(super) fn duration(&self, key: &str, errors: &mut Errors) -> Option<i64> {
        let node = self.get(key)?;
        match duration::parse(&text(node, errors)?) {
            Ok(ms) => Some(ms),
            Err(e) => {
                errors.add(
                    crate::Diagnostic::new(node.at, e.to_string())
                        .hint("write numbers with units: 30s, 1m30s, 1h"),
                );
                None
            }
        }
    }

    /// A whole number; fractions are cut off.
    pub(super) fn integer(&self, key: &str, errors: &mut Errors) -> i64 {
        let Some(node) = self.get(key) else { return 0 };
        let value = match &node.value {
            Value::Scalar { text, plain: true } => integer(text),
            _ => None,
        };
        value.unwrap_or_else(|| {
            errors.push(node.at, format!("cannot unmarshal {} into int", shown(node)));
            0
        })
    }

    pub(super) fn boolean(&self, key: &str, errors: &mut Errors) -> bool {
        let Some(node) = self.get(key) else { return false };
        let value = match &node.value {
            Value::Scalar { text, plain: true } => crate::read::boolean(text),
            _ => None,
        };
        value.unwrap_or_else(|| {
            errors.push(node.at, format!("cannot unmarshal {} into bool", shown(node)));
            false
        })
    }

    /// The elements of a list; empty ones do not count.
    pub(super) fn list(&self, key: &str, of: &str, errors: &mut Errors) -> Vec<&'a Arc<Node>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        match &node.value {
            Value::Seq(items) => items.iter().filter(|n| !matches!(n.value, Value::Null)).collect(),
            _ => {
                errors.push(node.at, format!("cannot unmarshal {} into []{of}", shown(node)));
                Vec::new()
            }
        }
    }

    /// A mapping of texts, in the order of the file.
    pub(super) fn texts(&self, key: &str, errors: &mut Errors) -> Vec<(String, String)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Value::Map(entries) = &node.value else {
            errors.push(node.at, format!("cannot unmarshal {} into map[string]string", shown(node)));
            return Vec::new();
        };
        let pair = |(k, n): &(Key, Arc<Node>)| Some((k.text.clone(), text(n, errors)?));
        entries.iter().filter_map(pair).collect()
    }
}

/// A whole number of YAML, with a sign.
pub(super) fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.contains(['.', 'e', 'E']) && !digits.starts_with("0x") {
        return None;
    }
    let n = i64::try_from(crate::read::unsigned(digits)?).ok()?;
    Some(if negative { -n } else { n })
}

/// A number as a whole one; fractions are cut off.
fn integer(text: &str) -> Option<i64> {
    whole(text).or_else(|| {
        let fine = text.contains(|c: char| c.is_ascii_digit()) && !text.contains(['x', 'n', 'i']);
        let v = tortie_model::gofloat::parse(text).ok().filter(|v| fine && v.abs() < 9.2e18)?;
        Some(v as i64)
    })
}

/// A scalar as text, whatever it looks like; null is the empty text.
pub(super) fn text(node: &Node, errors: &mut Errors) -> Option<String> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text.clone()),
        Value::Null => Some(String::new()),
        _ => {
            errors.push(node.at, format!("cannot unmarshal {} into string", shown(node)));
            None
        }
    }
}

/// A value as the YAML library of Prometheus calls it.
pub(super) fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "!!null".to_owned(),
        Value::Scalar { text, plain } => format!("{} `{}`", tag(text, *plain), shortened(text)),
        Value::Seq(_) => "!!seq".to_owned(),
        Value::Map(_) => "!!map".to_owned(),
    }
}

/// More than ten bytes are cut to seven.
fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return text.to_owned();
    }
    let end = (0..=7).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    format!("{}...", text.get(..end).unwrap_or(""))
}

/// What a scalar is taken for.
fn tag(text: &str, plain: bool) -> &'static str {
    if !plain {
        return "!!str";
    }
    let is_float = || {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_name = matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
        is_name
            || (digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.chars().all(|c| c.is_ascii_digit() || "._eE+-".contains(c))
                && tortie_model::gofloat::parse(text).is_ok())
    };
    match text {
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "!!bool",
        _ if whole(text).is_some() => "!!int",
        _ if is_float() => "!!float",
        _ => "!!str",
    }
}

/// The groups of a file.
pub(super) fn groups(root: &Node, ignore_unknown: bool, errors: &mut Errors) -> Vec<RuleGroup> {
    let file = Fields::open(root, "rulefmt.RuleGroups", &["groups"], ignore_unknown, errors);
    let items = file.list("groups", "rulefmt.RuleGroup", errors);
    items.iter().map(|n| group(n, ignore_unknown, errors)).collect()
}

fn group(node: &Node, ignore_unknown: bool, errors: &mut Errors) -> RuleGroup {
    const KEYS: &[&str] = &["name", "interval", "query_offset", "limit", "rules", "labels"];
    let f = Fields::open(node, "rulefmt.RuleGroup", KEYS, ignore_unknown, errors);
    let rules = f.list("rules", "rulefmt.Rule", errors);
    RuleGroup {
        at: f.at,
        name: f.text("name", errors),
        interval_ms: f.duration("interval", errors).unwrap_or(0),
        query_offset_ms: f.duration("query_offset", errors),
        limit: f.integer("limit", errors),
        labels: f.texts("labels", errors),
        rules: rules.iter().map(|n| rule(n, ignore_unknown, errors)).collect(),
    }
}

fn rule(node: &Node, ignore_unknown: bool, errors: &mut Errors) -> Rule {
    const KEYS: &[&str] = &["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];
    let f = Fields::open(node, "rulefmt.Rule", KEYS, ignore_unknown, errors);
    Rule {
        at: f.at,
        record: f.text("record", errors),
        alert: f.text("alert", errors),
        expr: f.text("expr", errors),
        expr_at: f.get("expr").map_or(f.at, |n| n.at),
        for_ms: f.duration("for", errors).unwrap_or(0),
        keep_firing_for_ms: f.duration("keep_firing_for", errors).unwrap_or(0),
        labels: f.texts("labels", errors),
        annotations: f.texts("annotations", errors),
    }
}
