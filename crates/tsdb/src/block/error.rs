//! What can go wrong with the files of a block: always with the file, mostly with the offset.

use std::io;
use std::path::{Path, PathBuf};
use tortie_model::storage::StorageError;

/// Why a block could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The system refused an operation on a file.
    #[error("{op} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        op: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes do not fit the format.
    #[error("{path} at offset {offset}: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Offset in bytes from the start of the file.
        offset: u64,
        /// What was expected and what was there.
        what: String,
    },
    /// A format that exists but is not read here.
    #[error("{path}: {what}")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is and what to do about it.
        what: String,
    },
    /// The source of a new block failed, or was told to stop.
    #[error("{0}")]
    Source(StorageError),
    /// What was asked for cannot be: a source that breaks the rules of [`super::SeriesSource`], a folder that must not be
    /// used.
    #[error("{0}")]
    Refused(String),
}

impl BlockError {
    /// Adapter for `map_err` on a system call.
    pub fn io(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlockError {
        let path = path.to_owned();
        move |source| BlockError::Io { op, path, source }
    }

    /// A corruption in `path` at `offset`.
    pub fn corrupt(path: &Path, offset: u64, what: impl Into<String>) -> BlockError {
        BlockError::Corrupt { path: path.to_owned(), offset, what: what.into() }
    }

    /// Whether there is no room left on the disk (or in the quota).
    pub fn is_disk_full(&self) -> bool {
        // ENOSPC and EDQUOT on Linux.
        matches!(self, BlockError::Io { source, .. } if matches!(source.raw_os_error(), Some(28 | 122)))
    }

    /// Whether stored bytes are at fault: trying again will not help.
    pub fn is_corrupt(&self) -> bool {
        let others = matches!(
            self,
            BlockError::Corrupt { .. } | BlockError::Unsupported { .. } | BlockError::Refused(_)
        );
        others || matches!(self, BlockError::Source(StorageError::Corrupt(_)))
    }

    /// Whether the work was stopped on purpose.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, BlockError::Source(StorageError::Cancelled))
    }
}

impl From<BlockError> for StorageError {
    fn from(e: BlockError) -> StorageError {
        match e {
            BlockError::Io { .. } => StorageError::Io(e.to_string()),
            BlockError::Source(inner) => inner,
            _ => StorageError::Corrupt(e.to_string()),
        }
    }
}

impl From<StorageError> for BlockError {
    fn from(e: StorageError) -> BlockError {
        BlockError::Source(e)
    }
}
