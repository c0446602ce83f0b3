//! Alerts on targets that are down, where nothing says that there are none (the doctor's T913).

use super::{Oddity, Parsed, written};
use tortie_model::{MatchOp, Matcher};
use tortie_promql::ast::{Expr, VectorSelector};

/// The jobs whose `up` an alert compares with 0 and whose absence no rule of the file sees.
pub(super) fn blind(expr: &Expr, rules: &[Parsed<'_>]) -> Vec<Oddity> {
    let mut out = Vec::new();
    expr.walk(&mut |e| {
        let Expr::Binary(b) = e else { return };
        let (Expr::Vector(s), Expr::Number(n)) = (b.lhs.unparen(), b.rhs.unparen()) else { return };
        if b.op.as_str() != "==" || n.value != 0.0 || s.name != "up" {
            return;
        }
        let Some(job) = job_of(s) else { return };
        if rules.iter().any(|p| sees_absence(&p.expr, job)) {
            return;
        }
        let job = written(job);
        out.push(Oddity {
            span: s.span,
            text: format!(
                "it sees targets of {job} that are down, and nothing in this file sees that there are none (hint: alert on absent(up{{{job}}}))"
            ),
        });
    });
    out
}

fn job_of(s: &VectorSelector) -> Option<&Matcher> {
    s.matchers.iter().find(|m| m.name == "job" && matches!(m.op, MatchOp::Equal | MatchOp::Regex))
}

/// Whether an expression says when there is no series of a job.
fn sees_absence(expr: &Expr, job: &Matcher) -> bool {
    let covers =
        |m: &Matcher| m.name == "job" && (m == job || (job.op == MatchOp::Equal && m.matches(&job.value)));
    let mut found = false;
    expr.walk(&mut |e| {
        if let Expr::Call(c) = e
            && matches!(c.func.name, "absent" | "absent_over_time")
        {
            let mut selectors = c.args.iter().flat_map(|a| a.selectors());
            found |= selectors.any(|s| s.matchers.iter().any(covers));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of, of_file};

    #[test]
    fn targets_that_vanish_are_seen_by_absent() {
        let got = of(r#"up{job="felix"} == 0"#);
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(
            got[0].contains(
                r#"blind-to-absence 5:11: alert "A": it sees targets of job="felix" that are down"#
            ),
            "{got:?}"
        );
        assert!(got[0].ends_with(r#"(hint: alert on absent(up{job="felix"}))"#), "{got:?}");
        assert_eq!(of(r#"up{job=~".*felix.*"} == 0"#).len(), 1);
        assert!(of("up == 0").is_empty(), "no job is named");
        let two = |other: &str| {
            of_file(&format!(
                "groups:\n- name: g\n  rules:\n  - {{alert: A, expr: 'up{{job=\"felix\"}} == 0'}}\n  - {{alert: B, expr: '{other}'}}\n"
            ))
        };
        assert!(two("absent(felix_host{job=\"felix\"})").is_empty());
        assert!(two("absent(up{job=~\".*felix.*\"})").is_empty());
        assert_eq!(two("absent(up{job=\"typha\"})").len(), 1);
    }
}
