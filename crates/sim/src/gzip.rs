//! Gzip bodies put together from pieces that were compressed once.
//!
//! A body of a large fleet is the same for all nodes but for one line in its middle. Its two shared halves are
//! deflated when the body is rendered; a request adds the node's line as a stored block between them and the check
//! sum of the whole, computed from those of the pieces. The result is one plain gzip member.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Header of a gzip member without name or time.
const HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Deflates for speed: bodies are read on the same machine.
const LEVEL: Compression = Compression::new(4);

/// Compresses a whole body.
pub(crate) fn whole(body: &[u8]) -> Bytes {
    let mut crc = Crc::new();
    crc.update(body);
    let mut out = HEADER.to_vec();
    deflate(body, FlushCompress::Finish, &mut out);
    trailer(&crc, &mut out);
    Bytes::from(out)
}

/// Two halves of a body, compressed, with room for one line between them.
#[derive(Debug, Clone)]
pub(crate) struct Halves {
    front: Bytes,
    front_crc: Crc2,
    back: Bytes,
    back_crc: Crc2,
    back_power: u32,
}

/// Check sum and length of a piece.
#[derive(Debug, Clone, Copy)]
struct Crc2 {
    sum: u32,
    len: u32,
}

impl Crc2 {
    fn of(piece: &[u8]) -> Crc2 {
        let mut crc = Crc::new();
        crc.update(piece);
        Crc2 { sum: crc.sum(), len: crc.amount() }
    }

    /// The check sum of this piece followed by `next`. The zeros operator of CRC-32 applied by squaring: the state
    /// after `next.len` zero bytes, then the other piece's sum on top.
    fn then(self, next: Crc2) -> Crc2 {
        self.then_by(power(next.len), next)
    }

    /// [`Crc2::then`] where `power(next.len)` is known.
    fn then_by(self, power: u32, next: Crc2) -> Crc2 {
        Crc2 { sum: multiply(power, self.sum) ^ next.sum, len: self.len.wrapping_add(next.len) }
    }
}

/// x^(8·len) modulo the polynomial: what a check sum is multiplied by to move it past `len` zero bytes.
fn power(len: u32) -> u32 {
    // Bit 31 is x^0, so these are x^8 and 1.
    let (mut power, mut n, mut out) = (0x0080_0000_u32, len, 1_u32 << 31);
    while n > 0 {
        if n & 1 == 1 {
            out = multiply(power, out);
        }
        power = multiply(power, power);
        n >>= 1;
    }
    out
}

/// Product of two polynomials modulo that of CRC-32 (reflected).
fn multiply(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, 1_u32 << 31);
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ 0xedb8_8320 } else { b >> 1 };
        bit >>= 1;
    }
    product
}

impl Halves {
    /// Compresses both halves.
    pub(crate) fn new(front: &[u8], back: &[u8]) -> Halves {
        let mut deflated = HEADER.to_vec();
        // A full flush ends on a byte, so that a stored block can follow.
        deflate(front, FlushCompress::Full, &mut deflated);
        let mut rest = Vec::new();
        deflate(back, FlushCompress::Finish, &mut rest);
        Halves {
            front: Bytes::from(deflated),
            front_crc: Crc2::of(front),
            back: Bytes::from(rest),
            back_crc: Crc2::of(back),
            back_power: power(back.len() as u32),
        }
    }

    /// The gzip body of front half, `line`, back half. `line` must be shorter than 64 KiB; a longer one is cut off.
    pub(crate) fn with_line(&self, line: &[u8]) -> Vec<Bytes> {
        let line = line.get(..line.len().min(65535)).unwrap_or(line);
        let n = line.len() as u16;
        let mut stored = Vec::with_capacity(line.len() + 5);
        stored.push(0);
        stored.extend_from_slice(&n.to_le_bytes());
        stored.extend_from_slice(&(!n).to_le_bytes());
        stored.extend_from_slice(line);
        let total = self.front_crc.then(Crc2::of(line)).then_by(self.back_power, self.back_crc);
        let mut end = Vec::with_capacity(8);
        end.extend_from_slice(&total.sum.to_le_bytes());
        end.extend_from_slice(&total.len.to_le_bytes());
        vec![self.front.clone(), Bytes::from(stored), self.back.clone(), Bytes::from(end)]
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        self.front.len() + self.back.len()
    }
}

fn deflate(input: &[u8], end: FlushCompress, out: &mut Vec<u8>) {
    let mut z = Compress::new(LEVEL, false);
    let mut rest = input;
    loop {
        out.reserve((rest.len() / 2).max(512));
        let before = z.total_in();
        let status = z.compress_vec(rest, out, end);
        rest = rest.get((z.total_in() - before) as usize..).unwrap_or_default();
        let room = out.capacity() > out.len();
        match status {
            Ok(Status::StreamEnd) => return,
            // A flush is complete when all is read and the output was not full.
            Ok(_) if rest.is_empty() && room && !matches!(end, FlushCompress::Finish) => return,
            Ok(_) => {}
            // The compressor only refuses wrong calls, and an output that is too small, which it does not get.
            Err(_) => return,
        }
    }
}

fn trailer(crc: &Crc, out: &mut Vec<u8>) {
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unzip(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(body).read_to_end(&mut out).unwrap();
        out
    }

    #[track_caller]
    fn check(front: &[u8], line: &[u8], back: &[u8]) {
        let parts = Halves::new(front, back).with_line(line);
        let plain = [front, line, back].concat();
        assert_eq!(unzip(&parts.concat()), plain);
        assert_eq!(unzip(&whole(&plain)), plain);
    }

    proptest::proptest! {
        #[test]
        fn any_pieces_make_one_member(
            front in proptest::collection::vec(0_u8..4, 0..2000),
            line in proptest::collection::vec(0_u8..255, 0..300),
            back in proptest::collection::vec(0_u8..255, 0..2000),
        ) {
            check(&front, &line, &back);
        }
    }

    #[test]
    fn pieces_make_one_member() {
        check(b"", b"", b"");
        check(b"a", b"felix_host{host=\"n1\"} 1\n", b"z");
        let long: Vec<u8> =
            (0..300_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        check(&long, b"line\n", &long[..1000]);
        check(&"abc\n".repeat(20_000).into_bytes(), b"x", &long);
    }
}
