//! Integers by their verbs.

use super::{Printer, quote};
use crate::value::Value;

impl Printer {
    /// An integer of value `v` (for complaints), signed or not.
    pub(super) fn integer(&mut self, v: &Value, n: i128, signed: bool, verb: char) {
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(n, 16, verb);
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.digits(n, 10, verb),
            'b' => self.digits(n, 2, verb),
            'o' | 'O' => self.digits(n, 8, verb),
            'x' | 'X' => self.digits(n, 16, verb),
            'c' => {
                let c = character(n);
                self.pad(c.encode_utf8(&mut [0; 4]));
            }
            'q' => self.pad(&quote::single(character(n), self.flags.plus)),
            'U' => self.unicode(n),
            _ => self.bad_verb(v, verb),
        }
    }

    fn digits(&mut self, n: i128, base: u32, verb: char) {
        let f = self.flags;
        if f.precision == Some(0) && n == 0 {
            let zero = std::mem::replace(&mut self.flags.zero, false);
            self.padding(f.width.unwrap_or(0));
            self.flags.zero = zero;
            return;
        }
        let least = match (f.precision, f.width) {
            (Some(p), _) => p,
            (None, Some(w)) if f.zero && !f.minus => {
                w.saturating_sub(usize::from(n < 0 || f.plus || f.space))
            }
            _ => 0,
        };
        let u = n.unsigned_abs();
        let mut digits = match base {
            2 => format!("{u:b}"),
            8 => format!("{u:o}"),
            16 if verb == 'X' => format!("{u:X}"),
            16 => format!("{u:x}"),
            _ => u.to_string(),
        };
        let missing = least.saturating_sub(digits.len()).min(self.limit + 1);
        digits.insert_str(0, &"0".repeat(missing));
        if f.sharp {
            let prefix = match base {
                2 => "0b",
                8 if !digits.starts_with('0') => "0",
                16 if verb == 'X' => "0X",
                16 => "0x",
                _ => "",
            };
            digits.insert_str(0, prefix);
        }
        if verb == 'O' {
            digits.insert_str(0, "0o");
        }
        let sign = match () {
            () if n < 0 => "-",
            () if f.plus => "+",
            () if f.space => " ",
            () => "",
        };
        digits.insert_str(0, sign);
        self.pad_with_spaces(&digits);
    }

    /// `U+0041`, with `#` the character too.
    fn unicode(&mut self, n: i128) {
        let least = self.flags.precision.filter(|p| *p > 4).unwrap_or(4).min(self.limit + 1);
        // Go prints negative numbers as the unsigned ones that have the same bits.
        let bits = n as u64;
        let digits = format!("{bits:X}");
        let mut text = format!("U+{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        if self.flags.sharp
            && let Some(c) = u32::try_from(bits).ok().and_then(char::from_u32)
            && crate::letters::is_print(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_spaces(&text);
    }
}

fn character(n: i128) -> char {
    u32::try_from(n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}
