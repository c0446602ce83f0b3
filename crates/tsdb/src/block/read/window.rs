//! Reading a file through a window: neighbours come with one `pread` of 64 to 256 KiB.

use crate::block::BlockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tortie_host::{Fs, FsFile};

/// Bytes that a sequential reader takes at once.
pub(super) const AHEAD: usize = 256 << 10;

/// A file of a block: open, of known length, named in errors.
#[derive(Clone)]
pub(super) struct BlockFile {
    file: Arc<dyn FsFile>,
    pub(super) path: Arc<PathBuf>,
    pub(super) len: u64,
}

impl BlockFile {
    pub(super) fn open(fs: &dyn Fs, path: &Path) -> Result<BlockFile, BlockError> {
        let file = fs.open(path).map_err(BlockError::io("open", path))?;
        let len = file.len().map_err(BlockError::io("measure", path))?;
        Ok(BlockFile { file, path: Arc::new(path.to_owned()), len })
    }

    /// Reads exactly `len` bytes at `at`.
    pub(super) fn read(&self, at: u64, len: usize) -> Result<Vec<u8>, BlockError> {
        if at.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(
                self.corrupt(at, format!("{len} bytes are referred to, the file ends at {}", self.len))
            );
        }
        let mut buf = vec![0; len];
        self.file.read_exact_at(&mut buf, at).map_err(BlockError::io("read", &self.path))?;
        Ok(buf)
    }

    pub(super) fn corrupt(&self, at: u64, what: impl Into<String>) -> BlockError {
        BlockError::corrupt(&self.path, at, what)
    }
}

/// The bytes of a file around the place that was read last.
pub(super) struct Window<'a> {
    file: &'a BlockFile,
    start: u64,
    buf: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a BlockFile) -> Window<'a> {
        Window { file, start: 0, buf: Vec::new() }
    }

    /// Bytes from `at` on: at least `len`, and up to `ahead` when they must be fetched. Less only at the file's end.
    pub(super) fn at_most(&mut self, at: u64, len: usize, ahead: usize) -> Result<&[u8], BlockError> {
        let there = at.checked_sub(self.start).and_then(|o| usize::try_from(o).ok());
        let left = self.file.len.saturating_sub(at);
        let want = usize::try_from(left).map_or(len, |l| l.min(len));
        if let Some(o) = there
            && o.checked_add(want).is_some_and(|end| end <= self.buf.len())
            && want > 0
        {
            return Ok(self.buf.get(o..).unwrap_or(&[]));
        }
        let fetch = usize::try_from(left).map_or(ahead, |l| l.min(len.max(ahead)));
        self.buf = self.file.read(at, fetch)?;
        self.start = at;
        Ok(&self.buf)
    }

    /// Exactly `len` bytes from `at` on.
    pub(super) fn exactly(&mut self, at: u64, len: usize, ahead: usize) -> Result<&[u8], BlockError> {
        let (file, end) = (self.file, self.file.len);
        let bytes = self.at_most(at, len, ahead)?;
        bytes
            .get(..len)
            .ok_or_else(|| file.corrupt(at, format!("{len} bytes are referred to, the file ends at {end}")))
    }
}
