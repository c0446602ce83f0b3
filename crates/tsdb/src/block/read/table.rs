//! The table of postings of a block: label name and value to the offset of the list of series.

use super::symbols::read_section;
use super::window::BlockFile;
use crate::block::BlockError;
use crate::block::bytes::Cursor;
use std::ops::Range;

/// The table as it stands in the index, with an offset for each entry.
pub(super) struct PostingsTable {
    body: Vec<u8>,
    /// Offset into `body` of each entry.
    entries: Vec<u32>,
    /// Label names ascending with their entries, without the empty name of "all series".
    names: Vec<(String, Range<usize>)>,
    all: Option<u64>,
}

impl PostingsTable {
    /// Reads the table that starts at `at`.
    pub(super) fn read(file: &BlockFile, at: u64) -> Result<PostingsTable, BlockError> {
        let body = read_section(file, at, "table of postings")?;
        let mut c = Cursor::new(&body);
        let bad = |what: &str| file.corrupt(at, format!("table of postings: {what}"));
        let count = c.be32().ok_or_else(|| bad("no count"))?;
        let mut entries = Vec::with_capacity(body.len().min(count as usize));
        let mut names: Vec<(String, Range<usize>)> = Vec::new();
        let mut all = None;
        let mut before: (&[u8], &[u8]) = (b"", b"");
        for i in 0..count {
            let start = (body.len() - c.rest().len()) as u32;
            let (Some(2), Some(name), Some(value), Some(offset)) =
                (c.uvarint(), c.string(), c.string(), c.uvarint())
            else {
                return Err(bad(&format!("entry {i} of {count} ends early or has not two keys")));
            };
            let (Ok(name_text), Ok(_)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
                return Err(bad(&format!("entry {i} is not UTF-8")));
            };
            if i > 0 && (name, value) <= before {
                return Err(bad(&format!("entry {i} is out of order")));
            }
            before = (name, value);
            if name.is_empty() {
                all = Some(offset);
                continue;
            }
            let n = entries.len();
            entries.push(start);
            match names.last_mut() {
                Some((last, range)) if last == name_text => range.end = n + 1,
                _ => names.push((name_text.to_owned(), n..n + 1)),
            }
        }
        entries.shrink_to_fit();
        Ok(PostingsTable { body, entries, names, all })
    }

    /// Offset of the list of all series.
    pub(super) fn all(&self) -> Option<u64> {
        self.all
    }

    /// Label names, ascending.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(n, _)| n.as_str())
    }

    /// Offset of the list of `name`=`value`.
    pub(super) fn offset(&self, name: &str, value: &str) -> Option<u64> {
        let range = self.range(name);
        let base = range.start;
        let slice = self.entries.get(range)?;
        let i = slice.partition_point(|&e| self.entry(e).0 < value);
        let (found, offset) = self.entry(*self.entries.get(base + i)?);
        // The entry after the range belongs to another name.
        (i < slice.len() && found == value).then_some(offset)
    }

    /// Values of `name`, ascending, with the offsets of their lists; from `prefix` on and only those that start so.
    pub(super) fn values<'a>(
        &'a self,
        name: &str,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, u64)> + 'a {
        let slice = self.entries.get(self.range(name)).unwrap_or(&[]);
        let from = slice.partition_point(|&e| self.entry(e).0 < prefix);
        slice.iter().skip(from).map(|&e| self.entry(e)).take_while(move |(v, _)| v.starts_with(prefix))
    }

    /// Memory held.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + self.entries.len() * 4 + self.names.iter().map(|(n, _)| n.len() + 40).sum::<usize>()
    }

    fn range(&self, name: &str) -> Range<usize> {
        match self.names.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) => self.names.get(i).map_or(0..0, |(_, r)| r.clone()),
            Err(_) => 0..0,
        }
    }

    /// Value and list offset of the entry at `at`; all entries were checked when the table was read.
    fn entry(&self, at: u32) -> (&str, u64) {
        let mut c = Cursor::new(self.body.get(at as usize..).unwrap_or(&[]));
        c.uvarint();
        c.string();
        let value = c.string().and_then(|v| std::str::from_utf8(v).ok()).unwrap_or("");
        (value, c.uvarint().unwrap_or(0))
    }
}
