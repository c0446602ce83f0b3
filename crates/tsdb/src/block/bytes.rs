//! Big-endian numbers, Go's varints and length-prefixed strings, as all files of a block use them.

use std::path::Path;

use super::BlockError;

/// Appends an unsigned varint.
pub(crate) fn put_uvarint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a signed varint (zigzag).
pub(crate) fn put_varint(out: &mut Vec<u8>, n: i64) {
    put_uvarint(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Appends a string with its length before it.
pub(crate) fn put_string(out: &mut Vec<u8>, s: &[u8]) {
    put_uvarint(out, s.len() as u64);
    out.extend_from_slice(s);
}

/// The Castagnoli checksum as it stands behind a section.
pub(crate) fn crc(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).to_be_bytes()
}

/// Takes values off the front of a slice; every method says `None` once the bytes do not suffice.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(head)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&b, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(b)
    }

    pub(crate) fn be32(&mut self) -> Option<u32> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*head))
    }

    pub(crate) fn be64(&mut self) -> Option<u64> {
        let (head, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*head))
    }

    #[inline]
    pub(crate) fn uvarint(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for (i, &b) in self.rest.iter().enumerate().take(10) {
            if i == 9 && b > 1 {
                return None;
            }
            n |= u64::from(b & 0x7f) << (7 * i);
            if b < 0x80 {
                self.rest = self.rest.get(i + 1..)?;
                return Some(n);
            }
        }
        None
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<i64> {
        let n = self.uvarint()?;
        Some(((n >> 1) as i64) ^ -((n & 1) as i64))
    }

    /// A length-prefixed byte string.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.uvarint()?).ok()?;
        self.take(n)
    }
}

/// Splits the checksum off `section` and compares it.
///
/// `offset` is where `section` starts in `path`; it is named when the sum does not fit.
pub(crate) fn checked<'a>(
    section: &'a [u8],
    path: &Path,
    offset: u64,
    what: &str,
) -> Result<&'a [u8], BlockError> {
    let Some((body, sum)) = section.split_last_chunk::<4>() else {
        return Err(BlockError::corrupt(path, offset, format!("{what}: too short for a checksum")));
    };
    let (want, got) = (u32::from_be_bytes(*sum), crc32c::crc32c(body));
    if want != got {
        return Err(BlockError::corrupt(
            path,
            offset,
            format!("{what}: checksum mismatch, stored {want:08x}, computed {got:08x}"),
        ));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_at_the_edges() {
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut b = Vec::new();
            put_uvarint(&mut b, n);
            assert_eq!(Cursor::new(&b).uvarint(), Some(n));
            assert_eq!(Cursor::new(&b[..b.len() - 1]).uvarint(), None);
        }
        for n in [0, -1, 1, 63, -64, 64, i64::MIN, i64::MAX] {
            let mut b = Vec::new();
            put_varint(&mut b, n);
            assert_eq!(Cursor::new(&b).varint(), Some(n));
        }
    }

    #[test]
    fn endless_varints_end() {
        assert_eq!(Cursor::new(&[0xff; 20]).uvarint(), None);
        assert_eq!(
            Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).uvarint(),
            None
        );
    }
}
