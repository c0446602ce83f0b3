//! Points in time as the API reads and writes them: seconds as a float, or RFC 3339. Values are milliseconds since the
//! Unix epoch, UTC.

/// Earliest time of the API (`-292273086-05-16T16:47:06Z`), milliseconds.
pub const MIN: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
/// Latest time of the API (`292277025-08-18T07:12:54.999999999Z`), milliseconds.
pub const MAX: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;

/// The text is neither seconds nor RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {0:?} to a valid timestamp")]
pub struct TimestampError(pub String);

/// Milliseconds of a time parameter of the API: a float of seconds (rounded to milliseconds) or RFC 3339.
///
/// # Errors
/// When the text is neither, with Prometheus' message.
pub fn parse(text: &str) -> Result<i64, TimestampError> {
    let error = || TimestampError(text.to_owned());
    if let Ok(v) = crate::gofloat::parse(text) {
        let (whole, fraction) = (v.trunc(), v.fract());
        // Prometheus' conversion of such floats depends on the machine; saying no is clearer.
        if !v.is_finite() || whole.abs() >= 9.2e15 {
            return Err(error());
        }
        return Ok(whole as i64 * 1000 + (fraction * 1000.0).round() as i64);
    }
    match text {
        "-292273086-05-16T16:47:06Z" => Ok(MIN),
        "292277025-08-18T07:12:54.999999999Z" => Ok(MAX),
        _ => rfc3339(text).ok_or_else(error),
    }
}

/// A time as RFC 3339 in UTC with as many digits of the fraction as it needs: `2024-05-01T10:00:00.5Z`.
pub fn format_rfc3339(ms: i64) -> String {
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date_of_days(days);
    let (s, milli) = (in_day / 1000, in_day % 1000);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if milli != 0 {
        out.push_str(format!(".{milli:03}").trim_end_matches('0'));
    }
    out.push('Z');
    out
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Months and days out of range carry over.
pub fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last; 400 years are 146,097 days.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month (1-12) and day (1-31) of a number of days since 1970-01-01.
pub fn date_of_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let (month, carry) = if m < 10 { (m + 3, 0) } else { (m - 9, 1) };
    (year_of_era + era * 400 + carry, month, day)
}

/// Whether a year has a 29th of February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month (1-12).
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn rfc3339(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    let year = digits(b, 0, 4)?;
    let month = sep(b, 4, b'-').and_then(|()| digits(b, 5, 2))?;
    let day = sep(b, 7, b'-').and_then(|()| digits(b, 8, 2))?;
    let hour = sep(b, 10, b'T').and_then(|()| digits(b, 11, 2))?;
    let minute = sep(b, 13, b':').and_then(|()| digits(b, 14, 2))?;
    let second = sep(b, 16, b':').and_then(|()| digits(b, 17, 2))?;
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let mut rest = b.get(19..)?;
    let mut milli = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        let n = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
        let (frac, after) = fraction.split_at(n);
        if n == 0 {
            return None;
        }
        // Digits below a millisecond are cut off, as Go's UnixMilli does.
        for i in 0..3 {
            milli = milli * 10 + frac.get(i).map_or(0, |d| i64::from(d - b'0'));
        }
        rest = after;
    }
    let offset_minutes = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), zone @ ..] if zone.len() == 5 => {
            let (h, m) = (digits(zone, 0, 2)?, sep(zone, 2, b':').and_then(|()| digits(zone, 3, 2))?);
            if h > 24 || m > 60 {
                return None;
            }
            if *sign == b'-' { -(h * 60 + m) } else { h * 60 + m }
        }
        _ => return None,
    };
    let seconds =
        days_of_date(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    Some(seconds * 1000 + milli)
}

fn digits(b: &[u8], at: usize, n: usize) -> Option<i64> {
    let part = b.get(at..at + n)?;
    part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |v, d| v * 10 + i64::from(d - b'0')))
}

fn sep(b: &[u8], at: usize, c: u8) -> Option<()> {
    (b.get(at) == Some(&c)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<i64>) {
        assert_eq!(parse(text).ok(), expect, "{text}");
    }

    #[test]
    fn seconds_and_rfc3339() {
        check("1435781451.781", Some(1_435_781_451_781));
        check("0.0005", Some(1));
        check("-1.5", Some(-1500));
        check("1e3", Some(1_000_000));
        check("2015-06-03T13:21:58.555Z", Some(1_433_337_718_555));
        check("2015-06-03T14:21:58.555+01:00", Some(1_433_337_718_555));
        check("2000-02-29T00:00:00Z", Some(951_782_400_000));
        check("1969-12-31T23:59:59.999Z", Some(-1));
        check("-292273086-05-16T16:47:06Z", Some(MIN));
        check("292277025-08-18T07:12:54.999999999Z", Some(MAX));
        for bad in [
            "",
            "foo",
            "2015-13-01T00:00:00Z",
            "2015-02-29T00:00:00Z",
            "2015-06-03 13:21:58Z",
            "2015-06-03T13:21:58",
            "NaN",
            "1e300",
        ] {
            check(bad, None);
        }
        assert_eq!(parse("foo").unwrap_err().to_string(), "cannot parse \"foo\" to a valid timestamp");
    }

    #[test]
    fn bounds_are_those_of_the_api() {
        assert_eq!(MIN, -9_223_309_901_257_974_000);
        assert_eq!(MAX, 9_223_309_901_257_974_999);
    }

    #[test]
    fn dates_go_both_ways() {
        for days in (-800_000..800_000).step_by(97) {
            let (y, m, d) = date_of_days(days);
            assert_eq!(days_of_date(y, m, d), days);
            assert!((1..=12).contains(&m) && (1..=days_in_month(y, m)).contains(&d));
        }
        assert_eq!(format_rfc3339(1_433_337_718_555), "2015-06-03T13:21:58.555Z");
        assert_eq!(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(format_rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_rfc3339(500), "1970-01-01T00:00:00.5Z");
    }
}
