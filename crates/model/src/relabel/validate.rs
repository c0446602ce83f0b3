//! Which rules make no sense, in Prometheus' words.

use super::{Action, Rule};
use crate::names::NameScheme;
use crate::regex::Regex;
use std::sync::LazyLock;

/// Why a rule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(pub String);

/// Label names of the legacy scheme with `$n` or `${n}` in them.
static LEGACY_TEMPLATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::anchored(r"(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+").ok());

impl Rule {
    /// Checks the rule as Prometheus does when it reads a configuration.
    ///
    /// # Errors
    /// The reason, in Prometheus' words.
    pub fn validate(&self) -> Result<(), RuleError> {
        let action = self.action;
        let fail = |text: String| Err(RuleError(text));
        if self.modulus == 0 && action == Action::HashMod {
            return fail("relabel configuration for hashmod requires non-zero modulus".to_owned());
        }
        let equal = matches!(action, Action::KeepEqual | Action::DropEqual);
        let writes_plain = equal || matches!(action, Action::Lowercase | Action::Uppercase);
        if (writes_plain || matches!(action, Action::Replace | Action::HashMod))
            && self.target_label.is_empty()
        {
            return fail(format!("relabel configuration for {action} action requires 'target_label' value"));
        }
        let target_ok = match action {
            Action::Replace if self.target_label.contains('$') => {
                is_template(&self.target_label, self.scheme)
            }
            Action::Replace => self.scheme.is_label_name(&self.target_label),
            _ if writes_plain => self.scheme.is_label_name(&self.target_label),
            _ => true,
        };
        if !target_ok {
            return fail(format!("{:?} is invalid 'target_label' for {action} action", self.target_label));
        }
        let default = Rule::default();
        if writes_plain && self.replacement != default.replacement {
            return fail(format!("'replacement' can not be set for {action} action"));
        }
        if action == Action::LabelMap && !is_template(&self.replacement, self.scheme) {
            return fail(format!("{:?} is invalid 'replacement' for {action} action", self.replacement));
        }
        if action == Action::HashMod && !self.scheme.is_label_name(&self.target_label) {
            return fail(format!("{:?} is invalid 'target_label' for {action} action", self.target_label));
        }
        let others_set = self.modulus != 0
            || self.separator != default.separator
            || self.replacement != default.replacement;
        if equal && (self.regex_given || others_set) {
            return fail(format!(
                "{action} action requires only 'source_labels' and `target_label`, and no other fields"
            ));
        }
        let by_name = matches!(action, Action::LabelDrop | Action::LabelKeep);
        if by_name && (!self.source_labels.is_empty() || !self.target_label.is_empty() || others_set) {
            return fail(format!("{action} action requires only 'regex', and no other fields"));
        }
        Ok(())
    }
}

fn is_template(text: &str, scheme: NameScheme) -> bool {
    match scheme {
        NameScheme::Utf8 => scheme.is_label_name(text),
        NameScheme::Legacy => LEGACY_TEMPLATE.as_ref().is_some_and(|re| re.is_match(text)),
    }
}
