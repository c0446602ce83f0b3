//! Blocks: immutable directories of samples in Prometheus' format (index version 2, chunk segments, tombstones).
//!
//! A block is written once from a [`SeriesSource`] and then only read, renamed or removed; deletions within it go to
//! its `tombstones` file.

pub(crate) mod bytes;
mod error;
mod meta;
pub mod read;
mod source;
pub(crate) mod tombstones;
mod ulid;
pub mod write;

pub use error::BlockError;
pub use meta::{BlockMeta, BlockStats, Compaction, META_FILE, Parent};
pub use read::Block;
pub use source::{SeriesSource, SourceSeries};
pub use tombstones::{TOMBSTONES_FILE, Tombstones};
pub use ulid::{NotAUlid, Ulid, UlidSource};
pub use write::write_block;

/// Folder of the chunk segments within a block.
pub const CHUNKS_DIR: &str = "chunks";
/// Name of the index file within a block.
pub const INDEX_FILE: &str = "index";
/// Ending of a block's folder while it is written.
pub const TMP_CREATION: &str = ".tmp-for-creation";
/// Ending of a block's folder while it is removed.
pub const TMP_DELETION: &str = ".tmp-for-deletion";

pub(crate) const INDEX_MAGIC: u32 = 0xBAAA_D700;
pub(crate) const INDEX_V2: u8 = 2;
pub(crate) const CHUNKS_MAGIC: u32 = 0x85BD_40DD;
pub(crate) const CHUNKS_V1: u8 = 1;
/// Header of a chunk segment: magic, version, three bytes of padding.
pub(crate) const SEGMENT_HEADER: u64 = 8;
/// Series entries start at multiples of this; a series' reference is its offset divided by it.
pub(crate) const SERIES_ALIGN: u64 = 16;
/// Length of the table of contents: six offsets and a checksum.
pub(crate) const TOC_LEN: u64 = 52;

/// Name of chunk segment `n` (from 1 on).
pub(crate) fn segment_name(n: u32) -> String {
    format!("{n:06}")
}
