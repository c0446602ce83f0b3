//! Writing a block: into a temporary folder, synced, then renamed, so that a crash leaves all of it or nothing.

mod chunks;
mod index;
mod out;
mod postings;
mod symbols;

use super::{
    BlockError, BlockMeta, BlockStats, CHUNKS_DIR, INDEX_FILE, SeriesSource, SourceSeries, TMP_CREATION,
    Tombstones,
};
use crate::chunk::RawChunk;
use chunks::ChunkWriter;
use index::{ChunkAt, IndexWriter};
use std::path::{Path, PathBuf};
use tortie_host::Fs;

/// Largest chunk segment in bytes.
pub const SEGMENT_LIMIT: u64 = 512 << 20;

/// Writes the block `meta.ulid` into the folder `parent` from `source`.
///
/// Gives the block's meta with its counts, or `None` when the source held no sample (then nothing is left on disk).
/// Memory is bounded by the symbols and about a byte a label of each series.
///
/// # Errors
/// When the disk refuses, the source fails, or breaks the order it promises. The temporary folder is removed.
pub fn write_block(
    fs: &dyn Fs,
    parent: &Path,
    meta: BlockMeta,
    source: &mut dyn SeriesSource,
) -> Result<Option<BlockMeta>, BlockError> {
    write_block_with(fs, parent, meta, source, SEGMENT_LIMIT)
}

/// As [`write_block`], with another limit for chunk segments.
///
/// # Errors
/// As [`write_block`].
pub fn write_block_with(
    fs: &dyn Fs,
    parent: &Path,
    meta: BlockMeta,
    source: &mut dyn SeriesSource,
    segment_limit: u64,
) -> Result<Option<BlockMeta>, BlockError> {
    let tmp = parent.join(format!("{}{TMP_CREATION}", meta.ulid));
    let done = fill(fs, &tmp, meta, source, segment_limit).and_then(|meta| match meta {
        Some(meta) => publish(fs, parent, &tmp, meta).map(Some),
        None => Ok(None),
    });
    if !matches!(done, Ok(Some(_))) {
        // Nothing more can be done about a folder that does not go; the next start tries again.
        let _ = fs.remove_dir_all(&tmp);
    }
    done
}

fn publish(fs: &dyn Fs, parent: &Path, tmp: &Path, meta: BlockMeta) -> Result<BlockMeta, BlockError> {
    let dir: PathBuf = parent.join(meta.ulid.to_string());
    fs.rename(tmp, &dir).map_err(BlockError::io("rename", tmp))?;
    fs.sync_dir(parent).map_err(BlockError::io("sync", parent))?;
    Ok(meta)
}

fn fill(
    fs: &dyn Fs,
    tmp: &Path,
    mut meta: BlockMeta,
    source: &mut dyn SeriesSource,
    segment_limit: u64,
) -> Result<Option<BlockMeta>, BlockError> {
    if fs.kind(tmp).is_some() {
        fs.remove_dir_all(tmp).map_err(BlockError::io("remove", tmp))?;
    }
    let chunks_dir = tmp.join(CHUNKS_DIR);
    fs.create_dir_all(&chunks_dir).map_err(BlockError::io("create", &chunks_dir))?;
    let mut chunks = ChunkWriter::new(fs, &chunks_dir, segment_limit);
    let mut index = IndexWriter::create(fs, &tmp.join(INDEX_FILE))?;
    meta.stats = copy(source, &mut chunks, &mut index)?;
    if meta.stats.num_samples == 0 {
        return Ok(None);
    }
    chunks.finish()?;
    index.finish()?;
    fs.sync_dir(&chunks_dir).map_err(BlockError::io("sync", &chunks_dir))?;
    Tombstones::default().write(fs, tmp)?;
    meta.write(fs, tmp)?;
    fs.sync_dir(tmp).map_err(BlockError::io("sync", tmp))?;
    Ok(Some(meta))
}

fn copy(
    source: &mut dyn SeriesSource,
    chunks: &mut ChunkWriter<'_>,
    index: &mut IndexWriter,
) -> Result<BlockStats, BlockError> {
    let mut symbol = String::new();
    while source.next_symbol(&mut symbol)? {
        index.symbol(&symbol)?;
    }
    index.end_symbols()?;

    let mut stats = BlockStats::default();
    let mut series = SourceSeries::default();
    let mut places = Vec::new();
    while source.next_series(&mut series)? {
        places.clear();
        for chunk in &series.chunks {
            places.push(ChunkAt { mint: chunk.mint, maxt: chunk.maxt, at: chunks.put(chunk)? });
            count(&mut stats, chunk);
        }
        if places.is_empty() {
            continue;
        }
        index.series(&series.labels, &places)?;
        stats.num_series += 1;
    }
    Ok(stats)
}

fn count(stats: &mut BlockStats, chunk: &RawChunk) {
    let n = samples_of(chunk);
    stats.num_chunks += 1;
    stats.num_samples += n;
    match chunk.encoding {
        // Histogram and float histogram, without and with start timestamps.
        2 | 3 | 5 | 6 => stats.num_histogram_samples += n,
        _ => stats.num_float_samples += n,
    }
}

/// Number of samples of a chunk: every encoding begins with it, in two bytes.
pub(crate) fn samples_of(chunk: &RawChunk) -> u64 {
    let n = chunk.data.first_chunk::<2>().map_or(0, |b| u16::from_be_bytes(*b));
    // Histograms with start timestamps keep their counter-reset hint in the two upper bits.
    u64::from(if matches!(chunk.encoding, 5 | 6) { n & 0x3fff } else { n })
}
