//! Tree to the JSON that `parse_query` answers.

use crate::ast::{At, DurationExpr, Expr, VectorSelector};
use crate::ast::{Duration, DurationKind, UnaryOp};
use std::fmt::Write;
use tortie_model::gofloat;

/// The tree as a JSON object.
pub fn json(expr: &Expr) -> String {
    let mut out = String::new();
    push_expr(&mut out, expr);
    out
}

/// Writes one object, key by key.
struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String, node_type: &str) -> Object<'a> {
        let mut object = Object::bare(out);
        object.text("type", node_type);
        object
    }

    fn bare(out: &'a mut String) -> Object<'a> {
        out.push('{');
        Object { out, first: true }
    }

    fn key(&mut self, key: &str) -> &mut String {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        push_string(self.out, key);
        self.out.push(':');
        self.out
    }

    fn text(&mut self, key: &str, value: &str) {
        push_string(self.key(key), value);
    }

    fn raw(&mut self, key: &str, value: &str) {
        self.key(key).push_str(value);
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    fn integer(&mut self, key: &str, value: i64) {
        self.raw(key, &value.to_string());
    }

    fn expr(&mut self, key: &str, value: Option<&Expr>) {
        match value {
            Some(e) => push_expr(self.key(key), e),
            None => self.raw(key, "null"),
        }
    }

    fn texts<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        let out = self.key(key);
        push_list(out, values, push_string);
    }

    fn duration(&mut self, key: &str, value: Option<&DurationExpr>) {
        match value {
            Some(e) => push_duration_expr(self.key(key), e),
            None => self.raw(key, "null"),
        }
    }

    fn at(&mut self, at: Option<At>) {
        let (timestamp, border) = match at {
            None => ("null".to_owned(), "null"),
            Some(At::Timestamp(ms)) => (ms.to_string(), "null"),
            Some(At::Start) => ("null".to_owned(), "\"start\""),
            Some(At::End) => ("null".to_owned(), "\"end\""),
        };
        self.raw("timestamp", &timestamp);
        self.raw("startOrEnd", border);
    }

    fn selector(&mut self, e: &VectorSelector) {
        self.text("name", &e.name);
        self.integer("offset", e.offset_ms());
        self.duration("offsetExpr", e.offset_expr.as_deref());
        push_list(self.key("matchers"), e.matchers.iter(), |out, m| {
            let mut object = Object::bare(out);
            object.text("name", &m.name);
            object.text("value", &m.value);
            object.text("type", m.op.as_str());
            object.close();
        });
        self.at(e.at);
        self.bool("anchored", e.anchored);
        self.bool("smoothed", e.smoothed);
    }

    fn close(self) {
        self.out.push('}');
    }
}

fn push_expr(out: &mut String, expr: &Expr) {
    match expr {
        Expr::Number(e) => {
            let mut o = Object::open(out, "numberLiteral");
            o.text("val", &gofloat::format_f(e.value));
            o.close();
        }
        Expr::Str(e) => {
            let mut o = Object::open(out, "stringLiteral");
            o.text("val", &e.value);
            o.close();
        }
        Expr::Vector(e) => {
            let mut o = Object::open(out, "vectorSelector");
            o.selector(e);
            o.close();
        }
        Expr::Matrix(e) => {
            let mut o = Object::open(out, "matrixSelector");
            o.integer("range", e.range_ms());
            o.duration("rangeExpr", e.range_expr.as_deref());
            o.selector(&e.selector);
            o.close();
        }
        Expr::Subquery(e) => {
            let mut o = Object::open(out, "subquery");
            o.expr("expr", Some(&e.expr));
            o.integer("range", e.range_ms());
            o.duration("rangeExpr", e.range_expr.as_deref());
            o.integer("offset", e.offset_ms());
            o.duration("offsetExpr", e.offset_expr.as_deref());
            o.integer("step", e.step_ms());
            o.duration("stepExpr", e.step_expr.as_deref());
            o.at(e.at);
            o.close();
        }
        Expr::Call(e) => {
            let mut o = Object::open(out, "call");
            let mut func = Object::bare(o.key("func"));
            func.text("name", e.func.name);
            func.texts("argTypes", e.func.args.iter().map(|a| a.as_str()));
            func.integer("variadic", i64::from(e.func.variadic));
            func.text("returnType", e.func.return_type.as_str());
            func.close();
            push_list(o.key("args"), e.args.iter(), push_expr);
            o.close();
        }
        Expr::Aggregate(e) => {
            let mut o = Object::open(out, "aggregation");
            o.text("op", e.op.as_str());
            o.expr("expr", Some(&e.expr));
            o.expr("param", e.param.as_ref());
            o.texts("grouping", e.grouping.iter().map(String::as_str));
            o.bool("without", e.without);
            o.close();
        }
        Expr::Binary(e) => {
            let mut o = Object::open(out, "binaryExpr");
            o.text("op", e.op.as_str());
            o.expr("lhs", Some(&e.lhs));
            o.expr("rhs", Some(&e.rhs));
            match &e.matching {
                None => o.raw("matching", "null"),
                Some(m) => {
                    let mut matching = Object::bare(o.key("matching"));
                    matching.text("card", m.card.as_str());
                    matching.texts("labels", m.labels.iter().map(String::as_str));
                    matching.bool("on", m.on);
                    matching.texts("include", m.include.iter().map(String::as_str));
                    let mut fill = Object::bare(matching.key("fillValues"));
                    for (key, value) in [("lhs", m.fill_left), ("rhs", m.fill_right)] {
                        match value {
                            None => fill.raw(key, "null"),
                            Some(v) if v.is_finite() => fill.raw(key, &gofloat::format_json(v)),
                            // JSON has no number for these; Prometheus fails to answer at all.
                            Some(v) => fill.text(key, &gofloat::format_f(v)),
                        }
                    }
                    fill.close();
                    matching.close();
                }
            }
            o.bool("bool", e.return_bool);
            o.close();
        }
        Expr::Unary(e) => {
            let mut o = Object::open(out, "unaryExpr");
            o.text("op", e.op.as_str());
            o.expr("expr", Some(&e.expr));
            o.close();
        }
        Expr::Paren(e) => {
            let mut o = Object::open(out, "parenExpr");
            o.expr("expr", Some(&e.expr));
            o.close();
        }
    }
}

fn push_duration_expr(out: &mut String, e: &DurationExpr) {
    let (op, lhs, rhs) = match &e.kind {
        DurationKind::Step => ("step", None, None),
        DurationKind::Range => ("range", None, None),
        DurationKind::MinOf(a, b) => ("min_of", Some(a), Some(b)),
        DurationKind::MaxOf(a, b) => ("max_of", Some(a), Some(b)),
        DurationKind::Unary(UnaryOp::Plus, d) => ("+", None, Some(d)),
        DurationKind::Unary(UnaryOp::Minus, d) => ("-", None, Some(d)),
        DurationKind::Binary(op, a, b) => (op.as_str(), Some(a), Some(b)),
    };
    let mut o = Object::open(out, "durationExpr");
    o.text("op", op);
    for (key, operand) in [("lhs", lhs), ("rhs", rhs)] {
        match operand {
            None => o.raw(key, "null"),
            Some(Duration::Expr(e)) => push_duration_expr(o.key(key), e),
            Some(Duration::Number(n)) => {
                let mut number = Object::open(o.key(key), "numberLiteral");
                number.text("val", &gofloat::format_f(n.value));
                number.bool("duration", n.is_duration);
                number.close();
            }
        }
    }
    o.bool("wrapped", e.wrapped);
    o.close();
}

fn push_list<T>(out: &mut String, items: impl Iterator<Item = T>, mut push: impl FnMut(&mut String, T)) {
    out.push('[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(']');
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
