//! Numbers for people.

use crate::gofmt;
use crate::value::Value;
use tortie_model::gofloat;

/// A number, or a text that spells one.
pub(super) fn to_float(v: &Value) -> Result<f64, String> {
    match v {
        Value::Float(f) => Ok(*f),
        Value::Int(i) | Value::Int64(i) => Ok(*i as f64),
        Value::Str(s) => gofloat::parse(s).map_err(|e| {
            format!("strconv.ParseFloat: parsing {}: {e}", crate::gofmt::quote::double(s, false))
        }),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

/// The integer part; of what 64 bits do not hold, the smallest number, as Go's conversion gives on amd64.
pub(super) fn whole(v: f64) -> i64 {
    // 2^63 itself is too large.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&v) { v as i64 } else { i64::MIN }
}

/// Four significant digits.
fn four(v: f64) -> String {
    gofmt::sprintf("%.4g", &[Value::Float(v)], 64).unwrap_or_default()
}

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// `v` divided by `base` until it is below it, and the prefix.
fn shrink(mut v: f64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    for p in prefixes {
        if v.abs() < base {
            break;
        }
        prefix = p;
        v /= base;
    }
    (v, prefix)
}

/// `v` times a thousand until it is at least one, and the prefix.
fn grow(mut v: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for p in SMALL {
        if v.abs() >= 1.0 {
            break;
        }
        prefix = p;
        v *= 1000.0;
    }
    (v, prefix)
}

/// With the prefixes of thousands: `1.235k`.
pub(super) fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return four(v);
    }
    let (v, prefix) = if v.abs() >= 1.0 { shrink(v, 1000.0, &LARGE) } else { grow(v) };
    four(v) + prefix
}

/// With the prefixes of 1024: `1.206ki`.
pub(super) fn humanize_1024(v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() {
        return four(v);
    }
    let (v, prefix) = shrink(v, 1024.0, &BINARY);
    four(v) + prefix
}

/// Of one, in percent.
pub(super) fn percentage(v: f64) -> String {
    four(v * 100.0) + "%"
}

/// Seconds: `1d 2h 3m 4s`, `1.235s`, `12ms`.
pub(super) fn duration(v: f64) -> String {
    if !v.is_finite() {
        return four(v);
    }
    if v == 0.0 {
        return four(v) + "s";
    }
    if v.abs() < 1.0 {
        let (v, prefix) = grow(v);
        return format!("{}{prefix}s", four(v));
    }
    let sign = if v < 0.0 { "-" } else { "" };
    let v = v.abs();
    let whole = whole(v);
    let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four(v)),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

/// Seconds since the epoch as nanoseconds, whole milliseconds; nothing for what is no number.
pub(super) fn time(v: f64) -> Result<Option<i64>, String> {
    if !v.is_finite() {
        return Ok(None);
    }
    let ns = v * 1e9;
    if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
        return Err(format!(
            "{} cannot be represented as a nanoseconds timestamp since it overflows int64",
            gofloat::format_g(v)
        ));
    }
    Ok(Some(whole(ns) / 1_000_000 * 1_000_000))
}

/// A time as Go prints it.
pub(super) fn timestamp(v: f64) -> Result<String, String> {
    Ok(time(v)?.map_or_else(|| four(v), super::time::text))
}
