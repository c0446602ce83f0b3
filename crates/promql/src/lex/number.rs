//! Numbers and durations.

use super::{Kind, Lexer, Place, Result, is_alphanumeric};
use crate::go_text::quote;

const DECIMAL: &str = "0123456789";
const HEX: &str = "0123456789abcdefABCDEF";

impl Lexer<'_> {
    /// A number or a duration, whose first character is the next one.
    pub(super) fn number_or_duration(&mut self) -> Result<Kind> {
        self.place = Place::Statements;
        if self.scan_number() {
            return Ok(Kind::Number);
        }
        if self.scan_units() {
            return Ok(Kind::Duration);
        }
        self.fail(format!("bad number or duration syntax: {}", quote(self.pending())))
    }

    /// A number, whose first character is the next one.
    pub(super) fn number(&mut self) -> Result<Kind> {
        if self.scan_number() {
            return Ok(Kind::Number);
        }
        self.fail(format!("bad number syntax: {}", quote(self.pending())))
    }

    /// The units of a duration and the numbers between them, behind its first number. Whether the units are in order
    /// is the parser's business.
    fn scan_units(&mut self) -> bool {
        if !self.accept("smhdwy") {
            return false;
        }
        self.accept("s");
        while self.accept(DECIMAL) {
            self.accept_while(|c| c.is_ascii_digit());
            // A year can only come first.
            if !self.accept("smhdw") {
                return false;
            }
            self.accept("s");
        }
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        // The character behind a refused duration belongs to the message, behind an accepted one to the next token.
        true
    }

    /// Reads as much as looks like a number; whether it is one is the parser's business. On `false` the position is
    /// behind what did not fit.
    fn scan_number(&mut self) -> bool {
        let begin = self.pos;
        let mut digits = DECIMAL;
        // In a series description `0x3` is a repetition.
        if !self.series && self.accept("0") && self.accept("xX") {
            self.accept("_");
            digits = HEX;
        }
        self.accept(".");
        self.accept(digits);
        let (mut dot, mut exponent) = (false, false);
        while self.is(digits) || self.is("._eE") {
            if self.is(".") && dot {
                self.bump();
                return false;
            }
            if self.is("eE") && exponent {
                self.bump();
                return false;
            }
            if self.accept(".") {
                dot = true;
                if self.accept("_.") || digits == HEX {
                    return false;
                }
            } else if self.accept("eE") {
                exponent = true;
                self.accept("+-");
                if self.accept("._eE") || self.peek().is_none() {
                    return false;
                }
            } else if self.accept("_") {
                if self.accept("._eE") || self.peek().is_none() {
                    return false;
                }
            } else {
                self.accept_while(|c| digits.contains(c));
            }
        }
        if self.pos == begin {
            return false;
        }
        match self.peek() {
            Some('x') if self.series => true,
            Some(c) => !is_alphanumeric(c),
            None => true,
        }
    }
}
