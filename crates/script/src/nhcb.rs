//! Classic histograms to native ones with custom buckets.

use crate::storage::{Sample, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Labels, gofloat};
use tortie_promql::eval::FloatHistogram;

const BUCKET_LABEL: &str = "le";
/// Schema of histograms with custom bounds.
const CUSTOM: i32 = -53;

/// The series of one classic histogram at one time.
#[derive(Default)]
struct Classic {
    /// Upper bounds and counts, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms of all classic ones among `series`.
pub(crate) fn convert(series: &[(Labels, Vec<Sample>)]) -> Result<Vec<(Labels, Vec<Sample>)>, String> {
    let mut found: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
    for (labels, samples) in series {
        let name = labels.metric_name();
        let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
            match gofloat::parse(labels.value(BUCKET_LABEL)) {
                Ok(bound) if !bound.is_nan() => (base, Part::Bucket(bound)),
                _ => continue,
            }
        } else if let Some(base) = name.strip_suffix("_count") {
            (base, Part::Count)
        } else if let Some(base) = name.strip_suffix("_sum") {
            (base, Part::Sum)
        } else {
            continue;
        };
        let labels = labels.builder().set(METRIC_NAME, base).del(BUCKET_LABEL).labels();
        let times = found.entry(labels).or_default();
        for sample in samples {
            if let Value::Float(v) = sample.value {
                times.entry(sample.t).or_default().set(part, v)?;
            }
        }
    }
    let mut all = Vec::new();
    for (labels, times) in found {
        let mut samples = Vec::new();
        for (t, classic) in times {
            let value = Value::Histogram(Arc::new(classic.native()?));
            samples.push(Sample { t, start: 0, value });
        }
        all.push((labels, samples));
    }
    Ok(all)
}

#[derive(Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Classic {
    fn set(&mut self, part: Part, v: f64) -> Result<(), String> {
        match part {
            Part::Sum => self.sum = v,
            Part::Count if v < 0.0 => return Err(format!("count must be non-negative: count={v}")),
            Part::Count => self.count = Some(v),
            Part::Bucket(bound) if v < 0.0 => {
                return Err(format!("bucket count must be non-negative: le={bound}, count={v}"));
            }
            Part::Bucket(bound) => {
                let at = self.buckets.partition_point(|b| b.0 < bound);
                if self.buckets.get(at).is_some_and(|b| b.0 == bound) {
                    return Ok(());
                }
                let below = at.checked_sub(1).and_then(|i| self.buckets.get(i)).map_or(0.0, |b| b.1);
                let above = self.buckets.get(at).map_or(f64::INFINITY, |b| b.1);
                if v < below || v > above {
                    return Err(format!("count is not cumulative: le={bound}, count={v}"));
                }
                self.buckets.insert(at, (bound, v));
            }
        }
        Ok(())
    }

    fn native(mut self) -> Result<FloatHistogram, String> {
        let highest = self.buckets.last().copied();
        let Some(count) = self.count.or(highest.map(|b| b.1)) else {
            return Err("count must be provided when no buckets are present".to_owned());
        };
        if highest.is_none_or(|b| b.0 != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let total = self.buckets.last().map_or(0.0, |b| b.1);
        if total != count {
            return Err(format!("count mismatch: count={count} != le=+Inf count={total}"));
        }
        let mut below = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (_, cumulative) in &self.buckets {
            counts.push(cumulative - below);
            below = *cumulative;
        }
        let bounds: Vec<f64> = self.buckets.iter().map(|b| b.0).filter(|b| *b != f64::INFINITY).collect();
        let h = FloatHistogram {
            schema: CUSTOM,
            count,
            sum: self.sum,
            positive_spans: vec![(0, counts.len() as u32)],
            positive: counts,
            custom_values: bounds.into(),
            ..FloatHistogram::default()
        };
        Ok(h.compacted())
    }
}
