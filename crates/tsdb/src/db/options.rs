//! Settings of a database, and why one could not be opened.

use crate::head::HeadOptions;
use std::io;
use std::path::PathBuf;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Settings of a [`super::Db`].
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Blocks that end this many milliseconds before the newest block's end are deleted; 0 keeps all
    /// (`--storage.tsdb.retention.time`).
    pub retention_ms: i64,
    /// The oldest blocks are deleted when blocks, WAL and head chunks together are larger; 0 is no limit
    /// (`--storage.tsdb.retention.size`).
    pub retention_bytes: u64,
    /// Range of a block cut from the head, milliseconds (`--storage.tsdb.min-block-duration`).
    pub min_block_ms: i64,
    /// Longest range that blocks are merged to, milliseconds; 0 is a tenth of the retention, 31 days at most
    /// (`--storage.tsdb.max-block-duration`).
    pub max_block_ms: i64,
    /// Do not take the lock file (`--storage.tsdb.no-lockfile`).
    pub no_lockfile: bool,
    /// Bytes for symbols, postings offsets and hot postings of blocks.
    pub cache_bytes: usize,
    /// Settings of the head. `chunk_range_ms` and `min_valid_time` are set by the database.
    pub head: HeadOptions,
}

impl Default for DbOptions {
    fn default() -> Self {
        DbOptions {
            retention_ms: 15 * DAY,
            retention_bytes: 0,
            min_block_ms: 2 * HOUR,
            max_block_ms: 0,
            no_lockfile: false,
            cache_bytes: 32 << 20,
            head: HeadOptions::default(),
        }
    }
}

impl DbOptions {
    /// The longest range that blocks are merged to, by Prometheus' rule when none is given.
    pub fn longest_block_ms(&self) -> i64 {
        let given = match self.max_block_ms {
            0 if self.retention_ms > 0 => (self.retention_ms / 10).min(31 * DAY),
            0 => 31 * DAY,
            given => given,
        };
        given.max(self.min_block_ms)
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "{dir}: another process uses this data directory (hint: stop it, or choose another --storage.tsdb.path)"
    )]
    Locked {
        /// The data directory.
        dir: PathBuf,
    },
    /// A file or directory could not be read or written.
    #[error("{op} {path}: {source}")]
    Io {
        /// What was tried.
        op: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The head could not be opened.
    #[error(transparent)]
    Head(#[from] crate::head::OpenError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_block_is_a_tenth_of_the_retention() {
        let with = |retention, max| {
            DbOptions { retention_ms: retention, max_block_ms: max, ..DbOptions::default() }
                .longest_block_ms()
        };
        assert_eq!(with(15 * DAY, 0), 36 * HOUR);
        assert_eq!(with(0, 0), 31 * DAY);
        assert_eq!(with(1000 * DAY, 0), 31 * DAY);
        assert_eq!(with(HOUR, 0), 2 * HOUR);
        assert_eq!(with(15 * DAY, 6 * HOUR), 6 * HOUR);
    }
}
