//! The symbol table of a block: number to text.

use super::window::BlockFile;
use crate::block::BlockError;
use crate::block::bytes::{Cursor, checked};

/// Every how many symbols an offset is kept.
const EVERY: u32 = 8;

/// All symbols of a block as they stand in the index.
pub(super) struct Symbols {
    body: Vec<u8>,
    /// Offset into `body` of each eighth symbol.
    offsets: Vec<u32>,
    count: u32,
}

impl Symbols {
    /// Reads the table that starts at `at`.
    pub(super) fn read(file: &BlockFile, at: u64) -> Result<Symbols, BlockError> {
        let mut body = read_section(file, at, "symbol table")?;
        let mut c = Cursor::new(&body);
        let count = c.be32().ok_or_else(|| file.corrupt(at, "symbol table without a count"))?;
        let mut offsets = Vec::with_capacity(body.len().min(count as usize) / EVERY as usize + 1);
        for i in 0..count {
            if i % EVERY == 0 {
                offsets.push((body.len() - c.rest().len()) as u32);
            }
            let text = c
                .string()
                .ok_or_else(|| file.corrupt(at, format!("symbol table ends at symbol {i} of {count}")))?;
            if std::str::from_utf8(text).is_err() {
                return Err(file.corrupt(at, format!("symbol {i} is not UTF-8")));
            }
        }
        body.shrink_to_fit();
        Ok(Symbols { body, offsets, count })
    }

    /// Text of symbol `n`.
    pub(super) fn get(&self, n: u64) -> Option<&str> {
        let n = u32::try_from(n).ok().filter(|&n| n < self.count)?;
        let start = *self.offsets.get((n / EVERY) as usize)? as usize;
        let mut c = Cursor::new(self.body.get(start..)?);
        for _ in 0..n % EVERY {
            c.string()?;
        }
        std::str::from_utf8(c.string()?).ok()
    }

    /// Number of symbols.
    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// Memory held.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + self.offsets.len() * 4
    }
}

/// Reads a section of the index: four bytes of length, body, checksum. Gives the body.
pub(super) fn read_section(file: &BlockFile, at: u64, what: &str) -> Result<Vec<u8>, BlockError> {
    let head = file.read(at, 4)?;
    let len = Cursor::new(&head).be32().unwrap_or(0) as usize;
    let mut section = file.read(at + 4, len + 4)?;
    checked(&section, &file.path, at, what)?;
    section.truncate(len);
    Ok(section)
}
