//! What a group and its rules say, checked and parsed.

use tortie_model::Labels;
use tortie_promql::Expr;

/// A group: rules that are evaluated together, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// The file it stands in, as the server names it.
    pub file: String,
    /// Its name, once in a file.
    pub name: String,
    /// Time between evaluations, milliseconds, above 0.
    pub interval_ms: i64,
    /// How far in the past its queries look, milliseconds; `None` takes that of the configuration.
    pub query_offset_ms: Option<i64>,
    /// Most series (or alerts) of one rule; 0 is no limit.
    pub limit: i64,
    /// The rules.
    pub rules: Vec<RuleSpec>,
}

impl GroupSpec {
    /// `file;name`: how metrics name the group.
    pub fn key(&self) -> String {
        format!("{};{}", self.file, self.name)
    }
}

/// A rule.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    /// Name of the recorded metric, or of the alert.
    pub name: String,
    /// What becomes of the answer.
    pub kind: Kind,
    /// The expression.
    pub expr: Expr,
    /// The expression as it is shown: printed from the tree.
    pub query: String,
    /// Labels that the rule sets, those of its group among them, ascending by name. An empty value takes a label away.
    pub labels: Vec<(String, String)>,
}

/// Positions in the file do not count: a rule that only moved is the same.
impl PartialEq for RuleSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.query == other.query
            && self.labels == other.labels
    }
}

/// The two kinds of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The answer is stored under the rule's name.
    Record,
    /// Each series of the answer is an alert.
    Alert {
        /// How long a series must be there before its alert fires, milliseconds.
        for_ms: i64,
        /// How long an alert fires on after its series went, milliseconds.
        keep_firing_for_ms: i64,
        /// Texts for people, ascending by name.
        annotations: Vec<(String, String)>,
    },
}

impl RuleSpec {
    /// Whether it is an alert.
    pub fn is_alert(&self) -> bool {
        matches!(self.kind, Kind::Alert { .. })
    }

    /// Name and labels: by these a changed group finds the state of its rules again.
    pub(crate) fn identity(&self) -> (&str, &[(String, String)]) {
        (&self.name, &self.labels)
    }

    /// The labels as a set, for selections of rules.
    pub fn label_set(&self) -> Labels {
        Labels::from_pairs(self.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}
