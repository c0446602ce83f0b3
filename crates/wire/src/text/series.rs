//! From the text of a series to its labels: escapes, quoted names, normalised bounds.

use super::parse::Parser;
use crate::float;
use crate::metric_type::MetricType;
use std::borrow::Cow;
use tortie_model::LabelsBuilder;
use tortie_model::gofloat::format_openmetrics;
use tortie_model::labels::METRIC_NAME;

/// Why the labels of a series cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A label stands twice.
    #[error("label name {0:?} is not unique: invalid sample")]
    Duplicate(String),
    /// A name in quotes is not UTF-8.
    #[error("invalid metric name or label names: {0}")]
    NotUtf8(String),
}

impl Parser<'_> {
    /// Clears `out` and fills it with the labels of the sample that [`Parser::next`] returned last; the name is
    /// `__name__`. Labels with an empty value are left out. `le` of histograms and `quantile` of summaries are
    /// written as OpenMetrics does (`le="1"` becomes `1.0`), as Prometheus does since 3.0.
    ///
    /// # Errors
    /// When a name is not UTF-8 or stands twice.
    pub fn labels(&self, out: &mut LabelsBuilder) -> Result<(), LabelError> {
        out.retain(|_, _| false);
        if let Some((from, to)) = self.name {
            out.set(METRIC_NAME, &self.unescaped(from, to)?);
        }
        for l in &self.labels {
            let name = self.unescaped(l.name.0, l.name.1)?;
            let value = self.unescaped(l.value.0, l.value.1)?;
            if value.is_empty() {
                continue;
            }
            if !out.get(&name).is_empty() {
                return Err(LabelError::Duplicate(name.into_owned()));
            }
            out.set(&name, &normalised(self.kind, &name, &value));
        }
        Ok(())
    }

    fn unescaped(&self, from: usize, to: usize) -> Result<Cow<'_, str>, LabelError> {
        let bytes = self.lexer.slice(from, to);
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(LabelError::NotUtf8(crate::quote::quote(bytes)));
        };
        if !text.contains('\\') {
            return Ok(Cow::Borrowed(text));
        }
        Ok(Cow::Owned(unescape(text, true)))
    }
}

/// Replaces `\\`, `\n` and (in label values) `\"`; every other backslash stays as it is.
pub(super) fn unescape(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(i) = rest.find('\\') {
        let (before, from) = rest.split_at(i);
        out.push_str(before);
        let replaced = match from.as_bytes().get(1) {
            Some(b'\\') => Some('\\'),
            Some(b'n') => Some('\n'),
            Some(b'"') if quotes => Some('"'),
            _ => None,
        };
        let used = if replaced.is_some() { 2 } else { 1 };
        out.push(replaced.unwrap_or('\\'));
        rest = from.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

fn normalised<'v>(kind: MetricType, name: &str, value: &'v str) -> Cow<'v, str> {
    let bound = matches!((kind, name), (MetricType::Summary, "quantile") | (MetricType::Histogram, "le"));
    if !bound {
        return Cow::Borrowed(value);
    }
    float::parse(value.as_bytes()).map_or(Cow::Borrowed(value), |v| Cow::Owned(format_openmetrics(v)))
}
