//! Time intervals of an AlertmanagerConfig: what the operator refuses, in its words.
//!
//! Rules: prometheus-operator 0.93, `pkg/apis/monitoring/v1alpha1/validation.go`.

use super::Refusal;
use super::alertmanager_config::{list, text};
use serde_json::Value;

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Checks one named interval.
pub(super) fn check(interval: &Value) -> Result<(), Refusal> {
    if text(interval, "name").is_empty() {
        return Err("empty name field for mute time interval".to_owned());
    }
    for (i, t) in list(interval, "timeIntervals").iter().enumerate() {
        let texts = |key| list(t, key).iter().filter_map(Value::as_str);
        for range in list(t, "times") {
            times(range).map_err(|e| format!("time range at {i} is invalid: {e}"))?;
        }
        for range in texts("weekdays") {
            weekdays(range).map_err(|e| format!("weekday range at {i} is invalid: {e}"))?;
        }
        for range in list(t, "daysOfMonth") {
            days(range).map_err(|e| {
                format!("mute time interval is invalid - day of month range at {i} is invalid: {e}")
            })?;
        }
        for range in texts("months") {
            months(range).map_err(|e| format!("month range at {i} is invalid: {e}"))?;
        }
        for range in texts("years") {
            years(range).map_err(|e| format!("year range at {i} is invalid: {e}"))?;
        }
    }
    Ok(())
}

/// Begin and end of `a:b`, or twice the one.
fn halves(range: &str) -> Result<(&str, &str), Refusal> {
    let parts: Vec<&str> = range.split(':').collect();
    match parts.as_slice() {
        [one] => Ok((one, one)),
        [a, b] => Ok((a, b)),
        _ => Err(format!("invalid range provided {range}")),
    }
}

fn times(range: &Value) -> Result<(), Refusal> {
    let (start, end) = (text(range, "startTime"), text(range, "endTime"));
    if start.is_empty() || end.is_empty() {
        return Err("start and end are required".to_owned());
    }
    let start = minutes(start).map_err(|e| format!("start time invalid: {e}"))?;
    let end = minutes(end).map_err(|e| format!("end time invalid: {e}"))?;
    if start >= end {
        return Err(format!("start time {start} cannot be equal or greater than end time {end}"));
    }
    Ok(())
}

/// Minutes of the day of `HH:MM`, `24:00` at most.
fn minutes(text: &str) -> Result<u32, Refusal> {
    let parsed = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2).and_then(|(h, m)| {
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<u32>().ok()).flatten();
        let (h, m) = (digits(h)?, digits(m)?);
        ((h < 24 && m < 60) || (h == 24 && m == 0)).then_some(h * 60 + m)
    });
    parsed.ok_or_else(|| format!("couldn't parse timestamp {text}, invalid format"))
}

fn weekdays(range: &str) -> Result<(), Refusal> {
    let (a, b) = halves(range)?;
    let day = |name: &str, which: &str| {
        let lower = name.to_lowercase();
        let named = DAYS.iter().position(|d| *d == lower).map(|i| i as i64);
        named.or_else(|| lower.parse().ok()).ok_or_else(|| {
            format!("failed to parse {which} day from weekday range: {name} is an invalid weekday")
        })
    };
    let (start, end) = (day(a, "start")?, day(b, "end")?);
    if start > end {
        return Err("start day cannot be before end day".to_owned());
    }
    for (n, name) in [(start, a), (end, b)] {
        if !(0..=6).contains(&n) {
            return Err(format!("{name} is not a valid day of the week: out of range"));
        }
    }
    Ok(())
}

fn days(range: &Value) -> Result<(), Refusal> {
    let number = |key| range.get(key).and_then(Value::as_i64).unwrap_or(0);
    let (start, end) = (number("start"), number("end"));
    for n in [start, end] {
        if n == 0 || !(-31..=31).contains(&n) {
            return Err(format!("{n} is not a valid day of the month: out of range"));
        }
    }
    if start < 0 && end > 0 {
        return Err("end day must be negative if start day is negative".to_owned());
    }
    let from_the_end = |n: i64| if n < 0 { 28 + n } else { n };
    if from_the_end(start) > from_the_end(end) {
        return Err(format!("end day {end} is always before start day {start}"));
    }
    Ok(())
}

fn months(range: &str) -> Result<(), Refusal> {
    let (a, b) = halves(range)?;
    let month = |name: &str| {
        let lower = name.to_lowercase();
        let named = MONTHS.iter().position(|m| *m == lower).map(|i| i as i64 + 1);
        let number = || lower.parse().ok().filter(|n| (1..=12).contains(n));
        // The operator says "start" of both.
        named.or_else(number).ok_or_else(|| {
            format!("failed to parse start month from month range: {name} is an invalid month")
        })
    };
    if month(a)? > month(b)? {
        return Err(format!("end month {b} is before start month {a}"));
    }
    Ok(())
}

fn years(range: &str) -> Result<(), Refusal> {
    let (a, b) = halves(range)?;
    let year = |text: &str, which: &str| {
        text.parse::<i64>().map_err(|_| {
            format!("{which} year cannot be {text} parsed: strconv.Atoi: parsing {text:?}: invalid syntax")
        })
    };
    let (start, end) = (year(a, "start")?, year(b, "end")?);
    if start > end {
        return Err(format!("end year {end} is before start year {start}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value)]
    fn says(interval: Value, expect: Result<(), &str>) {
        let whole = json!({"name": "n", "timeIntervals": [interval]});
        assert_eq!(check(&whole), expect.map_err(str::to_owned), "{whole}");
    }

    #[test]
    fn ranges() {
        says(
            json!({"times": [{"startTime": "08:00", "endTime": "24:00"}], "weekdays": ["Monday:friday", "0"]}),
            Ok(()),
        );
        says(
            json!({"months": ["1:March"], "years": ["2024:2030"], "daysOfMonth": [{"start": -3, "end": -1}]}),
            Ok(()),
        );
        says(
            json!({"times": [{"startTime": "09:00", "endTime": "08:59"}]}),
            Err("time range at 0 is invalid: start time 540 cannot be equal or greater than end time 539"),
        );
        says(
            json!({"times": [{"startTime": "9:00", "endTime": "10:00"}]}),
            Err(
                "time range at 0 is invalid: start time invalid: couldn't parse timestamp 9:00, invalid format",
            ),
        );
        says(
            json!({"weekdays": ["friday:monday"]}),
            Err("weekday range at 0 is invalid: start day cannot be before end day"),
        );
        says(
            json!({"months": ["may:april"]}),
            Err("month range at 0 is invalid: end month april is before start month may"),
        );
        says(
            json!({"daysOfMonth": [{"start": 5, "end": 3}]}),
            Err(
                "mute time interval is invalid - day of month range at 0 is invalid: end day 3 is always before start day 5",
            ),
        );
        assert!(check(&json!({})).is_err());
    }
}
