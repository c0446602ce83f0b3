//! Tree to text over several lines: what does not fit into a line is split and indented.

use super::text::Printer;
use crate::ast::Expr;
use crate::parse::Options;

/// Longer expressions are split, in bytes.
const LINE: usize = 100;
const INDENT: &str = "  ";

/// The expression as `format_query` answers it.
pub fn pretty(expr: &Expr, options: &Options) -> String {
    Pretty { unquoted_utf8: options.unquoted_utf8_names }.expr(expr, 0)
}

struct Pretty {
    unquoted_utf8: bool,
}

impl Pretty {
    fn text(&self, write: impl FnOnce(&mut Printer<'_>)) -> String {
        let mut out = String::new();
        write(&mut Printer::new(&mut out, self.unquoted_utf8));
        out
    }

    fn expr(&self, expr: &Expr, level: usize) -> String {
        let indent = INDENT.repeat(level);
        if let Expr::Unary(e) = expr {
            let inner = self.expr(&e.expr, level);
            return format!("{indent}{}{}", e.op.as_str(), inner.trim());
        }
        let line = self.text(|p| p.expr(expr));
        if line.len() <= LINE {
            // A subquery that fits stands without its indentation, as in Prometheus.
            return if matches!(expr, Expr::Subquery(_)) { line } else { indent + &line };
        }
        match expr {
            Expr::Aggregate(e) => {
                let head = self.text(|p| p.aggregate_head(e));
                let param = e.param.as_ref().map(|p| self.expr(p, level + 1) + ",\n").unwrap_or_default();
                let inner = self.expr(&e.expr, level + 1);
                format!("{indent}{head}(\n{param}{inner}\n{indent})")
            }
            Expr::Binary(e) => {
                let operator = self.text(|p| p.operator(e));
                let (lhs, rhs) = (self.expr(&e.lhs, level + 1), self.expr(&e.rhs, level + 1));
                format!("{lhs}\n{indent}{operator}\n{rhs}")
            }
            Expr::Call(e) => {
                let args: Vec<String> = e.args.iter().map(|a| self.expr(a, level + 1)).collect();
                format!("{indent}{}(\n{}\n{indent})", e.func.name, args.join(",\n"))
            }
            Expr::Paren(e) => format!("{indent}(\n{}\n{indent})", self.expr(&e.expr, level + 1)),
            Expr::Subquery(e) => self.expr(&e.expr, level) + &self.text(|p| p.subquery_suffix(e)),
            _ => indent + &line,
        }
    }
}
