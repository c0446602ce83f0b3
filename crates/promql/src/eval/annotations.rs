//! Warnings and infos that go with an answer, in Prometheus' words.
//!
//! They are kept once per text; the position is added when the answer is given, from the last place that said it.

use super::math::{format_g, format_g2};
use crate::span::Span;
use std::collections::HashMap;

/// The annotations of one query.
#[derive(Default)]
pub(crate) struct Annotations {
    list: Vec<Entry>,
    index: HashMap<String, usize>,
}

struct Entry {
    text: String,
    span: Span,
    detail: Detail,
}

enum Detail {
    None,
    Monotonicity(Monotonicity),
    Overlaps { count: u64 },
}

/// How far `histogram_quantile` had to mend its buckets.
#[derive(Clone, Copy)]
pub(crate) struct Monotonicity {
    /// Step, milliseconds.
    pub t: i64,
    /// Lowest and highest upper bound of a mended bucket.
    pub min_bucket: f64,
    /// Highest upper bound of a mended bucket.
    pub max_bucket: f64,
    /// Greatest decrease between neighbours.
    pub max_diff: f64,
    /// Latest step.
    pub last: i64,
    /// Samples that needed it, less one.
    pub more: u64,
}

/// What was done to histograms, as messages call it.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Operation::Addition => "addition",
            Operation::Subtraction => "subtraction",
            Operation::Aggregation => "aggregation",
        }
    }
}

/// A text in double quotes with Go's escapes.
pub(crate) fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn with_name(text: &str, name: &str) -> String {
    if name.is_empty() { text.to_owned() } else { format!("{text} for metric name {}", quote(name)) }
}

impl Annotations {
    fn add(&mut self, text: String, span: Span) {
        self.add_with(text, span, Detail::None);
    }

    fn add_with(&mut self, text: String, span: Span, detail: Detail) {
        let Some(&i) = self.index.get(&text) else {
            self.index.insert(text.clone(), self.list.len());
            self.list.push(Entry { text, span, detail });
            return;
        };
        let Some(entry) = self.list.get_mut(i) else { return };
        match (&mut entry.detail, detail) {
            (Detail::Monotonicity(old), Detail::Monotonicity(new)) => {
                old.t = old.t.min(new.t);
                old.last = old.last.max(new.last);
                old.min_bucket = old.min_bucket.min(new.min_bucket);
                old.max_bucket = old.max_bucket.max(new.max_bucket);
                old.max_diff = old.max_diff.max(new.max_diff);
                old.more += new.more + 1;
            }
            (Detail::Overlaps { count }, Detail::Overlaps { count: more }) => *count += more,
            _ => entry.span = span,
        }
    }

    /// Warnings and infos with their positions in `query`; without query, without positions.
    pub(crate) fn texts(&self, query: &str) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for e in &self.list {
            let at = e.span.line_column(query);
            let text = match (&e.detail, query.is_empty()) {
                (_, true) => e.text.clone(),
                (Detail::None, _) => format!("{} ({at})", e.text),
                (Detail::Overlaps { count }, _) if *count > 1 => {
                    format!("{} ({count} occurrences) ({at})", e.text)
                }
                (Detail::Overlaps { .. }, _) => format!("{} ({at})", e.text),
                (Detail::Monotonicity(m), _) => format!(
                    "{}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({at})",
                    e.text,
                    format_g(m.min_bucket),
                    format_g(m.max_bucket),
                    format_g2(m.max_diff),
                    m.more + 1,
                    super::functions::time::rfc3339(m.t.div_euclid(1000)),
                    super::functions::time::rfc3339(m.last.div_euclid(1000)),
                ),
            };
            if e.text.starts_with("PromQL info") { infos.push(text) } else { warnings.push(text) }
        }
        (warnings, infos)
    }

    /// A quantile outside of 0 to 1.
    pub(crate) fn invalid_quantile(&mut self, q: f64, span: Span) {
        self.add(
            format!("PromQL warning: quantile value should be between 0 and 1, got {}", format_g(q)),
            span,
        );
    }

    /// A ratio outside of -1 to 1.
    pub(crate) fn invalid_ratio(&mut self, r: f64, to: f64, span: Span) {
        let (r, to) = (format_g(r), format_g(to));
        self.add(
            format!("PromQL warning: ratio value should be between -1 and 1, got {r}, capping to {to}"),
            span,
        );
    }

    /// A strategy of `integral` that does not exist.
    pub(crate) fn invalid_strategy(&mut self, v: f64, span: Span) {
        let v = format_g(v);
        self.add(format!("PromQL warning: strategy should be 0, 1, or 2 (default), using 2, got {v}"), span);
    }

    /// A classic bucket whose `le` is missing or no number.
    pub(crate) fn bad_bucket_label(&mut self, name: &str, le: &str, span: Span) {
        let text = format!(
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of {}",
            quote(le)
        );
        self.add(with_name(&text, name), span);
    }

    /// Floats and histograms in one range.
    pub(crate) fn mixed_range(&mut self, name: &str, span: Span) {
        let name = quote(name);
        self.add(
            format!("PromQL warning: encountered a mix of histograms and floats for metric name {name}"),
            span,
        );
    }

    /// Floats and histograms in one group.
    pub(crate) fn mixed_aggregation(&mut self, span: Span) {
        self.add(
            "PromQL warning: encountered a mix of histograms and floats for aggregation".to_owned(),
            span,
        );
    }

    /// Classic and native histograms of the same name and labels.
    pub(crate) fn mixed_classic_native(&mut self, name: &str, span: Span) {
        self.add(
            with_name("PromQL warning: vector contains a mix of classic and native histograms", name),
            span,
        );
    }

    /// A gauge histogram where a counter is needed.
    pub(crate) fn histogram_not_counter(&mut self, name: &str, span: Span) {
        let name = quote(name);
        self.add(format!("PromQL warning: this native histogram metric is not a counter: {name}"), span);
    }

    /// A counter histogram where a gauge is needed.
    pub(crate) fn histogram_not_gauge(&mut self, name: &str, span: Span) {
        self.add(
            format!("PromQL warning: this native histogram metric is not a gauge: {}", quote(name)),
            span,
        );
    }

    /// Exponential and custom buckets together.
    pub(crate) fn mixed_exponential_custom(&mut self, name: &str, span: Span) {
        let text =
            "PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas";
        self.add(format!("{text} for metric name {}", quote(name)), span);
    }

    /// Bucket layouts that an operator cannot bring together.
    pub(crate) fn incompatible_layout(&mut self, op: &str, span: Span) {
        self.add(
            format!("PromQL warning: incompatible bucket layout encountered for binary operator {op}"),
            span,
        );
    }

    /// `sort` in a range query.
    pub(crate) fn sort_in_range(&mut self, span: Span) {
        let text = "PromQL warning: sort is ineffective for range queries since results are always ordered by labels";
        self.add(text.to_owned(), span);
    }

    /// `rate` of a metric that is not named like a counter.
    pub(crate) fn possible_non_counter(&mut self, name: &str, span: Span) {
        let text =
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
        self.add(format!("{text} {}", quote(name)), span);
    }

    /// `rate` of a metric whose type label says otherwise.
    pub(crate) fn possible_non_counter_label(&mut self, name: &str, ty: &str, span: Span) {
        let text = "PromQL info: metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\"";
        self.add(format!("{text}, got {}: {}", quote(ty), quote(name)), span);
    }

    /// Classic buckets whose counts decrease.
    pub(crate) fn forced_monotonicity(&mut self, name: &str, m: Monotonicity, span: Span) {
        let text = "PromQL info: input to histogram_quantile needed to be fixed for monotonicity \
                    (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
        self.add_with(with_name(text, name), span, Detail::Monotonicity(m));
    }

    /// Kinds of samples that an operator does not take together.
    pub(crate) fn incompatible_types(&mut self, left: &str, op: &str, right: &str, span: Span) {
        let text = "PromQL info: incompatible sample types encountered for binary operator";
        self.add(format!("{text} {}: {left} {op} {right}", quote(op)), span);
    }

    /// A histogram that an aggregation passes over.
    pub(crate) fn histogram_ignored(&mut self, aggregation: &str, span: Span) {
        self.add(format!("PromQL info: ignored histogram in {aggregation} aggregation"), span);
    }

    /// Histograms between floats that a function passes over.
    pub(crate) fn histogram_ignored_in_range(&mut self, name: &str, span: Span) {
        let text = "PromQL info: ignored histograms in a range containing both floats and histograms for metric name";
        self.add(format!("{text} {}", quote(name)), span);
    }

    /// A quantile that falls on NaN observations.
    pub(crate) fn quantile_nan_result(&mut self, name: &str, span: Span) {
        let text = "PromQL info: input to histogram_quantile has NaN observations, result is NaN";
        self.add(with_name(text, name), span);
    }

    /// A quantile that NaN observations skew.
    pub(crate) fn quantile_nan_skew(&mut self, name: &str, span: Span) {
        let text = "PromQL info: input to histogram_quantile has NaN observations, result is skewed higher";
        self.add(with_name(text, name), span);
    }

    /// NaN observations outside of every fraction.
    pub(crate) fn fraction_nans(&mut self, name: &str, span: Span) {
        let text = "PromQL info: input to histogram_fraction has NaN observations, which are excluded from all fractions";
        self.add(with_name(text, name), span);
    }

    /// Counter-reset hints that contradict each other.
    pub(crate) fn reset_collision(&mut self, op: Operation, span: Span) {
        self.add(
            format!("PromQL warning: conflicting counter resets during histogram {}", op.as_str()),
            span,
        );
    }

    /// Custom bounds that differ and were reduced to those in common.
    pub(crate) fn custom_bounds_reconciled(&mut self, op: Operation, span: Span) {
        self.add(
            format!("PromQL info: mismatched custom buckets were reconciled during {}", op.as_str()),
            span,
        );
    }

    /// A start timestamp before the previous sample.
    pub(crate) fn start_time_overlap(&mut self, name: &str, span: Span) {
        let text =
            "PromQL warning: sample has start time that overlaps with previous sample timestamp for metric";
        self.add_with(format!("{text} {}", quote(name)), span, Detail::Overlaps { count: 1 });
    }
}
