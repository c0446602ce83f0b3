//! What binds to what, and where it stands.

use tortie_promql::ast::{Expr, Span, UnaryOp};
use tortie_promql::parse::{Options, parse_expr};

/// The tree with all of its parentheses.
fn shape(expr: &Expr) -> String {
    match expr {
        Expr::Binary(e) => format!("({} {} {})", shape(&e.lhs), e.op.as_str(), shape(&e.rhs)),
        Expr::Unary(e) if e.op == UnaryOp::Minus => format!("(-{})", shape(&e.expr)),
        Expr::Unary(e) => format!("(+{})", shape(&e.expr)),
        Expr::Subquery(e) => format!("{}[:]", shape(&e.expr)),
        other => other.to_string(),
    }
}

#[test]
fn precedence() {
    fn check(query: &str, expect: &str) {
        assert_eq!(shape(&parse_expr(query, &Options::default()).unwrap()), expect, "{query}");
    }
    check("a + b * c", "(a + (b * c))");
    check("a * b + c", "((a * b) + c)");
    check("a - b - c", "((a - b) - c)");
    check("a ^ b ^ c", "(a ^ (b ^ c))");
    check("-a ^ b", "(-(a ^ b))");
    check("-a * b", "((-a) * b)");
    check("a ^ -b * c", "((a ^ (-b)) * c)");
    check("a ^ -b ^ c", "(a ^ (-(b ^ c)))");
    check("a or b and c unless d", "(a or ((b and c) unless d))");
    check("a == b + c > d", "((a == (b + c)) > d)");
    check("a atan2 b % c", "((a atan2 b) % c)");
    check("a </ 1 + b >/ 2", "((a </ (1 + b)) >/ 2)");
    check("a + b offset 5m", "(a + b offset 5m)");
    check("-a @ 1", "(-a @ 1.000)");
    check("a offset 2 ^ 3", "(a offset 2s ^ 3)");
    check("a offset -(2) + b", "(a offset -(2) + b)");
    check("-max_over_time(a[5m:])", "(-max_over_time(a[5m:]))");
    check("(a + b)[5m:]", "(a + b)[:]");
    check("a + - + b", "(a + (-(+b)))");
    check("- - 1", "1");
    check("start + end + by + offset", "(((start + end) + by) + offset)");
    check("fill + fill_left", "(fill + fill_left)");
    check("sum + sum(sum) by (by)", "(sum + sum by (by) (sum))");
}

#[test]
fn spans() {
    fn check(query: &str, expect: &[&str]) {
        let mut found = Vec::new();
        parse_expr(query, &Options::default()).unwrap().walk(&mut |e| {
            let Span { start, end } = e.span();
            found.push(&query[start..end]);
        });
        assert_eq!(found, expect, "{query}");
    }
    check("sum(a) by (b) + -c", &["sum(a) by (b) + -c", "sum(a) by (b)", "a", "-c", "c"]);
    check("( sum(a) )", &["( sum(a) )", "sum(a)", "a"]);
    check("sum(sum(a ) )", &["sum(sum(a ) )", "sum(a )", "a"]);
    check(
        "rate(a[5m] offset 1m) + 1",
        &["rate(a[5m] offset 1m) + 1", "rate(a[5m] offset 1m)", "a[5m] offset 1m", "1"],
    );
    check("topk(-2, a @ end())", &["topk(-2, a @ end())", "a @ end()", "-2"]);
    check("a[5m:1m] @ 1", &["a[5m:1m] @ 1", "a"]);
}
