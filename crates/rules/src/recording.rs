//! What a recording rule makes of an answer: other names and labels, each series once.

use crate::spec::RuleSpec;
use std::collections::HashSet;
use tortie_model::Labels;
use tortie_model::labels::METRIC_NAME;
use tortie_promql::eval::{Sample, SampleValue};

/// A series and its value at the time of the evaluation.
pub(crate) type Row = (Labels, SampleValue);

/// The rows that a recording rule stores.
pub(crate) fn rows(spec: &RuleSpec, answer: Vec<Sample>, limit: i64) -> Result<Vec<Row>, String> {
    let mut rows = Vec::with_capacity(answer.len());
    let mut seen = HashSet::with_capacity_and_hasher(answer.len(), foldhash::fast::RandomState::default());
    for sample in answer {
        let mut lb = sample.labels.builder();
        lb.set(METRIC_NAME, &spec.name);
        for (name, value) in &spec.labels {
            lb.set(name, value);
        }
        let labels = lb.labels();
        if !seen.insert(labels.clone()) {
            return Err(
                "vector contains metrics with the same labelset after applying rule labels".to_owned()
            );
        }
        rows.push((labels, sample.v));
    }
    if limit > 0 && rows.len() as i64 > limit {
        return Err(format!("exceeded limit of {limit} with {} series", rows.len()));
    }
    Ok(rows)
}
