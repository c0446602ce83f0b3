//! How records lie in a segment: pages of 32 KiB, fragments with type, length and checksum.

/// Bytes of a page.
pub const PAGE: usize = 32 * 1024;
/// Bytes before each fragment: type, length (u16), CRC32C (u32).
pub const HEADER: usize = 7;
/// Flag in the type byte: the record is compressed with snappy.
pub const SNAPPY: u8 = 1 << 3;
/// Flag in the type byte: the record is compressed with zstd.
pub const ZSTD: u8 = 1 << 4;

pub(crate) const FULL: u8 = 1;
pub(crate) const FIRST: u8 = 2;
pub(crate) const MIDDLE: u8 = 3;
pub(crate) const LAST: u8 = 4;

/// Lays one record (already compressed as `flags` says) into `out`, which starts at byte `*pos` of the segment.
pub fn push_record(out: &mut Vec<u8>, pos: &mut u64, rec: &[u8], flags: u8) {
    let mut rest = rec;
    let mut first = true;
    loop {
        let left = left_in_page(*pos);
        let (part, after) = rest.split_at(rest.len().min(left - HEADER));
        rest = after;
        let kind = match (first, rest.is_empty()) {
            (true, true) => FULL,
            (true, false) => FIRST,
            (false, false) => MIDDLE,
            (false, true) => LAST,
        };
        first = false;
        out.push(kind | flags);
        out.extend_from_slice(&(part.len() as u16).to_be_bytes());
        out.extend_from_slice(&crc32c::crc32c(part).to_be_bytes());
        out.extend_from_slice(part);
        *pos += (HEADER + part.len()) as u64;
        let left = left_in_page(*pos);
        if left < HEADER {
            pad(out, pos, left);
        }
        if rest.is_empty() {
            return;
        }
    }
}

/// Fills the page that `*pos` is in with zeros, when it holds anything.
pub fn finish_page(out: &mut Vec<u8>, pos: &mut u64) {
    let left = left_in_page(*pos);
    if left < PAGE {
        pad(out, pos, left);
    }
}

/// Most bytes of a record that still fit into a segment of `segment_size` bytes of which `pos` are used.
pub fn room(pos: u64, segment_size: u64) -> u64 {
    let pages_after = (segment_size / PAGE as u64).saturating_sub(pos / PAGE as u64 + 1);
    (left_in_page(pos) - HEADER) as u64 + pages_after * (PAGE - HEADER) as u64
}

fn pad(out: &mut Vec<u8>, pos: &mut u64, n: usize) {
    out.resize(out.len() + n, 0);
    *pos += n as u64;
}

fn left_in_page(pos: u64) -> usize {
    PAGE - (pos % PAGE as u64) as usize
}

/// A fragment found at the start of `page`.
pub(crate) struct Fragment<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) data: &'a [u8],
}

/// The fragment at the start of `bytes` (the rest of a page), when type, length and checksum fit.
pub(crate) fn fragment(bytes: &[u8]) -> Option<Fragment<'_>> {
    let (head, rest) = bytes.split_first_chunk::<HEADER>()?;
    let kind = head[0] & 7;
    let flags = head[0] & (SNAPPY | ZSTD);
    if !(FULL..=LAST).contains(&kind) || head[0] & 0xe0 != 0 || flags == SNAPPY | ZSTD {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let crc = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let data = rest.get(..len)?;
    (crc32c::crc32c(data) == crc).then_some(Fragment { kind, flags, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_over_three_pages() {
        let rec = vec![7u8; PAGE * 2];
        let (mut out, mut pos) = (Vec::new(), 0);
        push_record(&mut out, &mut pos, &rec, 0);
        assert_eq!(out.len() as u64, pos);
        let kinds = [out[0], out[PAGE], out[2 * PAGE]];
        assert_eq!(kinds, [FIRST, MIDDLE, LAST]);
        finish_page(&mut out, &mut pos);
        assert_eq!(pos, 3 * PAGE as u64);
    }

    #[test]
    fn a_page_that_cannot_hold_a_header_is_padded() {
        let (mut out, mut pos) = (Vec::new(), 0);
        push_record(&mut out, &mut pos, &vec![1; PAGE - HEADER - 6], 0);
        assert_eq!(pos, PAGE as u64);
        assert!(out[PAGE - 6..].iter().all(|b| *b == 0));
    }

    #[test]
    fn room_counts_headers() {
        let two = 2 * PAGE as u64;
        assert_eq!(room(0, two), 2 * (PAGE - HEADER) as u64);
        assert_eq!(room(PAGE as u64, two), (PAGE - HEADER) as u64);
        assert_eq!(room(10, two), (2 * (PAGE - HEADER) - 10) as u64);
    }
}
