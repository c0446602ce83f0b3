//! The namespace's label in the expressions of rules, as `enforcedNamespaceLabel` has it: a PrometheusRule sees the series of
//! its own namespace alone.
//!
//! Rules: prom-label-proxy 0.14, `injectproxy/enforce.go`, as prometheus-operator 0.93 calls it. One place is stricter: the
//! parameter of an aggregation is confined too, which the operator leaves open.

use tortie_model::Matcher;
use tortie_promql::ast::{Expr, VectorSelector};
use tortie_promql::{Options, parse_expr, print};

/// The expression with `label="value"` in each of its selectors, in place of any other condition on that label.
///
/// # Errors
/// When it is no expression without experimental features, in the operator's words.
pub(super) fn confined(expr: &str, label: &str, value: &str) -> Result<String, String> {
    let language = Options::default();
    let mut tree =
        parse_expr(expr, &language).map_err(|e| format!("failed to parse promql expression: {e}"))?;
    confine(&mut tree, &Matcher::equal(label, value));
    Ok(print::print(&tree, &language))
}

fn confine(expr: &mut Expr, own: &Matcher) {
    match expr {
        Expr::Number(_) | Expr::Str(_) => {}
        Expr::Vector(v) => add(v, own),
        Expr::Matrix(m) => add(&mut m.selector, own),
        Expr::Subquery(s) => confine(&mut s.expr, own),
        Expr::Call(c) => c.args.iter_mut().for_each(|a| confine(a, own)),
        Expr::Aggregate(a) => {
            confine(&mut a.expr, own);
            a.param.iter_mut().for_each(|p| confine(p, own));
        }
        Expr::Binary(b) => {
            confine(&mut b.lhs, own);
            confine(&mut b.rhs, own);
        }
        Expr::Unary(u) => confine(&mut u.expr, own),
        Expr::Paren(p) => confine(&mut p.expr, own),
    }
}

fn add(selector: &mut VectorSelector, own: &Matcher) {
    selector.matchers.retain(|m| m.name != own.name);
    selector.matchers.push(own.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expr: &str, expect: &str) {
        assert_eq!(confined(expr, "namespace", "bar").as_deref(), Ok(expect));
    }

    #[test]
    fn each_selector_is_confined() {
        check(
            r#"rate(requests_total{job="myjob"}[5m])"#,
            r#"rate(requests_total{job="myjob",namespace="bar"}[5m])"#,
        );
        check(r#"up{namespace!="x",mode="idle"}"#, r#"up{mode="idle",namespace="bar"}"#);
        check(
            "sum by (a) (x) / on (a) (y offset 5m) > bool 2",
            r#"sum by (a) (x{namespace="bar"}) / on (a) (y{namespace="bar"} offset 5m) > bool 2"#,
        );
        check("max_over_time((-z)[1h:1m])", r#"max_over_time((-z{namespace="bar"})[1h:1m])"#);
        check("topk(scalar(n), x)", r#"topk(scalar(n{namespace="bar"}), x{namespace="bar"})"#);
        check("vector(1)", "vector(1)");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let e = confined("sum(", "namespace", "bar").unwrap_err();
        assert!(e.starts_with("failed to parse promql expression: 1:5: parse error: "), "{e}");
        assert!(confined("mad_over_time(x[5m])", "namespace", "bar").is_err());
    }
}
