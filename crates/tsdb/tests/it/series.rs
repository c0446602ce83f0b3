//! Series made up for tests, as a source of blocks and as the truth to compare with.

use std::collections::{BTreeMap, BTreeSet};
use tortie_model::storage::{Queryable, SelectHints, StorageError};
use tortie_model::{Columns, Labels, Matcher};
use tortie_tsdb::block::{SeriesSource, SourceSeries};
use tortie_tsdb::chunk::{RawChunk, xor};

/// Samples by series.
pub(crate) type Truth = BTreeMap<Labels, Vec<(i64, f64)>>;

/// Packs samples into chunks of at most `most`.
pub(crate) fn pack(samples: &[(i64, f64)], most: usize) -> Vec<RawChunk> {
    samples
        .chunks(most)
        .filter_map(|part| {
            let mut e = xor::Encoder::new();
            for &(t, v) in part {
                e.append(t, v);
            }
            e.finish()
        })
        .collect()
}

/// A source over made-up series.
pub(crate) struct TruthSource {
    symbols: Vec<String>,
    series: Vec<SourceSeries>,
}

impl TruthSource {
    pub(crate) fn new(truth: &Truth, samples_per_chunk: usize) -> TruthSource {
        let symbols: BTreeSet<&str> = truth.keys().flat_map(|l| l.iter()).flat_map(|(n, v)| [n, v]).collect();
        let series = truth
            .iter()
            .rev()
            .map(|(l, s)| SourceSeries { labels: l.clone(), chunks: pack(s, samples_per_chunk) })
            .collect();
        TruthSource { symbols: symbols.into_iter().rev().map(str::to_owned).collect(), series }
    }
}

impl SeriesSource for TruthSource {
    fn next_symbol(&mut self, out: &mut String) -> Result<bool, StorageError> {
        let next = self.symbols.pop();
        *out = next.clone().unwrap_or_default();
        Ok(next.is_some())
    }

    fn next_series(&mut self, out: &mut SourceSeries) -> Result<bool, StorageError> {
        let next = self.series.pop();
        let more = next.is_some();
        *out = next.unwrap_or_default();
        Ok(more)
    }
}

/// All samples of a selection, with bits instead of floats so that NaNs compare.
pub(crate) fn read_all(
    q: &dyn Queryable,
    mint: i64,
    maxt: i64,
    matchers: &[Matcher],
) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let querier = q.querier(mint, maxt).unwrap();
    let set = querier.select(&SelectHints { mint, maxt, ..SelectHints::default() }, matchers).unwrap();
    let mut out = BTreeMap::new();
    let mut columns = Columns::default();
    let mut before = None;
    for i in 0..set.len() {
        set.read(i, mint, maxt, &mut columns).unwrap();
        let labels = set.labels(i);
        assert!(
            before.as_ref().is_none_or(|b| *b < labels),
            "series are not ascending: {before:?} then {labels:?}"
        );
        before = Some(labels.clone());
        let samples: Vec<_> = columns.t.iter().zip(&columns.v).map(|(&t, v)| (t, v.to_bits())).collect();
        if !samples.is_empty() {
            out.insert(labels, samples);
        }
    }
    out
}

/// What [`read_all`] should give.
pub(crate) fn expected(
    truth: &Truth,
    mint: i64,
    maxt: i64,
    matchers: &[Matcher],
) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    truth
        .iter()
        .filter(|(l, _)| matchers.iter().all(|m| m.matches(l.value(&m.name))))
        .map(|(l, s)| {
            (
                l.clone(),
                s.iter().filter(|(t, _)| (mint..=maxt).contains(t)).map(|&(t, v)| (t, v.to_bits())).collect(),
            )
        })
        .filter(|(_, s): &(_, Vec<_>)| !s.is_empty())
        .collect()
}
