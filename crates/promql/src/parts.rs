//! A condition taken apart: the comparisons and set operators of an expression, down to what they compare. Shows why an
//! alert fired or did not.

use crate::ast::{BinaryOp, Expr};

/// A condition or one of its operands.
#[derive(Debug)]
pub struct Part<'a> {
    /// The expression, without the parentheses around it.
    pub expr: &'a Expr,
    /// The operator that joins its two parts; `None` where it was not taken apart further.
    pub op: Option<BinaryOp>,
    /// Left and right operand, or nothing.
    pub parts: Vec<Part<'a>>,
}

/// Most operators that are taken apart; beyond that an operand stays whole.
const MOST: usize = 16;

/// Takes `expr` apart at `and`, `or`, `unless` and at comparisons that filter (not `bool`).
pub fn parts(expr: &Expr) -> Part<'_> {
    take(expr, &mut 0)
}

fn take<'a>(expr: &'a Expr, taken: &mut usize) -> Part<'a> {
    let expr = expr.unparen();
    let whole = Part { expr, op: None, parts: Vec::new() };
    let Expr::Binary(b) = expr else { return whole };
    let joins = b.op.is_set() || (b.op.is_comparison() && !b.return_bool);
    if !joins || *taken == MOST {
        return whole;
    }
    *taken += 1;
    Part { expr, op: Some(b.op), parts: vec![take(&b.lhs, taken), take(&b.rhs, taken)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(part: &Part<'_>) -> String {
        match (part.op, part.parts.as_slice()) {
            (Some(op), [l, r]) => format!("({} {} {})", shown(l), op.as_str(), shown(r)),
            _ => part.expr.to_string(),
        }
    }

    fn check(text: &str, expect: &str) {
        let expr = crate::parse_expr(text, &crate::Options::default()).unwrap();
        assert_eq!(shown(&parts(&expr)), expect, "{text}");
    }

    #[test]
    fn conditions_are_taken_apart_down_to_what_they_compare() {
        check("up == 0", "(up == 0)");
        check("(a > 1) and on (job) (b unless c)", "((a > 1) and (b unless c))");
        check("rate(a[5m]) / b > 0.5", "(rate(a[5m]) / b > 0.5)");
        check("sum(a > 1)", "sum(a > 1)");
        check("a > bool 1", "a > bool 1");
        check("a", "a");
    }

    #[test]
    fn long_chains_stay_whole_at_their_end() {
        let chain = vec!["a"; 40].join(" or ");
        let expr = crate::parse_expr(&chain, &crate::Options::default()).unwrap();
        fn operators(p: &Part<'_>) -> usize {
            usize::from(p.op.is_some()) + p.parts.iter().map(operators).sum::<usize>()
        }
        assert_eq!(operators(&parts(&expr)), MOST);
    }
}
