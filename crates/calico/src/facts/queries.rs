//! What an expression reads, and whether it can be empty for good reasons.

use crate::catalogue;
use crate::component::Component;
use std::collections::BTreeSet;
use tortie_model::matcher::{MatchOp, Matcher};
use tortie_promql::ast::{
    Binary, BinaryOp, Call, Expr, MatrixSelector, Paren, Subquery, Unary, ValueType, VectorSelector,
};
use tortie_promql::{Options, parse_expr};

/// Parses an expression; the error is the first one, as Prometheus words it.
///
/// # Errors
/// When it is no PromQL.
pub fn parse(text: &str) -> Result<Expr, String> {
    parse_expr(text, &Options::ALL).map_err(|e| e.to_string())
}

/// The metric that a selector names.
pub fn metric(selector: &VectorSelector) -> Option<&str> {
    if !selector.name.is_empty() {
        return Some(&selector.name);
    }
    let named = selector.matchers.iter().find(|m| m.name == "__name__" && m.op == MatchOp::Equal);
    named.map(|m| m.value.as_str())
}

/// Matchers of a selector besides the name's.
pub fn conditions(selector: &VectorSelector) -> Vec<&Matcher> {
    selector.matchers.iter().filter(|m| m.name != "__name__").collect()
}

/// The components whose series an expression reads: by the names of metrics, or, where a name is everybody's (`up`,
/// `process_*`), by a matcher that speaks of a component.
pub fn components(expr: &Expr) -> BTreeSet<Component> {
    let selectors = expr.selectors();
    let by_name: BTreeSet<Component> =
        selectors.iter().filter_map(|s| catalogue::component_of(metric(s)?)).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    let values = selectors
        .iter()
        .flat_map(|s| conditions(s))
        .filter(|m| matches!(m.op, MatchOp::Equal | MatchOp::Regex));
    let mut out = BTreeSet::new();
    for matcher in
        values.filter(|m| ["job", "service", "pod", "container", "app", "k8s_app"].contains(&m.name.as_str()))
    {
        let plain = matcher.value.replace('\\', "").replace(".?", "-");
        out.extend(Component::ALL.into_iter().filter(|c| c.named_in(&plain)));
    }
    out
}

/// Whether an expression asks for absence, so that an empty answer is the good one.
pub fn asks_for_absence(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        if let Expr::Call(call) = e {
            found |= matches!(call.func.name, "absent" | "absent_over_time");
        }
    });
    found
}

/// The expression without what may rightly make it empty: comparisons that filter, the right side of `unless`,
/// `or vector(...)`.
pub fn relaxed(expr: &Expr) -> Expr {
    match expr {
        Expr::Binary(b) => relaxed_binary(b),
        Expr::Paren(p) => Expr::Paren(Box::new(Paren { expr: relaxed(&p.expr), span: p.span })),
        Expr::Unary(u) => Expr::Unary(Box::new(Unary { expr: relaxed(&u.expr), ..(**u).clone() })),
        Expr::Aggregate(a) => {
            let mut out = (**a).clone();
            out.expr = relaxed(&a.expr);
            Expr::Aggregate(Box::new(out))
        }
        Expr::Call(c) => {
            let args = c.args.iter().map(relaxed).collect();
            Expr::Call(Box::new(Call { args, ..(**c).clone() }))
        }
        Expr::Subquery(s) => Expr::Subquery(Box::new(Subquery { expr: relaxed(&s.expr), ..(**s).clone() })),
        Expr::Number(_) | Expr::Str(_) | Expr::Vector(_) | Expr::Matrix(_) => expr.clone(),
    }
}

fn relaxed_binary(b: &Binary) -> Expr {
    let scalar = |e: &Expr| e.value_type() == ValueType::Scalar;
    match b.op {
        op if op.is_comparison() && !b.return_bool && !(scalar(&b.lhs) && scalar(&b.rhs)) => {
            if scalar(&b.rhs) {
                return relaxed(&b.lhs);
            }
            if scalar(&b.lhs) {
                return relaxed(&b.rhs);
            }
            // Two vectors: what has to be there is the pair, whatever the comparison says of it.
            let (lhs, rhs) = (relaxed(&b.lhs), relaxed(&b.rhs));
            Expr::Binary(Box::new(Binary { op: BinaryOp::Sub, lhs, rhs, ..b.clone() }))
        }
        BinaryOp::Unless => relaxed(&b.lhs),
        BinaryOp::Or if b.rhs.selectors().is_empty() => relaxed(&b.lhs),
        _ => Expr::Binary(Box::new(Binary { lhs: relaxed(&b.lhs), rhs: relaxed(&b.rhs), ..b.clone() })),
    }
}

/// Whether an expression can have data, given which of its selectors have.
#[derive(Debug, Clone, PartialEq)]
pub enum Life<'e> {
    /// Nothing that it needs is missing.
    Alive,
    /// This selector is needed and has nothing.
    Dead(&'e VectorSelector),
    /// Not known.
    Unknown,
}

/// Judges an expression by its selectors: an `or` lives while one side does, of an `unless` the left side counts.
pub fn life<'e>(expr: &'e Expr, alive: &mut dyn FnMut(&VectorSelector) -> Option<bool>) -> Life<'e> {
    let mut one = |s: &'e VectorSelector| match alive(s) {
        Some(true) => Life::Alive,
        Some(false) => Life::Dead(s),
        None => Life::Unknown,
    };
    match expr {
        Expr::Vector(v) => one(v),
        Expr::Matrix(m) => one(&m.selector),
        Expr::Binary(b) if b.op == BinaryOp::Unless => life(&b.lhs, alive),
        Expr::Binary(b) if b.op == BinaryOp::Or => match (life(&b.lhs, alive), life(&b.rhs, alive)) {
            (Life::Alive, _) | (_, Life::Alive) => Life::Alive,
            (Life::Unknown, _) | (_, Life::Unknown) => Life::Unknown,
            (dead, _) => dead,
        },
        Expr::Call(c) if matches!(c.func.name, "absent" | "absent_over_time") => Life::Alive,
        _ => {
            let mut unknown = false;
            for child in expr.children() {
                match life(child, alive) {
                    Life::Alive => {}
                    Life::Unknown => unknown = true,
                    dead => return dead,
                }
            }
            if unknown { Life::Unknown } else { Life::Alive }
        }
    }
}

/// Takes conditions away that a variable with "all" leaves behind: `=~".*"`, and `=".*"`, which no label value is.
pub fn without_wildcards(mut expr: Expr) -> Expr {
    each_selector(&mut expr, &mut |s| {
        let kept: Vec<Matcher> = s
            .matchers
            .iter()
            .filter(|m| m.name == "__name__" || !matches!(m.value.as_str(), ".*" | "(.*)"))
            .cloned()
            .collect();
        if !kept.is_empty() {
            s.matchers = kept;
        }
    });
    expr
}

fn each_selector(expr: &mut Expr, change: &mut dyn FnMut(&mut VectorSelector)) {
    match expr {
        Expr::Vector(v) => change(v),
        Expr::Matrix(m) => change(&mut m.selector),
        Expr::Subquery(s) => each_selector(&mut s.expr, change),
        Expr::Call(c) => c.args.iter_mut().for_each(|a| each_selector(a, change)),
        Expr::Aggregate(a) => each_selector(&mut a.expr, change),
        Expr::Binary(b) => {
            each_selector(&mut b.lhs, change);
            each_selector(&mut b.rhs, change);
        }
        Expr::Unary(u) => each_selector(&mut u.expr, change),
        Expr::Paren(p) => each_selector(&mut p.expr, change),
        Expr::Number(_) | Expr::Str(_) => {}
    }
}

/// Functions that need two samples in their window.
const TWO_SAMPLES: [&str; 8] = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "predict_linear",
    "double_exponential_smoothing",
];

/// Range selectors under a function that needs two samples: the function and the selector.
pub fn windows(expr: &Expr) -> Vec<(&'static str, &MatrixSelector)> {
    let mut out = Vec::new();
    expr.walk(&mut |e| {
        let Expr::Call(call) = e else { return };
        if !TWO_SAMPLES.contains(&call.func.name) {
            return;
        }
        for arg in &call.args {
            if let Expr::Matrix(m) = arg.unparen() {
                out.push((call.func.name, m.as_ref()));
            }
        }
    });
    out
}

/// How far back an expression looks, in milliseconds: ranges and offsets, nested ones added.
pub fn looks_back(expr: &Expr) -> i64 {
    let own = match expr {
        Expr::Vector(v) => v.offset_ms(),
        Expr::Matrix(m) => m.range_ms().saturating_add(m.selector.offset_ms()),
        Expr::Subquery(s) => s.range_ms().saturating_add(s.offset_ms()),
        _ => 0,
    };
    let below = expr.children().into_iter().map(looks_back).max().unwrap_or(0);
    own.saturating_add(below)
}

/// How far back there have to be samples for an expression to have an answer, in milliseconds: offsets, and two steps of
/// subqueries. A range needs two samples and no more.
pub fn needs_back(expr: &Expr) -> i64 {
    let own = match expr {
        Expr::Vector(v) => v.offset_ms().max(0),
        Expr::Matrix(m) => m.selector.offset_ms().max(0),
        Expr::Subquery(s) => {
            s.step_ms().saturating_mul(2).min(s.range_ms()).saturating_add(s.offset_ms().max(0))
        }
        _ => 0,
    };
    let below = expr.children().into_iter().map(needs_back).max().unwrap_or(0);
    own.saturating_add(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_needed_for_offsets_and_steps() {
        #[track_caller]
        fn check(text: &str, minutes: i64) {
            assert_eq!(needs_back(&parse(text).expect(text)), minutes * 60_000, "{text}");
        }
        check("rate(felix_log_errors[1h])", 0);
        check("felix_host offset 30m", 30);
        check("deriv(sum(ipam_blocks)[6h:5m]) > 0", 10);
        check("felix_host / max_over_time(felix_host[1d:1h] offset 1d)", 26 * 60);
    }

    #[test]
    fn components_are_told_by_names_then_by_matchers() {
        #[track_caller]
        fn check(text: &str, expect: &[Component]) {
            let expr = parse(text).expect(text);
            assert_eq!(components(&expr).into_iter().collect::<Vec<_>>(), expect, "{text}");
        }
        check("felix_resync_state != 3", &[Component::Felix]);
        check("felix_nothing_of_the_kind", &[Component::Felix]);
        check("up{job=~\".*felix.*\"} == 0", &[Component::Felix]);
        check("process_open_fds{job=\"typha_metrics\"}", &[Component::Typha]);
        check("up{job=~\".*kube.?controllers.*\"}", &[Component::KubeControllers]);
        check("process_open_fds", &[]);
        check("up{job=\"kube-controller-manager\"}", &[]);
        check("calico_migration_phase == 1", &[Component::KubeControllers]);
    }

    #[test]
    fn filters_are_taken_out() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            assert_eq!(relaxed(&parse(text).expect(text)).to_string(), expect, "{text}");
        }
        check("topk(5, changes(x[1h])) > 0", "topk(5, changes(x[1h]))");
        check("sum(a) or vector(0)", "sum(a)");
        check("a unless on (instance) b > 1", "a");
        check("(a != 3) and on (instance) b", "(a) and on (instance) b");
        check("a < on (x) group_left () b", "a - on (x) group_left () b");
        check("a > bool 1", "a > bool 1");
        check("count(x == 3) / count(x)", "count(x) / count(x)");
    }

    #[test]
    fn an_or_lives_while_one_side_does() {
        #[track_caller]
        fn check(text: &str, dead: &[&str], expect: Option<&str>) {
            let expr = parse(text).expect(text);
            let got = life(&expr, &mut |s| Some(!dead.contains(&metric(s).unwrap_or_default())));
            let got = match got {
                Life::Dead(s) => metric(s),
                _ => None,
            };
            assert_eq!(got, expect, "{text}");
        }
        check("a + b", &["b"], Some("b"));
        check("a or b", &["a"], None);
        check("a or b", &["a", "b"], Some("a"));
        check("a unless b", &["b"], None);
        check("absent(a)", &["a"], None);
    }

    #[test]
    fn windows_and_reach() {
        let expr = parse("rate(a[30s]) + avg_over_time(b[5m] offset 1h) + max_over_time(rate(c[5m])[1h:])")
            .expect("a query");
        let found: Vec<(&str, i64)> = windows(&expr).into_iter().map(|(f, m)| (f, m.range_ms())).collect();
        assert_eq!(found, [("rate", 30_000), ("rate", 300_000)]);
        assert_eq!(looks_back(&expr), 3_900_000);
        let plain = without_wildcards(parse("a{x=\".*\", y=~\".*\", z=\"1\"}").expect("a query"));
        assert_eq!(plain.to_string(), "a{z=\"1\"}");
    }
}
