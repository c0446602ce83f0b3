//! Reading segments so that damage costs only the records it hit.
//!
//! After a fragment that does not fit, reading goes on at the next offset of the page whose type, length and checksum
//! do fit, then at the next page. What was skipped is named by file and offset.

use super::frame::{self, FIRST, FULL, LAST, MIDDLE, PAGE};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Fs, FsFile};

/// Largest record after decompression; a longer one is taken for damage.
const MAX_RECORD: usize = 1 << 30;

/// A damaged place of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Offset of the record that was lost, or of the first byte that fits nothing.
    pub offset: u64,
    /// What was wrong.
    pub what: &'static str,
    /// Nothing readable follows in this file: what a crash in the middle of a write leaves.
    pub torn: bool,
}

/// Reads one segment, record by record.
pub struct SegmentReader {
    file: Arc<dyn FsFile>,
    name: String,
    len: u64,
    page: Vec<u8>,
    page_start: u64,
    next_page: u64,
    off: usize,
    raw: Vec<u8>,
    flags: u8,
    in_record: bool,
    /// Fragments belong to a record whose start was lost.
    skipping: bool,
    record_start: u64,
    damage: Vec<Damage>,
    decoder: snap::raw::Decoder,
    plain: Vec<u8>,
}

enum Step {
    Record,
    Again,
    End,
}

impl SegmentReader {
    /// Opens a segment file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(fs: &dyn Fs, path: &Path) -> io::Result<SegmentReader> {
        let file = fs.open(path)?;
        let len = file.len()?;
        Ok(SegmentReader {
            file,
            name: path.display().to_string(),
            len,
            page: Vec::new(),
            page_start: 0,
            next_page: 0,
            off: 0,
            raw: Vec::new(),
            flags: 0,
            in_record: false,
            skipping: false,
            record_start: 0,
            damage: Vec::new(),
            decoder: snap::raw::Decoder::new(),
            plain: Vec::new(),
        })
    }

    /// Damage found so far.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Notes that the record returned last is damaged although its checksum fits.
    pub fn reject(&mut self, what: &'static str) {
        let offset = self.record_start;
        self.note(offset, what);
    }

    /// The next record, decompressed; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_record(&mut self) -> io::Result<Option<&[u8]>> {
        while self.next_raw()?.is_some() {
            match self.decompress() {
                Ok(()) => return Ok(Some(if self.flags == 0 { &self.raw } else { &self.plain })),
                Err(what) => self.reject(what),
            }
        }
        Ok(None)
    }

    /// The next record as it is stored: compression flags and bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_raw(&mut self) -> io::Result<Option<(u8, &[u8])>> {
        loop {
            if self.off >= self.page.len() && !self.load_page()? {
                if self.in_record {
                    self.note(self.record_start, "last record is torn");
                    self.in_record = false;
                }
                return Ok(None);
            }
            match self.step() {
                Step::Record => return Ok(Some((self.flags, &self.raw))),
                Step::Again => {}
                Step::End => self.off = self.page.len(),
            }
        }
    }

    /// The last compressed record and its flags (for rewriting a segment).
    pub(crate) fn raw(&self) -> (u8, &[u8]) {
        (self.flags, &self.raw)
    }

    fn step(&mut self) -> Step {
        let at = self.page_start + self.off as u64;
        let Some(bytes) = self.page.get(self.off..) else { return Step::End };
        if bytes.first() == Some(&0) || bytes.len() < frame::HEADER {
            if bytes.iter().all(|b| *b == 0) {
                // Inside a record only a rest too short for a header is padded.
                if self.in_record && bytes.len() >= frame::HEADER {
                    self.note(self.record_start, "record's middle is missing");
                    self.in_record = false;
                    self.skipping = true;
                }
                return Step::End;
            }
            return self.resync(at, "bytes after the end of a page's records");
        }
        let Some(f) = frame::fragment(bytes) else {
            return self.resync(at, "fragment's type, length or checksum does not fit");
        };
        let (kind, flags) = (f.kind, f.flags);
        if matches!(kind, FULL | FIRST) {
            self.raw.clear();
            self.raw.extend_from_slice(f.data);
        } else if self.in_record {
            self.raw.extend_from_slice(f.data);
        }
        self.off += frame::HEADER + f.data.len();
        match (kind, self.in_record) {
            (FULL | FIRST, lost) => {
                if lost {
                    self.note(self.record_start, "record's end is missing");
                }
                self.record_start = at;
                self.flags = flags;
                self.skipping = false;
                self.in_record = kind == FIRST;
                if kind == FULL { Step::Record } else { Step::Again }
            }
            (MIDDLE, true) => Step::Again,
            (LAST, true) => {
                self.in_record = false;
                Step::Record
            }
            _ => {
                if !self.skipping {
                    self.note(at, "record's start is missing");
                    self.skipping = true;
                }
                Step::Again
            }
        }
    }

    /// Leaves the damaged place at `at` and looks for the next fragment of this page.
    fn resync(&mut self, at: u64, what: &'static str) -> Step {
        let offset = if self.in_record { self.record_start } else { at };
        if !self.skipping {
            self.note(offset, what);
        }
        self.in_record = false;
        self.skipping = true;
        for off in self.off + 1..self.page.len().saturating_sub(frame::HEADER - 1) {
            if frame::fragment(&self.page[off..]).is_some_and(|f| !f.data.is_empty()) {
                self.off = off;
                return Step::Again;
            }
        }
        Step::End
    }

    fn load_page(&mut self) -> io::Result<bool> {
        let n = self.len.saturating_sub(self.next_page).min(PAGE as u64);
        if n == 0 {
            return Ok(false);
        }
        self.page.resize(n as usize, 0);
        self.file.read_exact_at(&mut self.page, self.next_page)?;
        self.page_start = self.next_page;
        self.next_page += n;
        self.off = 0;
        Ok(true)
    }

    fn note(&mut self, offset: u64, what: &'static str) {
        self.damage.push(Damage { file: self.name.clone(), offset, what, torn: false });
    }

    /// Damage of the whole file, once [`SegmentReader::next_record`] said `None`: the last one is marked as torn when no
    /// record follows it.
    pub fn into_damage(mut self) -> Vec<Damage> {
        let last_record = self.record_start;
        if let Some(d) = self.damage.last_mut() {
            d.torn = d.offset >= last_record && d.what != "record content does not decode";
        }
        self.damage
    }

    fn decompress(&mut self) -> Result<(), &'static str> {
        match self.flags {
            0 => Ok(()),
            frame::SNAPPY => {
                let n = snap::raw::decompress_len(&self.raw).map_err(|_| "snappy header does not fit")?;
                if n > MAX_RECORD {
                    return Err("record is too long");
                }
                self.plain.resize(n, 0);
                self.decoder
                    .decompress(&self.raw, &mut self.plain)
                    .map_err(|_| "snappy data does not fit")?;
                Ok(())
            }
            _ => {
                use std::io::Read as _;
                self.plain.clear();
                let d = zstd::stream::read::Decoder::new(self.raw.as_slice())
                    .map_err(|_| "zstd data does not fit")?;
                d.take(MAX_RECORD as u64)
                    .read_to_end(&mut self.plain)
                    .map_err(|_| "zstd data does not fit")?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
