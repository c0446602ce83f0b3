//! What the database says about itself.

use crate::block::BlockMeta;
use crate::head::HeadStats;
use std::sync::atomic::{AtomicU64, Ordering};

/// One block, for `/api/v1/status/tsdb/blocks` and the UI.
#[derive(Debug, Clone)]
pub struct BlockInfo {
    /// Its meta; serialises as Prometheus does.
    pub meta: BlockMeta,
    /// Size on disk in bytes.
    pub bytes: u64,
    /// Why it does not serve, when it could not be opened.
    pub broken: Option<String>,
}

/// Counters and gauges of a database; counters since it was opened.
#[derive(Debug, Clone, Default)]
pub struct DbStats {
    /// Blocks that serve (`prometheus_tsdb_blocks_loaded`).
    pub blocks: u64,
    /// Their size in bytes (`prometheus_tsdb_storage_blocks_bytes`).
    pub block_bytes: u64,
    /// Blocks that could not be opened.
    pub blocks_broken: u64,
    /// Blocks that are superseded and wait for their last reader.
    pub blocks_waiting: u64,
    /// Blocks written, from the head and by merging (`prometheus_tsdb_compactions_total`).
    pub compactions: u64,
    /// Blocks that could not be written (`prometheus_tsdb_compactions_failed_total`).
    pub compactions_failed: u64,
    /// Merges of blocks that overlap in time (`prometheus_tsdb_vertical_compactions_total`).
    pub overlapping_compactions: u64,
    /// Rounds in which blocks went because of the retention time (`prometheus_tsdb_time_retentions_total`).
    pub time_retentions: u64,
    /// Rounds in which blocks went because of the retention size (`prometheus_tsdb_size_retentions_total`).
    pub size_retentions: u64,
    /// Milliseconds spent on writing blocks.
    pub compaction_ms: u64,
    /// Whether the lock file was there already: the last run did not end cleanly.
    pub lock_was_left: bool,
    /// Bytes in the cache of symbols and postings.
    pub cache_bytes: u64,
    /// What failed last in the background, and still did when last tried.
    pub last_error: Option<String>,
    /// The head's own.
    pub head: HeadStats,
}

/// What one round of [`super::Db::maintain`] did.
#[derive(Debug, Clone, Default)]
pub struct Maintained {
    /// Blocks cut from the head.
    pub from_head: Vec<BlockMeta>,
    /// Blocks merged from others.
    pub merged: Vec<BlockMeta>,
    /// Blocks that the retention took.
    pub expired: usize,
    /// Folders removed.
    pub removed: usize,
    /// What failed; the next round tries again.
    pub errors: Vec<String>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) compactions: AtomicU64,
    pub(super) compactions_failed: AtomicU64,
    pub(super) overlapping: AtomicU64,
    pub(super) time_retentions: AtomicU64,
    pub(super) size_retentions: AtomicU64,
    pub(super) compaction_ns: AtomicU64,
}

pub(super) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
