//! Which rules of a group need which others, so that those that do not can run at the same time.

use crate::spec::RuleSpec;
use tortie_model::Matcher;
use tortie_model::labels::METRIC_NAME;
use tortie_promql::ast::VectorSelector;

/// Name of the series of alerts.
pub const ALERTS: &str = "ALERTS";
/// Name of the series that keep since when alerts are active.
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
/// Label of an alert's name.
pub const ALERT_NAME: &str = "alertname";

/// Rules by index, in batches: a batch begins when the one before has ended; its rules may run at the same time.
/// `None` when it cannot be told what needs what: then all run in order.
pub fn batches(rules: &[RuleSpec]) -> Option<Vec<Vec<usize>>> {
    let needs = needs(rules)?;
    let needed = |i: usize| needs.iter().any(|n| n.contains(&i));
    let mut order = Vec::new();
    let (mut free, mut between, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for (i, needs) in needs.iter().enumerate() {
        if needs.is_empty() {
            free.push(i);
        } else if needed(i) {
            between.push(i);
        } else {
            last.push(i);
        }
    }
    order.push(free);
    order.extend(between.into_iter().map(|i| vec![i]));
    order.push(last);
    order.retain(|b| !b.is_empty());
    Some(order)
}

/// For each rule the earlier ones whose output it reads.
fn needs(rules: &[RuleSpec]) -> Option<Vec<Vec<usize>>> {
    let mut all = Vec::with_capacity(rules.len());
    for (i, rule) in rules.iter().enumerate() {
        let mut mine = Vec::new();
        for selector in rule.expr.selectors() {
            // A selector without a name may read anything.
            let name = name_matcher(selector)?;
            let earlier = rules.iter().enumerate().take(i);
            mine.extend(earlier.filter(|(_, other)| reads(selector, &name, other)).map(|(j, _)| j));
        }
        all.push(mine);
    }
    Some(all)
}

fn name_matcher(selector: &VectorSelector) -> Option<Matcher> {
    if !selector.name.is_empty() {
        return Some(Matcher::equal(METRIC_NAME, &selector.name));
    }
    selector.matchers.iter().find(|m| m.name == METRIC_NAME).cloned()
}

/// Whether a selector reads what `other` writes.
fn reads(selector: &VectorSelector, name: &Matcher, other: &RuleSpec) -> bool {
    if name.matches(&other.name) {
        return true;
    }
    let of_alerts = name.matches(ALERTS) || name.matches(ALERTS_FOR_STATE);
    if !of_alerts || !other.is_alert() {
        return false;
    }
    let alert = selector.matchers.iter().find(|m| m.name == ALERT_NAME);
    alert.is_none_or(|m| m.matches(&other.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Kind;
    use tortie_promql::parse_expr;

    fn rule(name: &str, query: &str) -> RuleSpec {
        let alert = name.starts_with(char::is_uppercase);
        RuleSpec {
            name: name.to_owned(),
            kind: if alert {
                Kind::Alert { for_ms: 0, keep_firing_for_ms: 0, annotations: Vec::new() }
            } else {
                Kind::Record
            },
            expr: parse_expr(query, &tortie_promql::Options::ALL).unwrap(),
            query: query.to_owned(),
            labels: Vec::new(),
        }
    }

    fn check(rules: &[(&str, &str)], expect: Option<&[&[usize]]>) {
        let rules: Vec<RuleSpec> = rules.iter().map(|(n, q)| rule(n, q)).collect();
        let expect = expect.map(|e| e.iter().map(|b| b.to_vec()).collect::<Vec<_>>());
        assert_eq!(batches(&rules), expect);
    }

    #[test]
    fn independent_rules_run_first_then_chains_then_the_rest() {
        check(&[("a", "x"), ("b", "y"), ("c", "z")], Some(&[&[0, 1, 2]]));
        check(&[("a", "x"), ("b", "a"), ("c", "b")], Some(&[&[0], &[1], &[2]]));
        check(&[("a", "x"), ("b", "a"), ("c", "a"), ("d", "y")], Some(&[&[0, 3], &[1, 2]]));
        // A rule that reads a later one does not wait for it.
        check(&[("a", "b"), ("b", "x")], Some(&[&[0, 1]]));
    }

    #[test]
    fn selectors_without_a_name_and_of_alerts() {
        check(&[("a", "x"), ("b", "{job=\"x\"}")], None);
        check(&[("Down", "up == 0"), ("n", "count(ALERTS{alertname=\"Down\"})")], Some(&[&[0], &[1]]));
        check(&[("Down", "up == 0"), ("n", "count(ALERTS{alertname=\"Up\"})")], Some(&[&[0, 1]]));
        check(&[("a", "x"), ("b", "{__name__=~\"a|c\"}")], Some(&[&[0], &[1]]));
    }
}
