//! Tree to text on one line.

use crate::ast::{
    Aggregate, At, Binary, Cardinality, Duration, DurationExpr, DurationKind, Expr, MatrixSelector, Number,
    Subquery, UnaryOp, VectorSelector,
};
use crate::go_text::{push_quoted, quote};
use crate::lex::is_plain_name;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{MatchOp, duration, gofloat};

/// Writes into a string.
pub(super) struct Printer<'a> {
    out: &'a mut String,
    unquoted_utf8: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut String, unquoted_utf8: bool) -> Printer<'a> {
        Printer { out, unquoted_utf8 }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Number(e) => self.number(e),
            Expr::Str(e) => self.put(&e.quoted()),
            Expr::Vector(e) => self.vector(e),
            Expr::Matrix(e) => self.matrix(e),
            Expr::Subquery(e) => {
                self.expr(&e.expr);
                self.subquery_suffix(e);
            }
            Expr::Call(e) => {
                self.put(e.func.name);
                self.put("(");
                for (i, arg) in e.args.iter().enumerate() {
                    if i > 0 {
                        self.put(", ");
                    }
                    self.expr(arg);
                }
                self.put(")");
            }
            Expr::Aggregate(e) => {
                self.aggregate_head(e);
                self.put("(");
                if let Some(param) = &e.param {
                    self.expr(param);
                    self.put(", ");
                }
                self.expr(&e.expr);
                self.put(")");
            }
            Expr::Binary(e) => {
                self.expr(&e.lhs);
                self.put(" ");
                self.operator(e);
                self.put(" ");
                self.expr(&e.rhs);
            }
            Expr::Unary(e) => {
                self.put(e.op.as_str());
                self.expr(&e.expr);
            }
            Expr::Paren(e) => {
                self.put("(");
                self.expr(&e.expr);
                self.put(")");
            }
        }
    }

    pub(super) fn number(&mut self, n: &Number) {
        if n.is_duration {
            self.nanoseconds(n.value * 1e9);
        } else {
            let text = gofloat::format_f(n.value);
            self.put(&text);
        }
    }

    /// A duration, cut to milliseconds.
    fn nanoseconds(&mut self, ns: f64) {
        let text = duration::format(ns as i64 / 1_000_000);
        self.put(&text);
    }

    fn range(&mut self, ns: i64, expr: Option<&DurationExpr>) {
        match expr {
            Some(e) => self.duration_expr(e),
            None => self.put(&duration::format(ns / 1_000_000)),
        }
    }

    fn labels(&mut self, labels: &[String]) {
        self.put("(");
        for (i, label) in labels.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            if is_plain_name(label, self.unquoted_utf8) {
                self.put(label);
            } else {
                push_quoted(self.out, label);
            }
        }
        self.put(")");
    }

    /// The operator and its grouping, without arguments.
    pub(super) fn aggregate_head(&mut self, e: &Aggregate) {
        self.put(e.op.as_str());
        if e.without || !e.grouping.is_empty() {
            self.put(if e.without { " without " } else { " by " });
            self.labels(&e.grouping);
            self.put(" ");
        }
    }

    /// The operator and its modifiers.
    pub(super) fn operator(&mut self, e: &Binary) {
        self.put(e.op.as_str());
        if e.return_bool {
            self.put(" bool");
        }
        let Some(m) = &e.matching else { return };
        let side = match m.card {
            Cardinality::ManyToOne => Some(" group_left "),
            Cardinality::OneToMany => Some(" group_right "),
            _ => None,
        };
        if !m.labels.is_empty() || m.on || side.is_some() {
            self.put(if m.on { " on " } else { " ignoring " });
            self.labels(&m.labels);
        }
        if let Some(side) = side {
            self.put(side);
            self.labels(&m.include);
        }
        match (m.fill_left, m.fill_right) {
            (Some(left), Some(right)) if left == right => self.fill(" fill", left),
            (left, right) => {
                if let Some(left) = left {
                    self.fill(" fill_left", left);
                }
                if let Some(right) = right {
                    self.fill(" fill_right", right);
                }
            }
        }
    }

    fn fill(&mut self, name: &str, value: f64) {
        let value = gofloat::format_g(value);
        self.put(name);
        self.put(" (");
        self.put(&value);
        self.put(")");
    }

    /// Name and matchers, without modifiers.
    fn selection(&mut self, e: &VectorSelector) {
        let mut shown: Vec<String> = Vec::with_capacity(e.matchers.len());
        for m in &e.matchers {
            let is_name =
                m.name == METRIC_NAME && m.op == MatchOp::Equal && m.value == e.name && !m.value.is_empty();
            if is_name {
                continue;
            }
            let op = m.op.as_str();
            let value = quote(&m.value);
            shown.push(if is_plain_name(&m.name, self.unquoted_utf8) {
                format!("{}{op}{value}", m.name)
            } else {
                format!("{}{op}{value}", quote(&m.name))
            });
        }
        shown.sort_unstable();
        self.put(&e.name);
        if !shown.is_empty() {
            self.put("{");
            let shown = shown.join(",");
            self.put(&shown);
            self.put("}");
        }
    }

    fn vector(&mut self, e: &VectorSelector) {
        self.selection(e);
        self.at(e.at);
        self.extension(e);
        self.offset(e.offset_ns, e.offset_expr.as_deref());
    }

    fn matrix(&mut self, e: &MatrixSelector) {
        self.selection(&e.selector);
        self.put("[");
        self.range(e.range_ns, e.range_expr.as_deref());
        self.put("]");
        self.extension(&e.selector);
        self.at(e.selector.at);
        self.offset(e.selector.offset_ns, e.selector.offset_expr.as_deref());
    }

    /// The brackets of a subquery and what stands behind them.
    pub(super) fn subquery_suffix(&mut self, e: &Subquery) {
        self.put("[");
        self.range(e.range_ns, e.range_expr.as_deref());
        self.put(":");
        if e.step_expr.is_some() || e.step_ns != 0 {
            self.range(e.step_ns, e.step_expr.as_deref());
        }
        self.put("]");
        self.at(e.at);
        self.offset(e.offset_ns, e.offset_expr.as_deref());
    }

    fn extension(&mut self, e: &VectorSelector) {
        if e.anchored {
            self.put(" anchored");
        } else if e.smoothed {
            self.put(" smoothed");
        }
    }

    fn at(&mut self, at: Option<At>) {
        match at {
            None => {}
            Some(At::Start) => self.put(" @ start()"),
            Some(At::End) => self.put(" @ end()"),
            Some(At::Timestamp(ms)) => {
                let text = format!(" @ {:.3}", ms as f64 / 1000.0);
                self.put(&text);
            }
        }
    }

    fn offset(&mut self, ns: i64, expr: Option<&DurationExpr>) {
        if let Some(e) = expr {
            self.put(" offset ");
            self.duration_expr(e);
        } else if ns != 0 {
            self.put(if ns > 0 { " offset " } else { " offset -" });
            let text = duration::format((ns / 1_000_000).saturating_abs());
            self.put(&text);
        }
    }

    pub(super) fn duration(&mut self, d: &Duration) {
        match d {
            Duration::Number(n) => self.number(n),
            Duration::Expr(e) => self.duration_expr(e),
        }
    }

    pub(super) fn duration_expr(&mut self, e: &DurationExpr) {
        if e.wrapped {
            self.put("(");
        }
        match &e.kind {
            DurationKind::Step => self.put("step()"),
            DurationKind::Range => self.put("range()"),
            DurationKind::MinOf(a, b) | DurationKind::MaxOf(a, b) => {
                self.put(if matches!(e.kind, DurationKind::MinOf(..)) { "min_of(" } else { "max_of(" });
                self.duration(a);
                self.put(", ");
                self.duration(b);
                self.put(")");
            }
            // A plus is not printed: it may be there only to carry parentheses.
            DurationKind::Unary(UnaryOp::Plus, d) => self.duration(d),
            DurationKind::Unary(UnaryOp::Minus, d) => {
                self.put("-");
                self.duration(d);
            }
            DurationKind::Binary(op, a, b) => {
                self.duration(a);
                self.put(" ");
                self.put(op.as_str());
                self.put(" ");
                self.duration(b);
            }
        }
        if e.wrapped {
            self.put(")");
        }
    }
}
