//! How alerts and samples are shown where they are not as they should be.

use super::diff::{Json, difference};
use tortie_model::columns::ResetHint;
use tortie_model::names::is_legacy_label_name;
use tortie_model::{Labels, gofloat};
use tortie_promql::eval::FloatHistogram;
use tortie_promql::go_text::quote;

/// Labels and annotations of an alert, ascending by name; empty values count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown {
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
}

impl Shown {
    pub(super) fn new<'a>(
        labels: impl Iterator<Item = (&'a str, &'a str)>,
        annotations: impl Iterator<Item = &'a (String, String)>,
    ) -> Shown {
        let mut labels: Vec<_> = labels.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let mut annotations: Vec<_> = annotations.cloned().collect();
        labels.sort();
        annotations.sort();
        Shown { labels, annotations }
    }

    pub(super) fn json(&self) -> Json {
        let map = |pairs: &[(String, String)]| {
            Json::Map(pairs.iter().map(|(n, v)| (n.clone(), Json::Text(v.clone()))).collect())
        };
        let (labels, annotations) = (map(&self.labels), map(&self.annotations));
        Json::Map([("Labels".to_owned(), labels), ("Annotations".to_owned(), annotations)].into())
    }

    fn text(&self) -> String {
        format!("Labels:{}\nAnnotations:{}", pairs_text(&self.labels), pairs_text(&self.annotations))
    }
}

fn pairs_text(pairs: &[(String, String)]) -> String {
    labels_text(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
}

pub(super) fn labels_text<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let one = |(n, v): (&str, &str)| {
        let name = if is_legacy_label_name(n) { n.to_owned() } else { quote(n) };
        format!("{name}={}", quote(v))
    };
    format!("{{{}}}", pairs.map(one).collect::<Vec<_>>().join(", "))
}

/// How a list of alerts differs from another, as promtool shows it: an empty list has one alert without labels.
pub(super) fn alerts_diff(expected: &[Shown], got: &[Shown], indent: &str) -> Option<String> {
    let json = |all: &[Shown]| {
        let nothing = Shown { labels: Vec::new(), annotations: Vec::new() };
        Json::List(if all.is_empty() { vec![nothing.json()] } else { all.iter().map(Shown::json).collect() })
    };
    let (expected, got) = (json(expected), json(got));
    (expected != got).then(|| indented(&difference(&expected, &got), indent))
}

/// A list of alerts; lines after the first begin with `indent`.
pub(super) fn alerts_text(alerts: &[Shown], indent: &str) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let one = |(i, a): (usize, &Shown)| format!("{i}:{}", indented(&format!("\n{}", a.text()), "  "));
    let all: Vec<String> = alerts.iter().enumerate().map(one).collect();
    indented(&format!("[\n{}\n]", all.join(",\n")), indent)
}

fn indented(text: &str, indent: &str) -> String {
    text.replace('\n', &format!("\n{indent}"))
}

/// A list of samples: labels, value, histogram or nothing.
pub(super) fn samples_text(samples: &[(Labels, f64, String)]) -> String {
    if samples.is_empty() {
        return "nil".to_owned();
    }
    let one = |(labels, v, histogram): &(Labels, f64, String)| {
        let value = if histogram.is_empty() { with_exponent(*v) } else { histogram.clone() };
        format!("{} {value}", labels_text(labels.iter()))
    };
    samples.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A float as Go's `FormatFloat(v, 'E', -1, 64)`.
fn with_exponent(v: f64) -> String {
    if !v.is_finite() {
        return gofloat::format_g(v);
    }
    let text = format!("{v:E}");
    let Some((digits, exponent)) = text.split_once('E') else { return text };
    match exponent.strip_prefix('-') {
        Some(n) => format!("{digits}E-{n:0>2}"),
        None => format!("{digits}E+{exponent:0>2}"),
    }
}

/// A histogram in the language of test scripts, as promtool compares them.
pub(super) fn histogram_text(h: &FloatHistogram) -> String {
    let mut parts = Vec::new();
    if h.schema != 0 {
        parts.push(format!("schema:{}", h.schema));
    }
    for (name, v) in
        [("count", h.count), ("sum", h.sum), ("z_bucket", h.zero_count), ("z_bucket_w", h.zero_threshold)]
    {
        if v != 0.0 {
            parts.push(format!("{name}:{}", gofloat::format_g(v)));
        }
    }
    let list = |v: &[f64]| v.iter().map(|v| gofloat::format_g(*v)).collect::<Vec<_>>().join(" ");
    if h.is_custom() {
        parts.push(format!("custom_values:[{}]", list(&h.custom_values)));
    }
    match h.hint {
        ResetHint::Unknown => {}
        ResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
        ResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
        ResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
    }
    for (buckets, offset, spans, counts) in [
        ("buckets", "offset", &h.positive_spans, &h.positive),
        ("n_buckets", "n_offset", &h.negative_spans, &h.negative),
    ] {
        let (first, counts) = dense(spans, counts);
        if first != 0 {
            parts.push(format!("{offset}:{first}"));
        }
        if !counts.is_empty() {
            parts.push(format!("{buckets}:[{}]", list(&counts)));
        }
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

/// Counts from the first bucket that is not empty to the last, gaps filled, and the index of the first.
fn dense(spans: &[(i32, u32)], counts: &[f64]) -> (i32, Vec<f64>) {
    let mut placed = Vec::new();
    let mut next = 0i32;
    let mut counts = counts.iter();
    for &(gap, length) in spans {
        next = next.saturating_add(gap);
        for _ in 0..length {
            if let Some(v) = counts.next().filter(|v| **v != 0.0) {
                placed.push((next, *v));
            }
            next = next.saturating_add(1);
        }
    }
    let Some(first) = placed.first().map(|p| p.0) else { return (0, Vec::new()) };
    let mut out = Vec::new();
    for (index, v) in placed {
        out.resize((index - first) as usize, 0.0);
        out.push(v);
    }
    (first, out)
}
