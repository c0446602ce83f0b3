//! The index of a block being written, version 2: symbols, series, postings, postings offsets, table of contents.
//!
//! Label indices are no longer written, as Prometheus 3 does; readers since 2.11 do not look at them.

use super::out::Out;
use super::postings::{List, Postings};
use super::symbols::SymbolNumbers;
use crate::block::bytes::{crc, put_string, put_uvarint, put_varint};
use crate::block::{BlockError, INDEX_MAGIC, INDEX_V2, SERIES_ALIGN};
use std::path::{Path, PathBuf};
use tortie_host::Fs;
use tortie_model::Labels;

/// Time range and place of a chunk that was written.
pub(super) struct ChunkAt {
    pub(super) mint: i64,
    pub(super) maxt: i64,
    pub(super) at: u64,
}

pub(super) struct IndexWriter {
    out: Out,
    path: PathBuf,
    symbols: SymbolNumbers,
    /// Checksum of the symbols alone; their count stands before them but is known after them.
    symbols_crc: u32,
    symbols_at: u64,
    series_at: u64,
    postings: Postings,
    last: Option<Labels>,
    entry: Vec<u8>,
    pairs: Vec<(u32, u32)>,
}

impl IndexWriter {
    pub(super) fn create(fs: &dyn Fs, path: &Path) -> Result<IndexWriter, BlockError> {
        let mut out = Out::create(fs, path)?;
        out.put(&INDEX_MAGIC.to_be_bytes())?;
        out.put(&[INDEX_V2])?;
        let symbols_at = out.pos();
        // Length and count are filled in by `end_symbols`.
        out.put(&[0; 8])?;
        Ok(IndexWriter {
            out,
            path: path.to_owned(),
            symbols: SymbolNumbers::default(),
            symbols_crc: 0,
            symbols_at,
            series_at: 0,
            postings: Postings::default(),
            last: None,
            entry: Vec::new(),
            pairs: Vec::new(),
        })
    }

    /// Adds the next symbol; ascending.
    pub(super) fn symbol(&mut self, text: &str) -> Result<(), BlockError> {
        if !self.symbols.push(text.as_bytes()) {
            return Err(BlockError::Refused(format!(
                "symbol {text:?} is not above the one before it, or there are over 4 GiB of them"
            )));
        }
        self.entry.clear();
        put_string(&mut self.entry, text.as_bytes());
        self.symbols_crc = crc32c::crc32c_append(self.symbols_crc, &self.entry);
        self.out.put(&self.entry)
    }

    /// Closes the symbol table; series follow.
    pub(super) fn end_symbols(&mut self) -> Result<(), BlockError> {
        let body = self.out.pos() - self.symbols_at - 8;
        let len =
            u32::try_from(body + 4).map_err(|_| BlockError::Refused("symbol table over 4 GiB".to_owned()))?;
        let count = (self.symbols.len() as u32).to_be_bytes();
        let sum = crc32c::crc32c_combine(crc32c::crc32c(&count), self.symbols_crc, body as usize);
        self.out.put(&sum.to_be_bytes())?;
        self.out.patch(&len.to_be_bytes(), self.symbols_at)?;
        self.out.patch(&count, self.symbols_at + 4)?;
        self.series_at = self.out.pos();
        Ok(())
    }

    /// Adds the next series; ascending by labels, its chunks ascending in time and place.
    pub(super) fn series(&mut self, labels: &Labels, chunks: &[ChunkAt]) -> Result<(), BlockError> {
        if self.last.as_ref().is_some_and(|last| labels <= last) {
            return Err(BlockError::Refused(format!("series {labels:?} is not above the one before it")));
        }
        self.out.pad(SERIES_ALIGN)?;
        let series = u32::try_from(self.out.pos() / SERIES_ALIGN)
            .map_err(|_| BlockError::Refused(format!("{}: index over 64 GiB", self.path.display())))?;

        self.pairs.clear();
        for (name, value) in labels {
            let (Some(n), Some(v)) =
                (self.symbols.number(name.as_bytes()), self.symbols.number(value.as_bytes()))
            else {
                return Err(BlockError::Refused(format!("a symbol of series {labels:?} was not announced")));
            };
            self.pairs.push((n, v));
        }
        self.encode_entry(chunks)?;
        let mut len = Vec::with_capacity(5);
        put_uvarint(&mut len, self.entry.len() as u64);
        self.out.put(&len)?;
        self.out.put(&self.entry)?;
        self.out.put(&crc(&self.entry))?;
        self.postings.add(series, &self.pairs);
        self.last = Some(labels.clone());
        Ok(())
    }

    fn encode_entry(&mut self, chunks: &[ChunkAt]) -> Result<(), BlockError> {
        let e = &mut self.entry;
        e.clear();
        put_uvarint(e, self.pairs.len() as u64);
        for &(n, v) in &self.pairs {
            put_uvarint(e, u64::from(n));
            put_uvarint(e, u64::from(v));
        }
        put_uvarint(e, chunks.len() as u64);
        let mut before: Option<&ChunkAt> = None;
        for c in chunks {
            if c.maxt < c.mint || before.is_some_and(|b| c.mint <= b.maxt || c.at <= b.at) {
                return Err(BlockError::Refused(format!(
                    "chunks of a series overlap or are out of order at {}",
                    c.mint
                )));
            }
            match before {
                None => {
                    put_varint(e, c.mint);
                    put_uvarint(e, c.maxt.wrapping_sub(c.mint) as u64);
                    put_uvarint(e, c.at);
                }
                Some(b) => {
                    put_uvarint(e, c.mint.wrapping_sub(b.maxt) as u64);
                    put_uvarint(e, c.maxt.wrapping_sub(c.mint) as u64);
                    put_varint(e, c.at.wrapping_sub(b.at) as i64);
                }
            }
            before = Some(c);
        }
        Ok(())
    }

    /// Writes postings, their table and the table of contents; gives the size of the file.
    pub(super) fn finish(mut self) -> Result<u64, BlockError> {
        let label_indices_at = self.out.pos();
        let postings_at = self.out.pos();
        let postings = std::mem::take(&mut self.postings);
        let sorted = postings.sorted();
        let mut offsets = Vec::with_capacity(sorted.len() + 1);
        offsets.push(self.list(&postings.all)?);
        for &(_, _, list) in &sorted {
            offsets.push(self.list(list)?);
        }

        let table_at = self.out.pos();
        self.out.put(&[0; 4])?;
        let mut sum = self.hashed(0, &(offsets.len() as u32).to_be_bytes())?;
        let pairs = std::iter::once((None, 0, 0)).chain(sorted.iter().map(|&(n, v, _)| (Some(()), n, v)));
        for ((real, name, value), offset) in pairs.zip(offsets) {
            let mut entry = std::mem::take(&mut self.entry);
            entry.clear();
            put_uvarint(&mut entry, 2);
            // The list of all series has an empty name and an empty value.
            put_string(&mut entry, if real.is_some() { self.symbols.text(name) } else { b"" });
            put_string(&mut entry, if real.is_some() { self.symbols.text(value) } else { b"" });
            put_uvarint(&mut entry, offset);
            sum = self.hashed(sum, &entry)?;
            self.entry = entry;
        }
        let len = u32::try_from(self.out.pos() - table_at - 4)
            .map_err(|_| BlockError::Refused("table of postings over 4 GiB".to_owned()))?;
        self.out.put(&sum.to_be_bytes())?;
        self.out.patch(&len.to_be_bytes(), table_at)?;

        let mut toc = Vec::with_capacity(52);
        for at in [self.symbols_at, self.series_at, label_indices_at, table_at, postings_at, table_at] {
            toc.extend_from_slice(&at.to_be_bytes());
        }
        let sum = crc(&toc);
        toc.extend_from_slice(&sum);
        self.out.put(&toc)?;
        self.out.finish()
    }

    fn hashed(&mut self, sum: u32, bytes: &[u8]) -> Result<u32, BlockError> {
        self.out.put(bytes)?;
        Ok(crc32c::crc32c_append(sum, bytes))
    }

    fn list(&mut self, list: &List) -> Result<u64, BlockError> {
        // Lists start at multiples of four so that they can be scanned quickly.
        self.out.pad(4)?;
        let at = self.out.pos();
        let body = &mut self.entry;
        body.clear();
        body.extend_from_slice(&list.len().to_be_bytes());
        for series in list.iter() {
            body.extend_from_slice(&series.to_be_bytes());
        }
        let len = u32::try_from(body.len())
            .map_err(|_| BlockError::Refused("a list of postings over 4 GiB".to_owned()))?;
        self.out.put(&len.to_be_bytes())?;
        self.out.put(&self.entry)?;
        self.out.put(&crc(&self.entry))?;
        Ok(at)
    }
}
