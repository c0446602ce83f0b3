//! Rule files to groups that can be evaluated.

use crate::spec::{GroupSpec, Kind, RuleSpec};
use tortie_config::rules::{ExprError, Rule, RuleFile, RuleGroup};
use tortie_promql::{Options, parse_expr, print};

/// Parses an expression for the checks of a rule file.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_expr(text: &str, language: &Options) -> Result<(), ExprError> {
    parse_expr(text, language)
        .map(drop)
        .map_err(|e| ExprError { message: e.to_string(), offset: e.first.span.start })
}

/// The groups of a checked rule file; `interval_ms` is that of groups that name none.
///
/// # Errors
/// When an expression cannot be parsed, which the checks of the file have ruled out.
pub fn groups(
    file: &RuleFile,
    name: &str,
    interval_ms: i64,
    language: &Options,
) -> Result<Vec<GroupSpec>, String> {
    file.groups.iter().map(|g| group(g, name, interval_ms, language)).collect()
}

fn group(g: &RuleGroup, file: &str, interval_ms: i64, language: &Options) -> Result<GroupSpec, String> {
    Ok(GroupSpec {
        file: file.to_owned(),
        name: g.name.clone(),
        interval_ms: if g.interval_ms > 0 { g.interval_ms } else { interval_ms.max(1) },
        query_offset_ms: g.query_offset_ms,
        limit: g.limit,
        rules: g.rules.iter().map(|r| rule(r, g, file, language)).collect::<Result<_, _>>()?,
    })
}

fn rule(r: &Rule, g: &RuleGroup, file: &str, language: &Options) -> Result<RuleSpec, String> {
    let expr = parse_expr(&r.expr, language).map_err(|e| {
        format!("{file}: group {:?}, {:?}: could not parse expression: {e}", g.name, r.name())
    })?;
    let kind = if r.alert.is_empty() {
        Kind::Record
    } else {
        let mut annotations = r.annotations.clone();
        annotations.sort();
        Kind::Alert { for_ms: r.for_ms, keep_firing_for_ms: r.keep_firing_for_ms, annotations }
    };
    Ok(RuleSpec {
        name: r.name().to_owned(),
        kind,
        query: print::print(&expr, language),
        expr,
        labels: merged(&g.labels, &r.labels),
    })
}

/// Labels of a group and a rule, those of the rule over those of the group, ascending by name.
pub fn merged(group: &[(String, String)], rule: &[(String, String)]) -> Vec<(String, String)> {
    let kept = group.iter().filter(|(n, _)| !rule.iter().any(|(r, _)| r == n));
    let mut all: Vec<(String, String)> = kept.chain(rule).cloned().collect();
    all.sort();
    all
}
