//! Dice that fall the same way for the same number.

use serde_json::{Map, Value};

/// A sequence of numbers without a pattern.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice number `n`.
    pub(crate) fn new(n: u64) -> Dice {
        let mut d = Dice(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d);
        for _ in 0..8 {
            d.next();
        }
        d
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub(crate) fn of(&mut self, n: usize) -> usize {
        ((self.next() >> 33) % n.max(1) as u64) as usize
    }

    /// True in so many of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.of(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.of(list.len())]
    }

    /// Puts a value with a probability.
    pub(crate) fn maybe(
        &mut self,
        percent: usize,
        map: &mut Map<String, Value>,
        key: &str,
        make: impl FnOnce(&mut Dice) -> Value,
    ) {
        if self.chance(percent) {
            let value = make(self);
            map.insert(key.to_owned(), value);
        }
    }
}
