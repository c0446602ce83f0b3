//! Go's regular expression syntax (`regexp/syntax`, flags as `regexp.Compile` sets them) to an intermediate form that
//! `regex-automata` compiles.
//!
//! Rust's own syntax accepts other patterns and gives some the other meaning (`\d`, `\<`, `[a&&b]`, `a{`), so
//! patterns that people wrote for Prometheus need this parser. Messages are Go's.

use super::RegexError;
use super::class;
use super::node::Node;
use regex_syntax::hir::{ClassUnicode, Look};

/// Deepest nesting that Go accepts.
pub(super) const MAX_HEIGHT: u32 = 1000;
/// Most instructions that Go's compiler accepts: 128 MiB of 40 bytes.
pub(super) const MAX_SIZE: u64 = (128 << 20) / 40;
/// Most copies that counted repetitions may make of one thing.
const MAX_REPEAT: u64 = 1000;

/// A parsed pattern.
pub(super) struct Parsed {
    /// The whole.
    pub(super) node: Node,
    /// Names of the groups; 0 is the whole match.
    pub(super) groups: Vec<Option<String>>,
}

#[derive(Clone, Copy)]
struct Flags {
    fold: bool,
    dot_newline: bool,
    multi_line: bool,
    lazy: bool,
}

/// What stands between a parenthesis (or the start) and the place that is read.
struct Frame {
    /// Finished branches of the alternation.
    branches: Vec<Node>,
    /// Pieces of the branch that is read.
    pieces: Vec<Node>,
    /// Group number, or none for `(?:`.
    group: Option<u32>,
    /// Flags to restore at the closing parenthesis.
    outer: Flags,
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    flags: Flags,
    stack: Vec<Frame>,
    current: Frame,
    groups: Vec<Option<String>>,
}

/// Parses `pattern`; `dot_newline` is the initial state of flag `s`.
pub(super) fn parse(pattern: &str, dot_newline: bool) -> Result<Parsed, RegexError> {
    let flags = Flags { fold: false, dot_newline, multi_line: false, lazy: false };
    let current = Frame { branches: Vec::new(), pieces: Vec::new(), group: None, outer: flags };
    let mut p =
        Parser { whole: pattern, rest: pattern, flags, stack: Vec::new(), current, groups: vec![None] };
    p.pattern()
}

fn error(message: &str, expr: &str) -> RegexError {
    RegexError { message: format!("{message}: `{expr}`") }
}

/// `text` without its suffix `rest`.
fn before<'a>(text: &'a str, rest: &str) -> &'a str {
    text.get(..text.len() - rest.len()).unwrap_or(text)
}

fn next_char(s: &str) -> Option<(char, &str)> {
    let mut chars = s.chars();
    chars.next().map(|c| (c, chars.as_str()))
}

impl<'a> Parser<'a> {
    fn pattern(&mut self) -> Result<Parsed, RegexError> {
        // The text from the last repetition operator on, when the piece before the reading place is a repetition.
        let mut last_repeat: Option<&'a str> = None;
        while let Some((c, after)) = next_char(self.rest) {
            let mut repeat = None;
            match c {
                '(' => self.open()?,
                '|' => {
                    self.rest = after;
                    self.end_branch()?;
                }
                ')' => {
                    self.rest = after;
                    self.close()?;
                }
                '^' => self.look(after, if self.flags.multi_line { Look::StartLF } else { Look::Start })?,
                '$' => self.look(after, if self.flags.multi_line { Look::EndLF } else { Look::End })?,
                '.' => {
                    self.rest = after;
                    let mut any = class::range(0, 0x10_ffff);
                    if !self.flags.dot_newline {
                        any.difference(&class::range(0x0a, 0x0a));
                    }
                    self.class(any)?;
                }
                '[' => self.bracket()?,
                '*' | '+' | '?' => {
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    repeat = Some(self.rest);
                    self.repeat(min, max, after, last_repeat, false)?;
                }
                '{' => match counts(self.rest) {
                    None => {
                        self.rest = after;
                        self.literal(u32::from('{'))?;
                    }
                    Some((min, max, tail)) => {
                        if !(0..=1000).contains(&min) || max > 1000 || (max >= 0 && min > max) {
                            return Err(error("invalid repeat count", before(self.rest, tail)));
                        }
                        repeat = Some(self.rest);
                        self.repeat(min as u32, u32::try_from(max).ok(), tail, last_repeat, true)?;
                    }
                },
                '\\' => self.backslash()?,
                c => {
                    self.rest = after;
                    self.literal(u32::from(c))?;
                }
            }
            last_repeat = repeat;
        }
        if !self.stack.is_empty() {
            return Err(error("missing closing )", self.whole));
        }
        let node = self.end_frame()?;
        Ok(Parsed { node, groups: std::mem::take(&mut self.groups) })
    }

    fn push(&mut self, node: Node) -> Result<(), RegexError> {
        self.check(&node)?;
        self.current.pieces.push(node);
        Ok(())
    }

    fn check(&self, node: &Node) -> Result<(), RegexError> {
        if node.size > MAX_SIZE {
            return Err(error("expression too large", self.whole));
        }
        if node.height > MAX_HEIGHT {
            return Err(error("expression nests too deeply", self.whole));
        }
        Ok(())
    }

    fn look(&mut self, after: &'a str, look: Look) -> Result<(), RegexError> {
        self.rest = after;
        self.push(Node::look(look))
    }

    fn literal(&mut self, c: u32) -> Result<(), RegexError> {
        let node = match char::from_u32(c) {
            Some(c) if !self.flags.fold => Node::literal(c),
            _ => {
                let mut one = class::range(c, c);
                if self.flags.fold {
                    class::fold(&mut one);
                }
                Node::class(one)
            }
        };
        self.push(node)
    }

    fn class(&mut self, class: ClassUnicode) -> Result<(), RegexError> {
        self.push(Node::class(class))
    }

    fn end_branch(&mut self) -> Result<(), RegexError> {
        let node = Node::concat(std::mem::take(&mut self.current.pieces));
        self.check(&node)?;
        self.current.branches.push(node);
        Ok(())
    }

    fn end_frame(&mut self) -> Result<Node, RegexError> {
        self.end_branch()?;
        let node = Node::alternate(std::mem::take(&mut self.current.branches));
        self.check(&node)?;
        Ok(node)
    }

    fn close(&mut self) -> Result<(), RegexError> {
        let node = self.end_frame()?;
        let Some(parent) = self.stack.pop() else {
            return Err(error("unexpected )", self.whole));
        };
        let done = std::mem::replace(&mut self.current, parent);
        self.flags = done.outer;
        match done.group {
            Some(index) => self.push(Node::capture(index, node)),
            None => self.push(node),
        }
    }

    fn open_frame(&mut self, group: Option<u32>) {
        let frame = Frame { branches: Vec::new(), pieces: Vec::new(), group, outer: self.flags };
        self.stack.push(std::mem::replace(&mut self.current, frame));
    }

    fn open_group(&mut self, name: Option<String>) {
        self.open_frame(Some(self.groups.len() as u32));
        self.groups.push(name);
    }

    fn open(&mut self) -> Result<(), RegexError> {
        let Some(t) = self.rest.strip_prefix("(?") else {
            self.rest = self.rest.get(1..).unwrap_or("");
            self.open_group(None);
            return Ok(());
        };
        let named = match t.as_bytes() {
            [b'P', b'<', _, ..] => t.get(2..),
            [b'<', _, ..] => t.get(1..),
            _ => None,
        };
        let Some(named) = named else { return self.open_flags(t) };
        let Some((name, after)) = named.split_once('>') else {
            return Err(error("invalid named capture", self.rest));
        };
        if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
            return Err(error("invalid named capture", before(self.rest, after)));
        }
        self.rest = after;
        self.open_group(Some(name.to_owned()));
        Ok(())
    }

    /// Flags and perhaps a group without a number; `t` follows `(?`.
    fn open_flags(&mut self, mut t: &'a str) -> Result<(), RegexError> {
        let start = self.rest;
        let mut flags = self.flags;
        let (mut on, mut saw_flag) = (true, false);
        while let Some((c, after)) = next_char(t) {
            t = after;
            match c {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    (on, saw_flag) = (false, false);
                    continue;
                }
                ':' | ')' if on || saw_flag => {
                    if c == ':' {
                        self.open_frame(None);
                    }
                    self.flags = flags;
                    self.rest = t;
                    return Ok(());
                }
                _ => break,
            }
            saw_flag = true;
        }
        Err(error("invalid or unsupported Perl syntax", before(start, t)))
    }

    /// Repeats the piece before. `after` follows the operator; `counted` tells `{n,m}` from `*`, `+` and `?`.
    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        after: &'a str,
        last: Option<&'a str>,
        counted: bool,
    ) -> Result<(), RegexError> {
        let start = self.rest;
        let (after, swap) = match after.strip_prefix('?') {
            Some(rest) => (rest, true),
            None => (after, false),
        };
        if let Some(last) = last {
            return Err(error("invalid nested repetition operator", before(last, after)));
        }
        let Some(piece) = self.current.pieces.pop() else {
            return Err(error("missing argument to repetition operator", before(start, after)));
        };
        let node = Node::repeat(piece, min, max, self.flags.lazy == swap, counted);
        self.check(&node)?;
        if counted && (min >= 2 || max.is_some_and(|m| m >= 2)) && node.copies > MAX_REPEAT {
            return Err(error("invalid repeat count", before(start, after)));
        }
        self.rest = after;
        self.current.pieces.push(node);
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), RegexError> {
        let t = self.rest;
        let after = t.get(2..);
        match (t.as_bytes().get(1), after) {
            (Some(b'A'), Some(after)) => return self.look(after, Look::Start),
            (Some(b'z'), Some(after)) => return self.look(after, Look::End),
            (Some(b'b'), Some(after)) => return self.look(after, Look::WordAscii),
            (Some(b'B'), Some(after)) => return self.look(after, Look::WordAsciiNegate),
            (Some(b'C'), Some(after)) => return Err(error("invalid escape sequence", before(t, after))),
            (Some(b'Q'), Some(after)) => {
                let (text, after) = after.split_once(r"\E").unwrap_or((after, ""));
                self.rest = after;
                for c in text.chars() {
                    self.literal(u32::from(c))?;
                }
                return Ok(());
            }
            _ => {}
        }
        if let Some((class, after)) = self.class_escape(t)? {
            self.rest = after;
            return self.class(class);
        }
        let (c, after) = escape(t)?;
        self.rest = after;
        self.literal(c)
    }

    /// `\pL`, `\p{Greek}`, `\d` and the like, or nothing when `t` starts with none of them.
    fn class_escape(&self, t: &'a str) -> Result<Option<(ClassUnicode, &'a str)>, RegexError> {
        let Some(&letter) = t.as_bytes().get(1).filter(|_| t.starts_with('\\')) else { return Ok(None) };
        if !matches!(letter, b'p' | b'P') {
            return Ok(class::perl(letter, self.flags.fold).zip(t.get(2..)));
        }
        let mut negated = letter == b'P';
        let Some((c, mut after)) = t.get(2..).and_then(next_char) else {
            // Go reads a rune of nothing here and finds no group of that name.
            return Err(error("invalid character class range", t));
        };
        let mut name = before(t.get(2..).unwrap_or(""), after);
        if c == '{' {
            let Some((inner, rest)) = after.split_once('}') else {
                return Err(error("invalid character class range", t));
            };
            (name, after) = (inner, rest);
        }
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest;
        }
        let Some(mut found) = class::unicode(name) else {
            return Err(error("invalid character class range", before(t, after)));
        };
        if self.flags.fold {
            class::fold(&mut found);
        }
        if negated {
            found.negate();
        }
        Ok(Some((found, after)))
    }

    fn bracket(&mut self) -> Result<(), RegexError> {
        let whole = self.rest;
        let mut t = whole.get(1..).unwrap_or("");
        let negated = t.starts_with('^');
        if negated {
            t = t.get(1..).unwrap_or("");
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !t.starts_with(']') {
            first = false;
            if t.len() > 2
                && t.starts_with("[:")
                && let Some(end) = t.get(2..).and_then(|s| s.find(":]"))
            {
                let (name, after) = t.split_at(end + 4);
                let found = class::posix(name, self.flags.fold)
                    .ok_or_else(|| error("invalid character class range", name))?;
                class.union(&found);
                t = after;
                continue;
            }
            if let Some((found, after)) = self.class_escape(t)? {
                class.union(&found);
                t = after;
                continue;
            }
            let start = t;
            let (lo, after) = class_char(t, whole)?;
            t = after;
            let mut hi = lo;
            if t.len() >= 2 && t.starts_with('-') && !t.starts_with("-]") {
                (hi, t) = class_char(t.get(1..).unwrap_or(""), whole)?;
                if hi < lo {
                    return Err(error("invalid character class range", before(start, t)));
                }
            }
            let mut found = class::range(lo, hi);
            if self.flags.fold {
                class::fold(&mut found);
            }
            class.union(&found);
        }
        if negated {
            class.negate();
        }
        self.rest = t.get(1..).unwrap_or("");
        self.class(class)
    }
}

fn class_char<'a>(s: &'a str, whole: &str) -> Result<(u32, &'a str), RegexError> {
    if s.starts_with('\\') {
        return escape(s);
    }
    let (c, after) = next_char(s).ok_or_else(|| error("missing closing ]", whole))?;
    Ok((u32::from(c), after))
}

/// The character of an escape at the start of `s`, as a code point (surrogates are possible), and what follows.
fn escape(s: &str) -> Result<(u32, &str), RegexError> {
    let t = s.get(1..).unwrap_or("");
    let Some((c, mut t)) = next_char(t) else {
        return Err(error("trailing backslash at end of expression", ""));
    };
    let is_octal = |t: &str| matches!(t.as_bytes().first(), Some(b'0'..=b'7'));
    match c {
        // A single digit would be a back reference, which Go has not.
        '1'..='7' if !is_octal(t) => {}
        '0'..='7' => {
            let mut value = u32::from(c) - u32::from('0');
            for _ in 0..2 {
                let Some((d, after)) = next_char(t).filter(|_| is_octal(t)) else { break };
                value = value * 8 + u32::from(d) - u32::from('0');
                t = after;
            }
            return Ok((value, t));
        }
        'x' => match hex_escape(t) {
            (Some(value), after) => return Ok((value, after)),
            (None, after) => t = after,
        },
        'a' => return Ok((0x07, t)),
        'f' => return Ok((0x0c, t)),
        'n' => return Ok((0x0a, t)),
        'r' => return Ok((0x0d, t)),
        't' => return Ok((0x09, t)),
        'v' => return Ok((0x0b, t)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => return Ok((u32::from(c), t)),
        _ => {}
    }
    Err(error("invalid escape sequence", before(s, t)))
}

/// What follows `\x`: two digits or any number in braces; with none the text up to where reading failed.
fn hex_escape(t: &str) -> (Option<u32>, &str) {
    let Some((c, mut t)) = next_char(t) else { return (None, t) };
    if c != '{' {
        let Some((d, after)) = next_char(t) else { return (None, t) };
        let value = c.to_digit(16).zip(d.to_digit(16)).map(|(x, y)| x * 16 + y);
        return (value, after);
    }
    let (mut value, mut digits) = (0u32, 0);
    while let Some((c, after)) = next_char(t) {
        t = after;
        match c.to_digit(16) {
            None if c == '}' && digits > 0 => return (Some(value), t),
            None => return (None, t),
            Some(d) => value = value * 16 + d,
        }
        if value > 0x10_ffff {
            return (None, t);
        }
        digits += 1;
    }
    (None, t)
}

/// `{min}`, `{min,}` (max -1) or `{min,max}` and what follows; min is -1 when a number is too big. `None` when the
/// braces are no repetition and so stand for themselves.
fn counts(s: &str) -> Option<(i64, i64, &str)> {
    let (mut min, s) = count(s.strip_prefix('{')?)?;
    let (max, s) = match s.strip_prefix(',') {
        None => (min, s),
        Some(s) if s.starts_with('}') => (-1, s),
        Some(s) => {
            let (max, s) = count(s)?;
            if max < 0 {
                min = -1;
            }
            (max, s)
        }
    };
    Some((min, max, s.strip_prefix('}')?))
}

fn count(s: &str) -> Option<(i64, &str)> {
    let n = s.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = s.split_at(n);
    // Leading zeros make it no number.
    if n == 0 || (n > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((if n > 8 { -1 } else { digits.parse().unwrap_or(-1) }, rest))
}
