//! The head as input of a block: its symbols, then its series with the chunks of one time range.

use super::{Head, HeadView};
use crate::block::{SeriesSource, SourceSeries};
use crate::chunk::{self, RawChunk, xor};
use std::sync::atomic::Ordering;
use tortie_model::Columns;
use tortie_model::storage::StorageError;

/// Series of the head with their samples in `[mint, maxt)`, ascending by labels.
pub struct HeadSource<'a> {
    view: HeadView<'a>,
    mint: i64,
    /// Inclusive.
    maxt: i64,
    symbols: std::vec::IntoIter<u32>,
    slots: std::vec::IntoIter<u32>,
}

impl Head {
    /// The head's samples in `[mint, maxt_exclusive)` as input of a block. The range must be closed to appends:
    /// `maxt_exclusive` at or below [`Head::appendable_min_valid_time`].
    pub fn block_source(&self, mint: i64, maxt_exclusive: i64) -> HeadSource<'_> {
        let maxt = maxt_exclusive.saturating_sub(1);
        let view = self.view(mint, maxt);
        let index = self.index();
        let mut slots = index.all();
        slots.sort_unstable_by(|a, b| index.compare(*a, *b));
        let mut symbols: Vec<(u32, &str)> = index.symbols.iter().collect();
        symbols.sort_unstable_by(|a, b| a.1.cmp(b.1));
        let symbols: Vec<u32> = symbols.into_iter().map(|(i, _)| i).collect();
        drop(index);
        HeadSource { view, mint, maxt, symbols: symbols.into_iter(), slots: slots.into_iter() }
    }
}

impl SeriesSource for HeadSource<'_> {
    fn next_symbol(&mut self, out: &mut String) -> Result<bool, StorageError> {
        out.clear();
        let Some(i) = self.symbols.next() else { return Ok(false) };
        out.push_str(self.view.head().index().symbols.text(i));
        Ok(true)
    }

    fn next_series(&mut self, out: &mut SourceSeries) -> Result<bool, StorageError> {
        out.chunks.clear();
        let Some(slot) = self.slots.next() else { return Ok(false) };
        out.labels = self.view.head().index().labels(slot);
        let mut raw = Vec::new();
        self.view.raw_chunks(slot, self.mint, self.maxt, &mut raw)?;
        let rewrite = self.view.head().has_tombstones.load(Ordering::Acquire);
        for c in raw {
            if !rewrite && c.mint >= self.mint && c.maxt <= self.maxt {
                out.chunks.push(c);
                continue;
            }
            let mut cols = Columns::default();
            chunk::decode(c.encoding, &c.data, self.mint, self.maxt, &mut cols)
                .map_err(|e| StorageError::Corrupt(e.to_string()))?;
            self.view.head().apply_tombstones(slot, &mut cols);
            out.chunks.extend(encode(&cols));
        }
        Ok(true)
    }
}

fn encode(cols: &Columns) -> Option<RawChunk> {
    let mut e = xor::Encoder::new();
    for (t, v) in cols.t.iter().zip(&cols.v) {
        e.append(*t, *v);
    }
    e.finish()
}
