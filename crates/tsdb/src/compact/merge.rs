//! Several sources as one: series merged by labels, their chunks copied where they do not overlap.

use super::chunks::merge_chunks;
use crate::block::{SeriesSource, SourceSeries};
use tortie_model::storage::StorageError;

/// A source whose next item is looked at before it is taken.
struct Ahead<'a> {
    source: Box<dyn SeriesSource + 'a>,
    symbol: Option<String>,
    series: Option<SourceSeries>,
}

/// Merges sources; of samples with one timestamp that of the later source stays.
pub struct MergeSource<'a> {
    sources: Vec<Ahead<'a>>,
    symbols_begun: bool,
    series_begun: bool,
}

impl<'a> MergeSource<'a> {
    /// A merge of `sources`.
    pub fn new(sources: Vec<Box<dyn SeriesSource + 'a>>) -> MergeSource<'a> {
        let sources =
            sources.into_iter().map(|source| Ahead { source, symbol: None, series: None }).collect();
        MergeSource { sources, symbols_begun: false, series_begun: false }
    }
}

impl Ahead<'_> {
    fn advance_symbol(&mut self) -> Result<(), StorageError> {
        let mut text = self.symbol.take().unwrap_or_default();
        self.symbol = self.source.next_symbol(&mut text)?.then_some(text);
        Ok(())
    }

    fn advance_series(&mut self) -> Result<(), StorageError> {
        let mut series = SourceSeries::default();
        self.series = self.source.next_series(&mut series)?.then_some(series);
        Ok(())
    }
}

impl SeriesSource for MergeSource<'_> {
    fn next_symbol(&mut self, out: &mut String) -> Result<bool, StorageError> {
        if !std::mem::replace(&mut self.symbols_begun, true) {
            self.sources.iter_mut().try_for_each(Ahead::advance_symbol)?;
        }
        // There are a handful of sources: looking at each beats a heap.
        let Some(least) = self.sources.iter().filter_map(|s| s.symbol.as_deref()).min() else {
            return Ok(false);
        };
        out.clear();
        out.push_str(least);
        for s in &mut self.sources {
            if s.symbol.as_deref() == Some(out.as_str()) {
                s.advance_symbol()?;
            }
        }
        Ok(true)
    }

    fn next_series(&mut self, out: &mut SourceSeries) -> Result<bool, StorageError> {
        if !std::mem::replace(&mut self.series_begun, true) {
            self.sources.iter_mut().try_for_each(Ahead::advance_series)?;
        }
        let Some(least) =
            self.sources.iter().filter_map(|s| s.series.as_ref().map(|s| &s.labels)).min().cloned()
        else {
            return Ok(false);
        };
        let mut chunks = Vec::new();
        for (rank, s) in self.sources.iter_mut().enumerate() {
            if s.series.as_ref().is_some_and(|s| s.labels == least) {
                if let Some(series) = s.series.take() {
                    chunks.extend(series.chunks.into_iter().map(|c| (rank, c)));
                }
                s.advance_series()?;
            }
        }
        out.chunks = merge_chunks(chunks)?;
        out.labels = least;
        Ok(true)
    }
}
