//! Rule files: groups of recording and alerting rules, strict, with Prometheus' checks and words.
//!
//! Expressions and templates are checked by whoever knows them: [`Checks`] brings the two in.

mod object;
mod place;
mod read;
#[cfg(test)]
mod tests;
pub mod unit;
mod validate;

use crate::diagnostics::{Diagnostics, Position};
use crate::read::Errors;
use crate::yaml;
use tortie_model::names::NameScheme;

/// A rule file.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleFile {
    /// Its groups, in order.
    pub groups: Vec<RuleGroup>,
    /// Whether a second document follows, which is not read.
    pub more_documents: bool,
}

/// A group as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleGroup {
    /// Where it stands.
    pub at: Position,
    /// Its name.
    pub name: String,
    /// Time between evaluations, milliseconds; 0 takes that of the configuration.
    pub interval_ms: i64,
    /// How far in the past queries look, milliseconds, when it says so.
    pub query_offset_ms: Option<i64>,
    /// Most series of a rule; 0 is no limit.
    pub limit: i64,
    /// Labels of all its rules, in the order of the file.
    pub labels: Vec<(String, String)>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// A rule as its file says it; exactly one of `record` and `alert` is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Where it stands.
    pub at: Position,
    /// Name of the metric to record, or empty.
    pub record: String,
    /// Name of the alert, or empty.
    pub alert: String,
    /// The expression.
    pub expr: String,
    /// Where the expression stands.
    pub expr_at: Position,
    /// How long the expression must hold before the alert fires, milliseconds.
    pub for_ms: i64,
    /// How long the alert fires on afterwards, milliseconds.
    pub keep_firing_for_ms: i64,
    /// Labels, in the order of the file.
    pub labels: Vec<(String, String)>,
    /// Annotations, in the order of the file.
    pub annotations: Vec<(String, String)>,
}

impl Rule {
    /// Name of the metric or the alert.
    pub fn name(&self) -> &str {
        if self.alert.is_empty() { &self.record } else { &self.alert }
    }
}

/// An expression that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// What is wrong, with its place in the expression, in Prometheus' words.
    pub message: String,
    /// Byte in the expression.
    pub offset: usize,
}

/// Parses an expression, to see whether it can be.
pub type CheckExpr<'a> = &'a dyn Fn(&str) -> Result<(), ExprError>;
/// Parses a template (second) of an alert (first), to see whether it can be.
pub type CheckTemplate<'a> = &'a dyn Fn(&str, &str) -> Result<(), String>;

/// How a rule file is checked.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// Which names are valid.
    pub scheme: NameScheme,
    /// Whether keys that mean nothing are passed over.
    pub ignore_unknown: bool,
    /// Expressions.
    pub expr: CheckExpr<'a>,
    /// Templates of labels and annotations.
    pub template: CheckTemplate<'a>,
}

/// The place of byte `offset` of an expression that stands at `at` in `text`, the file.
pub fn place_in(text: &str, at: Position, expr: &str, offset: usize) -> Position {
    place::in_scalar(text, at, expr, offset)
}

impl RuleFile {
    /// Reads and checks the text of a rule file. `file` is its name for errors.
    ///
    /// # Errors
    /// All that is wrong, with places: what is no rule file first, then what its rules say wrong.
    pub fn load(text: &str, file: &str, checks: &Checks<'_>) -> Result<RuleFile, Diagnostics> {
        let (root, more_documents) =
            yaml::parse_first(text).map_err(|d| Diagnostics::new(file, text, vec![d]))?;
        RuleFile::checked(&root, more_documents, (text, file), checks)
    }

    /// [`RuleFile::load`] that also takes a PrometheusRule object, whose `spec` is the rule file.
    ///
    /// # Errors
    /// See [`RuleFile::load`].
    pub fn load_or_object(text: &str, file: &str, checks: &Checks<'_>) -> Result<RuleFile, Diagnostics> {
        let (root, more_documents) =
            yaml::parse_first(text).map_err(|d| Diagnostics::new(file, text, vec![d]))?;
        match object::spec(&root) {
            Some(spec) => RuleFile::checked(&spec, more_documents, (text, file), checks),
            None => RuleFile::checked(&root, more_documents, (text, file), checks),
        }
    }

    fn checked(
        root: &yaml::Node,
        more_documents: bool,
        (text, file): (&str, &str),
        checks: &Checks<'_>,
    ) -> Result<RuleFile, Diagnostics> {
        let mut errors = Errors::default();
        let groups = read::groups(root, checks.ignore_unknown, &mut errors);
        if errors.items.is_empty() {
            validate::groups(&groups, text, checks, &mut errors);
        }
        if errors.items.is_empty() {
            return Ok(RuleFile { groups, more_documents });
        }
        Err(Diagnostics::new(file, text, errors.items))
    }

    /// Number of rules in all groups.
    pub fn rules(&self) -> usize {
        self.groups.iter().map(|g| g.rules.len()).sum()
    }
}
