//! Tokens to tree.
//!
//! The parser stops at the first error, as only that one is shown. Which error that is, and in which words, follows
//! Prometheus' grammar: its generated parser looks at the next token only where it must, so an error in a finished
//! part comes before an error in the token behind it. [`Parser::peek`] is therefore called as late as possible.

mod aggregate;
mod call;
mod duration;
mod error;
mod expr;
mod matching;
mod number;
mod selector;
mod series;

use crate::ast::Expr;
use crate::check;
use crate::lex::{Kind, LexError, Lexer, Token};
use crate::span::Span;
pub use error::{ParseError, ParseErrors};
pub use series::{HistogramValue, SeriesItem, SeriesValue, parse_metric, parse_series};
use tortie_model::Matcher;

/// Which experimental parts of the language are allowed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `--enable-feature=promql-experimental-functions`: also `limitk` and `limit_ratio`.
    pub experimental_functions: bool,
    /// `--enable-feature=promql-binop-fill-modifiers`: `fill`, `fill_left`, `fill_right`.
    pub binop_fill_modifiers: bool,
    /// `--enable-feature=promql-unquoted-utf8-names`: letters beyond ASCII and dots in names without quotes.
    pub unquoted_utf8_names: bool,
}

impl Options {
    /// Everything allowed.
    pub const ALL: Options =
        Options { experimental_functions: true, binop_fill_modifiers: true, unquoted_utf8_names: true };
}

/// How deep a query may be nested and how long a chain of operators may be, together. Deeper ones would need a bigger
/// stack in everything that walks the tree.
pub const MAX_DEPTH: usize = 500;

/// Parses and checks a query.
///
/// # Errors
/// What was found wrong; the first is what Prometheus answers.
pub fn parse_expr(query: &str, options: &Options) -> Result<Expr, ParseErrors> {
    let mut parser = Parser::new(query, Lexer::new(query, options.unquoted_utf8_names), *options);
    if parser.peek()?.kind == Kind::Eof {
        return Err(ParseError::new(query, Span::default(), "no expression found in input").into());
    }
    let mut expr = parser.expr()?;
    parser.expect_end()?;
    check::check(query, &mut expr)?;
    Ok(expr)
}

/// Parses a selector, `up{job="felix"}`, and returns its matchers, that of the name last. It may match everything.
///
/// # Errors
/// When the text is something else.
pub fn parse_selector(text: &str, options: &Options) -> Result<Vec<Matcher>, ParseErrors> {
    let mut parser = Parser::new(text, Lexer::new(text, options.unquoted_utf8_names), *options);
    let token = parser.peek()?;
    if token.kind != Kind::LeftBrace && !token.kind.is_metric_name() {
        return Err(parser.unexpected("", "").into());
    }
    let selector = parser.vector_selector()?;
    parser.expect_end()?;
    Ok(selector.matchers)
}

type Result<T, E = ParseError> = std::result::Result<T, E>;

/// The state of the parser.
struct Parser<'a> {
    input: &'a str,
    lexer: Lexer<'a>,
    options: Options,
    /// The token that was looked at and not taken.
    ahead: Option<Token>,
    /// The last token that was taken.
    last: Token,
    /// End of the newest closing bracket, number or duration that the lexer has passed, looked-at ones included. The
    /// spans of calls and modified selectors end here.
    last_closing: usize,
    /// Number of aggregations around this place whose arguments are not finished.
    open_aggregations: usize,
    /// Number of functions of this parser that call each other right now.
    nesting: usize,
    /// Height of the tree that was built last.
    height: usize,
}

impl<'a> Parser<'a> {
    fn new(input: &'a str, lexer: Lexer<'a>, options: Options) -> Parser<'a> {
        Parser {
            input,
            lexer,
            options,
            ahead: None,
            last: Token { kind: Kind::Eof, span: Span::default() },
            last_closing: 0,
            open_aggregations: 0,
            nesting: 0,
            height: 0,
        }
    }

    /// The next token, which stays.
    fn peek(&mut self) -> Result<Token> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let token = self
            .lexer
            .next()
            .map_err(|LexError { span, message }| ParseError::new(self.input, span, message))?;
        if let Kind::RightBrace | Kind::RightParen | Kind::RightBracket | Kind::Duration | Kind::Number =
            token.kind
        {
            self.last_closing = token.span.end;
        }
        self.ahead = Some(token);
        Ok(token)
    }

    /// Takes the next token.
    fn next(&mut self) -> Result<Token> {
        let token = self.peek()?;
        self.ahead = None;
        self.last = token;
        Ok(token)
    }

    /// Takes the next token if it is of this kind.
    fn accept(&mut self, kind: Kind) -> Result<Option<Token>> {
        if self.peek()?.kind == kind { self.next().map(Some) } else { Ok(None) }
    }

    /// Takes the next token, which must be of this kind.
    fn expect(&mut self, kind: Kind, context: &str, expected: &str) -> Result<Token> {
        match self.accept(kind)? {
            Some(token) => Ok(token),
            None => Err(self.unexpected(context, expected)),
        }
    }

    fn expect_end(&mut self) -> Result<()> {
        self.expect(Kind::Eof, "", "").map(drop)
    }

    fn text(&self, token: Token) -> &'a str {
        self.input.get(token.span.start..token.span.end).unwrap_or("")
    }

    fn fail<T>(&self, span: Span, message: impl Into<String>) -> Result<T> {
        Err(self.error(span, message))
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.input, span, message)
    }

    /// The newest token does not belong here. Without a context of its own, the error is that of the innermost
    /// aggregation around this place.
    fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        let token = self.ahead.unwrap_or(self.last);
        let context = if context.is_empty() && self.open_aggregations > 0 { "aggregation" } else { context };
        let mut message = format!("unexpected {}", token.describe(self.input));
        if !context.is_empty() {
            message += " in ";
            message += context;
        }
        if !expected.is_empty() {
            message += ", expected ";
            message += expected;
        }
        self.error(token.span, message)
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= MAX_DEPTH {
            let span = self.ahead.unwrap_or(self.last).span;
            return Err(self.too_deep(span));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// Notes that a node was put on top of trees of which the highest has height `below`.
    fn grow(&mut self, below: usize, span: Span) -> Result<()> {
        self.height = below + 1;
        if self.height > MAX_DEPTH { Err(self.too_deep(span)) } else { Ok(()) }
    }

    fn too_deep(&self, span: Span) -> ParseError {
        self.error(span, format!("expression is nested too deeply, at most {MAX_DEPTH} levels are allowed"))
    }
}
