//! Durations as Prometheus writes them: `1h30m`, `5m`, `1y2w3d4h5m6s7ms`. Values are milliseconds.

/// Why a text is not a duration, in Prometheus' words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("empty duration string")]
    Empty,
    /// Not numbers with units, largest unit first.
    #[error("not a valid duration string: {0:?}")]
    Syntax(String),
    /// A unit other than `ms s m h d w y`.
    #[error("unknown unit {unit:?} in duration {text:?}")]
    Unit {
        /// What stands where a unit should.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than 2^63 nanoseconds, about 292 years.
    #[error("duration out of range")]
    Range,
}

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Parses a duration as `model.ParseDuration`: a year has 365 days, a week 7, a day 24 hours; `0` needs no unit.
///
/// # Errors
/// When the text is not a duration, with Prometheus' message.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    match text {
        "0" => return Ok(0),
        "" => return Err(DurationError::Empty),
        _ => {}
    }
    let syntax = || DurationError::Syntax(text.to_owned());
    let mut rest = text;
    let mut total = 0u64;
    let mut smallest = None;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| syntax())?;
        let letters = after.bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (unit, after) = after.split_at(letters);
        rest = after;
        if unit.is_empty() {
            return Err(syntax());
        }
        let Some(at) = UNITS.iter().position(|(u, _)| *u == unit) else {
            return Err(DurationError::Unit { unit: unit.to_owned(), text: text.to_owned() });
        };
        if smallest.is_some_and(|s| at <= s) {
            return Err(syntax());
        }
        smallest = Some(at);
        total = number
            .checked_mul(UNITS[at].1)
            .and_then(|ms| total.checked_add(ms))
            .ok_or(DurationError::Range)?;
        // Prometheus counts nanoseconds in 63 bits.
        if total > (i64::MAX as u64) / 1_000_000 {
            return Err(DurationError::Range);
        }
    }
    Ok(total as i64)
}

/// As [`parse`], with an optional `-` in front (offsets).
///
/// # Errors
/// As [`parse`].
pub fn parse_signed(text: &str) -> Result<i64, DurationError> {
    match text.strip_prefix('-') {
        Some(rest) => parse(rest).map(|ms| -ms),
        None => parse(text),
    }
}

/// Milliseconds as `model.Duration.String()`: years and weeks only when nothing is left over, `0s` for zero.
pub fn format(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::with_capacity(16);
    if ms < 0 {
        out.push('-');
    }
    let mut left = ms.unsigned_abs();
    for (i, (unit, size)) in UNITS.iter().enumerate() {
        let exact_only = i < 2;
        if exact_only && !left.is_multiple_of(*size) {
            continue;
        }
        let n = left / size;
        if n > 0 {
            out.push_str(&n.to_string());
            out.push_str(unit);
            left -= n * size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ms: i64, canonical: &str) {
        assert_eq!(parse_signed(text), Ok(ms), "{text}");
        assert_eq!(format(ms), canonical, "{text}");
    }

    #[test]
    fn reads_and_writes() {
        check("0", 0, "0s");
        check("0s", 0, "0s");
        check("324ms", 324, "324ms");
        check("3s", 3000, "3s");
        check("5m", 300_000, "5m");
        check("1h30m", 5_400_000, "1h30m");
        check("4d", 345_600_000, "4d");
        check("4d1h", 349_200_000, "4d1h");
        check("14d", 1_209_600_000, "2w");
        check("3w2d1h", 1_990_800_000, "23d1h");
        check("10y", 315_360_000_000, "10y");
        check("1y1w", 32_140_800_000, "372d");
        check("1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_706_007, "382d4h5m6s7ms");
        check("-1m30s", -90_000, "-1m30s");
    }

    #[test]
    fn refuses_in_prometheus_words() {
        let says = |t: &str| parse(t).unwrap_err().to_string();
        assert_eq!(says(""), "empty duration string");
        assert_eq!(says("1"), "not a valid duration string: \"1\"");
        assert_eq!(says("-1m"), "not a valid duration string: \"-1m\"");
        assert_eq!(says("1m1m"), "not a valid duration string: \"1m1m\"");
        assert_eq!(says("1s1m"), "not a valid duration string: \"1s1m\"");
        assert_eq!(says("1x"), "unknown unit \"x\" in duration \"1x\"");
        assert_eq!(says("1.5d"), "unknown unit \".\" in duration \"1.5d\"");
        assert_eq!(says("300y"), "duration out of range");
        assert_eq!(says("99999999999999999999s"), "not a valid duration string: \"99999999999999999999s\"");
    }

    #[test]
    fn what_is_written_reads_back() {
        for ms in [1, 999, 1001, 59_999, 86_400_001, 604_800_000, 31_536_000_000, 9_223_372_036_854] {
            assert_eq!(parse(&format(ms)), Ok(ms));
        }
    }
}
