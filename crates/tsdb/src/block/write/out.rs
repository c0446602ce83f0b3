//! A file that is written front to back through a buffer, and knows its position.

use crate::block::BlockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tortie_host::{Fs, FsFile};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 256 << 10;

pub(super) struct Out {
    file: Arc<dyn FsFile>,
    path: PathBuf,
    buf: Vec<u8>,
    pos: u64,
}

impl Out {
    pub(super) fn create(fs: &dyn Fs, path: &Path) -> Result<Out, BlockError> {
        let file = fs.create(path).map_err(BlockError::io("create", path))?;
        Ok(Out { file, path: path.to_owned(), buf: Vec::with_capacity(BUFFER + 4096), pos: 0 })
    }

    /// Where the next byte goes.
    pub(super) fn pos(&self) -> u64 {
        self.pos
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), BlockError> {
        self.buf.extend_from_slice(bytes);
        self.pos += bytes.len() as u64;
        if self.buf.len() < BUFFER { Ok(()) } else { self.flush() }
    }

    /// Adds zeros up to a multiple of `align` (at most 16).
    pub(super) fn pad(&mut self, align: u64) -> Result<(), BlockError> {
        let over = self.pos % align;
        if over == 0 {
            return Ok(());
        }
        let zeros = [0u8; 16];
        self.put(zeros.get(..(align - over) as usize).unwrap_or(&zeros))
    }

    /// Overwrites bytes that were written before (a length that is known only at the end).
    pub(super) fn patch(&mut self, bytes: &[u8], at: u64) -> Result<(), BlockError> {
        self.flush()?;
        self.file.write_all_at(bytes, at).map_err(BlockError::io("write", &self.path))
    }

    pub(super) fn finish(mut self) -> Result<u64, BlockError> {
        self.flush()?;
        self.file.sync().map_err(BlockError::io("sync", &self.path))?;
        Ok(self.pos)
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        if self.buf.is_empty() {
            return Ok(());
        }
        self.file.append(&self.buf).map_err(BlockError::io("write", &self.path))?;
        self.buf.clear();
        Ok(())
    }
}
