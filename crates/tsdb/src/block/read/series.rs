//! Entries of series in the index: labels and the places of chunks.

use super::symbols::Symbols;
use super::window::{BlockFile, Window};
use crate::block::bytes::{Cursor, checked};
use crate::block::{BlockError, SERIES_ALIGN};
use tortie_model::Labels;

/// A chunk as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkMeta {
    /// First timestamp, milliseconds.
    pub(super) mint: i64,
    /// Last timestamp, milliseconds.
    pub(super) maxt: i64,
    /// Segment (from 0) in the upper, offset in the lower four bytes.
    pub(super) at: u64,
}

impl ChunkMeta {
    pub(super) fn segment(self) -> usize {
        (self.at >> 32) as usize
    }

    pub(super) fn offset(self) -> u64 {
        self.at & 0xffff_ffff
    }
}

/// Bytes that nearly every entry fits into.
const ENTRY: usize = 2 << 10;

/// Reads entries; ascending references come mostly out of one window.
pub(super) struct SeriesReader<'a> {
    file: &'a BlockFile,
    symbols: &'a Symbols,
    window: Window<'a>,
    ahead: usize,
}

impl<'a> SeriesReader<'a> {
    /// A reader that fetches `ahead` bytes at a time.
    pub(super) fn new(file: &'a BlockFile, symbols: &'a Symbols, ahead: usize) -> SeriesReader<'a> {
        SeriesReader { file, symbols, window: Window::new(file), ahead }
    }

    /// Labels of series `r`; `chunks` is emptied and filled with its chunks, ascending in time.
    pub(super) fn read(&mut self, r: u32, chunks: &mut Vec<ChunkMeta>) -> Result<Labels, BlockError> {
        let at = u64::from(r) * SERIES_ALIGN;
        let bytes = self.window.at_most(at, ENTRY, self.ahead)?;
        let mut c = Cursor::new(bytes);
        let len = c
            .uvarint()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| self.file.corrupt(at, "series without a length"))?;
        let head = bytes.len() - c.rest().len();
        let whole =
            len.checked_add(head + 4).ok_or_else(|| self.file.corrupt(at, "series longer than the file"))?;
        let bytes = if whole <= bytes.len() { bytes } else { self.window.exactly(at, whole, self.ahead)? };
        let section = bytes.get(head..whole).unwrap_or(&[]);
        let body = checked(section, &self.file.path, at, "series")?;
        parse(body, self.symbols, chunks)
            .ok_or_else(|| self.file.corrupt(at, "series: labels or chunks do not fit the format"))
    }
}

fn parse(body: &[u8], symbols: &Symbols, chunks: &mut Vec<ChunkMeta>) -> Option<Labels> {
    let mut c = Cursor::new(body);
    let count = usize::try_from(c.uvarint()?).ok().filter(|&n| n <= body.len())?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((symbols.get(c.uvarint()?)?, symbols.get(c.uvarint()?)?));
    }
    // `Labels` relies on ascending names and present values; a foreign index might not keep to it.
    if !pairs.is_sorted_by(|a, b| a.0 < b.0) || pairs.iter().any(|p| p.1.is_empty()) {
        return None;
    }
    parse_chunks(&mut c, chunks)?;
    Some(Labels::from_sorted(pairs))
}

fn parse_chunks(c: &mut Cursor<'_>, chunks: &mut Vec<ChunkMeta>) -> Option<()> {
    chunks.clear();
    let count = c.uvarint()?;
    for i in 0..count {
        let before = chunks.last().copied();
        let mint = match before {
            None => c.varint()?,
            Some(b) => b.maxt.checked_add_unsigned(c.uvarint()?)?,
        };
        let maxt = mint.checked_add_unsigned(c.uvarint()?)?;
        let at = match before {
            None if i == 0 => c.uvarint()?,
            b => b?.at.checked_add_signed(c.varint()?)?,
        };
        chunks.push(ChunkMeta { mint, maxt, at });
    }
    Some(())
}
