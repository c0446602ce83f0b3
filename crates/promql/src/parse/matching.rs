//! What stands between an operator and its right operand, and lists of labels.

use super::call::starts_expression;
use super::{Parser, Result};
use crate::ast::{Binary, BinaryOp, Cardinality, Expr, UnaryOp, VectorMatching};
use crate::go_text::quote;
use crate::lex::{Kind, is_plain_name};

const CONTEXT: &str = "grouping opts";

/// The modifiers of a binary operator.
pub(super) struct Modifiers {
    return_bool: bool,
    matching: VectorMatching,
}

impl Parser<'_> {
    pub(super) fn binary_modifiers(&mut self) -> Result<Modifiers> {
        let return_bool = self.accept(Kind::Bool)?.is_some();
        let mut matching = VectorMatching::default();
        let token = self.peek()?;
        if matches!(token.kind, Kind::On | Kind::Ignoring) {
            self.next()?;
            matching.on = token.kind == Kind::On;
            matching.labels = self.label_list()?;
            matching.card = match self.peek()?.kind {
                Kind::GroupLeft => Cardinality::ManyToOne,
                Kind::GroupRight => Cardinality::OneToMany,
                _ => Cardinality::OneToOne,
            };
            if matching.card != Cardinality::OneToOne {
                self.next()?;
                let behind = self.peek()?.kind;
                let optional = starts_expression(behind)
                    || matches!(behind, Kind::Fill | Kind::FillLeft | Kind::FillRight);
                if behind == Kind::LeftParen || !optional {
                    matching.include = self.label_list()?;
                }
            }
        }
        match self.peek()?.kind {
            Kind::Fill => {
                self.next()?;
                let value = self.fill_value()?;
                matching.fill_left = Some(value);
                matching.fill_right = Some(value);
            }
            Kind::FillLeft => {
                self.next()?;
                matching.fill_left = Some(self.fill_value()?);
                if self.accept(Kind::FillRight)?.is_some() {
                    matching.fill_right = Some(self.fill_value()?);
                }
            }
            Kind::FillRight => {
                self.next()?;
                matching.fill_right = Some(self.fill_value()?);
                if self.accept(Kind::FillLeft)?.is_some() {
                    matching.fill_left = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(Modifiers { return_bool, matching })
    }

    /// Puts a binary expression together.
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        lhs: Expr,
        rhs: Expr,
        modifiers: Modifiers,
    ) -> Result<Expr> {
        let Modifiers { return_bool, matching } = modifiers;
        if !self.options.binop_fill_modifiers
            && (matching.fill_left.is_some() || matching.fill_right.is_some())
        {
            return self
                .fail(lhs.span().to(rhs.span()), "binop fill modifiers are experimental and not enabled");
        }
        Ok(Expr::Binary(Box::new(Binary { op, lhs, rhs, matching: Some(matching), return_bool })))
    }

    /// `(23)` or `(-1)`
    fn fill_value(&mut self) -> Result<f64> {
        self.expect(Kind::LeftParen, "", "")?;
        let op = super::expr::sign(self.peek()?.kind);
        if op.is_some() {
            self.next()?;
        }
        if !matches!(self.peek()?.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected("", ""));
        }
        let number = self.number_literal()?;
        self.expect(Kind::RightParen, "", "")?;
        Ok(if op == Some(UnaryOp::Minus) { -number.value } else { number.value })
    }

    /// `(a, b, "c.d")`
    pub(super) fn label_list(&mut self) -> Result<Vec<String>> {
        self.expect(Kind::LeftParen, CONTEXT, "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            if self.accept(Kind::RightParen)?.is_some() {
                return Ok(labels);
            }
            labels.push(self.label_name()?);
            match self.peek()?.kind {
                Kind::Comma => {
                    self.next()?;
                }
                Kind::RightParen => {}
                _ => return Err(self.unexpected(CONTEXT, "\",\" or \")\"")),
            }
        }
    }

    fn label_name(&mut self) -> Result<String> {
        let token = self.peek()?;
        let (name, valid) = match token.kind {
            Kind::Str => {
                self.next()?;
                let name = self.unquoted(token)?;
                let valid = !name.is_empty();
                (name, valid)
            }
            kind if kind.is_label_name() => {
                self.next()?;
                let name = self.text(token).to_owned();
                let valid = !self.options.unquoted_utf8_names || is_plain_name(&name, true);
                (name, valid)
            }
            _ => return Err(self.unexpected(CONTEXT, "label")),
        };
        if !valid {
            return self.fail(token.span, format!("invalid label name for grouping: {}", quote(&name)));
        }
        Ok(name)
    }
}
