//! What in a rule file is allowed and probably not meant.

use std::collections::BTreeMap;
use tortie_config::rules::{Rule, RuleFile};
use tortie_model::{MatchOp, Matcher};
use tortie_promql::ast::{Expr, VectorSelector};
use tortie_promql::{Options, parse_expr};

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Name of the lint.
    pub lint: &'static str,
    /// Line of the rule.
    pub line: usize,
    /// What is odd, and what to do about it.
    pub text: String,
}

/// Rules of the same name and labels more than once, as `promtool check rules` counts them: name and labels.
pub fn duplicates(file: &RuleFile) -> Vec<(String, Vec<(String, String)>)> {
    let mut seen: BTreeMap<(String, Vec<(String, String)>), usize> = BTreeMap::new();
    for group in &file.groups {
        for rule in &group.rules {
            let labels = crate::from_config::merged(&group.labels, &rule.labels);
            *seen.entry((rule.name().to_owned(), labels)).or_default() += 1;
        }
    }
    seen.into_iter().filter(|(_, n)| *n > 1).map(|(key, _)| key).collect()
}

/// Looks at every rule of a checked file.
pub fn remarks(file: &RuleFile, language: &Options) -> Vec<Remark> {
    let rules: Vec<(&Rule, Expr)> = file
        .groups
        .iter()
        .flat_map(|g| &g.rules)
        .filter_map(|r| Some((r, parse_expr(&r.expr, language).ok()?)))
        .collect();
    let mut out = Vec::new();
    for (rule, expr) in rules.iter().filter(|(r, _)| !r.alert.is_empty()) {
        if !filters(expr) {
            out.push(Remark {
                lint: "alerts-always",
                line: rule.at.line,
                text: format!(
                    "alert {:?} compares nothing: it fires for every series of its expression (hint: compare with a value)",
                    rule.alert
                ),
            });
        }
        for job in blind_to(expr) {
            if !rules.iter().any(|(_, e)| sees_absence(e, &job)) {
                out.push(Remark {
                    lint: "blind-to-absence",
                    line: rule.at.line,
                    text: format!(
                        "alert {:?} sees targets of job {job:?} that are down, and nothing in this file sees that there are none (hint: alert on absent(up{{job={job:?}}}))",
                        rule.alert
                    ),
                });
            }
        }
    }
    out
}

/// Whether an expression lets series through by their values or by others.
fn filters(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| match e {
        Expr::Binary(b) => found |= (b.op.is_comparison() && !b.return_bool) || b.op.is_set(),
        Expr::Call(c) => found |= matches!(c.func.name, "absent" | "absent_over_time" | "vector"),
        _ => {}
    });
    found
}

/// Jobs whose `up` an expression compares with 0.
fn blind_to(expr: &Expr) -> Vec<String> {
    let mut jobs = Vec::new();
    expr.walk(&mut |e| {
        let Expr::Binary(b) = e else { return };
        let (Expr::Vector(s), Expr::Number(n)) = (b.lhs.unparen(), b.rhs.unparen()) else { return };
        if b.op.as_str() == "==" && n.value == 0.0 && s.name == "up" {
            jobs.extend(job_of(s));
        }
    });
    jobs
}

fn job_of(s: &VectorSelector) -> Option<String> {
    let job = |m: &&Matcher| m.name == "job" && m.op == MatchOp::Equal;
    s.matchers.iter().find(job).map(|m| m.value.clone())
}

/// Whether an expression says when there is no series of a job.
fn sees_absence(expr: &Expr, job: &str) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        if let Expr::Call(c) = e
            && matches!(c.func.name, "absent" | "absent_over_time")
        {
            let mut of_job = |s: &VectorSelector| {
                found |= s.matchers.iter().any(|m| m.name == "job" && m.matches(job));
            };
            c.args.iter().flat_map(|a| a.selectors()).for_each(&mut of_job);
        }
    });
    found
}
