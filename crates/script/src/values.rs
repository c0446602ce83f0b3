//! Described values to samples.

use std::sync::Arc;
use tortie_model::Labels;
use tortie_promql::ast::UnaryOp;
use tortie_promql::eval::FloatHistogram;
use tortie_promql::parse::{HistogramValue, Options, SeriesItem, SeriesValue, parse_series};

/// What a series has at a place of its description.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Point {
    /// Nothing.
    Omitted,
    /// A float.
    Float(f64),
    /// A histogram, and whether its counter-reset hint was written down.
    Histogram(Arc<FloatHistogram>, bool),
}

/// More values a line than this are a mistake.
const MOST_VALUES: u64 = 1_000_000;

/// Parses a line and writes all of its values out.
pub(crate) fn series(line: &str) -> Result<(Labels, Vec<Point>), String> {
    let (labels, items) = parse_series(line, &Options::ALL).map_err(|e| format!("{line}: {e}"))?;
    let total = items.iter().fold(0u64, |sum, i| sum.saturating_add(i.count));
    if total > MOST_VALUES {
        return Err(format!("{line}: more than {MOST_VALUES} values"));
    }
    let mut points = Vec::new();
    for item in &items {
        expand(item, &mut points)?;
    }
    Ok((labels, points))
}

fn expand(item: &SeriesItem, points: &mut Vec<Point>) -> Result<(), String> {
    match &item.value {
        SeriesValue::Omitted => points.extend((0..item.count).map(|_| Point::Omitted)),
        SeriesValue::Float { start, step } => {
            let mut value = *start;
            for _ in 0..item.count {
                points.push(Point::Float(value));
                // Adding zero would quieten a stale marker.
                if *step != 0.0 {
                    value += step;
                }
            }
        }
        SeriesValue::Histogram { start, change } => {
            let mut hint_written = start.hint.is_some();
            let mut current = Arc::new(histogram(start));
            let change = change.as_ref().map(|(op, by)| {
                // The mark is that of the histogram read last.
                hint_written = by.hint.is_some();
                (*op, histogram(by))
            });
            for i in 0..item.count {
                if let Some((op, by)) = &change
                    && i > 0
                {
                    current = Arc::new(step(&current, *op, by)?);
                }
                points.push(Point::Histogram(Arc::clone(&current), hint_written));
            }
        }
    }
    Ok(())
}

fn step(current: &FloatHistogram, op: UnaryOp, by: &FloatHistogram) -> Result<FloatHistogram, String> {
    if current.schema > by.schema {
        return Err(format!(
            "error combining histograms: cannot merge from schema {} to {}",
            by.schema, current.schema
        ));
    }
    match op {
        UnaryOp::Plus => current.plus(by),
        UnaryOp::Minus => current.minus(by),
    }
    .map_err(|e| e.to_string())
}

fn histogram(described: &HistogramValue) -> FloatHistogram {
    let spans = |offset: i32, counts: &[f64]| {
        if counts.is_empty() { Vec::new() } else { vec![(offset, counts.len() as u32)] }
    };
    FloatHistogram {
        hint: described.hint.unwrap_or_default(),
        schema: described.schema,
        zero_threshold: described.zero_threshold,
        zero_count: described.zero_count,
        count: described.count,
        sum: described.sum,
        positive_spans: spans(described.offset, &described.buckets),
        negative_spans: spans(described.negative_offset, &described.negative_buckets),
        positive: described.buckets.clone(),
        negative: described.negative_buckets.clone(),
        custom_values: described.custom_values.as_slice().into(),
    }
}
