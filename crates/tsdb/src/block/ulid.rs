//! ULIDs: the names of blocks, 48 bits of milliseconds and 80 random bits in Crockford's base 32.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use tortie_host::{Clock, Rng};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The name of a block. Its order is the order of its text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(pub u128);

impl Ulid {
    /// Milliseconds since the epoch at which it was made.
    pub fn time_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 26];
        for (i, c) in text.iter_mut().enumerate() {
            let five = (self.0 >> (5 * (25 - i))) & 31;
            *c = ALPHABET.get(five as usize).copied().unwrap_or(b'0');
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or(""))
    }
}

/// The text is not a ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ULID: 26 characters of 0-9 A-Z without I L O U are expected")]
pub struct NotAUlid;

impl FromStr for Ulid {
    type Err = NotAUlid;

    fn from_str(s: &str) -> Result<Ulid, NotAUlid> {
        // The first character carries 3 bits only.
        if s.len() != 26 || !matches!(s.as_bytes().first(), Some(b'0'..=b'7')) {
            return Err(NotAUlid);
        }
        let mut n: u128 = 0;
        for c in s.bytes() {
            let five = ALPHABET.iter().position(|&a| a == c.to_ascii_uppercase()).ok_or(NotAUlid)?;
            n = (n << 5) | five as u128;
        }
        Ok(Ulid(n))
    }
}

impl serde::Serialize for Ulid {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Ulid {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Ulid, D::Error> {
        let s = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?;
        s.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes names that do not repeat.
pub struct UlidSource {
    rng: Mutex<Rng>,
}

impl UlidSource {
    /// A source whose random part starts at `seed`.
    pub fn new(seed: u64) -> UlidSource {
        UlidSource { rng: Mutex::new(Rng::new(seed)) }
    }

    /// A new name with the clock's time.
    pub fn make(&self, clock: &dyn Clock) -> Ulid {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = (clock.now_ms().max(0) as u128) & ((1 << 48) - 1);
        let random = (u128::from(rng.next_u64()) << 16) | u128::from(rng.next_u64() & 0xffff);
        Ulid((ms << 80) | random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::ManualClock;

    #[test]
    fn text_form_round_trips_and_sorts_as_the_number() {
        let text = "01BKGV7JBM69T2G1BGBGM6KB12";
        let id: Ulid = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        let source = UlidSource::new(7);
        let early = source.make(&ManualClock::at(1_000));
        let late = source.make(&ManualClock::at(2_000));
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.time_ms(), 2_000);
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "wal",
            "01BKGV7JBM69T2G1BGBGM6KB1",
            "81BKGV7JBM69T2G1BGBGM6KB12",
            "01BKGV7JBM69T2G1BGBGM6KBI2",
        ] {
            assert!(bad.parse::<Ulid>().is_err(), "{bad}");
        }
    }
}
