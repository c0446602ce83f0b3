//! Deleted intervals of a block: the `tombstones` file.

use super::BlockError;
use super::bytes::{Cursor, checked, crc, put_uvarint, put_varint};
use std::collections::BTreeMap;
use std::path::Path;
use tortie_host::Fs;

/// Name of the file within a block.
pub const TOMBSTONES_FILE: &str = "tombstones";
const MAGIC: u32 = 0x0130_BA30;
const VERSION: u8 = 1;

/// Deleted time ranges by series, each list ascending and without overlaps; both ends inclusive, milliseconds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tombstones {
    by_series: BTreeMap<u64, Vec<(i64, i64)>>,
}

impl Tombstones {
    /// Whether nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.by_series.is_empty()
    }

    /// Number of intervals.
    pub fn len(&self) -> usize {
        self.by_series.values().map(Vec::len).sum()
    }

    /// Deleted ranges of one series (its reference in the block's index).
    pub fn of(&self, series: u64) -> &[(i64, i64)] {
        self.by_series.get(&series).map_or(&[], Vec::as_slice)
    }

    /// Marks `[mint, maxt]` of a series as deleted; touching and overlapping ranges become one.
    pub fn add(&mut self, series: u64, mint: i64, maxt: i64) {
        add_interval(self.by_series.entry(series).or_default(), mint, maxt);
    }

    /// Reads the file of the block in `dir` with its size; a missing file is an empty one.
    ///
    /// # Errors
    /// When it cannot be read or its bytes do not fit the format.
    pub fn read(fs: &dyn Fs, dir: &Path) -> Result<(Tombstones, u64), BlockError> {
        let path = dir.join(TOMBSTONES_FILE);
        if fs.kind(&path).is_none() {
            return Ok((Tombstones::default(), 0));
        }
        let bytes = fs.read(&path).map_err(BlockError::io("read", &path))?;
        let mut head = Cursor::new(&bytes);
        if head.be32() != Some(MAGIC) {
            return Err(BlockError::corrupt(
                &path,
                0,
                "not a tombstones file: its first four bytes are others",
            ));
        }
        // The sum covers what lies between the version byte and itself.
        if head.byte() != Some(VERSION) {
            return Err(BlockError::Unsupported {
                path,
                what: format!("tombstones of a version other than {VERSION}"),
            });
        }
        let body = checked(head.rest(), &path, 5, "tombstones")?;
        let mut c = Cursor::new(body);
        let mut stones = Tombstones::default();
        while !c.is_empty() {
            let at = 5 + (body.len() - c.rest().len()) as u64;
            let (Some(series), Some(mint), Some(maxt)) = (c.uvarint(), c.varint(), c.varint()) else {
                return Err(BlockError::corrupt(&path, at, "a tombstone ends early"));
            };
            stones.add(series, mint, maxt);
        }
        Ok((stones, bytes.len() as u64))
    }

    /// Writes the file into `dir` so that a crash leaves the old or the new one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, fs: &dyn Fs, dir: &Path) -> Result<u64, BlockError> {
        let mut body = Vec::new();
        for (&series, ranges) in &self.by_series {
            for &(mint, maxt) in ranges {
                put_uvarint(&mut body, series);
                put_varint(&mut body, mint);
                put_varint(&mut body, maxt);
            }
        }
        let mut bytes = MAGIC.to_be_bytes().to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&crc(&body));
        let path = dir.join(TOMBSTONES_FILE);
        fs.write_atomic(&path, &bytes).map_err(BlockError::io("write", &path))?;
        Ok(bytes.len() as u64)
    }
}

/// Adds a range to an ascending list, merging those that overlap or touch.
pub(crate) fn add_interval(list: &mut Vec<(i64, i64)>, mint: i64, maxt: i64) {
    if mint > maxt {
        return;
    }
    let (mut lo, mut hi) = (mint, maxt);
    list.retain(|&(a, b)| {
        let apart = b.saturating_add(1) < mint || a > maxt.saturating_add(1);
        if !apart {
            lo = lo.min(a);
            hi = hi.max(b);
        }
        apart
    });
    let at = list.partition_point(|&(a, _)| a < lo);
    list.insert(at, (lo, hi));
}

/// Whether `[mint, maxt]` lies within one deleted range.
pub(crate) fn covers(list: &[(i64, i64)], mint: i64, maxt: i64) -> bool {
    list.iter().any(|&(a, b)| a <= mint && maxt <= b)
}

/// Whether any deleted range touches `[mint, maxt]`.
pub(crate) fn touches(list: &[(i64, i64)], mint: i64, maxt: i64) -> bool {
    list.iter().any(|&(a, b)| a <= maxt && mint <= b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::MemFs;

    fn check(adds: &[(i64, i64)], want: &[(i64, i64)]) {
        let mut list = Vec::new();
        for &(a, b) in adds {
            add_interval(&mut list, a, b);
        }
        assert_eq!(list, want, "{adds:?}");
    }

    #[test]
    fn ranges_merge_when_they_touch() {
        check(&[(1, 2), (3, 4)], &[(1, 4)]);
        check(&[(5, 6), (1, 2)], &[(1, 2), (5, 6)]);
        check(&[(1, 2), (5, 6), (0, 9)], &[(0, 9)]);
        check(&[(i64::MIN, 0), (10, i64::MAX), (0, 10)], &[(i64::MIN, i64::MAX)]);
        check(&[(3, 1)], &[]);
    }

    #[test]
    fn the_file_reads_back_and_a_flipped_bit_is_found() {
        let fs = MemFs::new();
        let dir = Path::new("/b");
        let mut t = Tombstones::default();
        t.add(7, -5, 10);
        t.add(7, 20, 30);
        t.add(1 << 33, 0, i64::MAX);
        t.write(&fs, dir).unwrap();
        assert_eq!(Tombstones::read(&fs, dir).unwrap().0, t);

        let path = dir.join(TOMBSTONES_FILE);
        let mut bytes = fs.read(&path).unwrap();
        bytes[6] ^= 1;
        fs.create(&path).unwrap().append(&bytes).unwrap();
        let e = Tombstones::read(&fs, dir).unwrap_err();
        assert!(e.to_string().contains("checksum"), "{e}");
    }
}
