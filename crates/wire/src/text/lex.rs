//! Tokens of the text format: the states and rules of Prometheus' lexer, by hand.
//!
//! A body that does not end in a newline is read as if it did.

/// A token; its text is `Lexer::text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Invalid,
    Eof,
    Linebreak,
    Help,
    Type,
    Text,
    Comment,
    MetricName,
    Quoted,
    BraceOpen,
    BraceClose,
    LabelName,
    LabelValue,
    Comma,
    Equal,
    Timestamp,
    Value,
}

impl Token {
    /// The name that Prometheus' messages give the token.
    pub(super) fn name(self) -> &'static str {
        match self {
            Token::Invalid => "INVALID",
            Token::Eof => "EOF",
            Token::Linebreak => "LINEBREAK",
            Token::Help => "HELP",
            Token::Type => "TYPE",
            Token::Text => "TEXT",
            Token::Comment => "COMMENT",
            Token::MetricName => "MNAME",
            Token::Quoted => "QSTRING",
            Token::BraceOpen => "BOPEN",
            Token::BraceClose => "BCLOSE",
            Token::LabelName => "LNAME",
            Token::LabelValue => "LVALUE",
            Token::Comma => "COMMA",
            Token::Equal => "EQUAL",
            Token::Timestamp => "TIMESTAMP",
            Token::Value => "VALUE",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    Comment,
    MetaName,
    MetaText,
    Labels,
    LabelValue,
    Value,
    Timestamp,
}

/// The lexer: `start..end` is the token it returned last.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    pub(super) body: &'a [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    /// Length of the body with its last newline, which may not be there in fact.
    len: usize,
    state: State,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(body: &'a [u8]) -> Lexer<'a> {
        let missing_newline = !body.is_empty() && body.last() != Some(&b'\n');
        Lexer {
            body,
            start: 0,
            end: 0,
            len: body.len() + usize::from(missing_newline),
            state: State::LineStart,
        }
    }

    /// Goes on at the start of a line.
    pub(super) fn restart_at(&mut self, at: usize) {
        self.start = at;
        self.end = at;
        self.state = State::LineStart;
    }

    /// The bytes of the last token.
    pub(super) fn text(&self) -> &'a [u8] {
        self.slice(self.start, self.end)
    }

    /// Bytes `from..to`, as many as there are.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.body.get(from..to.min(self.body.len())).unwrap_or(&[])
    }

    /// Where the last line that is there in full ends, newline included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn byte(&self, i: usize) -> u8 {
        self.body.get(i).copied().unwrap_or(b'\n')
    }

    /// The next token that is not white space.
    pub(super) fn next(&mut self) -> Token {
        self.start = self.end;
        if self.start >= self.len {
            return Token::Eof;
        }
        if self.state == State::MetaText {
            return self.meta_text();
        }
        while matches!(self.byte(self.end), b' ' | b'\t') {
            self.end += 1;
        }
        self.start = self.end;
        let c = self.byte(self.start);
        match self.state {
            State::LineStart => self.line_start(c),
            State::MetaName => self.meta_name(c),
            State::Labels => self.label_token(c),
            State::LabelValue if c == b'"' => self.quoted(Token::LabelValue, State::Labels, true),
            State::Value if c == b'{' => self.one(Token::BraceOpen, State::Labels),
            State::Value if !matches!(c, b'\n' | 0) => self.value(),
            State::Timestamp if c == b'\n' => self.one(Token::Linebreak, State::LineStart),
            State::Timestamp if c.is_ascii_digit() => {
                self.take_while(|b| b.is_ascii_digit());
                Token::Timestamp
            }
            _ => Token::Invalid,
        }
    }

    fn one(&mut self, token: Token, state: State) -> Token {
        self.end = self.start + 1;
        self.state = state;
        token
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) {
        let rest = self.body.get(self.end..).unwrap_or(&[]);
        self.end += rest.iter().position(|b| !accept(*b)).unwrap_or(rest.len());
    }

    fn line_start(&mut self, c: u8) -> Token {
        match c {
            // A zero byte ends the body without an error, as in Prometheus.
            0 => Token::Eof,
            b'\n' => self.one(Token::Linebreak, State::LineStart),
            b'{' => self.one(Token::BraceOpen, State::Labels),
            b'#' => self.after_hash(),
            c if is_metric_start(c) => {
                self.take_while(is_metric_byte);
                self.state = State::Value;
                Token::MetricName
            }
            _ => Token::Invalid,
        }
    }

    fn after_hash(&mut self) -> Token {
        self.end += 1;
        if !matches!(self.byte(self.end), b' ' | b'\t') {
            return self.comment();
        }
        self.take_while(is_blank);
        self.state = State::Comment;
        let rest = self.slice(self.end, self.body.len());
        let token = if rest.starts_with(b"HELP") {
            Token::Help
        } else if rest.starts_with(b"TYPE") {
            Token::Type
        } else {
            return self.comment();
        };
        if !rest.get(4).copied().is_some_and(is_blank) {
            return self.comment();
        }
        self.end += 4;
        self.take_while(is_blank);
        self.state = State::MetaName;
        token
    }

    fn comment(&mut self) -> Token {
        self.skip_line();
        self.state = State::LineStart;
        Token::Comment
    }

    fn skip_line(&mut self) {
        let rest = self.body.get(self.end..).unwrap_or(&[]);
        self.end += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn meta_name(&mut self, c: u8) -> Token {
        if c == b'"' {
            return self.quoted(Token::MetricName, State::MetaText, false);
        }
        if !is_metric_start(c) {
            return Token::Invalid;
        }
        self.take_while(is_metric_byte);
        self.state = State::MetaText;
        Token::MetricName
    }

    /// The rest of the line with the blank before it; a blank line of nothing but white space is empty text.
    fn meta_text(&mut self) -> Token {
        self.skip_line();
        self.state = State::LineStart;
        if self.text().iter().all(|b| is_blank(*b)) {
            self.start = self.end;
        }
        Token::Text
    }

    fn label_token(&mut self, c: u8) -> Token {
        match c {
            b'"' => self.quoted(Token::Quoted, State::Labels, false),
            b'}' => self.one(Token::BraceClose, State::Value),
            b'=' => self.one(Token::Equal, State::LabelValue),
            b',' => self.one(Token::Comma, State::Labels),
            c if c.is_ascii_alphabetic() || c == b'_' => {
                self.take_while(|b| b.is_ascii_alphanumeric() || b == b'_');
                Token::LabelName
            }
            _ => Token::Invalid,
        }
    }

    /// A quoted string; it may hold newlines. Zero bytes are taken in label values only.
    fn quoted(&mut self, token: Token, state: State, zeros: bool) -> Token {
        let mut i = self.start + 1;
        loop {
            let rest = self.body.get(i..).unwrap_or(&[]);
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                self.end = self.body.len();
                return Token::Invalid;
            };
            if !zeros && let Some(zero) = memchr::memchr(0, rest.get(..found).unwrap_or(&[])) {
                self.end = i + zero;
                return Token::Invalid;
            }
            i += found;
            if self.byte(i) == b'"' {
                self.end = i + 1;
                self.state = state;
                return token;
            }
            i += 1;
            while zeros && self.body.get(i) == Some(&0) {
                i += 1;
            }
            if matches!(self.byte(i), b'\n' | 0) {
                self.end = i;
                return Token::Invalid;
            }
            i += 1;
        }
    }

    fn value(&mut self) -> Token {
        self.take_while(|b| !matches!(b, b'{' | b' ' | b'\t' | b'\n' | 0));
        self.state = State::Timestamp;
        Token::Value
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

fn is_metric_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || matches!(b, b'_' | b':')
}

fn is_metric_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b':')
}
