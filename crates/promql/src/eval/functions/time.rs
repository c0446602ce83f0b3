//! Parts of dates: civil time in UTC.

use super::super::error::EvalError;
use super::super::plan::Call;
use super::super::run::Evaluator;
use super::super::step_columns::{Grid, Steps};
use tortie_model::Labels;

/// A date and time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    /// 0 is Sunday.
    pub weekday: i64,
}

/// Seconds before the epoch at which Go's calendar begins; what lies before it comes out at the calendar's end.
const BEGINNING: i128 = 9_223_372_028_773_273_752;

/// The date and time of `seconds` since the epoch.
pub(crate) fn civil(seconds: i64) -> Civil {
    let mut seconds = i128::from(seconds);
    if seconds < -BEGINNING {
        seconds += 1 << 64;
    }
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400) as i64;
    // Years from March on, so that the leap day is the last one; 400 years are 146,097 days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i128::from(month <= 2);
    Civil {
        year: year as i64,
        month: month as i64,
        day: day as i64,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: (days + 4).rem_euclid(7) as i64,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(c: &Civil) -> i64 {
    match c.month {
        2 if is_leap(c.year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn day_of_year(c: &Civil) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = BEFORE.get((c.month - 1) as usize).copied().unwrap_or(0);
    before + c.day + i64::from(c.month > 2 && is_leap(c.year))
}

/// The function that gives a part of a date.
pub(crate) fn part(name: &str) -> Option<fn(&Civil) -> i64> {
    Some(match name {
        "days_in_month" => days_in_month,
        "day_of_month" => |c| c.day,
        "day_of_week" => |c| c.weekday,
        "day_of_year" => day_of_year,
        "hour" => |c| c.hour,
        "minute" => |c| c.minute,
        "month" => |c| c.month,
        "year" => |c| c.year,
        _ => return None,
    })
}

/// `2006-01-02T15:04:05Z`
pub(crate) fn rfc3339(seconds: i64) -> String {
    let c = civil(seconds);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// A float as whole seconds, as Go converts on amd64: what does not fit is the least number.
fn whole(v: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&v) { v as i64 } else { i64::MIN }
}

impl Evaluator<'_> {
    pub(crate) fn time_part(
        &mut self,
        c: &Call,
        grid: Grid,
        f: fn(&Civil) -> i64,
    ) -> Result<Steps, EvalError> {
        if c.args.is_empty() {
            let mut out = Steps::new(grid.n);
            let row = out.push(Labels::empty(), false);
            for s in 0..grid.n {
                out.set_float(row, s, f(&civil(grid.at(s) / 1000)) as f64);
            }
            return Ok(out);
        }
        let v = self.vector_arg(c, 0, grid)?;
        self.map_floats(v, grid, |_, v| f(&civil(whole(v))) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, expect: &str, weekday: i64, yearday: i64) {
        let c = civil(seconds);
        assert_eq!((rfc3339(seconds).as_str(), c.weekday, day_of_year(&c)), (expect, weekday, yearday));
    }

    #[test]
    fn dates() {
        check(0, "1970-01-01T00:00:00Z", 4, 1);
        check(1_709_164_799, "2024-02-28T23:59:59Z", 3, 59);
        check(1_709_251_200, "2024-03-01T00:00:00Z", 5, 61);
        check(-1, "1969-12-31T23:59:59Z", 3, 365);
        check(4_107_542_400, "2100-03-01T00:00:00Z", 1, 60);
        assert_eq!(days_in_month(&civil(951_782_400)), 29);
        assert_eq!(civil(i64::MIN).year, 292_277_026_596);
    }
}
