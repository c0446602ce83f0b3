//! Aggregations.

use super::{Parser, Result};
use crate::ast::{Aggregate, AggregateOp, Expr};
use crate::lex::{Kind, Token};
use crate::span::Span;

/// `by` (false) or `without` (true) and its labels.
type Grouping = (bool, Vec<String>);

impl Parser<'_> {
    /// An aggregation whose operator has been read.
    pub(super) fn aggregate(&mut self, op: AggregateOp, name: Token) -> Result<Expr> {
        self.open_aggregations += 1;
        let result = self.aggregate_parts();
        self.open_aggregations -= 1;
        let (args, grouping) = result?;
        let grouping = match grouping {
            Some(found) => Some(found),
            None => {
                // The token behind the arguments decides whether a grouping follows.
                let behind = self.peek()?.kind;
                self.open_aggregations += 1;
                let found = if is_grouping(behind) { self.grouping().map(Some) } else { Ok(None) };
                self.open_aggregations -= 1;
                found?
            }
        };
        let end = if grouping.is_some() || self.ahead.is_none() {
            self.last_closing
        } else {
            self.end_of_arguments()
        };
        let span = Span::new(name.span.start, end);
        let (without, grouping) = grouping.unwrap_or_default();
        let height = self.height;
        let expr = self.build_aggregate(op, args, grouping, without, span)?;
        self.grow(height, span)?;
        Ok(expr)
    }

    fn aggregate_parts(&mut self) -> Result<(Vec<Expr>, Option<Grouping>)> {
        let grouping = if is_grouping(self.peek()?.kind) { Some(self.grouping()?) } else { None };
        Ok((self.arguments()?, grouping))
    }

    /// `by (a, b)` or `without (a, b)`
    fn grouping(&mut self) -> Result<Grouping> {
        let without = self.next()?.kind == Kind::Without;
        Ok((without, self.label_list()?))
    }

    fn build_aggregate(
        &mut self,
        op: AggregateOp,
        args: Vec<Expr>,
        grouping: Vec<String>,
        without: bool,
        span: Span,
    ) -> Result<Expr> {
        if args.is_empty() {
            return self.fail(span, "no arguments for aggregate expression provided");
        }
        if op.is_experimental() && !self.options.experimental_functions {
            let name = op.as_str();
            return self.fail(
                span,
                format!("{name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"),
            );
        }
        let got = args.len();
        let mut args = args.into_iter();
        let (param, expr) = if op.has_param() { (args.next(), args.next()) } else { (None, args.next()) };
        match (expr, args.next()) {
            (Some(expr), None) => {
                Ok(Expr::Aggregate(Box::new(Aggregate { op, expr, param, grouping, without, span })))
            }
            _ => {
                let desired = if op.has_param() { 2 } else { 1 };
                self.fail(
                    span,
                    format!(
                        "wrong number of arguments for aggregate expression provided, expected {desired}, got {got}"
                    ),
                )
            }
        }
    }

    /// Where the arguments ended, though the parenthesis behind them has been looked at.
    fn end_of_arguments(&self) -> usize {
        let fallback = self.last_closing;
        let ahead = self.ahead.unwrap_or(self.last);
        if ahead.kind != Kind::RightParen {
            return fallback;
        }
        let before = self.input.get(..ahead.span.start).unwrap_or("");
        let trimmed = before.trim_end_matches([' ', '\t', '\n', '\r']);
        if trimmed.ends_with(')') { trimmed.len() } else { fallback }
    }
}

fn is_grouping(kind: Kind) -> bool {
    matches!(kind, Kind::By | Kind::Without)
}
