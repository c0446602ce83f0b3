//! Relabelling: Prometheus' rules that rewrite, keep and drop label sets. Server and doctor use this one engine.

pub mod letters;
mod validate;

pub use validate::RuleError;

use crate::labels_hash;
use crate::names::NameScheme;
use crate::regex::Regex;
use crate::{Labels, LabelsBuilder};
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// Sets `target_label` to the filled `replacement` when `regex` matches.
    #[default]
    Replace,
    /// Drops the set unless `regex` matches.
    Keep,
    /// Drops the set when `regex` matches.
    Drop,
    /// Drops the set unless the joined source labels equal the target label.
    KeepEqual,
    /// Drops the set when the joined source labels equal the target label.
    DropEqual,
    /// Sets `target_label` to the hash of the source labels modulo `modulus`.
    HashMod,
    /// Copies labels whose name matches to the filled `replacement` as name.
    LabelMap,
    /// Deletes labels whose name matches.
    LabelDrop,
    /// Deletes labels whose name does not match.
    LabelKeep,
    /// Sets `target_label` to the source labels in lower case.
    Lowercase,
    /// Sets `target_label` to the source labels in upper case.
    Uppercase,
}

impl Action {
    /// All of them, as Prometheus names them.
    pub const NAMES: [(&'static str, Action); 11] = [
        ("replace", Action::Replace),
        ("keep", Action::Keep),
        ("drop", Action::Drop),
        ("keepequal", Action::KeepEqual),
        ("dropequal", Action::DropEqual),
        ("hashmod", Action::HashMod),
        ("labelmap", Action::LabelMap),
        ("labeldrop", Action::LabelDrop),
        ("labelkeep", Action::LabelKeep),
        ("lowercase", Action::Lowercase),
        ("uppercase", Action::Uppercase),
    ];

    /// The action of a name in any case.
    pub fn parse(name: &str) -> Option<Action> {
        Action::NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, a)| *a)
    }

    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        Action::NAMES.iter().find(|(_, a)| *a == self).map_or("", |(n, _)| n)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule. The default is Prometheus': replace, `(.*)`, `$1`, `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What stands between the joined values.
    pub separator: String,
    /// What the joined values (or label names) must match as a whole.
    pub regex: Regex,
    /// Whether the configuration gave a regex: some actions allow none.
    pub regex_given: bool,
    /// Divisor of `hashmod`.
    pub modulus: u64,
    /// Label that is written; for `replace` a template.
    pub target_label: String,
    /// Template of the new value (or label name).
    pub replacement: String,
    /// What to do.
    pub action: Action,
    /// Which label names may come out of a template.
    pub scheme: NameScheme,
}

static ANYTHING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::anchored("(.*)").ok());

impl Rule {
    /// The default regular expression, `(.*)`.
    pub fn default_regex() -> Regex {
        // The pattern is a constant that parses (a test says so).
        ANYTHING.clone().unwrap_or_else(|| unreachable!("the pattern (.*) is valid"))
    }
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: Rule::default_regex(),
            regex_given: false,
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: Action::Replace,
            scheme: NameScheme::Utf8,
        }
    }
}

/// Applies `rules` in order. `false` says that a rule dropped the set; `labels` is then half-way and of no use.
#[must_use]
pub fn process(rules: &[Rule], labels: &mut LabelsBuilder) -> bool {
    rules.iter().all(|rule| apply(rule, labels))
}

/// What one rule left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The set after the rule (before it, when the rule dropped it).
    pub output: Labels,
    /// Whether the set is still kept.
    pub keep: bool,
}

/// Applies `rules` in order and tells what each did; ends after the rule that drops the set.
pub fn trace(rules: &[Rule], labels: &mut LabelsBuilder) -> Vec<Step> {
    let mut steps = Vec::with_capacity(rules.len());
    for rule in rules {
        let keep = apply(rule, labels);
        steps.push(Step { output: labels.labels(), keep });
        if !keep {
            break;
        }
    }
    steps
}

fn apply(rule: &Rule, labels: &mut LabelsBuilder) -> bool {
    match rule.action {
        Action::Drop => return !rule.regex.is_match(&joined(rule, labels)),
        Action::Keep => return rule.regex.is_match(&joined(rule, labels)),
        Action::DropEqual => return labels.get(&rule.target_label) != joined(rule, labels),
        Action::KeepEqual => return labels.get(&rule.target_label) == joined(rule, labels),
        Action::Replace => replace(rule, labels),
        Action::HashMod => {
            // Validation refuses a modulus of 0; a rule built by hand with it changes nothing.
            if let Some(rest) = labels_hash::hashmod(&joined(rule, labels)).checked_rem(rule.modulus) {
                labels.set(&rule.target_label, &rest.to_string());
            }
        }
        Action::LabelMap => label_map(rule, labels),
        Action::LabelDrop => labels.retain(|name, _| !rule.regex.is_match(name)),
        Action::LabelKeep => labels.retain(|name, _| rule.regex.is_match(name)),
        Action::Lowercase => {
            let value = letters::lower(&joined(rule, labels));
            labels.set(&rule.target_label, &value);
        }
        Action::Uppercase => {
            let value = letters::upper(&joined(rule, labels));
            labels.set(&rule.target_label, &value);
        }
    }
    true
}

fn joined<'a>(rule: &Rule, labels: &'a LabelsBuilder) -> Cow<'a, str> {
    match rule.source_labels.as_slice() {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(labels.get(one)),
        [first, rest @ ..] => {
            let mut out = labels.get(first).to_owned();
            for name in rest {
                out.push_str(&rule.separator);
                out.push_str(labels.get(name));
            }
            Cow::Owned(out)
        }
    }
}

fn replace(rule: &Rule, labels: &mut LabelsBuilder) {
    let value = joined(rule, labels);
    let is_template = |t: &str| t.contains('$');
    if !is_template(&rule.target_label) && !is_template(&rule.replacement) {
        if rule.regex.is_match(&value) && rule.scheme.is_label_name(&rule.target_label) {
            labels.set(&rule.target_label, &rule.replacement);
        }
        return;
    }
    let Some(captures) = rule.regex.captures(&value) else { return };
    let mut target = String::new();
    rule.regex.expand(&rule.target_label, &value, &captures, &mut target);
    if !rule.scheme.is_label_name(&target) {
        return;
    }
    let mut result = String::new();
    rule.regex.expand(&rule.replacement, &value, &captures, &mut result);
    labels.set(&target, &result);
}

fn label_map(rule: &Rule, labels: &mut LabelsBuilder) {
    // Names come from the set as it was, not from labels that this rule adds.
    let mut found = Vec::new();
    for (name, value) in labels.iter() {
        if let Some(captures) = rule.regex.captures(name) {
            let mut target = String::new();
            rule.regex.expand(&rule.replacement, name, &captures, &mut target);
            found.push((target, value.to_owned()));
        }
    }
    for (target, value) in found {
        labels.set(&target, &value);
    }
}

#[cfg(test)]
mod tests;
