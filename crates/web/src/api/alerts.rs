//! `/api/v1/alerts`: all alerts that are pending or firing.

use crate::app::App;
use crate::json;
use crate::reply::Data;
use tortie_model::timestamp;
use tortie_rules::Alert;

pub(crate) fn alerts(app: &App) -> Data {
    let groups = app.sources.rule_groups();
    let rules = groups.iter().flat_map(|g| g.rules.iter()).filter(|r| r.spec.is_alert());
    let all: Vec<Alert> = rules.flat_map(|r| r.active_alerts()).collect();
    let mut out = b"{\"alerts\":".to_vec();
    write_all(&mut out, &all);
    out.push(b'}');
    Data::new(out)
}

/// Writes a list of alerts.
pub(crate) fn write_all(out: &mut Vec<u8>, alerts: &[Alert]) {
    out.push(b'[');
    for (i, a) in alerts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"labels\":");
        json::labels(out, &a.labels);
        json::key(out, "annotations");
        json::pairs(out, a.annotations.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        json::key(out, "state");
        json::string(out, a.state.as_str());
        json::key(out, "activeAt");
        json::string(out, &rfc3339_of_ns(a.active_at));
        if let Some(since) = a.keep_firing_since {
            json::key(out, "keepFiringSince");
            json::string(out, &rfc3339_of_ns(since));
        }
        json::key(out, "value");
        json::string(out, &with_exponent(a.value));
        out.push(b'}');
    }
    out.push(b']');
}

/// A time in nanoseconds since the epoch as RFC 3339, with as many digits as it has.
fn rfc3339_of_ns(ns: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    let whole = timestamp::format_rfc3339(ns.div_euclid(SECOND) * 1000);
    let rest = ns.rem_euclid(SECOND);
    if rest == 0 {
        return whole;
    }
    let digits = format!("{rest:09}");
    format!("{}.{}Z", whole.trim_end_matches('Z'), digits.trim_end_matches('0'))
}

/// A float with an exponent of at least two digits, as Go's `FormatFloat(v, 'e', -1, 64)`.
fn with_exponent(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{v:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.strip_prefix('-') {
        Some(n) => format!("{digits}e-{n:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_an_exponent() {
        for (v, text) in [
            (0.0, "0e+00"),
            (1.0, "1e+00"),
            (-12.5, "-1.25e+01"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(with_exponent(v), text);
        }
    }

    #[test]
    fn times_have_the_digits_they_need() {
        assert_eq!(rfc3339_of_ns(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339_of_ns(1_435_781_451_781_000_000), "2015-07-01T20:10:51.781Z");
        assert_eq!(rfc3339_of_ns(1_435_781_451_000_000_001), "2015-07-01T20:10:51.000000001Z");
    }
}
