//! Series descriptions: the values of test data, histograms among them.

use super::{HistogramPart, HistogramState, Kind, Lexer, Place, Result, is_alpha, is_space};
use crate::ast::BinaryOp;
use crate::go_text::{quote, quote_char};
use tortie_model::columns::ResetHint;

impl Lexer<'_> {
    /// Between the values.
    pub(super) fn values(&mut self) -> Result<Option<Kind>> {
        if self.histogram != HistogramState::None {
            self.place = Place::Histogram;
            return Ok(None);
        }
        let Some(c) = self.peek() else {
            self.place = Place::Statements;
            return Ok(None);
        };
        if c.is_ascii_digit() || (c == '.' && self.second_is_digit()) {
            return self.number().map(Some);
        }
        if is_alpha(c) && c != 'x' && c != '_' {
            return self.keyword_or_identifier().map(Some);
        }
        self.bump();
        Ok(Some(match c {
            '{' if self.accept("{") => {
                self.histogram = HistogramState::Open;
                self.place = Place::Histogram;
                Kind::OpenHistogram
            }
            c if is_space(c) => Kind::Space,
            '+' => Kind::Op(BinaryOp::Add),
            '-' => Kind::Op(BinaryOp::Sub),
            'x' => Kind::Times,
            '_' => Kind::Blank,
            c => {
                return self
                    .fail(format!("unexpected character in series sequence: {}", quote_char(Some(c))));
            }
        }))
    }

    /// Inside `{{}}`, and the operator behind it.
    pub(super) fn histogram(&mut self) -> Result<Option<Kind>> {
        if let HistogramState::Then(kind) = self.histogram {
            self.histogram = HistogramState::None;
            self.place = Place::Values;
            self.bump();
            return Ok(Some(kind));
        }
        if self.bracket_open {
            self.place = Place::Buckets;
            return Ok(None);
        }
        match self.peek() {
            Some(c) if is_alpha(c) => return self.histogram_word().map(Some),
            Some(c) if c.is_ascii_digit() => return self.number().map(Some),
            _ => {}
        }
        Ok(Some(match self.bump() {
            Some(c) if is_space(c) => Kind::Space,
            Some(':') => Kind::Colon,
            Some('-') => Kind::Op(BinaryOp::Sub),
            Some('[') => {
                self.bracket_open = true;
                self.place = Place::Buckets;
                Kind::LeftBracket
            }
            Some('}') if self.accept("}") => {
                self.histogram = match self.peek() {
                    Some('x') => HistogramState::Then(Kind::Times),
                    Some('+') => HistogramState::Then(Kind::Op(BinaryOp::Add)),
                    Some('-') => HistogramState::Then(Kind::Op(BinaryOp::Sub)),
                    _ => HistogramState::None,
                };
                self.place = Place::Values;
                Kind::CloseHistogram
            }
            c => {
                return self.fail(format!("histogram description incomplete unexpected: {}", quote_char(c)));
            }
        }))
    }

    fn histogram_word(&mut self) -> Result<Kind> {
        self.accept_while(is_alpha);
        let word = self.pending().to_ascii_lowercase();
        if let Some(part) = HistogramPart::find(&word) {
            if self.peek() == Some(':') {
                return Ok(Kind::Part(part));
            }
            return self.fail("missing `:` for histogram descriptor");
        }
        match word.as_str() {
            "inf" | "nan" => Ok(Kind::Number),
            "unknown" => Ok(Kind::Hint(ResetHint::Unknown)),
            "reset" => Ok(Kind::Hint(ResetHint::Reset)),
            "not_reset" => Ok(Kind::Hint(ResetHint::NotReset)),
            "gauge" => Ok(Kind::Hint(ResetHint::Gauge)),
            _ => self.fail(format!("bad histogram descriptor found: {}", quote(self.pending()))),
        }
    }

    /// Inside a histogram's `[]`.
    pub(super) fn buckets(&mut self) -> Result<Option<Kind>> {
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.number().map(Some);
        }
        Ok(Some(match self.bump() {
            Some(c) if is_space(c) => Kind::Space,
            Some('-') => Kind::Op(BinaryOp::Sub),
            Some(']') => {
                self.bracket_open = false;
                self.place = Place::Histogram;
                Kind::RightBracket
            }
            Some(c) if is_alpha(c) => match self.pending().to_ascii_lowercase().as_str() {
                "inf" | "nan" => Kind::Number,
                _ => return Ok(None),
            },
            c => return self.fail(format!("invalid character in buckets description: {}", quote_char(c))),
        }))
    }
}
