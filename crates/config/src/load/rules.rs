//! Lists of relabelling rules.

use crate::diagnostics::Diagnostic;
use crate::read::{Errors, Section};
use crate::yaml::{Node, Value};
use tortie_model::names::NameScheme;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule};

pub(super) fn read(s: &mut Section<'_>, key: &str, scheme: NameScheme, errors: &mut Errors) -> Vec<Rule> {
    let what = if key == "relabel_configs" { "target" } else { "metric" };
    read_of(s, key, &format!("empty or null {what} relabeling rule in scrape config"), scheme, errors)
}

/// As [`read`], with what to say of an element that is nothing.
pub(super) fn read_of(
    s: &mut Section<'_>,
    key: &str,
    empty: &str,
    scheme: NameScheme,
    errors: &mut Errors,
) -> Vec<Rule> {
    let path = format!("{}[]", s.path_of(key));
    let mut out = Vec::new();
    for node in s.list(key, errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, empty);
            continue;
        }
        let before = errors.items.len();
        let rule = rule(node, &path, scheme, errors);
        // A rule that could not be read says nothing about whether it makes sense.
        if errors.items.len() == before {
            match rule.validate() {
                Ok(()) => out.push(rule),
                Err(e) => errors.push(node.at, e.to_string()),
            }
        }
    }
    out
}

fn rule(node: &Node, path: &str, scheme: NameScheme, errors: &mut Errors) -> Rule {
    let mut s = Section::open(node, path, errors);
    let mut rule = Rule { scheme, ..Rule::default() };
    for (name, at) in s.texts("source_labels", errors).unwrap_or_default() {
        if name.is_empty() {
            errors.push(at, "\"\" is not a valid label name");
        }
        rule.source_labels.push(name);
    }
    if let Some((separator, _)) = s.text("separator", errors) {
        rule.separator = separator;
    }
    if let Some((pattern, at)) = s.text("regex", errors) {
        rule.regex_given = true;
        match Regex::anchored(&pattern) {
            Ok(regex) => rule.regex = regex,
            Err(e) => errors.push(at, e.to_string()),
        }
    }
    rule.modulus = s.unsigned("modulus", errors).unwrap_or(0);
    if let Some((target, _)) = s.text("target_label", errors) {
        rule.target_label = target;
    }
    if let Some((replacement, _)) = s.text("replacement", errors) {
        rule.replacement = replacement;
    }
    if let Some((name, at)) = s.text("action", errors) {
        match Action::parse(&name) {
            Some(action) => rule.action = action,
            None => errors.add(unknown_action(&name, at)),
        }
    }
    rule
}

fn unknown_action(name: &str, at: crate::Position) -> Diagnostic {
    let d = Diagnostic::new(at, format!("unknown relabel action {name:?}"));
    d.hint(format!("one of {}", Action::NAMES.map(|(n, _)| n).join(", ")))
}
