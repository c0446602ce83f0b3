//! Chunk segments of a block being written: `chunks/000001` and on, 512 MiB at most each.

use super::out::Out;
use crate::block::bytes::put_uvarint;
use crate::block::{BlockError, CHUNKS_MAGIC, CHUNKS_V1, SEGMENT_HEADER, segment_name};
use crate::chunk::RawChunk;
use std::path::{Path, PathBuf};
use tortie_host::Fs;

pub(super) struct ChunkWriter<'a> {
    fs: &'a dyn Fs,
    dir: PathBuf,
    limit: u64,
    /// Number of the segment that is open, from 1 on.
    number: u32,
    out: Option<Out>,
    written: u64,
    head: Vec<u8>,
}

impl<'a> ChunkWriter<'a> {
    pub(super) fn new(fs: &'a dyn Fs, dir: &Path, limit: u64) -> ChunkWriter<'a> {
        ChunkWriter { fs, dir: dir.to_owned(), limit, number: 0, out: None, written: 0, head: Vec::new() }
    }

    /// Writes a chunk and gives its reference: segment (from 0) in the upper, offset in the lower four bytes.
    pub(super) fn put(&mut self, chunk: &RawChunk) -> Result<u64, BlockError> {
        // Five bytes of length at most, encoding, data, checksum.
        let most = 5 + 1 + chunk.data.len() as u64 + 4;
        let mut out = match self.out.take() {
            Some(out) if out.pos() > SEGMENT_HEADER && out.pos() + most > self.limit => {
                self.written += out.finish()?;
                self.cut()?
            }
            Some(out) => out,
            None => self.cut()?,
        };
        let at = (u64::from(self.number - 1) << 32) | out.pos();
        self.head.clear();
        put_uvarint(&mut self.head, chunk.data.len() as u64);
        self.head.push(chunk.encoding);
        out.put(&self.head)?;
        out.put(&chunk.data)?;
        // The sum covers encoding and data.
        let sum = crc32c::crc32c_append(crc32c::crc32c(&[chunk.encoding]), &chunk.data);
        out.put(&sum.to_be_bytes())?;
        self.out = Some(out);
        Ok(at)
    }

    /// Syncs the last segment; gives the size of all.
    pub(super) fn finish(mut self) -> Result<u64, BlockError> {
        match self.out.take() {
            Some(out) => Ok(self.written + out.finish()?),
            None => Ok(self.written),
        }
    }

    fn cut(&mut self) -> Result<Out, BlockError> {
        self.number += 1;
        let mut out = Out::create(self.fs, &self.dir.join(segment_name(self.number)))?;
        out.put(&CHUNKS_MAGIC.to_be_bytes())?;
        out.put(&[CHUNKS_V1, 0, 0, 0])?;
        Ok(out)
    }
}
