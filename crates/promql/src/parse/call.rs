//! Function calls and argument lists.

use super::{Parser, Result};
use crate::ast::{Call, Expr};
use crate::functions;
use crate::go_text::quote;
use crate::lex::{Kind, Token};
use crate::span::Span;

impl Parser<'_> {
    /// A call whose name has been read.
    pub(super) fn call(&mut self, name: Token) -> Result<Expr> {
        let args = self.arguments()?;
        let text = self.text(name);
        let Some(func) = functions::find(text) else {
            return self.fail(name.span, format!("unknown function with name {}", quote(text)));
        };
        if func.experimental && !self.options.experimental_functions {
            return self.fail(name.span, format!("function {} is not enabled", quote(text)));
        }
        let span = Span::new(name.span.start, self.last_closing);
        self.grow(self.height, span)?;
        Ok(Expr::Call(Box::new(Call { func, args, span })))
    }

    /// `(a, b)`
    pub(super) fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect(Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        let mut height = 0;
        if self.accept(Kind::RightParen)?.is_some() {
            self.height = height;
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            height = height.max(self.height);
            let Some(comma) = self.accept(Kind::Comma)? else { break };
            if !starts_expression(self.peek()?.kind) {
                return self.fail(comma.span, "trailing commas not allowed in function call args");
            }
        }
        self.height = height;
        self.expect(Kind::RightParen, "", "")?;
        Ok(args)
    }
}

/// Whether an expression may begin with such a token.
pub(super) fn starts_expression(kind: Kind) -> bool {
    kind.is_metric_name()
        || super::expr::sign(kind).is_some()
        || matches!(kind, Kind::Number | Kind::Duration | Kind::Str | Kind::LeftParen | Kind::LeftBrace)
}
