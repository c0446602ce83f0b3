//! The pull parser: one entry of the body a call, refused and accepted as Prometheus' parser does.

use super::error::ParseError;
use super::lex::{Lexer, Token};
use crate::metric_type::MetricType;
use crate::{float, quote};
use std::borrow::Cow;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<'a> {
    /// A `# TYPE` line.
    Type {
        /// Name of the metric family, escapes kept.
        name: &'a [u8],
        /// Its type.
        kind: MetricType,
    },
    /// A `# HELP` line.
    Help {
        /// Name of the metric family, escapes kept.
        name: &'a [u8],
        /// The text, unescaped.
        text: Cow<'a, str>,
    },
    /// Any other comment (`# UNIT` is one: the text format knows no units).
    Comment,
    /// A sample; [`Parser::labels`] reads its labels.
    Sample(Sample<'a>),
}

/// A sample line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The text of name and labels exactly as it stands in the body: the key under which a scrape knows the series.
    pub series: &'a [u8],
    /// Where `series` starts in the body.
    pub at: usize,
    /// Where the value starts in the body.
    pub value_at: usize,
    /// The value; every NaN is the ordinary one.
    pub value: f64,
    /// The explicit timestamp in milliseconds.
    pub timestamp: Option<i64>,
}

/// Byte ranges of a label's name and value.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelRange {
    pub(super) name: (usize, usize),
    pub(super) value: (usize, usize),
}

/// A pull parser over one body.
#[derive(Clone)]
pub struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    /// Start of the entry being read.
    start: usize,
    /// Type of the last `# TYPE` line: normalises `le` and `quantile`.
    pub(super) kind: MetricType,
    pub(super) name: Option<(usize, usize)>,
    pub(super) labels: Vec<LabelRange>,
}

impl<'a> Parser<'a> {
    /// A parser at the start of `body`.
    pub fn new(body: &'a [u8]) -> Parser<'a> {
        Parser {
            lexer: Lexer::new(body),
            start: 0,
            kind: MetricType::Unknown,
            name: None,
            labels: Vec::new(),
        }
    }

    /// Byte offset of what comes next: always the start of a line.
    pub fn position(&self) -> usize {
        self.lexer.end
    }

    /// Goes on at byte `at`, which must be the start of a line. The type in force stays.
    pub fn seek(&mut self, at: usize) {
        self.lexer.restart_at(at);
    }

    /// The next entry, or `None` at the end of the body.
    ///
    /// # Errors
    /// When the line is not of the format; the whole body is then refused, nothing can be read behind it.
    #[allow(clippy::should_implement_trait)] // a Result of Option, as `?` wants it
    pub fn next(&mut self) -> Result<Option<Entry<'a>>, ParseError> {
        loop {
            self.start = self.lexer.end;
            self.name = None;
            self.labels.clear();
            return match self.lexer.next() {
                Token::Eof => Ok(None),
                Token::Linebreak => continue,
                Token::Help => self.help().map(Some),
                Token::Type => self.type_line().map(Some),
                Token::Comment => {
                    self.end_of_line("linebreak expected after comment").map(|()| Some(Entry::Comment))
                }
                Token::BraceOpen => {
                    self.label_list()?;
                    self.sample_after(self.lexer.end)
                }
                Token::MetricName => {
                    // Blanks before the name belong to it, as in Prometheus.
                    self.name = Some((self.start, self.lexer.end));
                    self.sample_after_name()
                }
                other => Err(self.unexpected("expected a valid start token", other)),
            };
        }
    }

    fn sample_after_name(&mut self) -> Result<Option<Entry<'a>>, ParseError> {
        let name_end = self.lexer.end;
        match self.lexer.next() {
            Token::BraceOpen => {
                self.label_list()?;
                self.sample_after(self.lexer.end)
            }
            token => self.value(name_end, token),
        }
    }

    fn sample_after(&mut self, series_end: usize) -> Result<Option<Entry<'a>>, ParseError> {
        let token = self.lexer.next();
        self.value(series_end, token)
    }

    fn help(&mut self) -> Result<Entry<'a>, ParseError> {
        let name = self.meta_name(Token::Help)?;
        let text = self.meta_text(Token::Help)?;
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(self.error(format!("help text {} is not a valid utf8 string", quote::quote(text))));
        };
        self.end_of_line("linebreak expected after metadata")?;
        Ok(Entry::Help { name, text: unescape_help(text) })
    }

    fn type_line(&mut self) -> Result<Entry<'a>, ParseError> {
        let name = self.meta_name(Token::Type)?;
        let text = self.meta_text(Token::Type)?;
        let Some(kind) = MetricType::from_text(text) else {
            return Err(self.error(format!("invalid metric type {}", quote::quote(text))));
        };
        self.kind = kind;
        self.end_of_line("linebreak expected after metadata")?;
        Ok(Entry::Type { name, kind })
    }

    fn meta_name(&mut self, of: Token) -> Result<&'a [u8], ParseError> {
        match self.lexer.next() {
            Token::MetricName => Ok(without_quotes(self.lexer.text())),
            other => Err(self.unexpected(&format!("expected metric name after {}", of.name()), other)),
        }
    }

    fn meta_text(&mut self, of: Token) -> Result<&'a [u8], ParseError> {
        match self.lexer.next() {
            // The byte after the name is cut off whatever it is, as in Prometheus.
            Token::Text => Ok(self.lexer.text().get(1..).unwrap_or(&[])),
            other => Err(self.error(format!("expected text in {}, got {}", of.name(), other.name()))),
        }
    }

    fn end_of_line(&mut self, expected: &str) -> Result<(), ParseError> {
        match self.lexer.next() {
            Token::Linebreak => Ok(()),
            other => Err(self.unexpected(expected, other)),
        }
    }

    /// The labels behind an opening brace, up to and including the closing one.
    fn label_list(&mut self) -> Result<(), ParseError> {
        let mut token = self.lexer.next();
        loop {
            let name = (self.lexer.start, self.lexer.end);
            let quoted = match token {
                Token::BraceClose => return Ok(()),
                Token::LabelName => false,
                Token::Quoted => true,
                other => return Err(self.unexpected("expected label name", other)),
            };
            token = self.lexer.next();
            if quoted && matches!(token, Token::Comma | Token::BraceClose) {
                // A string alone is the metric's name.
                if self.name.is_some() {
                    let seen = quote::quote(self.lexer.slice(self.start, self.lexer.end));
                    return Err(self.error(format!("metric name already set while parsing: {seen}")));
                }
                self.name = Some((name.0 + 1, name.1 - 1));
                if token == Token::BraceClose {
                    return Ok(());
                }
                token = self.lexer.next();
                continue;
            }
            let name = if quoted { (name.0 + 1, name.1 - 1) } else { name };
            if token != Token::Equal {
                return Err(self.unexpected("expected equal", token));
            }
            match self.lexer.next() {
                Token::LabelValue => {}
                other => return Err(self.unexpected("expected label value", other)),
            }
            if std::str::from_utf8(self.lexer.text()).is_err() {
                return Err(
                    self.error(format!("invalid UTF-8 label value: {}", quote::quote(self.lexer.text())))
                );
            }
            self.labels.push(LabelRange { name, value: (self.lexer.start + 1, self.lexer.end - 1) });
            token = self.lexer.next();
            if token == Token::Comma {
                token = self.lexer.next();
            }
        }
    }

    fn value(&mut self, series_end: usize, token: Token) -> Result<Option<Entry<'a>>, ParseError> {
        let series = self.lexer.slice(self.start, series_end);
        if self.name.is_none() {
            let seen = quote::quote(self.lexer.slice(self.start, self.lexer.end));
            return Err(self.error(format!("metric name not set while parsing: {seen}")));
        }
        if token != Token::Value {
            return Err(self.unexpected("expected value after metric", token));
        }
        let value_at = self.lexer.start;
        let value = match float::parse(self.lexer.text()) {
            Ok(v) => v,
            Err(float::FloatError::Unsupported) => {
                return Err(self.number_error(&float::FloatError::Unsupported.to_string()));
            }
            Err(e) => {
                let text = quote::quote(self.lexer.text());
                return Err(self.number_error(&format!("strconv.ParseFloat: parsing {text}: {e}")));
            }
        };
        let timestamp = match self.lexer.next() {
            Token::Linebreak => None,
            Token::Timestamp => Some(self.timestamp()?),
            other => return Err(self.unexpected("expected timestamp or new record", other)),
        };
        Ok(Some(Entry::Sample(Sample { series, at: self.start, value_at, value, timestamp })))
    }

    fn timestamp(&mut self) -> Result<i64, ParseError> {
        let text = self.lexer.text();
        // Digits only, so what does not parse is too long.
        let Some(t) = std::str::from_utf8(text).ok().and_then(|s| s.parse::<i64>().ok()) else {
            return Err(self.number_error(&format!(
                "strconv.ParseInt: parsing {}: value out of range",
                quote::quote(text)
            )));
        };
        self.end_of_line("expected next entry after timestamp")?;
        Ok(t)
    }

    fn error(&self, reason: String) -> ParseError {
        ParseError::at(self.lexer.body, self.lexer.start, reason)
    }

    fn number_error(&self, cause: &str) -> ParseError {
        let seen = quote::quote(self.lexer.slice(self.start, self.lexer.end));
        self.error(format!("{cause} while parsing: {seen}"))
    }

    fn unexpected(&self, expected: &str, got: Token) -> ParseError {
        let end = (self.lexer.end + 1).min(self.lexer.len());
        let (token, seen) = (self.quoted(self.lexer.start, end), self.quoted(self.start, end));
        self.error(format!("{expected}, got {token} (\"{}\") while parsing: {seen}", got.name()))
    }

    /// Quotes `from..to`, with the newline that a body without one is read with.
    fn quoted(&self, from: usize, to: usize) -> String {
        if to <= self.lexer.body.len() {
            return quote::quote(self.lexer.slice(from, to));
        }
        let mut text = self.lexer.slice(from, to).to_vec();
        text.push(b'\n');
        quote::quote(&text)
    }
}

fn without_quotes(name: &[u8]) -> &[u8] {
    match name {
        [b'"', inner @ .., b'"'] => inner,
        all => all,
    }
}

fn unescape_help(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(super::series::unescape(text, false))
}
