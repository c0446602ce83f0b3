//! Rules that read far more than they need at every tick (what the doctor's T905 sees once they run).

use super::{Oddity, written};
use tortie_model::{MatchOp, Matcher};
use tortie_promql::ast::{Expr, Subquery, VectorSelector};

/// Interval of groups that name none, and step of subqueries that name none, milliseconds: Prometheus' default.
const INTERVAL: i64 = 60_000;
/// A range over this many evaluations is read anew too often.
const MOST_TICKS: i64 = 1_000;
/// Steps of a subquery above which it is slow.
const MOST_STEPS: i64 = 500;

/// What is slow in an expression that is evaluated every `interval_ms` (0: as the configuration says).
pub(super) fn slow(expr: &Expr, interval_ms: i64) -> Vec<Oddity> {
    let interval = if interval_ms > 0 { interval_ms } else { INTERVAL };
    let mut out = Vec::new();
    expr.walk(&mut |e| match e {
        Expr::Vector(s) => out.extend(selector(s)),
        Expr::Matrix(m) => {
            out.extend(selector(&m.selector));
            if m.range_ms() / interval > MOST_TICKS {
                let range = tortie_model::duration::format(m.range_ms());
                let every = tortie_model::duration::format(interval);
                let text = format!(
                    "it reads {range} of samples anew every {every} (hint: record a shorter range first, or give the group a longer interval)"
                );
                out.push(Oddity { span: m.span, text });
            }
        }
        Expr::Subquery(s) => out.extend(subquery(s)),
        _ => {}
    });
    out
}

fn selector(s: &VectorSelector) -> Option<Oddity> {
    // The second argument of `info` names labels, not series.
    if !s.may_match_all && !s.matchers.iter().any(|m| m.name == "__name__") {
        let text = "a selector without a metric's name looks through every metric (hint: name it)".to_owned();
        return Some(Oddity { span: s.span, text });
    }
    let all = |m: &&Matcher| m.op == MatchOp::Regex && m.value == ".*";
    let m = s.matchers.iter().find(all)?;
    let text = format!("{} lets every value through and looks at each (hint: leave it out)", written(m));
    Some(Oddity { span: s.span, text })
}

fn subquery(s: &Subquery) -> Option<Oddity> {
    let ms = |ns: i64| ns / 1_000_000;
    let step = if s.step_ns > 0 { ms(s.step_ns) } else { INTERVAL };
    let steps = ms(s.range_ns) / step.max(1);
    if steps <= MOST_STEPS || s.range_expr.is_some() || s.step_expr.is_some() {
        return None;
    }
    let text = format!(
        "its subquery evaluates {} {steps} times at every tick (hint: record the inner expression, or take a longer step)",
        s.expr
    );
    Some(Oddity { span: s.span, text })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of, of_file};

    #[track_caller]
    fn check(expr: &str, words: Option<&str>) {
        let got: Vec<String> = of(expr).into_iter().filter(|l| l.starts_with("slow ")).collect();
        match words {
            Some(w) => assert!(got.len() == 1 && got[0].contains(w), "{expr}: {got:?}"),
            None => assert!(got.is_empty(), "{expr}: {got:?}"),
        }
    }

    #[test]
    fn what_reads_too_much_is_slow() {
        check(r#"{job="x"} > 1"#, Some("without a metric's name"));
        check(r#"x{job=~".*"} > 1"#, Some(r#"job=~".*" lets every value through"#));
        check(r#"x{job=~".+"} > 1"#, None);
        check("rate(x[1d]) > 1", Some("it reads 1d of samples anew every 1m"));
        check("rate(x[6h]) > 1", None);
        check("max_over_time(rate(x[5m])[1d:]) > 1", Some("evaluates rate(x[5m]) 1440 times"));
        check("max_over_time(rate(x[5m])[1d:10m]) > 1", None);
        check(r#"{__name__=~"a|b"} > 1"#, None);
    }

    #[test]
    fn the_interval_of_the_group_counts_and_recording_rules_too() {
        let file = |interval: &str| {
            of_file(&format!(
                "groups: [{{name: g, interval: {interval}, rules: [{{record: r, expr: 'rate(x[1d])'}}]}}]"
            ))
        };
        assert_eq!(file("15s").len(), 1);
        assert!(file("5m").is_empty());
    }
}
