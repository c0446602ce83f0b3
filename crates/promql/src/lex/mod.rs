//! Text to tokens, one at a time.
//!
//! What a character means depends on where it stands (braces, brackets, series descriptions): each place is a
//! [`Place`] with a function of its own. The places, and what each refuses in which words, are Prometheus'.

mod number;
mod series;
mod string;
mod token;

use crate::ast::BinaryOp;
use crate::go_text::quote_char;
use crate::span::Span;
pub use token::{HistogramPart, Kind, Token};

/// A text that cannot be split into tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexError {
    /// Where the offending token starts; the span ends with the text.
    pub(crate) span: Span,
    /// What is wrong.
    pub(crate) message: String,
}

type Result<T> = std::result::Result<T, LexError>;

/// Where the lexer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between the tokens of an expression. Inside braces and histograms, those places take over.
    Statements,
    /// Inside `{}`: keywords are names.
    Braces,
    /// Inside `[]`, before a duration.
    Duration,
    /// Between the values of a series description.
    Values,
    /// Inside `{{}}`.
    Histogram,
    /// Inside a histogram's `[]`.
    Buckets,
}

/// How far a histogram of a series description has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HistogramState {
    None,
    Open,
    /// Behind `}}` stands this operator.
    Then(Kind),
}

/// The lexer.
pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    place: Place,
    paren_depth: i32,
    brace_open: bool,
    bracket_open: bool,
    got_colon: bool,
    got_duration: bool,
    series: bool,
    histogram: HistogramState,
    unquoted_utf8: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer for an expression.
    pub(crate) fn new(input: &'a str, unquoted_utf8: bool) -> Lexer<'a> {
        Lexer {
            input,
            pos: 0,
            start: 0,
            place: Place::Statements,
            paren_depth: 0,
            brace_open: false,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
            series: false,
            histogram: HistogramState::None,
            unquoted_utf8,
        }
    }

    /// A lexer for a series description.
    pub(crate) fn for_series(input: &'a str, unquoted_utf8: bool) -> Lexer<'a> {
        Lexer { series: true, ..Lexer::new(input, unquoted_utf8) }
    }

    /// The next token; comments are skipped. At the end it is [`Kind::Eof`] again and again.
    pub(crate) fn next(&mut self) -> Result<Token> {
        loop {
            let found = match self.place {
                Place::Statements => self.statements()?,
                Place::Braces => self.braces()?,
                Place::Duration => self.duration()?,
                Place::Values => self.values()?,
                Place::Histogram => self.histogram()?,
                Place::Buckets => self.buckets()?,
            };
            if let Some(kind) = found {
                let span = Span::new(self.start, self.pos);
                self.start = self.pos;
                self.skip_space_after(kind);
                return Ok(Token { kind, span });
            }
        }
    }

    /// Leaves the white space behind `[` and in a run of spaces alone.
    fn skip_space_after(&mut self, kind: Kind) {
        if matches!(kind, Kind::LeftBracket | Kind::Space) {
            self.skip_spaces();
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.pos..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.is(valid);
        if found {
            self.bump();
        }
        found
    }

    fn is(&self, valid: &str) -> bool {
        self.peek().is_some_and(|c| valid.contains(c))
    }

    fn accept_while(&mut self, keep: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&keep) {
            self.bump();
        }
    }

    fn skip_spaces(&mut self) {
        self.accept_while(is_space);
        self.start = self.pos;
    }

    fn pending(&self) -> &'a str {
        self.input.get(self.start..self.pos).unwrap_or("")
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(LexError { span: Span::new(self.start, self.input.len()), message: message.into() })
    }

    /// Fails at the end of what was read, as if it had been a token of its own.
    fn fail_after<T>(&mut self, message: impl Into<String>) -> Result<T> {
        self.start = self.pos;
        self.fail(message)
    }

    fn skip_comment(&mut self) -> bool {
        if !self.rest().starts_with('#') {
            return false;
        }
        self.accept_while(|c| c != '\n' && c != '\r');
        self.start = self.pos;
        true
    }

    fn is_name_start(&self, c: char) -> bool {
        is_alpha(c) || (self.unquoted_utf8 && !c.is_ascii() && c.is_alphabetic())
    }

    fn is_name_part(&self, c: char) -> bool {
        self.is_name_start(c) || c.is_ascii_digit() || (self.unquoted_utf8 && c == '.')
    }

    fn statements(&mut self) -> Result<Option<Kind>> {
        if self.histogram != HistogramState::None {
            self.place = Place::Histogram;
            return Ok(None);
        }
        if self.brace_open {
            self.place = Place::Braces;
            return Ok(None);
        }
        if self.skip_comment() {
            return Ok(None);
        }
        let Some(c) = self.peek() else {
            return match (self.paren_depth, self.bracket_open) {
                (0, false) => Ok(Some(Kind::Eof)),
                (0, true) => self.fail("unclosed left bracket"),
                _ => self.fail("unclosed left parenthesis"),
            };
        };
        if c.is_ascii_digit() || (c == '.' && self.second_is_digit()) {
            return self.number_or_duration().map(Some);
        }
        if self.is_name_start(c) || c == ':' {
            return self.word(c);
        }
        self.bump();
        Ok(Some(match c {
            c if is_space(c) => {
                self.skip_spaces();
                return Ok(None);
            }
            ',' => Kind::Comma,
            '*' => Kind::Op(BinaryOp::Mul),
            '/' => Kind::Op(BinaryOp::Div),
            '%' => Kind::Op(BinaryOp::Mod),
            '+' => Kind::Op(BinaryOp::Add),
            '-' => Kind::Op(BinaryOp::Sub),
            '^' => Kind::Op(BinaryOp::Pow),
            '@' => Kind::At,
            '=' if self.accept("=") => Kind::Op(BinaryOp::Eq),
            '=' if self.is("~") => {
                return self.fail(format!("unexpected character after '=': {}", quote_char(self.peek())));
            }
            '=' => Kind::Assign,
            '!' if self.accept("=") => Kind::Op(BinaryOp::Ne),
            '!' => return self.fail(format!("unexpected character after '!': {}", quote_char(self.peek()))),
            '<' if self.accept("=") => Kind::Op(BinaryOp::Le),
            '<' if self.accept("/") => Kind::Op(BinaryOp::TrimUpper),
            '<' => Kind::Op(BinaryOp::Lt),
            '>' if self.accept("=") => Kind::Op(BinaryOp::Ge),
            '>' if self.accept("/") => Kind::Op(BinaryOp::TrimLower),
            '>' => Kind::Op(BinaryOp::Gt),
            '"' | '\'' | '`' => {
                let kind = self.string(c)?;
                self.place = Place::Statements;
                kind
            }
            '(' => self.left_paren(),
            ')' => self.right_paren()?,
            '{' => {
                self.brace_open = true;
                self.place = Place::Braces;
                Kind::LeftBrace
            }
            '[' if self.bracket_open => return self.fail("unexpected left bracket '['"),
            '[' => {
                self.got_colon = false;
                self.got_duration = false;
                self.bracket_open = true;
                self.place = Place::Duration;
                Kind::LeftBracket
            }
            ']' if !self.bracket_open => return self.fail("unexpected right bracket ']'"),
            ']' => {
                self.bracket_open = false;
                Kind::RightBracket
            }
            c => return self.fail(format!("unexpected character: {}", quote_char(Some(c)))),
        }))
    }

    fn second_is_digit(&self) -> bool {
        self.rest().chars().nth(1).is_some_and(|c| c.is_ascii_digit())
    }

    fn left_paren(&mut self) -> Kind {
        self.paren_depth += 1;
        Kind::LeftParen
    }

    fn right_paren(&mut self) -> Result<Kind> {
        self.paren_depth -= 1;
        if self.paren_depth < 0 {
            return self.fail_after("unexpected right parenthesis ')'");
        }
        Ok(Kind::RightParen)
    }

    /// A name or keyword; inside brackets a colon or a duration function.
    fn word(&mut self, first: char) -> Result<Option<Kind>> {
        if !self.bracket_open {
            return self.keyword_or_identifier().map(Some);
        }
        self.bump();
        if first == ':' {
            if self.got_colon {
                return self.fail("unexpected colon ':'");
            }
            self.got_colon = true;
            return Ok(Some(Kind::Colon));
        }
        match self.duration_function(first) {
            Some(kind) => Ok(Some(kind)),
            None => self.fail(format!("unexpected character: {}, expected ':'", quote_char(Some(first)))),
        }
    }

    fn keyword_or_identifier(&mut self) -> Result<Kind> {
        while self.peek().is_some_and(|c| self.is_name_part(c) || c == ':') {
            self.bump();
        }
        let word = self.pending();
        let kind = match Kind::keyword(word) {
            Some(Kind::Fill | Kind::FillLeft | Kind::FillRight) if !self.paren_follows() => Kind::Identifier,
            Some(kind) => kind,
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        self.place = if self.series && self.peek() != Some('{') { Place::Values } else { Place::Statements };
        Ok(kind)
    }

    fn paren_follows(&self) -> bool {
        self.rest().trim_start_matches(is_space).starts_with('(')
    }

    fn braces(&mut self) -> Result<Option<Kind>> {
        if self.skip_comment() {
            return Ok(None);
        }
        let Some(c) = self.bump() else {
            return self.fail("unexpected end of input inside braces");
        };
        Ok(Some(match c {
            c if is_space(c) => {
                self.skip_spaces();
                return Ok(None);
            }
            c if self.is_name_start(c) => {
                while self.peek().is_some_and(|c| self.is_name_part(c)) {
                    self.bump();
                }
                Kind::Identifier
            }
            ',' => Kind::Comma,
            '"' | '\'' | '`' => self.string(c)?,
            '=' if self.accept("~") => Kind::EqRegex,
            '=' => Kind::Assign,
            '!' if self.accept("~") => Kind::NeRegex,
            '!' if self.accept("=") => Kind::Op(BinaryOp::Ne),
            '!' => {
                let next = quote_char(self.peek());
                return self.fail(format!("unexpected character after '!' inside braces: {next}"));
            }
            '{' => return self.fail("unexpected left brace '{'"),
            '}' => {
                self.brace_open = false;
                self.place = if self.series { Place::Values } else { Place::Statements };
                Kind::RightBrace
            }
            c => return self.fail(format!("unexpected character inside braces: {}", quote_char(Some(c)))),
        }))
    }

    fn duration(&mut self) -> Result<Option<Kind>> {
        let Some(c) = self.peek() else {
            return self.fail("unexpected end of input in duration expression");
        };
        if c.is_ascii_digit() || (c == '.' && self.second_is_digit()) {
            self.got_duration = true;
            return self.number_or_duration().map(Some);
        }
        self.bump();
        Ok(Some(match c {
            ']' => {
                self.bracket_open = false;
                self.got_colon = false;
                self.place = Place::Statements;
                Kind::RightBracket
            }
            ':' if !self.got_duration => {
                return self.fail_after("unexpected colon before duration in duration expression");
            }
            ':' if self.got_colon => {
                return self.fail_after("unexpected repeated colon in duration expression");
            }
            ':' => {
                self.got_colon = true;
                Kind::Colon
            }
            '(' => self.left_paren(),
            ')' => self.right_paren()?,
            c if is_space(c) => {
                self.skip_spaces();
                return Ok(None);
            }
            '+' => Kind::Op(BinaryOp::Add),
            '-' => Kind::Op(BinaryOp::Sub),
            '*' => Kind::Op(BinaryOp::Mul),
            '/' => Kind::Op(BinaryOp::Div),
            '%' => Kind::Op(BinaryOp::Mod),
            '^' => Kind::Op(BinaryOp::Pow),
            ',' => Kind::Comma,
            c => match self.duration_function(c) {
                Some(kind) => {
                    self.got_duration = true;
                    kind
                }
                None => {
                    return self.fail(format!(
                        "unexpected character in duration expression: {}",
                        quote_char(Some(c))
                    ));
                }
            },
        }))
    }

    /// The rest of a duration function's name whose first letter has been read.
    fn duration_function(&mut self, first: char) -> Option<Kind> {
        if !matches!(first, 's' | 'S' | 'r' | 'R' | 'm' | 'M') {
            return None;
        }
        self.accept_while(is_alpha);
        Kind::duration_function(&self.pending().to_ascii_lowercase())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || c.is_ascii_digit()
}

/// Whether a label or metric may be written without quotes.
pub(crate) fn is_plain_name(name: &str, unquoted_utf8: bool) -> bool {
    let lexer = Lexer::new("", unquoted_utf8);
    let mut chars = name.chars();
    chars.next().is_some_and(|c| lexer.is_name_start(c)) && chars.all(|c| lexer.is_name_part(c))
}
