//! A whole block as the source of another: all its series in order, chunks as they are.

use super::chunks::sequential;
use super::series::{ChunkMeta, SeriesReader};
use super::symbols::Symbols;
use super::window::Window;
use super::{AHEAD, Block, StorageResult, read_list};
use crate::block::tombstones::{Tombstones, covers, touches};
use crate::block::{SeriesSource, SourceSeries};
use crate::chunk::{self, RawChunk, xor};
use std::sync::Arc;
use tortie_model::Columns;
use tortie_model::storage::StorageError;

/// Streams a block; deleted samples are left out.
pub struct BlockSource {
    block: Arc<Block>,
    stones: Arc<Tombstones>,
    symbols: Arc<Symbols>,
    next_symbol: u64,
    series: Vec<u32>,
    next_series: usize,
    batch: Vec<SourceSeries>,
    taken: usize,
}

/// Series that are read at a time, so that windows serve many.
const BATCH: usize = 256;

impl BlockSource {
    /// A source of all that `block` holds.
    ///
    /// # Errors
    /// When its index cannot be read.
    pub fn new(block: Arc<Block>) -> StorageResult<BlockSource> {
        let table = block.table()?;
        let symbols = block.symbols()?;
        let series = match table.all() {
            // Not through the cache: merging must not push out what queries use.
            Some(at) => read_list(&block.index, at, &mut Window::new(&block.index))?,
            None => Vec::new(),
        };
        let stones = block.tombstones();
        Ok(BlockSource {
            block,
            stones,
            symbols,
            next_symbol: 0,
            series,
            next_series: 0,
            batch: Vec::new(),
            taken: 0,
        })
    }

    fn fill(&mut self) -> StorageResult<()> {
        self.batch.clear();
        self.taken = 0;
        let block = Arc::clone(&self.block);
        let mut reader = SeriesReader::new(&block.index, &self.symbols, AHEAD);
        let mut open: Option<(usize, Window<'_>)> = None;
        let mut metas: Vec<ChunkMeta> = Vec::new();
        while self.batch.len() < BATCH {
            let Some(&r) = self.series.get(self.next_series) else { return Ok(()) };
            self.next_series += 1;
            let labels = reader.read(r, &mut metas)?;
            let deleted = self.stones.of(u64::from(r));
            let mut chunks = Vec::with_capacity(metas.len());
            for &m in metas.iter().filter(|m| !covers(deleted, m.mint, m.maxt)) {
                let file = block.segment(m)?;
                let window = match &mut open {
                    Some((s, w)) if *s == m.segment() => w,
                    slot => &mut slot.insert((m.segment(), Window::new(file))).1,
                };
                let (encoding, data) = sequential(file, window, m.offset(), AHEAD)?;
                let raw = RawChunk { mint: m.mint, maxt: m.maxt, encoding, data };
                if touches(deleted, m.mint, m.maxt) {
                    chunks.extend(without(&raw, deleted)?);
                } else {
                    chunks.push(raw);
                }
            }
            self.batch.push(SourceSeries { labels, chunks });
        }
        Ok(())
    }
}

impl SeriesSource for BlockSource {
    fn next_symbol(&mut self, out: &mut String) -> StorageResult<bool> {
        let Some(text) = self.symbols.get(self.next_symbol) else { return Ok(false) };
        out.clear();
        out.push_str(text);
        self.next_symbol += 1;
        Ok(true)
    }

    fn next_series(&mut self, out: &mut SourceSeries) -> StorageResult<bool> {
        if self.taken >= self.batch.len() {
            self.fill()?;
        }
        let Some(next) = self.batch.get_mut(self.taken) else { return Ok(false) };
        *out = std::mem::take(next);
        self.taken += 1;
        Ok(true)
    }
}

/// A chunk packed anew without its deleted samples; `None` when none is left.
fn without(raw: &RawChunk, deleted: &[(i64, i64)]) -> StorageResult<Option<RawChunk>> {
    let mut columns = Columns::default();
    chunk::decode(raw.encoding, &raw.data, i64::MIN, i64::MAX, &mut columns)
        .map_err(|e| StorageError::Corrupt(e.to_string()))?;
    if columns.st.iter().any(|&st| st != 0) {
        // Packing them as XOR would lose what the deletion did not ask for.
        return Err(StorageError::Corrupt("chunks with start timestamps are not packed anew yet".to_owned()));
    }
    super::set::drop_deleted(&mut columns, 0, deleted);
    let mut packed = xor::Encoder::new();
    for (&t, &v) in columns.t.iter().zip(&columns.v) {
        packed.append(t, v);
    }
    Ok(packed.finish())
}
