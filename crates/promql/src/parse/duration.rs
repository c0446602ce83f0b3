//! Durations in brackets and behind `offset`, which may be computed.

use super::expr::{Offset, sign};
use super::{Parser, Result};
use crate::ast::{BinaryOp, Duration, DurationExpr, DurationKind, Number, UnaryOp};
use crate::durations::MAX_SECONDS;
use crate::lex::{Kind, Token};
use crate::op::UNARY_PRECEDENCE;
use crate::span::Span;

/// What an error message says about the place: `unexpected ... in CONTEXT, expected EXPECTED`.
type Context<'c> = (&'c str, &'c str);

impl Parser<'_> {
    /// A duration that must be above zero, as far as that is known before the query runs.
    pub(super) fn positive_duration(&mut self, context: &str, expected: &str) -> Result<Offset> {
        match self.duration(0, (context, expected))? {
            Duration::Number(n) if n.value <= 0.0 => self.fail(n.span, "duration must be greater than 0"),
            duration => Ok(offset(duration)),
        }
    }

    /// What stands behind `offset`. Without parentheses an operator ends it: `x offset 2 ^ 3` is `(x offset 2) ^ 3`.
    pub(super) fn offset_duration(&mut self) -> Result<Offset> {
        let context = ("offset", "number, duration, step(), or range()");
        let token = self.peek()?;
        let Some(op) = sign(token.kind) else {
            let first = self.duration_operand(context)?;
            let wrapped = matches!(&first, Duration::Expr(e) if e.wrapped);
            return if wrapped {
                self.duration_operators(first, 0, context).map(offset)
            } else {
                Ok(offset(first))
            };
        };
        self.next()?;
        let behind = self.peek()?;
        if sign(behind.kind).is_some() {
            let inner = self.duration(UNARY_PRECEDENCE, context)?;
            let first = self.signed_duration(op, token, inner)?;
            return self.duration_operators(first, 0, context).map(offset);
        }
        let operand = self.unchecked_duration_operand(context)?;
        Ok(offset(match operand {
            Duration::Number(n) => self.signed_number(op, token, n)?,
            Duration::Expr(e) if e.wrapped => self.signed_duration(op, token, Duration::Expr(e))?,
            // Even a plus stays visible here.
            operand => unary(op, token, operand),
        }))
    }

    /// Operands joined by operators that bind tighter than `min`.
    fn duration(&mut self, min: u8, context: Context<'_>) -> Result<Duration> {
        self.nested(|p| {
            let token = p.peek()?;
            let first = match sign(token.kind) {
                Some(op) => {
                    p.next()?;
                    let inner = p.duration(UNARY_PRECEDENCE, context)?;
                    p.signed_duration(op, token, inner)?
                }
                None => p.duration_operand(context)?,
            };
            p.duration_operators(first, min, context)
        })
    }

    fn duration_operators(&mut self, mut lhs: Duration, min: u8, context: Context<'_>) -> Result<Duration> {
        let mut chain = 0;
        loop {
            let token = self.peek()?;
            let Kind::Op(op) = token.kind else { return Ok(lhs) };
            if !matches!(
                op,
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow
            ) || op.precedence() <= min
            {
                return Ok(lhs);
            }
            self.next()?;
            let right = if op == BinaryOp::Pow { op.precedence() - 1 } else { op.precedence() };
            let rhs = self.duration(right, context)?;
            if matches!(&rhs, Duration::Number(n) if n.value == 0.0) {
                match op {
                    BinaryOp::Div => return self.fail(token.span, "division by zero"),
                    BinaryOp::Mod => return self.fail(token.span, "modulo by zero"),
                    _ => {}
                }
            }
            chain += 1;
            self.grow(chain, token.span)?;
            let span = lhs.span().to(rhs.span());
            lhs = expression(DurationKind::Binary(op, lhs, rhs), span);
        }
    }

    /// A number, a duration function or parentheses.
    fn duration_operand(&mut self, context: Context<'_>) -> Result<Duration> {
        let operand = self.unchecked_duration_operand(context)?;
        if let Duration::Number(n) = &operand {
            self.check_range(n.value, n.span)?;
        }
        Ok(operand)
    }

    fn unchecked_duration_operand(&mut self, context: Context<'_>) -> Result<Duration> {
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => self.number_literal().map(Duration::Number),
            Kind::Step | Kind::Range => {
                self.next()?;
                self.expect(Kind::LeftParen, context.0, context.1)?;
                let close = self.expect(Kind::RightParen, context.0, context.1)?;
                let kind = if token.kind == Kind::Step { DurationKind::Step } else { DurationKind::Range };
                Ok(expression(kind, token.span.to(close.span)))
            }
            Kind::MaxOf | Kind::MinOf => {
                self.next()?;
                self.expect(Kind::LeftParen, context.0, context.1)?;
                let a = self.duration(0, context)?;
                self.expect(Kind::Comma, context.0, context.1)?;
                let b = self.duration(0, context)?;
                let close = self.expect(Kind::RightParen, context.0, context.1)?;
                let kind = if token.kind == Kind::MaxOf {
                    DurationKind::MaxOf(a, b)
                } else {
                    DurationKind::MinOf(a, b)
                };
                Ok(expression(kind, token.span.to(close.span)))
            }
            Kind::LeftParen => {
                self.next()?;
                let inner = self.duration(0, context)?;
                let close = self.expect(Kind::RightParen, context.0, context.1)?;
                Ok(wrap(inner, token.span.to(close.span)))
            }
            _ => Err(self.unexpected(context.0, context.1)),
        }
    }

    fn signed_duration(&mut self, op: UnaryOp, sign: Token, inner: Duration) -> Result<Duration> {
        match inner {
            Duration::Number(n) => self.signed_number(op, sign, n),
            Duration::Expr(e) if op == UnaryOp::Plus => Ok(Duration::Expr(e)),
            inner => Ok(unary(op, sign, inner)),
        }
    }

    fn signed_number(&mut self, op: UnaryOp, sign: Token, mut n: Number) -> Result<Duration> {
        if op == UnaryOp::Minus {
            n.value = -n.value;
        }
        self.check_range(n.value, sign.span)?;
        n.span.start = sign.span.start;
        Ok(Duration::Number(n))
    }

    fn check_range(&self, seconds: f64, span: Span) -> Result<()> {
        if seconds.abs() > MAX_SECONDS { self.fail(span, "duration out of range") } else { Ok(()) }
    }
}

fn expression(kind: DurationKind, span: Span) -> Duration {
    Duration::Expr(Box::new(DurationExpr { kind, wrapped: false, span }))
}

fn unary(op: UnaryOp, sign: Token, inner: Duration) -> Duration {
    let span = sign.span.to(inner.span());
    expression(DurationKind::Unary(op, inner), span)
}

/// In parentheses. A number becomes an expression with a plus that is not printed, so that the parentheses are.
fn wrap(inner: Duration, span: Span) -> Duration {
    match inner {
        Duration::Expr(mut e) => {
            e.wrapped = true;
            Duration::Expr(e)
        }
        number => {
            let span = Span::new(span.start, number.span().end);
            Duration::Expr(Box::new(DurationExpr {
                kind: DurationKind::Unary(UnaryOp::Plus, number),
                wrapped: true,
                span,
            }))
        }
    }
}

/// Whole nanoseconds where the value is known.
fn offset(duration: Duration) -> Offset {
    match duration {
        Duration::Number(n) => Offset::Nanoseconds((n.value * 1e9).round() as i64),
        Duration::Expr(e) => Offset::Expr(e),
    }
}
