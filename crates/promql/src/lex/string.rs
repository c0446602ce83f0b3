//! Texts in quotes.

use super::{Kind, Lexer, Result};
use crate::go_text::describe_char;

impl Lexer<'_> {
    /// A text whose opening quote has been read.
    pub(super) fn string(&mut self, quote: char) -> Result<Kind> {
        loop {
            match self.bump() {
                Some(c) if c == quote => return Ok(Kind::Str),
                Some(char::REPLACEMENT_CHARACTER) => return self.fail("invalid UTF-8 rune"),
                None if quote == '`' => return self.fail("unterminated raw string"),
                Some(_) if quote == '`' => {}
                Some('\\') => self.escape(quote)?,
                None | Some('\n') => return self.fail("unterminated quoted string"),
                Some(_) => {}
            }
        }
    }

    /// An escape whose backslash has been read.
    fn escape(&mut self, quote: char) -> Result<()> {
        let Some(c) = self.bump() else {
            return self.fail("escape sequence not terminated");
        };
        let (count, base, max) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
            c if c == quote => return Ok(()),
            '0'..='7' => (3, 8, 255),
            'x' => (2, 16, 255),
            'u' => (4, 16, u32::from(char::MAX)),
            'U' => (8, 16, u32::from(char::MAX)),
            c => return self.fail(format!("unknown escape sequence {}", describe_char(c))),
        };
        let mut value = 0u32;
        // The first octal digit is the one that said so.
        let mut first = (base == 8).then_some(c);
        for _ in 0..count {
            let Some(c) = first.take().or_else(|| self.bump()) else {
                return self.fail("escape sequence not terminated");
            };
            let Some(digit) = c.to_digit(base) else {
                return self.fail(format!("illegal character {} in escape sequence", describe_char(c)));
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            return self.fail("escape sequence is an invalid Unicode code point");
        }
        Ok(())
    }
}
