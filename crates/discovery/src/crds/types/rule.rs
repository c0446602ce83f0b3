//! PrometheusRule: groups of rules, as the definition has them.

use super::Meta;
use super::shared::IntOrString;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A PrometheusRule object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusRule {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: PrometheusRuleSpec,
}

/// `spec` of a PrometheusRule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PrometheusRuleSpec {
    /// Its groups.
    pub groups: Vec<RuleGroup>,
}

/// A group. `partial_response_strategy` is Thanos' alone and dropped, as the operator does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// Labels of all its rules.
    pub labels: BTreeMap<String, String>,
    /// Time between evaluations, a duration.
    pub interval: Option<String>,
    /// How far in the past its queries look, a duration.
    pub query_offset: Option<String>,
    /// Most series or alerts of a rule.
    pub limit: Option<i64>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Name of the metric to record.
    pub record: String,
    /// Name of the alert.
    pub alert: String,
    /// The expression.
    pub expr: IntOrString,
    /// How long the expression must hold, a duration.
    #[serde(rename = "for")]
    pub wait: Option<String>,
    /// How long the alert fires on, a duration.
    pub keep_firing_for: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Texts for people.
    pub annotations: BTreeMap<String, String>,
}
