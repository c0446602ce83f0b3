//! Selectors: a name, matchers in braces, or both.

use super::{Parser, Result};
use crate::ast::{BinaryOp, VectorSelector};
use crate::lex::{Kind, Token};
use tortie_model::labels::METRIC_NAME;
use tortie_model::{MatchOp, Matcher};

const CONTEXT: &str = "label matching";

impl Parser<'_> {
    /// A selector, whose first token is the next one.
    pub(super) fn vector_selector(&mut self) -> Result<VectorSelector> {
        if self.peek()?.kind == Kind::LeftBrace {
            return self.matchers();
        }
        let name = self.next()?;
        self.selector_of(name)
    }

    /// A selector whose name has been read.
    pub(super) fn selector_of(&mut self, name: Token) -> Result<VectorSelector> {
        let mut selector = match self.peek()?.kind {
            Kind::LeftBrace => self.matchers()?,
            _ => VectorSelector { span: name.span, ..VectorSelector::default() },
        };
        selector.span.start = name.span.start;
        selector.name = self.text(name).to_owned();
        selector.matchers.push(Matcher::equal(METRIC_NAME, &selector.name));
        Ok(selector)
    }

    /// `{a="b", "metric"}`
    fn matchers(&mut self) -> Result<VectorSelector> {
        let open = self.next()?;
        let mut matchers = Vec::new();
        loop {
            if self.peek()?.kind == Kind::RightBrace {
                break;
            }
            matchers.push(self.matcher()?);
            match self.peek()?.kind {
                Kind::Comma => {
                    self.next()?;
                }
                Kind::RightBrace => break,
                _ => return Err(self.unexpected(CONTEXT, "\",\" or \"}\"")),
            }
        }
        let close = self.next()?;
        Ok(VectorSelector { matchers, span: open.span.to(close.span), ..VectorSelector::default() })
    }

    fn matcher(&mut self) -> Result<Matcher> {
        let label = self.peek()?;
        let name = match label.kind {
            Kind::Identifier => {
                self.next()?;
                self.text(label).to_owned()
            }
            Kind::Str => {
                self.next()?;
                self.unquoted(label)?
            }
            _ => return Err(self.unexpected(CONTEXT, "identifier or \"}\"")),
        };
        let op = match self.peek()?.kind {
            Kind::Assign => MatchOp::Equal,
            Kind::Op(BinaryOp::Ne) => MatchOp::NotEqual,
            Kind::EqRegex => MatchOp::Regex,
            Kind::NeRegex => MatchOp::NotRegex,
            _ if label.kind == Kind::Str => return Ok(Matcher::equal(METRIC_NAME, &name)),
            _ => return Err(self.unexpected(CONTEXT, "label matching operator")),
        };
        self.next()?;
        let value = self.expect(Kind::Str, CONTEXT, "string")?;
        let text = self.unquoted(value)?;
        Matcher::new(op, &name, &text).map_err(|e| self.error(label.span.to(value.span), e.to_string()))
    }
}
