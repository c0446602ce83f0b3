//! Settings of the head, why it could not be opened, and how far its start has come.

/// Settings of a head.
#[derive(Debug, Clone)]
pub struct HeadOptions {
    /// Width of a head block in milliseconds; chunks never cross its multiples. Two hours unless a test wants less.
    pub chunk_range_ms: i64,
    /// Samples a chunk aims at (`--storage.tsdb.samples-per-chunk`).
    pub samples_per_chunk: u16,
    /// Bytes the head may use before it refuses new series, 0 for no limit (decision 9).
    pub memory_cap: u64,
    /// Samples below this time are in blocks already: they are neither taken nor replayed. `i64::MIN` for none.
    pub min_valid_time: i64,
    /// Compress WAL records with snappy (`--storage.tsdb.wal-compression`).
    pub wal_compression: bool,
    /// Largest WAL segment in bytes, a multiple of 32 KiB (`--storage.tsdb.wal-segment-size`).
    pub wal_segment_size: u64,
    /// Milliseconds between two `fdatasync` of the WAL; 0 syncs only at a segment's end and at close.
    pub wal_sync_interval_ms: u64,
}

impl Default for HeadOptions {
    fn default() -> Self {
        HeadOptions {
            chunk_range_ms: 2 * 3600 * 1000,
            samples_per_chunk: 120,
            memory_cap: 0,
            min_valid_time: i64::MIN,
            wal_compression: true,
            wal_segment_size: 128 << 20,
            wal_sync_interval_ms: 1000,
        }
    }
}

/// Why a head could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> OpenError + '_ {
        move |source| OpenError::Io { path: path.display().to_string(), source }
    }
}

/// How far the start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayProgress {
    /// First WAL segment to read.
    pub min: u64,
    /// Last WAL segment to read.
    pub max: u64,
    /// Segment that was read last.
    pub current: u64,
}
