//! What rules may say: Prometheus' checks of rule files, in its order and words.

use super::{Checks, Rule, RuleGroup, place};
use crate::diagnostics::{Diagnostic, Position};
use crate::read::Errors;
use tortie_model::labels::METRIC_NAME;
use tortie_model::names::NameScheme;

pub(super) fn groups(groups: &[RuleGroup], text: &str, checks: &Checks<'_>, errors: &mut Errors) {
    for (i, group) in groups.iter().enumerate() {
        if group.name.is_empty() {
            errors.push(group.at, "Groupname must not be empty");
        }
        if groups.iter().take(i).any(|g| g.name == group.name) {
            errors.push(group.at, format!("groupname: \"{}\" is repeated in the same file", group.name));
        }
        for (name, _) in group.labels.iter().filter(|(n, _)| !is_label_name(n, checks.scheme)) {
            errors.push(group.at, format!("invalid label name: {name}"));
        }
        for (i, rule) in group.rules.iter().enumerate() {
            Complaints { group, rule, number: i + 1, errors: &mut *errors }.check(text, checks);
        }
    }
}

fn is_label_name(name: &str, scheme: NameScheme) -> bool {
    scheme.is_label_name(name) && name != METRIC_NAME
}

/// Collects what is wrong with one rule.
struct Complaints<'a> {
    group: &'a RuleGroup,
    rule: &'a Rule,
    number: usize,
    errors: &'a mut Errors,
}

impl Complaints<'_> {
    fn say(&mut self, at: Position, what: &str) {
        self.add(at, what, None);
    }

    fn add(&mut self, at: Position, what: &str, hint: Option<&str>) {
        let (group, number, rule) = (&self.group.name, self.number, self.rule.name());
        let mut d = Diagnostic::new(at, format!("group {group:?}, rule {number}, {rule:?}: {what}"));
        if let Some(hint) = hint {
            d = d.hint(hint);
        }
        self.errors.add(d);
    }

    fn check(&mut self, text: &str, checks: &Checks<'_>) {
        let rule = self.rule;
        match (rule.record.is_empty(), rule.alert.is_empty()) {
            (false, false) => self.say(rule.at, "only one of 'record' and 'alert' must be set"),
            (true, true) => self.say(rule.at, "one of 'record' or 'alert' must be set"),
            _ => {}
        }
        if rule.expr.is_empty() {
            self.say(rule.expr_at, "field 'expr' must be set in rule");
        } else if let Err(e) = (checks.expr)(&rule.expr) {
            let at = place::in_scalar(text, rule.expr_at, &rule.expr, e.offset);
            self.say(at, &format!("could not parse expression: {}", e.message));
        }
        if !rule.record.is_empty() {
            self.recording(checks.scheme);
        }
        for (name, _) in &rule.labels {
            if !is_label_name(name, checks.scheme) {
                self.say(rule.at, &format!("invalid label name: {name}"));
            }
        }
        for (name, _) in &rule.annotations {
            if !checks.scheme.is_label_name(name) {
                self.say(rule.at, &format!("invalid annotation name: {name}"));
            }
        }
        if rule.alert.is_empty() {
            return;
        }
        for (kind, pairs) in [("label", &rule.labels), ("annotation", &rule.annotations)] {
            for (name, value) in pairs.iter().filter(|(_, v)| v.contains("{{")) {
                if let Err(e) = (checks.template)(&rule.alert, value) {
                    self.say(place::of_text(text, rule.at, name), &format!("{kind} {name:?}: {e}"));
                }
            }
        }
    }

    fn recording(&mut self, scheme: NameScheme) {
        let rule = self.rule;
        if !rule.annotations.is_empty() {
            self.say(rule.at, "invalid field 'annotations' in recording rule");
        }
        if rule.for_ms != 0 {
            self.say(rule.at, "invalid field 'for' in recording rule");
        }
        if rule.keep_firing_for_ms != 0 {
            self.say(rule.at, "invalid field 'keep_firing_for' in recording rule");
        }
        if !scheme.is_metric_name(&rule.record) {
            self.say(rule.at, &format!("invalid recording rule name: {}", rule.record));
        }
        if rule.record.contains(['{', '}']) {
            let what =
                format!("braces present in the recording rule name; should it be in expr?: {}", rule.record);
            self.say(rule.at, &what);
        }
    }
}
