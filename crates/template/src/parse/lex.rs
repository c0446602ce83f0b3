//! Text to tokens: plain text, and what stands between `{{` and `}}`.

use super::token::{Kind, Token};
use crate::gofmt::quote;
use crate::letters::is_name_char;

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Reads a template one token at a time.
pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    /// Up to where lines were counted, and the line there.
    counted: (usize, usize),
    parens: usize,
    in_action: bool,
}

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}

/// Whether `s` begins with the marker after `{{` that trims the text before it.
fn trims_left(s: &str) -> bool {
    let mut chars = s.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

/// Whether `s` begins with the marker before `}}` that trims the text after it.
fn trims_right(s: &str) -> bool {
    let mut chars = s.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Lexer<'a> {
        Lexer { input, pos: 0, start: 0, counted: (0, 1), parens: 0, in_action: false }
    }

    /// The next token. After an error or the end there is nothing more to ask for.
    pub(crate) fn next_token(&mut self) -> Token {
        loop {
            let token = if self.in_action { Some(self.action()) } else { self.text() };
            if let Some(token) = token {
                return token;
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.pos..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn line_at(&mut self, pos: usize) -> usize {
        let between = self.input.get(self.counted.0..pos).unwrap_or("");
        self.counted = (pos, self.counted.1 + between.matches('\n').count());
        self.counted.1
    }

    fn token(&mut self, kind: Kind) -> Token {
        let line = self.line_at(self.start);
        let text = self.input.get(self.start..self.pos).unwrap_or("").to_owned();
        let token = Token { kind, pos: self.start, line, text };
        self.start = self.pos;
        token
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        Token { kind: Kind::Error, pos: self.start, line: self.line_at(self.start), text: message.into() }
    }

    /// Plain text up to the next action, or the delimiter itself; nothing when only a comment was skipped.
    fn text(&mut self) -> Option<Token> {
        let rest = self.rest();
        let Some(at) = rest.find("{{") else {
            self.pos = self.input.len();
            return Some(self.token(if self.pos > self.start { Kind::Text } else { Kind::Eof }));
        };
        if at > 0 {
            let (text, delim) = rest.split_at(at);
            let keep = if delim.get(2..).is_some_and(trims_left) {
                text.trim_end_matches(SPACES).len()
            } else {
                text.len()
            };
            let end = self.pos + at;
            self.pos += keep;
            let token = self.token(Kind::Text);
            self.pos = end;
            self.start = end;
            if !token.text.is_empty() {
                return Some(token);
            }
        }
        self.left_delim()
    }

    fn left_delim(&mut self) -> Option<Token> {
        let after = self.rest().get(2..).unwrap_or("");
        let marker = if trims_left(after) { 2 } else { 0 };
        if after.get(marker..).is_some_and(|s| s.starts_with("/*")) {
            self.pos += 2 + marker;
            self.start = self.pos;
            return self.comment();
        }
        self.pos += 2;
        let token = self.token(Kind::LeftDelim);
        self.pos += marker;
        self.start = self.pos;
        self.in_action = true;
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        let inner = self.rest().get(2..).unwrap_or("");
        let Some(end) = inner.find("*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.pos += 2 + end + 2;
        let Some(trim) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.skip_right_delim(trim);
        None
    }

    /// Whether `}}` is next, and with the marker that trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && rest.get(2..).is_some_and(|s| s.starts_with("}}")) {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    fn skip_right_delim(&mut self, trim: bool) {
        self.pos += if trim { 4 } else { 2 };
        if trim {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(SPACES).len();
        }
        self.start = self.pos;
    }

    fn right_delim(&mut self, trim: bool) -> Token {
        if trim {
            self.start += 2;
        }
        self.pos = self.start + 2;
        let token = self.token(Kind::RightDelim);
        if trim {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(SPACES).len();
            self.start = self.pos;
        }
        self.in_action = false;
        token
    }

    fn action(&mut self) -> Token {
        if let Some(trim) = self.at_right_delim() {
            if self.parens == 0 {
                return self.right_delim(trim);
            }
            return self.error("unclosed left paren");
        }
        let Some(c) = self.peek() else {
            return self.error("unclosed action");
        };
        match c {
            _ if is_space(c) => return self.space(),
            '.' => {
                let next = self.rest().as_bytes().get(1);
                if next.is_some_and(|b| !b.is_ascii_digit()) {
                    self.pos += 1;
                    return self.field_or_variable(Kind::Field);
                }
                return self.number();
            }
            '+' | '-' | '0'..='9' => return self.number(),
            _ if is_name_char(c) => return self.identifier(),
            _ => {}
        }
        self.advance();
        match c {
            '=' => self.token(Kind::Assign),
            ':' => match self.advance() {
                Some('=') => self.token(Kind::Declare),
                _ => self.error("expected :="),
            },
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::Str, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(at) => {
                    self.pos += at + 1;
                    self.token(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => {
                if self.at_terminator() {
                    return self.token(Kind::Variable);
                }
                self.field_or_variable(Kind::Variable)
            }
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(left) => {
                    self.parens = left;
                    self.token(Kind::RightParen)
                }
                None => self.error("unexpected right paren"),
            },
            '!'..='~' => self.token(Kind::Char),
            c => self.error(format!("unrecognized character in action: {}", quote::code_point(c))),
        }
    }

    fn space(&mut self) -> Token {
        let rest = self.rest();
        let len = rest.len() - rest.trim_start_matches(SPACES).len();
        // The last space may belong to a delimiter that trims.
        let last = self.pos + len - 1;
        let tail = self.input.get(last..).unwrap_or("");
        if trims_right(tail) && tail.get(2..).is_some_and(|s| s.starts_with("}}")) {
            if len == 1 {
                return self.right_delim(true);
            }
            self.pos = last;
        } else {
            self.pos += len;
        }
        self.token(Kind::Space)
    }

    fn skip_name(&mut self) {
        let rest = self.rest();
        self.pos += rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
    }

    /// The complaint about the character that follows a name.
    fn bad_character(&mut self) -> Token {
        let c = self.peek().map_or_else(|| "U+FFFFFFFFFFFFFFFF".to_owned(), quote::code_point);
        self.error(format!("bad character {c}"))
    }

    fn identifier(&mut self) -> Token {
        self.skip_name();
        let word = self.input.get(self.start..self.pos).unwrap_or("");
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match word {
            "true" | "false" => Kind::Bool,
            _ => Kind::keyword(word).unwrap_or(Kind::Identifier),
        };
        self.token(kind)
    }

    /// A name after the `.` or `$` that was read.
    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(if kind == Kind::Variable { Kind::Variable } else { Kind::Dot });
        }
        self.skip_name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.token(kind)
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with("}}"),
        }
    }

    /// The rest of a quoted text whose first quote was read; the parser looks at what is within.
    fn quoted(&mut self, end: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.advance() {
                Some('\\') => match self.advance() {
                    None | Some('\n') => return self.error(unterminated),
                    Some(_) => {}
                },
                None | Some('\n') => return self.error(unterminated),
                Some(c) if c == end => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token {
        let bad = |l: &mut Lexer<'a>| {
            let text = quote::double(l.input.get(l.start..l.pos).unwrap_or(""), false);
            l.error(format!("bad number syntax: {text}"))
        };
        if !self.scan_number() {
            return bad(self);
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            return self.token(Kind::Number);
        }
        if !self.scan_number() || !self.input.get(..self.pos).is_some_and(|s| s.ends_with('i')) {
            return bad(self);
        }
        self.token(Kind::Complex)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.pos += 1;
        }
        found
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        let mut exponent = "eE";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
                exponent = "pP";
            } else if self.accept("oO") {
                digits = "01234567_";
                exponent = "";
            } else if self.accept("bB") {
                digits = "01_";
                exponent = "";
            }
        }
        while self.accept(digits) {}
        if self.accept(".") {
            while self.accept(digits) {}
        }
        if self.accept(exponent) {
            self.accept("+-");
            while self.accept("0123456789_") {}
        }
        self.accept("i");
        if self.peek().is_some_and(is_name_char) {
            self.advance();
            return false;
        }
        true
    }
}
