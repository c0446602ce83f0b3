//! Alerts that can never fire, as far as their expression tells (the doctor's T904): matchers that exclude each other,
//! values that cannot be, sides whose labels cannot meet, names that do not exist. Whatever asks for absence is let through.

use super::{Oddity, Unknown, range, written};
use std::collections::BTreeSet;
use tortie_model::{MatchOp, Matcher};
use tortie_promql::ast::{Binary, Expr, VectorSelector};

/// Why an expression never has a series; `None` when it may.
pub(super) fn why(expr: &Expr, unknown: Unknown<'_>) -> Option<Oddity> {
    match expr {
        Expr::Number(_) | Expr::Str(_) => None,
        Expr::Vector(s) => selector(s, unknown),
        Expr::Matrix(m) => selector(&m.selector, unknown),
        Expr::Subquery(s) => why(&s.expr, unknown),
        Expr::Paren(p) => why(&p.expr, unknown),
        Expr::Unary(u) => why(&u.expr, unknown),
        Expr::Aggregate(a) => why(&a.expr, unknown),
        Expr::Call(c) => match c.func.name {
            // They answer when there is nothing; a number is always there.
            "absent" | "absent_over_time" | "scalar" | "vector" => None,
            _ => c.args.iter().find_map(|a| why(a, unknown)),
        },
        Expr::Binary(b) => binary(b, unknown),
    }
}

fn selector(s: &VectorSelector, unknown: Unknown<'_>) -> Option<Oddity> {
    let wanted = |m: &Matcher| m.op == MatchOp::Equal && !m.value.is_empty();
    for m in s.matchers.iter().filter(|m| wanted(m)) {
        if let Some(other) = s.matchers.iter().find(|o| o.name == m.name && !o.matches(&m.value)) {
            let text =
                format!("{} and {} exclude each other: no series has both", written(m), written(other));
            return Some(Oddity { span: s.span, text });
        }
    }
    let name = s.matchers.iter().find(|m| m.name == "__name__" && m.op == MatchOp::Equal)?;
    unknown(&name.value).map(|text| Oddity { span: s.span, text })
}

fn binary(b: &Binary, unknown: Unknown<'_>) -> Option<Oddity> {
    match b.op.as_str() {
        "or" => {
            // Both must be empty.
            let left = why(&b.lhs, unknown)?;
            why(&b.rhs, unknown).map(|_| left)
        }
        "unless" => why(&b.lhs, unknown),
        _ => why(&b.lhs, unknown)
            .or_else(|| if filled(b) { None } else { why(&b.rhs, unknown) })
            .or_else(|| values(b))
            .or_else(|| contradiction(b))
            .or_else(|| labels(b)),
    }
}

/// Whether missing series of the right side have a value all the same.
fn filled(b: &Binary) -> bool {
    b.matching.as_ref().is_some_and(|m| m.fill_left.is_some() || m.fill_right.is_some())
}

/// A comparison of values that cannot be.
fn values(b: &Binary) -> Option<Oddity> {
    if !b.op.is_comparison() || b.return_bool {
        return None;
    }
    let (l, r) = (range::of(&b.lhs), range::of(&b.rhs));
    if l.can(b.op.as_str(), r) {
        return None;
    }
    let shown = |r: range::Range| match (r.lo, r.hi) {
        (lo, hi) if lo == hi => format!("is {lo}"),
        (lo, hi) if hi.is_infinite() => format!("is never below {lo}"),
        (lo, hi) if lo.is_infinite() => format!("is never above {hi}"),
        (lo, hi) => format!("is between {lo} and {hi}"),
    };
    let side = if matches!(b.lhs.unparen(), Expr::Number(_)) { (&b.rhs, r) } else { (&b.lhs, l) };
    let text =
        format!("{} {} {} can never be: {} {}", b.lhs, b.op.as_str(), b.rhs, side.0.unparen(), shown(side.1));
    Some(Oddity { span: b.span(), text })
}

/// `x > 5 and x < 3`: the same series, with values that exclude each other.
fn contradiction(b: &Binary) -> Option<Oddity> {
    let plain = b.matching.as_ref().is_some_and(|m| !m.on && m.labels.is_empty());
    if b.op.as_str() != "and" || !plain {
        return None;
    }
    let (left, right) = (limit(&b.lhs)?, limit(&b.rhs)?);
    if left.0 != right.0 || left.1.meets(right.1) {
        return None;
    }
    Some(Oddity { span: b.span(), text: format!("{} and {} exclude each other", b.lhs, b.rhs) })
}

/// What an expression compares with a number, and the values that it lets through.
fn limit(expr: &Expr) -> Option<(String, range::Range)> {
    let Expr::Binary(b) = expr.unparen() else { return None };
    let Expr::Number(n) = b.rhs.unparen() else { return None };
    let compares = b.op.is_comparison() && !b.return_bool && b.op.as_str() != "!=";
    compares.then(|| (b.lhs.unparen().to_string(), range::of(&b.lhs).where_it(b.op.as_str(), n.value)))
}

/// Sides whose labels cannot meet: one has lost by aggregation what the other is matched by.
fn labels(b: &Binary) -> Option<Oddity> {
    let matching = b.matching.as_ref()?;
    if filled(b) {
        return None;
    }
    let (left, right) = (kept(&b.lhs)?, kept(&b.rhs)?);
    let by: BTreeSet<String> = if matching.on {
        matching.labels.iter().cloned().collect()
    } else {
        left.union(&right).filter(|l| !matching.labels.contains(l)).cloned().collect()
    };
    let lost = by.iter().find(|l| left.contains(*l) != right.contains(*l))?;
    let side = if left.contains(lost) { &b.rhs } else { &b.lhs };
    let text = format!(
        "the sides of {} are matched by {lost:?}, which {} has not (hint: aggregate both by it, or leave it out with on() or ignoring())",
        b.op.as_str(),
        side.unparen()
    );
    Some(Oddity { span: b.span(), text })
}

/// The labels that an expression has at most, where aggregation tells.
fn kept(expr: &Expr) -> Option<BTreeSet<String>> {
    match expr {
        Expr::Aggregate(a) => match a.op.as_str() {
            "topk" | "bottomk" | "limitk" | "limit_ratio" => kept(&a.expr),
            "count_values" => None,
            _ if a.without => None,
            _ => Some(a.grouping.iter().cloned().collect()),
        },
        Expr::Paren(p) => kept(&p.expr),
        Expr::Unary(u) => kept(&u.expr),
        Expr::Binary(b) => match (&b.matching, b.op.as_str()) {
            (_, "and" | "unless") => kept(&b.lhs),
            (Some(_), _) => None,
            // A number has no labels.
            (None, _) if matches!(b.rhs.unparen(), Expr::Number(_)) => kept(&b.lhs),
            (None, _) if matches!(b.lhs.unparen(), Expr::Number(_)) => kept(&b.rhs),
            _ => None,
        },
        Expr::Call(c) if c.func.name == "vector" => Some(BTreeSet::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::of;

    #[track_caller]
    fn never(expr: &str, words: &str) {
        let got = of(expr);
        assert!(got.iter().any(|l| l.starts_with("can-never-fire") && l.contains(words)), "{expr}: {got:?}");
    }

    #[track_caller]
    fn may(expr: &str) {
        let got = of(expr);
        assert!(!got.iter().any(|l| l.starts_with("can-never-fire")), "{expr}: {got:?}");
    }

    #[test]
    fn matchers_exclude_each_other() {
        never(r#"x{a="1",a="2"} > 0"#, r#"a="1" and a="2" exclude each other"#);
        never(r#"sum(rate(x{a="1",a!~"1|2"}[5m])) > 0"#, "exclude each other");
        never(r#"{__name__="x",__name__!="x"} > 0"#, "exclude each other");
        may(r#"x{a="1",a=~"1|2"} > 0"#);
        may(r#"x{a="",b="1"} > 0"#);
    }

    #[test]
    fn values_cannot_be() {
        never("count(up) < 1", "count(up) < 1 can never be: count(up) is never below 1");
        never("count(x) == 0", "is never below 1");
        never("up > 1", "up > 1 can never be: up is between 0 and 1");
        never("rate(x[5m]) < 0", "is never below 0");
        never("absent(x) > 1", "is 1");
        never("2 < avg by (job) (up)", "is between 0 and 1");
        never("(avg(up) * 100 > 150) and on () y", "is between 0 and 100");
        never("x > 5 and x < 3", "exclude each other");
        never("x > 5 and x <= 5", "exclude each other");
        never("vector(0) > 1", "is 0");
        for fine in [
            "up == 0",
            "up < 1",
            "count(x) <= 1",
            "x > 5 and x < 7",
            "x > 5 and on (a) x < 3",
            "x > 5 and y < 3",
            "sum(up) > 5",
            "delta(x[5m]) < 0",
            "vector(1)",
            "absent(x) == 1",
            "x >= 5 and x <= 5",
            "rate(x[5m]) / rate(y[5m]) > 0.9",
            "(up == bool 0) > 0",
            "time() - x > 60",
            "x != 0",
            "max_over_time(up[5m]) == 0",
            "histogram_quantile(0.9, rate(x_bucket[5m])) > 10",
        ] {
            may(fine);
        }
    }

    #[test]
    fn sides_cannot_meet() {
        never("sum by (a) (x) > sum by (b) (y)", r#"are matched by "a", which sum by (b) (y) has not"#);
        never("sum(x) / sum by (job) (y) > 0.5", r#"are matched by "job", which sum(x) has not"#);
        never("sum by (a) (x) and on (b) sum by (b) (y)", r#"are matched by "b""#);
        never("sum by (a) (x) > vector(1)", r#"which vector(1) has not"#);
        for fine in [
            "sum by (a) (x) > on () sum(y)",
            "sum by (a) (x) > on (a) sum by (a, b) (y)",
            "sum by (a, b) (x) / ignoring (b) group_left sum by (a) (y) > 1",
            "sum by (a) (x) > sum by (a) (y)",
            "sum by (a) (x) > y",
            "sum by (a) (x) unless sum by (b) (y) > 1",
            "sum by (a) (x) > 1 or sum by (b) (y) > 1",
            "sum without (a) (x) > sum by (b) (y)",
        ] {
            may(fine);
        }
    }

    #[test]
    fn names_do_not_exist() {
        never("felix_foo > 1", "no Calico has felix_foo");
        never("rate(felix_foo[5m]) > 1 and up == 1", "no Calico has felix_foo");
        never("felix_foo > 1 or felix_foo > 2", "no Calico has felix_foo");
        // Asked for absence, or only one of two ways.
        may("absent(felix_foo)");
        may("up == 0 unless felix_foo");
        may("felix_foo > 1 or x > 1");
        may("x > scalar(felix_foo)");
    }
}
