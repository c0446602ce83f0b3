//! Expressions by precedence: operators, signs, and the modifiers behind an operand.

use super::{Parser, Result};
use crate::ast::{
    At, BinaryOp, DurationExpr, Expr, MatrixSelector, Number, Paren, Str, Subquery, Unary, UnaryOp,
};
use crate::go_text::{unquote, unquote_bytes};
use crate::lex::{Kind, Token};
use crate::op::UNARY_PRECEDENCE;

/// An offset as it was written.
pub(super) enum Offset {
    Nanoseconds(i64),
    Expr(Box<DurationExpr>),
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.operators(0)
    }

    /// Operands joined by operators that bind tighter than `min`.
    fn operators(&mut self, min: u8) -> Result<Expr> {
        self.nested(|p| {
            let mut lhs = p.operand()?;
            let mut height = p.height;
            while let Kind::Op(op) = p.peek()?.kind {
                let precedence = op.precedence();
                if precedence <= min {
                    break;
                }
                p.next()?;
                let modifiers = p.binary_modifiers()?;
                // `^` binds to the right: its right side takes another `^`.
                let rhs = p.operators(if op == BinaryOp::Pow { precedence - 1 } else { precedence })?;
                height = height.max(p.height);
                let span = lhs.span();
                lhs = p.binary(op, lhs, rhs, modifiers)?;
                p.grow(height, span)?;
                height = p.height;
            }
            p.height = height;
            Ok(lhs)
        })
    }

    /// An operand with its sign or its modifiers.
    fn operand(&mut self) -> Result<Expr> {
        let token = self.peek()?;
        if let Some(op) = sign(token.kind) {
            self.next()?;
            let expr = self.operators(UNARY_PRECEDENCE)?;
            return self.signed(op, token, expr);
        }
        let mut expr = self.primary()?;
        // Durations are trees of their own.
        let mut height = self.height;
        loop {
            let token = self.peek()?;
            match token.kind {
                Kind::Offset => {
                    self.next()?;
                    self.offset(&mut expr)?;
                }
                Kind::At => {
                    self.next()?;
                    self.at(&mut expr)?;
                }
                Kind::Anchored | Kind::Smoothed => {
                    self.next()?;
                    self.extend(&mut expr, token.kind == Kind::Anchored)?;
                }
                Kind::LeftBracket => {
                    self.next()?;
                    expr = self.brackets(expr, token)?;
                    self.grow(height, token.span)?;
                    height = self.height;
                }
                _ => {
                    self.height = height;
                    return Ok(expr);
                }
            }
        }
    }

    fn signed(&mut self, op: UnaryOp, sign: Token, expr: Expr) -> Result<Expr> {
        Ok(match expr {
            Expr::Number(mut n) => {
                if op == UnaryOp::Minus {
                    n.value = -n.value;
                }
                n.span.start = sign.span.start;
                Expr::Number(n)
            }
            expr => {
                let span = sign.span.to(expr.span());
                self.grow(self.height, span)?;
                Expr::Unary(Box::new(Unary { op, expr, span }))
            }
        })
    }

    /// An operand without sign and modifiers.
    fn primary(&mut self) -> Result<Expr> {
        self.height = 1;
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => self.number_literal().map(Expr::Number),
            Kind::Str => {
                self.next()?;
                let value = self.unquoted(token)?;
                let bytes = unquote_bytes(self.text(token)).filter(|b| *b != value.as_bytes());
                Ok(Expr::Str(Str { value, bytes, span: token.span }))
            }
            Kind::LeftParen => {
                self.next()?;
                let expr = self.expr()?;
                let span = token.span.to(self.expect(Kind::RightParen, "", "")?.span);
                self.grow(self.height, span)?;
                Ok(Expr::Paren(Box::new(Paren { expr, span })))
            }
            Kind::LeftBrace => self.vector_selector().map(|s| Expr::Vector(Box::new(s))),
            kind if kind.is_metric_name() => self.named(token),
            _ => Err(self.unexpected("", "")),
        }
    }

    /// A selector, call or aggregation: what stands behind the name tells.
    fn named(&mut self, name: Token) -> Result<Expr> {
        self.next()?;
        let behind = self.peek()?.kind;
        match name.kind {
            Kind::Aggregate(op) if matches!(behind, Kind::By | Kind::Without | Kind::LeftParen) => {
                self.aggregate(op, name)
            }
            Kind::Identifier
            | Kind::Start
            | Kind::End
            | Kind::Step
            | Kind::Range
            | Kind::MaxOf
            | Kind::MinOf
                if behind == Kind::LeftParen =>
            {
                self.call(name)
            }
            _ => self.selector_of(name).map(|s| Expr::Vector(Box::new(s))),
        }
    }

    pub(super) fn number_literal(&mut self) -> Result<Number> {
        let token = self.next()?;
        let value = self.number_value(token)?;
        Ok(Number { value, is_duration: token.kind == Kind::Duration, span: token.span })
    }

    pub(super) fn unquoted(&self, token: Token) -> Result<String> {
        let text = self.text(token);
        unquote(text).ok_or_else(|| {
            let quoted = crate::go_text::quote(text);
            self.error(token.span, format!("error unquoting string {quoted}: invalid syntax"))
        })
    }

    /// `offset 5m`, of which the keyword has been read.
    fn offset(&mut self, expr: &mut Expr) -> Result<()> {
        let offset = self.offset_duration()?;
        let span = expr.span();
        let end = self.last_closing;
        let (offset_ns, offset_expr, node_end) = match expr {
            Expr::Vector(e) => (&mut e.offset_ns, &mut e.offset_expr, &mut e.span.end),
            Expr::Matrix(e) => (&mut e.selector.offset_ns, &mut e.selector.offset_expr, &mut e.span.end),
            Expr::Subquery(e) => (&mut e.offset_ns, &mut e.offset_expr, &mut e.span.end),
            _ => {
                return self.fail(
                    span,
                    "offset modifier must be preceded by an instant vector selector or range vector selector or a \
                     subquery",
                );
            }
        };
        if *offset_ns != 0 || offset_expr.is_some() {
            return self.fail(span, "offset may not be set multiple times");
        }
        match offset {
            Offset::Nanoseconds(ns) => *offset_ns = ns,
            Offset::Expr(e) => *offset_expr = Some(e),
        }
        *node_end = end;
        Ok(())
    }

    /// `anchored` or `smoothed`.
    fn extend(&mut self, expr: &mut Expr, anchored: bool) -> Result<()> {
        let word = if anchored { "anchored" } else { "smoothed" };
        let span = expr.span();
        let selector = match expr {
            Expr::Vector(e) => e.as_mut(),
            Expr::Matrix(e) => &mut e.selector,
            Expr::Subquery(_) => {
                return self.fail(span, format!("{word} modifier is not supported for subqueries"));
            }
            _ => return self.fail(span, format!("{word} modifier not implemented")),
        };
        if anchored {
            selector.anchored = true;
        } else {
            selector.smoothed = true;
        }
        if selector.anchored && selector.smoothed {
            return self.fail(span, "anchored and smoothed modifiers cannot be used together");
        }
        Ok(())
    }

    /// `@ 1700000000` or `@ end()`, of which the `@` has been read.
    fn at(&mut self, expr: &mut Expr) -> Result<()> {
        const CONTEXT: (&str, &str) = ("@", "timestamp");
        let token = self.peek()?;
        let at = match token.kind {
            Kind::Start | Kind::End => {
                self.next()?;
                self.expect(Kind::LeftParen, CONTEXT.0, CONTEXT.1)?;
                self.expect(Kind::RightParen, CONTEXT.0, CONTEXT.1)?;
                if token.kind == Kind::Start { At::Start } else { At::End }
            }
            _ => {
                let op = sign(token.kind);
                if op.is_some() {
                    self.next()?;
                }
                let number = self.peek()?;
                if !matches!(number.kind, Kind::Number | Kind::Duration) {
                    return Err(self.unexpected(CONTEXT.0, CONTEXT.1));
                }
                self.next()?;
                let value = self.number_value(number)?;
                let seconds = if op == Some(UnaryOp::Minus) { -value } else { value };
                if !(seconds < i64::MAX as f64 && seconds > i64::MIN as f64) {
                    let text = fixed6(seconds);
                    return self.fail(expr.span(), format!("timestamp out of bounds for @ modifier: {text}"));
                }
                At::Timestamp((seconds * 1000.0).round() as i64)
            }
        };
        let span = expr.span();
        let end = self.last_closing;
        let (slot, node_end) = match expr {
            Expr::Vector(e) => (&mut e.at, &mut e.span.end),
            Expr::Matrix(e) => (&mut e.selector.at, &mut e.span.end),
            Expr::Subquery(e) => (&mut e.at, &mut e.span.end),
            _ => {
                return self.fail(
                    span,
                    "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
                );
            }
        };
        if slot.is_some() {
            return self.fail(span, "@ <timestamp> may not be set multiple times");
        }
        *slot = Some(at);
        *node_end = end;
        Ok(())
    }

    /// `[5m]` or `[5m:1m]`, of which the bracket has been read.
    fn brackets(&mut self, expr: Expr, open: Token) -> Result<Expr> {
        let context = "subquery or range selector";
        let range = self.positive_duration(context, "number, duration, step(), or range()")?;
        match self.peek()?.kind {
            Kind::RightBracket => {}
            Kind::Colon => return self.subquery(expr, range),
            _ => return Err(self.unexpected("subquery or range", "\":\" or \"]\"")),
        }
        let close = self.next()?;
        let span = open.span.to(close.span);
        let Expr::Vector(selector) = expr else {
            return self.fail(span, "ranges only allowed for vector selectors");
        };
        if selector.offset_ns != 0 || selector.offset_expr.is_some() {
            return self.fail(span, "no offset modifiers allowed before range");
        }
        if selector.at.is_some() {
            return self.fail(span, "no @ modifiers allowed before range");
        }
        let span = selector.span.to(close.span);
        let (range_ns, range_expr) = split(range);
        Ok(Expr::Matrix(Box::new(MatrixSelector { selector: *selector, range_ns, range_expr, span })))
    }

    fn subquery(&mut self, expr: Expr, range: Offset) -> Result<Expr> {
        self.next()?;
        let context = "subquery selector";
        let mut step = Offset::Nanoseconds(0);
        if self.peek()?.kind != Kind::RightBracket {
            step = self.positive_duration(context, "number, duration, step(), range(), or \"]\"")?;
        }
        let close = self.expect(Kind::RightBracket, context, "\"]\"")?;
        let span = expr.span().to(close.span);
        let (range_ns, range_expr) = split(range);
        let (step_ns, step_expr) = split(step);
        Ok(Expr::Subquery(Box::new(Subquery {
            expr,
            range_ns,
            range_expr,
            step_ns,
            step_expr,
            offset_ns: 0,
            offset_expr: None,
            at: None,
            span,
        })))
    }
}

fn split(duration: Offset) -> (i64, Option<Box<DurationExpr>>) {
    match duration {
        Offset::Nanoseconds(ns) => (ns, None),
        Offset::Expr(e) => (0, Some(e)),
    }
}

/// The sign that a token may be.
pub(super) fn sign(kind: Kind) -> Option<UnaryOp> {
    match kind {
        Kind::Op(BinaryOp::Add) => Some(UnaryOp::Plus),
        Kind::Op(BinaryOp::Sub) => Some(UnaryOp::Minus),
        _ => None,
    }
}

/// As `%f`.
fn fixed6(v: f64) -> String {
    match v {
        v if v.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        v => format!("{v:.6}"),
    }
}
