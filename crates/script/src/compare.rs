//! Answers beside expectations.

use crate::expect::{Expectation, Expected, Notes};
use crate::values::Point;
use std::sync::Arc;
use tortie_model::{Columns, stale};
use tortie_promql::eval::{FloatHistogram, Sample, SampleValue, Series, Value};

/// Relative error that floats may have.
const EPSILON: f64 = 1e-6;

type Result = std::result::Result<(), String>;

/// Whether two floats are near enough: both stale, both another NaN, equal, or within [`EPSILON`] of their sum.
pub(crate) fn almost_equal(a: f64, b: f64) -> bool {
    if stale::is_stale(a) || stale::is_stale(b) {
        return stale::is_stale(a) && stale::is_stale(b);
    }
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// Compares warnings or infos with what is expected of them.
pub(crate) fn notes(kind: &str, expected: &Notes, found: &[String]) -> Result {
    if expected.none && !found.is_empty() {
        return Err(format!("expected no {kind}, got {found:?}"));
    }
    if (expected.some || !expected.texts.is_empty()) && found.is_empty() {
        return Err(format!("expected {kind} annotations but got none"));
    }
    if let Some(missing) = expected.texts.iter().find(|e| !found.iter().any(|f| e.matches(f))) {
        return Err(format!("expected {kind} {}, got {found:?}", missing.describe()));
    }
    match found.iter().find(|f| !expected.texts.is_empty() && !expected.texts.iter().any(|e| e.matches(f))) {
        Some(unexpected) => Err(format!("unexpected {kind} {unexpected:?}")),
        None => Ok(()),
    }
}

/// Compares an answer with what is expected; `times` are the first and last time and the step of a matrix.
pub(crate) fn value(expected: &Expectation, times: (i64, i64, i64), value: &Value) -> Result {
    match value {
        Value::Scalar { v, .. } => scalar(expected, *v),
        Value::Str { s, .. } => match &expected.string {
            Some(text) if text == s => Ok(()),
            Some(text) => Err(format!("expected string {text:?}, got {s:?}")),
            None if s.is_empty() => Ok(()),
            None => Err(format!("expected no string, got {s:?}")),
        },
        Value::Vector(samples) => vector(expected, samples),
        Value::Matrix(series) => matrix(expected, times, series),
    }
}

/// Compares a scalar.
pub(crate) fn scalar(expected: &Expectation, got: f64) -> Result {
    match expected.scalar {
        None => Err(format!("expected vector or matrix, got scalar {got}")),
        Some(want) if almost_equal(want, got) => Ok(()),
        Some(want) => Err(format!("expected scalar {want}, got {got}")),
    }
}

fn find<'e>(expected: &'e Expectation, labels: &tortie_model::Labels) -> Option<&'e Expected> {
    expected.series.iter().find(|e| e.labels == *labels)
}

/// Compares an instant vector.
pub(crate) fn vector(expected: &Expectation, samples: &[Sample]) -> Result {
    if let Some(want) = expected.scalar {
        return Err(format!("expected scalar {want}, got a vector of {}", samples.len()));
    }
    for (i, sample) in samples.iter().enumerate() {
        let labels = &sample.labels;
        let Some(want) = find(expected, labels) else {
            return Err(format!("unexpected series {labels:?} with {}", show(&sample.v)));
        };
        if expected.ordered && want.position != i + 1 {
            return Err(format!("expected {labels:?} at position {}, it is at {}", want.position, i + 1));
        }
        let point = want.values.first().unwrap_or(&Point::Omitted);
        same_point(point, &sample.v).map_err(|e| format!("{labels:?}: {e}"))?;
    }
    all_there(expected, |labels| samples.iter().any(|s| s.labels == *labels))
}

fn all_there(expected: &Expectation, there: impl Fn(&tortie_model::Labels) -> bool) -> Result {
    match expected.series.iter().find(|e| !there(&e.labels)) {
        Some(missing) => Err(format!("expected series {:?} is not there", missing.labels)),
        None => Ok(()),
    }
}

fn same_point(want: &Point, got: &SampleValue) -> Result {
    let same = match (want, got) {
        (Point::Float(want), SampleValue::Float(got)) => almost_equal(*want, *got),
        // Nothing stands for zero here.
        (Point::Omitted, SampleValue::Float(got)) => almost_equal(0.0, *got),
        (Point::Histogram(want, hint), SampleValue::Histogram(got)) => same_histogram(want, got, *hint),
        _ => false,
    };
    if same { Ok(()) } else { Err(format!("expected {}, got {}", show_point(want), show(got))) }
}

/// Compares a range vector. It must be in order of its labels.
fn matrix(expected: &Expectation, times: (i64, i64, i64), series: &[Series]) -> Result {
    if expected.ordered {
        return Err("expected ordered result, but query returned a matrix".to_owned());
    }
    if let Some(want) = expected.scalar {
        return Err(format!("expected scalar {want}, got a matrix of {}", series.len()));
    }
    sorted(series)?;
    let (from, to, step) = times;
    for found in series {
        let labels = &found.labels;
        let got = points(&found.columns);
        let Some(want) = find(expected, labels) else {
            return Err(format!("unexpected series {labels:?} with {}", show_points(&got)));
        };
        let mut due = Vec::new();
        for (i, point) in want.values.iter().enumerate() {
            let t = from + step * i as i64;
            if t > to {
                return Err(format!(
                    "{labels:?}: expected {} points, more than the range has",
                    want.values.len()
                ));
            }
            if *point != Point::Omitted {
                due.push((t, point));
            }
        }
        let fail = |e: &str| Err(format!("{labels:?}: {e}; there is {}", show_points(&got)));
        if due.len() != got.len() {
            return fail(&format!("expected {} points, got {}", due.len(), got.len()));
        }
        for ((due_t, due), (t, value)) in due.iter().zip(&got) {
            if due_t != t {
                return fail(&format!("expected {} at {due_t}, got {} at {t}", show_point(due), show(value)));
            }
            if let Err(e) = same_point(due, value) {
                return fail(&format!("{e} at {t}"));
            }
        }
    }
    all_there(expected, |labels| series.iter().any(|s| s.labels == *labels))
}

/// Fails when a matrix is not in order of its labels.
pub(crate) fn sorted(series: &[Series]) -> Result {
    match series.windows(2).find(|w| matches!(w, [a, b] if a.labels > b.labels)) {
        Some(w) => {
            Err(format!("the matrix is not sorted: {:?}", w.iter().map(|s| &s.labels).collect::<Vec<_>>()))
        }
        None => Ok(()),
    }
}

/// All samples of a series in order of time.
pub(crate) fn points(columns: &Columns) -> Vec<(i64, SampleValue)> {
    let floats = columns.t.iter().zip(&columns.v).map(|(&t, &v)| (t, SampleValue::Float(v)));
    let mut all: Vec<(i64, SampleValue)> = floats.collect();
    for run in &columns.histograms {
        for (i, (t, mut h)) in FloatHistogram::from_run(run).enumerate() {
            // An answer's run says what is known of its first sample.
            if i == 0 {
                h.hint = run.reset_hint;
            }
            all.push((t, SampleValue::Histogram(Arc::new(h))));
        }
    }
    all.sort_by_key(|(t, _)| *t);
    all
}

/// Whether two histograms are near enough once empty buckets are gone; hints count where one was written down.
fn same_histogram(want: &FloatHistogram, got: &FloatHistogram, hint: bool) -> bool {
    let (want, got) = (want.compacted(), got.compacted());
    let near =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b));
    want.schema == got.schema
        && want.zero_threshold == got.zero_threshold
        && (!want.is_custom() || want.custom_values == got.custom_values)
        && almost_equal(want.count, got.count)
        && almost_equal(want.sum, got.sum)
        && almost_equal(want.zero_count, got.zero_count)
        && want.positive_spans == got.positive_spans
        && want.negative_spans == got.negative_spans
        && near(&want.positive, &got.positive)
        && near(&want.negative, &got.negative)
        && (!hint || want.hint == got.hint)
}

fn show_points(points: &[(i64, SampleValue)]) -> String {
    let shown: Vec<String> = points.iter().map(|(t, v)| format!("{}@{t}", show(v))).collect();
    format!("[{}]", shown.join(" "))
}

fn show_point(point: &Point) -> String {
    match point {
        Point::Omitted => "_".to_owned(),
        Point::Float(v) => v.to_string(),
        Point::Histogram(h, _) => show(&SampleValue::Histogram(Arc::clone(h))),
    }
}

fn show(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) => v.to_string(),
        SampleValue::Histogram(h) => format!(
            "{{{{schema:{} count:{} sum:{} z_bucket:{} z_bucket_w:{} custom_values:{:?} spans:{:?} buckets:{:?} n_spans:{:?} \
             n_buckets:{:?} hint:{:?}}}}}",
            h.schema,
            h.count,
            h.sum,
            h.zero_count,
            h.zero_threshold,
            h.custom_values,
            h.positive_spans,
            h.positive,
            h.negative_spans,
            h.negative,
            h.hint
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness() {
        fn check(a: f64, b: f64, expect: bool) {
            assert_eq!(almost_equal(a, b), expect, "{a} {b}");
            assert_eq!(almost_equal(b, a), expect, "{b} {a}");
        }
        check(1.0, 1.0, true);
        check(1.0, 1.000_001, true);
        check(1.0, 1.000_01, false);
        check(0.0, -0.0, true);
        check(0.0, 1e-300, false);
        check(f64::NAN, f64::NAN, true);
        check(f64::NAN, stale::stale_nan(), false);
        check(stale::stale_nan(), stale::stale_nan(), true);
        check(f64::INFINITY, f64::INFINITY, true);
        check(f64::INFINITY, f64::MAX, false);
        check(f64::MAX, f64::MAX * 0.999_999_9, true);
        check(f64::NAN, 1.0, false);
    }
}
