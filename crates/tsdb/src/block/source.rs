//! Where the series of a new block come from: the head, a block, or a merge of blocks.

use crate::chunk::RawChunk;
use tortie_model::Labels;
use tortie_model::storage::StorageError;

/// One series on its way into a block. The caller keeps the value between calls so that its memory is reused.
#[derive(Debug, Default, Clone)]
pub struct SourceSeries {
    /// The label set.
    pub labels: Labels,
    /// Chunks ascending in time, not overlapping, all within the range the source was made for.
    pub chunks: Vec<RawChunk>,
}

/// A stream of symbols, then of series.
///
/// All symbols are taken first (until [`SeriesSource::next_symbol`] says `false`), then all series. A source may name
/// symbols that none of its series uses; it must name every one that a series uses.
pub trait SeriesSource {
    /// Puts the next symbol (label name or value) into `out`, replacing what it held; ascending by bytes, without
    /// duplicates. `false` when there are no more.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn next_symbol(&mut self, out: &mut String) -> Result<bool, StorageError>;

    /// Puts the next series into `out`, replacing what it held; strictly ascending by labels. `false` when there are
    /// no more. A series may come without chunks: it is left out of the block.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn next_series(&mut self, out: &mut SourceSeries) -> Result<bool, StorageError>;
}
