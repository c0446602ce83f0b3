//! Full chunks of the head in files `chunks_head/NNNNNN`, in Prometheus' format.
//!
//! A file: magic, version, padding; then chunks, each with series reference, time range, encoding, length, data and
//! CRC32C. Chunks are found again by number of the file and offset. Read with `pread`, never mapped.

mod load;

pub use load::{Loaded, load};

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tortie_host::{Fs, FsFile};
use tortie_model::storage::StorageError;

/// First four bytes of a file.
pub const MAGIC: u32 = 0x0130_BC91;
/// Bytes before the first chunk.
pub const FILE_HEADER: u64 = 8;
/// Largest file.
const MAX_FILE: u64 = 128 << 20;
/// Bytes of a chunk before its length: reference, mint, maxt, encoding.
const META: usize = 25;
/// Bytes read at once when a chunk's length is not known: nearly every chunk fits.
const GUESS: usize = 320;
/// Set in the encoding byte of an out-of-order chunk.
pub const OUT_OF_ORDER: u8 = 0x80;

/// A chunk to be written.
#[derive(Debug, Clone)]
pub struct ToWrite {
    /// Series reference.
    pub ref_id: u64,
    /// Time of the first sample.
    pub mint: i64,
    /// Time of the last sample.
    pub maxt: i64,
    /// Encoding number.
    pub encoding: u8,
    /// Count and bits.
    pub data: Arc<[u8]>,
}

/// The head chunk files of a data directory.
pub struct ChunkFiles {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    files: RwLock<BTreeMap<u32, Arc<dyn FsFile>>>,
    writer: Mutex<Writer>,
}

struct Writer {
    /// File being written, with its length; `None` before the first write and after a cut.
    current: Option<(u32, Arc<dyn FsFile>, u64)>,
    last_seq: u32,
    dirty: bool,
}

/// Path of file `seq`.
pub fn file_path(dir: &Path, seq: u32) -> PathBuf {
    dir.join(format!("{seq:06}"))
}

/// File and offset of a chunk reference.
pub fn unpack(chunk_ref: u64) -> (u32, u64) {
    ((chunk_ref >> 32) as u32, chunk_ref & 0xffff_ffff)
}

impl ChunkFiles {
    pub(crate) fn new(fs: Arc<dyn Fs>, dir: PathBuf, files: BTreeMap<u32, Arc<dyn FsFile>>) -> ChunkFiles {
        let last_seq = files.keys().next_back().copied().unwrap_or(0);
        let writer = Mutex::new(Writer { current: None, last_seq, dirty: false });
        ChunkFiles { fs, dir, files: RwLock::new(files), writer }
    }

    /// Writes chunks in order and returns their references, as many as were written.
    ///
    /// # Errors
    /// Never as `Err`: what could not be written is missing from the end of the list, with the reason beside it.
    pub fn write(&self, chunks: &[ToWrite]) -> (Vec<u64>, Option<io::Error>) {
        let mut w = self.writer();
        let mut refs = Vec::with_capacity(chunks.len());
        let mut rest = chunks;
        while !rest.is_empty() {
            match self.write_some(&mut w, rest, &mut refs) {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(e) => return (refs, Some(e)),
            }
        }
        (refs, None)
    }

    /// Writes as many as go into the current file and one buffer; returns how many.
    fn write_some(&self, w: &mut Writer, chunks: &[ToWrite], refs: &mut Vec<u64>) -> io::Result<usize> {
        let (seq, file, len) = match w.current.take() {
            Some((seq, file, len)) if len + encoded_len(chunks.first()) <= MAX_FILE => (seq, file, len),
            full => self.next_file(w, full)?,
        };
        let mut buf = Vec::with_capacity(64 << 10);
        let mut places = Vec::new();
        for c in chunks {
            let at = len + buf.len() as u64;
            if at + encoded_len(Some(c)) > MAX_FILE || buf.len() > 1 << 20 {
                break;
            }
            places.push(u64::from(seq) << 32 | at);
            encode(c, &mut buf);
        }
        let done = file.write_all_at(&buf, len);
        if done.is_err() {
            // The next write goes over the ragged end; cutting it keeps the file readable until then.
            let _ = file.set_len(len);
        }
        let written = if done.is_ok() { buf.len() as u64 } else { 0 };
        w.current = Some((seq, file, len + written));
        done?;
        w.dirty = true;
        let n = places.len();
        refs.extend(places);
        Ok(n)
    }

    fn next_file(
        &self,
        w: &mut Writer,
        old: Option<(u32, Arc<dyn FsFile>, u64)>,
    ) -> io::Result<(u32, Arc<dyn FsFile>, u64)> {
        if let Some((_, file, _)) = old {
            file.sync()?;
        }
        let seq = w.last_seq + 1;
        let path = file_path(&self.dir, seq);
        let file = self.fs.create(&path)?;
        let mut head = [0u8; FILE_HEADER as usize];
        head[..4].copy_from_slice(&MAGIC.to_be_bytes());
        head[4] = 1;
        if let Err(e) = file.append(&head) {
            // An empty file would make a start look twice at it.
            let _ = self.fs.remove_file(&path);
            return Err(e);
        }
        self.fs.sync_dir(&self.dir)?;
        w.last_seq = seq;
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(seq, Arc::clone(&file));
        Ok((seq, file, FILE_HEADER))
    }

    /// Reads a chunk into `out` (count and bits) and returns its encoding number.
    ///
    /// # Errors
    /// When the file cannot be read, or its bytes are not that chunk.
    pub fn read(&self, chunk_ref: u64, out: &mut Vec<u8>) -> Result<u8, StorageError> {
        let (seq, at) = unpack(chunk_ref);
        let corrupt = |what: &str| {
            StorageError::Corrupt(format!(
                "head chunk file {} at {at}: {what}",
                file_path(&self.dir, seq).display()
            ))
        };
        let file = self.files.read().unwrap_or_else(PoisonError::into_inner).get(&seq).cloned();
        let file = file.ok_or_else(|| corrupt("file is gone"))?;
        let io = |e: io::Error| {
            StorageError::Io(format!("head chunk file {} at {at}: {e}", file_path(&self.dir, seq).display()))
        };
        let len = file.len().map_err(io)?;
        let mut n = usize::try_from(len.saturating_sub(at)).unwrap_or(0).min(GUESS);
        loop {
            out.resize(n, 0);
            file.read_exact_at(out, at).map_err(io)?;
            let c = parse(out).ok_or_else(|| corrupt("chunk header does not fit"))?;
            let end = c.data_start.saturating_add(c.data_len).saturating_add(4);
            if end > n {
                if end as u64 > len.saturating_sub(at) || end <= n {
                    return Err(corrupt("chunk is longer than its file"));
                }
                n = end;
                continue;
            }
            if !crc_fits(out, &c) {
                return Err(corrupt("checksum does not fit"));
            }
            let encoding = c.encoding & !OUT_OF_ORDER;
            out.truncate(c.data_start + c.data_len);
            out.drain(..c.data_start);
            return Ok(encoding);
        }
    }

    /// Removes files before `min_seq`; what comes next goes to a new file, so that the current one can go in time.
    ///
    /// # Errors
    /// What the system said; files that stay are removed by the next call.
    pub fn truncate(&self, min_seq: u32) -> io::Result<()> {
        let mut w = self.writer();
        let current = w.current.as_ref().map(|c| c.0);
        let old: Vec<u32> = {
            let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
            files.keys().copied().filter(|s| *s < min_seq && Some(*s) != current).collect()
        };
        for seq in old {
            self.fs.remove_file(&file_path(&self.dir, seq))?;
            self.files.write().unwrap_or_else(PoisonError::into_inner).remove(&seq);
        }
        if let Some((_, file, len)) = w.current.take() {
            if len > FILE_HEADER {
                file.sync()?;
            } else {
                w.current = Some((w.last_seq, file, len));
            }
        }
        Ok(())
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// What the system said.
    pub fn sync(&self) -> io::Result<()> {
        let mut w = self.writer();
        if w.dirty
            && let Some((_, file, _)) = &w.current
        {
            file.sync()?;
            w.dirty = false;
        }
        Ok(())
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().map(|f| f.len().unwrap_or(0)).sum()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded_len(c: Option<&ToWrite>) -> u64 {
    c.map_or(0, |c| META as u64 + 5 + c.data.len() as u64 + 4)
}

fn encode(c: &ToWrite, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&c.ref_id.to_be_bytes());
    out.extend_from_slice(&c.mint.to_be_bytes());
    out.extend_from_slice(&c.maxt.to_be_bytes());
    out.push(c.encoding);
    crate::wal::record::put_uvarint(out, c.data.len() as u64);
    out.extend_from_slice(&c.data);
    let crc = crc32c::crc32c(out.get(start..).unwrap_or(&[]));
    out.extend_from_slice(&crc.to_be_bytes());
}

/// What stands before a chunk's data.
pub(crate) struct Header {
    pub(crate) ref_id: u64,
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    pub(crate) encoding: u8,
    pub(crate) data_start: usize,
    pub(crate) data_len: usize,
}

/// Reads a chunk's header at the start of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
    let be = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
    let mut len = 0u64;
    for i in 0..5 {
        let b = *bytes.get(META + i)?;
        len |= u64::from(b & 0x7f) << (7 * i);
        if b < 0x80 {
            return Some(Header {
                ref_id: be(0)?,
                mint: be(8)? as i64,
                maxt: be(16)? as i64,
                encoding: *bytes.get(24)?,
                data_start: META + i + 1,
                data_len: usize::try_from(len).ok()?,
            });
        }
    }
    None
}

/// Whether the checksum after the data fits; `bytes` starts with the chunk.
pub(crate) fn crc_fits(bytes: &[u8], h: &Header) -> bool {
    let end = h.data_start + h.data_len;
    match (bytes.get(..end), bytes.get(end..end + 4)) {
        (Some(body), Some(crc)) => crc32c::crc32c(body).to_be_bytes() == crc,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
