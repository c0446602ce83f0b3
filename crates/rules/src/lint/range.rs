//! What values an expression can have, as far as its form tells.

use tortie_promql::ast::{Binary, Expr};

/// All values from `lo` to `hi`; NaN aside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) lo: f64,
    pub(super) hi: f64,
}

const ALL: Range = Range { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
const NOT_NEGATIVE: Range = Range { lo: 0.0, hi: f64::INFINITY };
const FROM_ONE: Range = Range { lo: 1.0, hi: f64::INFINITY };
const ONE: Range = Range { lo: 1.0, hi: 1.0 };
const SHARE: Range = Range { lo: 0.0, hi: 1.0 };

impl Range {
    fn of(values: impl IntoIterator<Item = f64>) -> Range {
        let mut out = Range { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
        for v in values {
            if v.is_nan() {
                return ALL;
            }
            out = Range { lo: out.lo.min(v), hi: out.hi.max(v) };
        }
        out
    }

    fn both(self, other: Range, f: impl Fn(f64, f64) -> f64) -> Range {
        Range::of([f(self.lo, other.lo), f(self.lo, other.hi), f(self.hi, other.lo), f(self.hi, other.hi)])
    }

    /// Whether some value of this one and some of the other can meet `op`, a comparison.
    pub(super) fn can(self, op: &str, other: Range) -> bool {
        match op {
            "==" => self.lo <= other.hi && other.lo <= self.hi,
            "!=" => !(self.lo == self.hi && self == other),
            ">" => self.hi > other.lo,
            ">=" => self.hi >= other.lo,
            "<" => self.lo < other.hi,
            "<=" => self.lo <= other.hi,
            _ => true,
        }
    }

    /// What is left of this one where it meets `op` with the number `n`.
    pub(super) fn where_it(self, op: &str, n: f64) -> Range {
        match op {
            "==" => Range { lo: self.lo.max(n), hi: self.hi.min(n) },
            // Next to a border the next number counts.
            ">" => Range { lo: self.lo.max(n.next_up()), ..self },
            ">=" => Range { lo: self.lo.max(n), ..self },
            "<" => Range { hi: self.hi.min(n.next_down()), ..self },
            "<=" => Range { hi: self.hi.min(n), ..self },
            _ => self,
        }
    }

    pub(super) fn meets(self, other: Range) -> bool {
        self.lo.max(other.lo) <= self.hi.min(other.hi)
    }
}

/// The values that an expression can have.
pub(super) fn of(expr: &Expr) -> Range {
    match expr {
        Expr::Number(n) => Range::of([n.value]),
        Expr::Vector(s) if s.name == "up" => SHARE,
        Expr::Paren(p) => of(&p.expr),
        Expr::Unary(u) => {
            let r = of(&u.expr);
            if u.op.as_str() == "-" { Range { lo: -r.hi, hi: -r.lo } } else { r }
        }
        Expr::Binary(b) => of_binary(b),
        Expr::Aggregate(a) => match a.op.as_str() {
            "count" | "count_values" => FROM_ONE,
            "group" => ONE,
            "min" | "max" | "avg" | "quantile" | "topk" | "bottomk" | "limitk" | "limit_ratio" => of(&a.expr),
            "stddev" | "stdvar" => NOT_NEGATIVE,
            "sum" => sum(of(&a.expr)),
            _ => ALL,
        },
        Expr::Call(c) => {
            let first = || c.args.first().map_or(ALL, of);
            match c.func.name {
                "absent" | "absent_over_time" | "present_over_time" => ONE,
                "count_over_time" => FROM_ONE,
                "rate" | "irate" | "increase" | "changes" | "resets" | "stddev_over_time"
                | "stdvar_over_time" | "mad_over_time" | "sqrt" | "exp" | "hour" | "minute"
                | "day_of_week" | "month" | "day_of_month" | "day_of_year" | "days_in_month" | "time" => {
                    NOT_NEGATIVE
                }
                "abs" => {
                    let r = first();
                    if r.lo >= 0.0 { r } else { NOT_NEGATIVE }
                }
                "sgn" => Range { lo: -1.0, hi: 1.0 },
                "histogram_fraction" => SHARE,
                "vector" | "scalar" | "sort" | "sort_desc" | "label_replace" | "label_join" => first(),
                "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time"
                | "first_over_time" => first(),
                "sum_over_time" => sum(first()),
                _ => ALL,
            }
        }
        Expr::Subquery(s) => of(&s.expr),
        Expr::Matrix(m) if m.selector.name == "up" => SHARE,
        Expr::Matrix(_) | Expr::Vector(_) | Expr::Str(_) => ALL,
    }
}

/// Of any number of values, at least one.
fn sum(each: Range) -> Range {
    if each.lo >= 0.0 {
        Range { hi: f64::INFINITY, ..each }
    } else if each.hi <= 0.0 {
        Range { lo: f64::NEG_INFINITY, ..each }
    } else {
        ALL
    }
}

fn of_binary(b: &Binary) -> Range {
    let (l, r) = (of(&b.lhs), of(&b.rhs));
    match b.op.as_str() {
        _ if b.op.is_comparison() && b.return_bool => SHARE,
        op if b.op.is_comparison() => match (b.lhs.unparen(), b.rhs.unparen()) {
            (_, Expr::Number(n)) => l.where_it(op, n.value),
            // The values that are kept are those of the side that is a vector.
            (Expr::Number(_), _) => r,
            _ => l,
        },
        "+" => l.both(r, |a, b| a + b),
        "-" => l.both(r, |a, b| a - b),
        "*" => l.both(r, |a, b| a * b),
        // A divisor of both signs, or 0, gives anything.
        "/" if r.lo > 0.0 || (l.lo >= 0.0 && r.lo >= 0.0) => {
            if r.lo > 0.0 {
                l.both(r, |a, b| a / b)
            } else {
                NOT_NEGATIVE
            }
        }
        "and" | "unless" => l,
        "or" => Range { lo: l.lo.min(r.lo), hi: l.hi.max(r.hi) },
        _ => ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_promql::parse_expr;

    #[test]
    fn values_follow_from_the_form() {
        let check = |text: &str, lo: f64, hi: f64| {
            let r = of(&parse_expr(text, &Default::default()).unwrap());
            assert_eq!((r.lo, r.hi), (lo, hi), "{text}");
        };
        let inf = f64::INFINITY;
        check("x", -inf, inf);
        check("up", 0.0, 1.0);
        check("sum(up)", 0.0, inf);
        check("avg(up) * 100", 0.0, 100.0);
        check("1 - avg(up)", 0.0, 1.0);
        check("count(x) - 1", 0.0, inf);
        check("rate(x[5m]) / rate(y[5m])", 0.0, inf);
        check("rate(x[5m]) / y", -inf, inf);
        check("x > bool 3", 0.0, 1.0);
        check("-count(x)", -inf, -1.0);
        check("vector(0) or count(x)", 0.0, inf);
        check("x >= 3", 3.0, inf);
        check("max_over_time(up[5m])", 0.0, 1.0);
        check("up * x", -inf, inf);
        check("time() - x", -inf, inf);
    }
}
