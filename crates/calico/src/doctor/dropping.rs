//! Which relabelling rule drops what a scrape pool discovered: the job's rules, read from the running configuration, applied
//! one by one to the labels that Prometheus kept of dropped targets.

use crate::snapshot::Collector;
use std::collections::BTreeMap;
use tortie_config::yaml::{self, Node, Value};
use tortie_model::LabelsBuilder;
use tortie_model::names::NameScheme;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule, trace};

/// A rule that drops.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drop {
    /// Its index in `relabel_configs`.
    pub rule: usize,
    /// `keep`, `drop`, ...
    pub action: &'static str,
    /// Its pattern.
    pub pattern: String,
    /// The labels it looks at.
    pub sources: Vec<String>,
    /// Values of those labels in the targets it dropped, joined as the rule joins them.
    pub values: Vec<String>,
    /// How many targets the pool dropped.
    pub count: u64,
}

/// The rule that drops the targets of a pool that come furthest; none when it cannot be told.
pub(crate) fn furthest(collector: &Collector, pool: &str) -> Option<Drop> {
    let rules = rules(collector.config.as_deref()?, pool)?;
    let mut by_rule: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (_, labels) in collector.dropped.iter().filter(|(p, _)| p == pool) {
        let mut builder = LabelsBuilder::new();
        for (name, value) in labels {
            builder.set(name, value);
        }
        let steps = trace(&rules, &mut builder);
        let last = steps.len().checked_sub(1)?;
        let (step, rule) = (steps.get(last)?, rules.get(last)?);
        if step.keep {
            continue;
        }
        let seen: Vec<&str> = rule.source_labels.iter().map(|l| step.output.value(l)).collect();
        let seen = seen.join(&rule.separator);
        let values = by_rule.entry(last).or_default();
        if !values.contains(&seen) {
            values.push(seen);
        }
    }
    let (index, values) = by_rule.into_iter().next_back()?;
    let rule = rules.get(index)?;
    Some(Drop {
        rule: index,
        action: rule.action.as_str(),
        pattern: rule.regex.as_str().to_owned(),
        sources: rule.source_labels.clone(),
        values,
        count: collector.dropped_counts.get(pool).copied().unwrap_or(0),
    })
}

/// The rules of a job. Only what relabelling needs is read, so that a configuration with parts unknown here serves too.
fn rules(config: &str, job: &str) -> Option<Vec<Rule>> {
    let root = yaml::parse(config).ok()?;
    let jobs = list(child(&root, "scrape_configs")?);
    let found = jobs.iter().find(|j| child(j, "job_name").and_then(text) == Some(job))?;
    let rules = child(found, "relabel_configs").map(list).unwrap_or_default();
    rules.iter().map(|n| rule(n)).collect()
}

fn rule(node: &Node) -> Option<Rule> {
    let word = |key: &str| child(node, key).and_then(text);
    let mut rule = Rule { scheme: NameScheme::Utf8, ..Rule::default() };
    rule.source_labels = child(node, "source_labels")
        .map(list)
        .unwrap_or_default()
        .iter()
        .filter_map(|n| text(n).map(str::to_owned))
        .collect();
    if let Some(separator) = word("separator") {
        rule.separator = separator.to_owned();
    }
    if let Some(pattern) = word("regex") {
        rule.regex = Regex::anchored(pattern).ok()?;
        rule.regex_given = true;
    }
    if let Some(target) = word("target_label") {
        rule.target_label = target.to_owned();
    }
    if let Some(replacement) = word("replacement") {
        rule.replacement = replacement.to_owned();
    }
    if let Some(modulus) = word("modulus") {
        rule.modulus = modulus.parse().ok()?;
    }
    if let Some(action) = word("action") {
        rule.action = Action::parse(&action.to_ascii_lowercase())?;
    }
    Some(rule)
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v.as_ref()),
        _ => None,
    }
}

fn list(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::Seq(items) => items.iter().map(|n| n.as_ref()).collect(),
        _ => Vec::new(),
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        _ => None,
    }
}
