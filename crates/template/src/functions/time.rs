//! Times, durations and their methods.

use crate::value::{Method, MethodBody, Type, Value};
use tortie_model::timestamp;

const SECOND: i64 = 1_000_000_000;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment in parts, UTC.
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    weekday: i64,
    year_day: i64,
}

fn parts(ns: i64) -> Parts {
    let (seconds, nanos) = (ns.div_euclid(SECOND), ns.rem_euclid(SECOND));
    let (days, in_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = timestamp::date_of_days(days);
    Parts {
        year,
        month,
        day,
        hour: in_day / 3600,
        minute: in_day / 60 % 60,
        second: in_day % 60,
        nanos,
        weekday: (days + 4).rem_euclid(7),
        year_day: days - timestamp::days_of_date(year, 1, 1) + 1,
    }
}

/// Name of a month, 1 to 12.
pub(crate) fn month_name(month: i64) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("")
}

/// Name of a day of the week, 0 is Sunday.
pub(crate) fn weekday_name(day: i64) -> &'static str {
    usize::try_from(day).ok().and_then(|i| WEEKDAYS.get(i)).copied().unwrap_or("")
}

/// A time as Go's `String` writes it: `2024-05-01 10:00:00.5 +0000 UTC`.
pub(crate) fn text(ns: i64) -> String {
    format(ns, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// A duration as Go's `String` writes it: `1h2m3.5s`, `1.5ms`, `0s`.
pub(crate) fn duration_text(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let n = ns.unsigned_abs();
    let small = |unit: u64, name: &str| format!("{sign}{}{name}", decimal(n, unit));
    match n {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{n}ns"),
        1_000..1_000_000 => small(1_000, "µs"),
        1_000_000..1_000_000_000 => small(1_000_000, "ms"),
        _ => {
            let (minutes, rest) = (n / 60_000_000_000, n % 60_000_000_000);
            let seconds = decimal(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, m) => format!("{sign}{m}m{seconds}s"),
                (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
            }
        }
    }
}

/// `n / unit` without zeros at the end.
fn decimal(n: u64, unit: u64) -> String {
    let (whole, rest) = (n / unit, n % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

/// A time by a layout of Go: the moment `Mon Jan 2 15:04:05 MST 2006` written as the result should look.
pub(crate) fn format(ns: i64, layout: &str) -> String {
    let p = parts(ns);
    let mut out = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while !rest.is_empty() {
        if let Some((len, written)) = element(rest, &p) {
            out.push_str(&written);
            rest = rest.get(len..).unwrap_or("");
            continue;
        }
        let c = rest.chars().next().unwrap_or(' ');
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or("");
    }
    out
}

/// The element that a layout begins with: its length and what it stands for.
fn element(s: &str, p: &Parts) -> Option<(usize, String)> {
    let month = month_name(p.month);
    let weekday = weekday_name(p.weekday);
    let hour12 = if p.hour % 12 == 0 { 12 } else { p.hour % 12 };
    let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
    let fixed: &[(&str, &dyn Fn() -> String)] = &[
        ("January", &|| month.to_owned()),
        ("Monday", &|| weekday.to_owned()),
        ("MST", &|| "UTC".to_owned()),
        ("002", &|| format!("{:03}", p.year_day)),
        ("01", &|| format!("{:02}", p.month)),
        ("02", &|| format!("{:02}", p.day)),
        ("03", &|| format!("{hour12:02}")),
        ("04", &|| format!("{:02}", p.minute)),
        ("05", &|| format!("{:02}", p.second)),
        ("06", &|| format!("{:02}", p.year.rem_euclid(100))),
        ("15", &|| format!("{:02}", p.hour)),
        ("2006", &|| format!("{:04}", p.year)),
        ("__2", &|| format!("{:3}", p.year_day)),
        ("_2", &|| format!("{:2}", p.day)),
        ("PM", &|| if p.hour >= 12 { "PM" } else { "AM" }.to_owned()),
        ("pm", &|| if p.hour >= 12 { "pm" } else { "am" }.to_owned()),
        ("-07:00:00", &|| "+00:00:00".to_owned()),
        ("-070000", &|| "+000000".to_owned()),
        ("-07:00", &|| "+00:00".to_owned()),
        ("-0700", &|| "+0000".to_owned()),
        ("-07", &|| "+00".to_owned()),
        ("Z07:00:00", &|| "Z".to_owned()),
        ("Z070000", &|| "Z".to_owned()),
        ("Z07:00", &|| "Z".to_owned()),
        ("Z0700", &|| "Z".to_owned()),
        ("Z07", &|| "Z".to_owned()),
    ];
    // `_2006` is an underscore and a year.
    if s.starts_with("_2006") {
        return None;
    }
    for (word, write) in fixed {
        if s.starts_with(word) {
            return Some((word.len(), write()));
        }
    }
    let lower_next = |n: usize| s.as_bytes().get(n).is_some_and(u8::is_ascii_lowercase);
    match s.as_bytes() {
        [b'J', b'a', b'n', ..] if !lower_next(3) => Some((3, short(month))),
        [b'M', b'o', b'n', ..] if !lower_next(3) => Some((3, short(weekday))),
        [b'1', ..] => Some((1, p.month.to_string())),
        [b'2', ..] => Some((1, p.day.to_string())),
        [b'3', ..] => Some((1, hour12.to_string())),
        [b'4', ..] => Some((1, p.minute.to_string())),
        [b'5', ..] => Some((1, p.second.to_string())),
        [b'.' | b',', digit @ (b'0' | b'9'), ..] => fraction(s, *digit, p.nanos),
        _ => None,
    }
}

/// `.000` and `.999`: digits of a second, the latter without zeros at the end.
fn fraction(s: &str, digit: u8, nanos: i64) -> Option<(usize, String)> {
    let digits = s.bytes().skip(1).take_while(|b| *b == digit).count();
    let next = s.as_bytes().get(1 + digits);
    if digits > 9 || next.is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let all = format!("{nanos:09}");
    let mut shown = all.get(..digits).unwrap_or("").to_owned();
    if digit == b'9' {
        shown.truncate(shown.trim_end_matches('0').len());
        if shown.is_empty() {
            return Some((1 + digits, shown));
        }
    }
    Some((1 + digits, format!("{}{shown}", s.get(..1).unwrap_or("."))))
}

/// The method of a time, a duration, a month or a weekday.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<Method> {
    match receiver {
        Value::Time(ns) => of_time(*ns, name),
        Value::Duration(ns) => of_duration(*ns, name),
        Value::Month(n) if name == "String" => Some(plain(Value::text(month_name(*n)))),
        Value::Weekday(n) if name == "String" => Some(plain(Value::text(weekday_name(*n)))),
        _ => None,
    }
}

/// A method without arguments.
fn plain(value: Value) -> Method {
    Method { params: &[], variadic: None, run: Box::new(move |_| Ok(value)) }
}

fn of_time(ns: i64, name: &str) -> Option<Method> {
    let p = parts(ns);
    Some(plain(match name {
        "String" => Value::text(text(ns)),
        "Unix" => Value::Int64(ns.div_euclid(SECOND)),
        "UnixMilli" => Value::Int64(ns.div_euclid(1_000_000)),
        "UnixMicro" => Value::Int64(ns.div_euclid(1_000)),
        "UnixNano" => Value::Int64(ns),
        "Year" => Value::Int(p.year),
        "Month" => Value::Month(p.month),
        "Day" => Value::Int(p.day),
        "Hour" => Value::Int(p.hour),
        "Minute" => Value::Int(p.minute),
        "Second" => Value::Int(p.second),
        "Nanosecond" => Value::Int(p.nanos),
        "Weekday" => Value::Weekday(p.weekday),
        "YearDay" => Value::Int(p.year_day),
        "IsZero" | "IsDST" => Value::Bool(false),
        "UTC" => Value::Time(ns),
        "Format" => {
            let run: MethodBody = Box::new(move |args| match args.first() {
                Some(Value::Str(layout)) => Ok(Value::text(format(ns, layout))),
                _ => Ok(Value::text("")),
            });
            return Some(Method { params: &[Type::Str], variadic: None, run });
        }
        _ => return None,
    }))
}

fn of_duration(ns: i64, name: &str) -> Option<Method> {
    let float = |unit: i64| Value::Float((ns / unit) as f64 + (ns % unit) as f64 / unit as f64);
    Some(plain(match name {
        "String" => Value::text(duration_text(ns)),
        "Nanoseconds" => Value::Int64(ns),
        "Microseconds" => Value::Int64(ns / 1_000),
        "Milliseconds" => Value::Int64(ns / 1_000_000),
        "Seconds" => float(SECOND),
        "Minutes" => float(60 * SECOND),
        "Hours" => float(3600 * SECOND),
        "Abs" => Value::Duration(ns.saturating_abs()),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ns: i64, layout: &str, expect: &str) {
        assert_eq!(format(ns, layout), expect, "{layout}");
    }

    #[test]
    fn layouts() {
        let t = 1_435_065_584_128_000_000;
        check(t, "2006-01-02 15:04:05.999999999 -0700 MST", "2015-06-23 13:19:44.128 +0000 UTC");
        check(t, "Mon Jan _2 3:04PM .000000 002", "Tue Jun 23 1:19PM .128000 174");
        check(t, "2006-01-02T15:04:05Z07:00", "2015-06-23T13:19:44Z");
        check(0, "15:04:05.999", "00:00:00");
        assert_eq!(duration_text(3_723_500_000_000), "1h2m3.5s");
        assert_eq!(duration_text(1_500_000), "1.5ms");
        assert_eq!(duration_text(-1_500), "-1.5µs");
        assert_eq!(duration_text(60_000_000_000), "1m0s");
    }
}
