//! The format of `printf`: flags, widths, precisions, numbered arguments.

use super::{Flags, Printer};
use crate::value::Value;

/// Largest width or precision.
const MAX: usize = 1_000_000;

/// Where a format is read, and which argument is next.
struct Reader<'a> {
    format: &'a str,
    at: usize,
    args: &'a [Value],
    next: usize,
    /// An argument was named by its number, so that left over ones say nothing.
    reordered: bool,
    /// The number of an argument was right.
    good: bool,
    /// The last thing read was a number in brackets.
    after_index: bool,
}

impl Printer {
    /// Writes by a format.
    pub(super) fn printf(&mut self, format: &str, args: &[Value]) {
        let mut r = Reader { format, at: 0, args, next: 0, reordered: false, good: true, after_index: false };
        while let Some(rest) = r.rest().filter(|s| !s.is_empty()) {
            if self.is_full() {
                return;
            }
            r.good = true;
            let plain = rest.find('%').unwrap_or(rest.len());
            let (text, verb) = rest.split_at(plain);
            self.out.push_str(text);
            r.at += plain;
            if verb.is_empty() {
                break;
            }
            r.at += 1;
            if !self.verb(&mut r) {
                break;
            }
        }
        if r.reordered || r.next >= args.len() {
            return;
        }
        self.flags = Flags::default();
        self.out.push_str("%!(EXTRA ");
        for (i, arg) in args.iter().skip(r.next).enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            match arg.held() {
                Value::Invalid => self.out.push_str("<nil>"),
                held => {
                    let name = held.type_name().to_owned();
                    self.out.push_str(&name);
                    self.out.push('=');
                    self.value(held, 'v', 0);
                }
            }
        }
        self.out.push(')');
    }

    /// One verb after its `%`; false at the end of the format.
    fn verb(&mut self, r: &mut Reader<'_>) -> bool {
        self.flags = Flags::default();
        loop {
            match r.byte() {
                Some(b'#') => self.flags.sharp = true,
                Some(b'0') => self.flags.zero = true,
                Some(b'+') => self.flags.plus = true,
                Some(b'-') => self.flags.minus = true,
                Some(b' ') => self.flags.space = true,
                // The common case: a verb without width, precision or number.
                Some(c @ b'a'..=b'z') if r.next < r.args.len() => {
                    r.at += 1;
                    self.argument(r, char::from(c));
                    return true;
                }
                _ => break,
            }
            r.at += 1;
        }
        r.index();
        self.width(r);
        self.precision(r);
        if !r.after_index {
            r.index();
        }
        let Some(verb) = r.rest().and_then(|s| s.chars().next()) else {
            self.out.push_str("%!(NOVERB)");
            return false;
        };
        r.at += verb.len_utf8();
        match verb {
            '%' => self.out.push('%'),
            _ if !r.good => self.out.push_str(&format!("%!{verb}(BADINDEX)")),
            _ if r.next >= r.args.len() => self.out.push_str(&format!("%!{verb}(MISSING)")),
            _ => self.argument(r, verb),
        }
        true
    }

    fn argument(&mut self, r: &mut Reader<'_>, verb: char) {
        let Some(arg) = r.args.get(r.next) else { return };
        r.next += 1;
        if verb == 'v' {
            self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
            self.flags.plus_v = std::mem::take(&mut self.flags.plus);
        }
        match (arg.held(), verb) {
            (Value::Invalid, 'T') => self.pad("<nil>"),
            (held, 'w') => self.bad_verb(held, 'w'),
            (held, verb) => self.value(held, verb, 0),
        }
    }

    fn width(&mut self, r: &mut Reader<'_>) {
        if r.byte() != Some(b'*') {
            self.flags.width = r.number();
            if r.after_index && self.flags.width.is_some() {
                r.good = false;
            }
            return;
        }
        r.at += 1;
        r.after_index = false;
        match r.int_argument() {
            None => self.out.push_str("%!(BADWIDTH)"),
            Some(n) => {
                self.flags.width = Some(n.unsigned_abs() as usize);
                if n < 0 {
                    self.flags.minus = true;
                    self.flags.zero = false;
                }
            }
        }
    }

    fn precision(&mut self, r: &mut Reader<'_>) {
        let follows = r.at + 1 < r.format.len();
        if r.byte() != Some(b'.') || !follows {
            return;
        }
        r.at += 1;
        if r.after_index {
            r.good = false;
        }
        r.index();
        if r.byte() != Some(b'*') {
            self.flags.precision = Some(r.number().unwrap_or(0));
            return;
        }
        r.at += 1;
        r.after_index = false;
        match r.int_argument().and_then(|n| usize::try_from(n).ok()) {
            Some(n) => self.flags.precision = Some(n),
            None => self.out.push_str("%!(BADPREC)"),
        }
    }
}

impl<'a> Reader<'a> {
    fn rest(&self) -> Option<&'a str> {
        self.format.get(self.at..)
    }

    fn byte(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    /// Digits, if any; a number beyond all measure swallows the rest of the format.
    fn number(&mut self) -> Option<usize> {
        let mut n = None;
        while let Some(d @ b'0'..=b'9') = self.byte() {
            let so_far = n.unwrap_or(0);
            if so_far > MAX {
                self.at = self.format.len();
                return None;
            }
            n = Some(so_far * 10 + usize::from(d - b'0'));
            self.at += 1;
        }
        n
    }

    /// `[3]`: the next argument is the third.
    fn index(&mut self) {
        self.after_index = false;
        if self.byte() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.rest().unwrap_or("");
        let Some(close) = rest.find(']').filter(|_| rest.len() >= 3) else {
            self.good = false;
            self.at += 1;
            return;
        };
        let digits = rest.get(1..close).unwrap_or("");
        self.at += close + 1;
        let number =
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<usize>().ok()).flatten();
        self.after_index = number.is_some();
        match number.and_then(|n| n.checked_sub(1)).filter(|n| *n < self.args.len()) {
            Some(n) => self.next = n,
            None => self.good = false,
        }
    }

    /// The next argument as a width or precision.
    fn int_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let n = match arg.held() {
            Value::Int(i) | Value::Int64(i) | Value::Month(i) | Value::Weekday(i) => *i,
            Value::Byte(b) => i64::from(*b),
            _ => return None,
        };
        (n.unsigned_abs() <= MAX as u64).then_some(n)
    }
}
