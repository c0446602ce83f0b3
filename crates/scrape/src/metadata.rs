//! Types and help of metrics, read from the comments of the bodies' templates when somebody asks.

use crate::body::Template;
use crate::status::MetricMetadata;
use std::collections::BTreeMap;
use tortie_model::Labels;
use tortie_wire::MetricType;
use tortie_wire::text::{Entry, Parser};

/// Metadata of a metric together with the target that exposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMetadata {
    /// Labels of the target.
    pub target: Labels,
    /// What it says of the metric.
    pub metadata: MetricMetadata,
}

/// Metadata of a body in order of names; with `metric` of that one only.
pub(crate) fn of_template(template: &Template, metric: Option<&str>) -> Vec<MetricMetadata> {
    let mut found: BTreeMap<String, MetricMetadata> = BTreeMap::new();
    let text = template.text();
    let mut at = 0;
    while at < text.len() {
        // The text holds comments as they were and series without values: only the comments are of the format.
        let comment = text.get(at..).is_some_and(|t| t.starts_with(b"#"));
        if comment {
            let mut parser = Parser::new(text);
            parser.seek(at);
            match parser.next() {
                Ok(Some(Entry::Help { name, text })) => {
                    entry(&mut found, name, metric, |m| m.help = text.into_owned())
                }
                Ok(Some(Entry::Type { name, kind })) => {
                    entry(&mut found, name, metric, |m| m.kind = kind.as_str())
                }
                _ => {}
            }
        }
        at = next_start(template, text, at, comment);
    }
    found.into_values().collect()
}

/// Where the next comment or series begins behind `at`.
fn next_start(template: &Template, text: &[u8], at: usize, comment: bool) -> usize {
    let line_end = text.get(at..).and_then(|t| memchr::memchr(b'\n', t)).map_or(text.len(), |i| at + i + 1);
    if comment {
        return line_end;
    }
    template.text_end_after(at).min(line_end.max(at + 1))
}

fn entry(
    found: &mut BTreeMap<String, MetricMetadata>,
    name: &[u8],
    metric: Option<&str>,
    set: impl FnOnce(&mut MetricMetadata),
) {
    let name = String::from_utf8_lossy(name);
    if metric.is_some_and(|m| m != name) {
        return;
    }
    let known = found.entry(name.clone().into_owned()).or_insert_with(|| MetricMetadata {
        metric: name.into_owned(),
        kind: MetricType::Unknown.as_str(),
        help: String::new(),
        unit: String::new(),
    });
    set(known);
}
