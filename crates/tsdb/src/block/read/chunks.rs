//! Chunks out of the segments of a block: coalesced reads, checksum on each.

use super::series::ChunkMeta;
use super::window::{BlockFile, Window};
use super::{Block, StorageResult};
use crate::block::BlockError;
use crate::block::bytes::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

/// Length field and encoding of a chunk at most.
pub(super) const CHUNK_HEAD: usize = 6;
/// Bytes read behind the start of the last chunk of a span: its length is not in the index.
const TAIL: u64 = 4 << 10;
/// Chunks further apart than this are read apart.
const GAP: u64 = 16 << 10;
/// Largest span that is read at once.
const SPAN: u64 = 256 << 10;
/// Spans kept by one selection: each thread that reads it has its own neighbourhood.
const KEPT: usize = 4;

/// A piece of a segment in memory.
struct Span {
    segment: usize,
    start: u64,
    bytes: Vec<u8>,
}

/// The spans of one selection that were read last.
#[derive(Default)]
pub(super) struct Spans {
    recent: Mutex<Vec<Arc<Span>>>,
}

impl Spans {
    /// Calls `with` with encoding and data of the chunk. `rest` yields the chunks that will probably be wanted next.
    pub(super) fn chunk<T>(
        &self,
        block: &Block,
        chunk: ChunkMeta,
        rest: impl Iterator<Item = ChunkMeta>,
        with: impl FnOnce(u8, &[u8]) -> StorageResult<T>,
    ) -> StorageResult<T> {
        let file = block.segment(chunk)?;
        let span = self.span(file, chunk, rest)?;
        let from = (chunk.offset() - span.start) as usize;
        let bytes = span.bytes.get(from..).unwrap_or(&[]);
        match split(bytes) {
            Some(parts) => with_checked(file, chunk.offset(), parts, with),
            None => {
                // The chunk is longer than the span guessed.
                let bytes = read_alone(file, chunk.offset())?;
                let parts = split(&bytes).ok_or_else(|| file.corrupt(chunk.offset(), "chunk ends early"))?;
                with_checked(file, chunk.offset(), parts, with)
            }
        }
    }

    fn span(
        &self,
        file: &BlockFile,
        chunk: ChunkMeta,
        rest: impl Iterator<Item = ChunkMeta>,
    ) -> Result<Arc<Span>, BlockError> {
        let (segment, at) = (chunk.segment(), chunk.offset());
        {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let holds =
                |s: &&Arc<Span>| s.segment == segment && s.start <= at && at < s.start + s.bytes.len() as u64;
            if let Some(s) = recent.iter().find(holds) {
                return Ok(Arc::clone(s));
            }
        }
        let mut last = at;
        for c in rest {
            let o = c.offset();
            if c.segment() != segment || o < last || o - last > GAP || o - at > SPAN {
                break;
            }
            last = o;
        }
        let end = (last + TAIL).min(file.len);
        let len =
            end.checked_sub(at).ok_or_else(|| file.corrupt(at, "a chunk is referred to beyond the end"))?;
        let span = Arc::new(Span { segment, start: at, bytes: file.read(at, len as usize)? });
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= KEPT {
            recent.remove(0);
        }
        recent.push(Arc::clone(&span));
        Ok(span)
    }
}

impl Block {
    pub(super) fn segment(&self, chunk: ChunkMeta) -> Result<&BlockFile, BlockError> {
        self.segments.get(chunk.segment()).ok_or_else(|| {
            self.index.corrupt(
                0,
                format!(
                    "chunk segment {} is referred to, there are {}",
                    chunk.segment() + 1,
                    self.segments.len()
                ),
            )
        })
    }
}

/// Encoding, data and stored checksum at the front of `bytes`, when all of it is there.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], [u8; 4])> {
    let mut c = Cursor::new(bytes);
    let len = usize::try_from(c.uvarint()?).ok()?;
    let encoding = c.byte()?;
    let data = c.take(len)?;
    Some((encoding, data, c.take(4)?.try_into().ok()?))
}

fn with_checked<T>(
    file: &BlockFile,
    at: u64,
    (encoding, data, sum): (u8, &[u8], [u8; 4]),
    with: impl FnOnce(u8, &[u8]) -> StorageResult<T>,
) -> StorageResult<T> {
    let got = crc32c::crc32c_append(crc32c::crc32c(&[encoding]), data);
    let want = u32::from_be_bytes(sum);
    if got != want {
        return Err(file
            .corrupt(at, format!("chunk: checksum mismatch, stored {want:08x}, computed {got:08x}"))
            .into());
    }
    with(encoding, data)
}

fn read_alone(file: &BlockFile, at: u64) -> Result<Vec<u8>, BlockError> {
    let mut window = Window::new(file);
    let head = window.at_most(at, CHUNK_HEAD, CHUNK_HEAD)?;
    let mut c = Cursor::new(head);
    let len = c
        .uvarint()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| file.corrupt(at, "chunk without a length"))?;
    let head = head.len() - c.rest().len();
    file.read(at, len.saturating_add(head + 5))
}

/// Reads one chunk through a window: for readers that go through all of a block.
pub(super) fn sequential(
    file: &BlockFile,
    window: &mut Window<'_>,
    at: u64,
    ahead: usize,
) -> Result<(u8, Vec<u8>), BlockError> {
    let head = window.at_most(at, CHUNK_HEAD, ahead)?;
    let mut c = Cursor::new(head);
    let len = c
        .uvarint()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| file.corrupt(at, "chunk without a length"))?;
    let before = head.len() - c.rest().len();
    let bytes = window.exactly(at, len.saturating_add(before + 5), ahead)?;
    let Some((encoding, data, sum)) = split(bytes) else { return Err(file.corrupt(at, "chunk ends early")) };
    let got = crc32c::crc32c_append(crc32c::crc32c(&[encoding]), data);
    if got != u32::from_be_bytes(sum) {
        return Err(file.corrupt(
            at,
            format!("chunk: checksum mismatch, stored {:08x}, computed {got:08x}", u32::from_be_bytes(sum)),
        ));
    }
    Ok((encoding, data.to_vec()))
}
