//! Inflating a gzip body, never beyond its limit.

use super::{Buffers, Limit, Place};
use crate::failure::Failure;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};

/// Room that a body gets at first, and by which it grows at least.
const STEP: usize = 64 * 1024;

/// An inflated body. Its memory is written with zeros once and used again: a body costs neither that nor growing.
#[derive(Default)]
pub(super) struct Inflated {
    room: Vec<u8>,
    len: usize,
}

impl Inflated {
    pub(super) fn bytes(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or(&[])
    }

    /// Forgets the body; keeps at most `most` bytes of memory.
    pub(super) fn clear(&mut self, most: usize) {
        self.len = 0;
        if self.room.len() > most {
            self.room = Vec::new();
        }
    }

    /// Takes in `source` up to its end, or up to `limit` bytes.
    fn fill(&mut self, mut source: impl Read, limit: u64) -> io::Result<()> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.len = 0;
        while self.len < limit {
            if self.len == self.room.len() {
                self.room.resize((2 * self.len).max(STEP), 0);
            }
            let end = self.room.len().min(limit);
            match source.read(self.room.get_mut(self.len..end).unwrap_or(&mut [])) {
                Ok(0) => return Ok(()),
                Ok(n) => self.len += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Inflates the body of `buffers`.
pub(super) fn gzip(buffers: &mut Buffers, limit: &Limit) -> Result<(), Failure> {
    let mut inflated = std::mem::take(&mut buffers.inflated);
    let result = inflated.fill(MultiGzDecoder::new(buffers.body()), limit.bytes);
    buffers.inflated = inflated;
    result.map_err(|e| Failure::new(reason(&e)))?;
    buffers.place = Place::Inflated;
    Ok(())
}

/// Go's words for what the library says.
fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    match e.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
        _ if text.contains("checksum") => "gzip: invalid checksum".into(),
        _ if text.contains("gzip header") => "gzip: invalid header".into(),
        _ if text.contains("deflate") => "flate: corrupt input".into(),
        _ => format!("gzip: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(body: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(body).unwrap();
        e.finish().unwrap()
    }

    #[track_caller]
    fn check(raw: &[u8], limit: u64, expect: Result<&[u8], &str>) {
        let mut buffers =
            Buffers { raw: raw.to_vec(), place: Place::Raw(0..raw.len()), ..Buffers::default() };
        // What an earlier body left must not show.
        buffers.inflated.room = vec![b'x'; 10];
        let got = gzip(&mut buffers, &Limit { bytes: limit, configured: true });
        assert_eq!(got.as_ref().map_err(|f| f.reason.as_str()).map(|()| buffers.body()), expect);
    }

    #[test]
    fn bodies_come_back_whole() {
        let body: Vec<u8> = (0..200_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        check(&packed(&body), u64::MAX, Ok(&body));
        check(&packed(b""), 10, Ok(b""));
        check(&[packed(b"two "), packed(b"members")].concat(), 100, Ok(b"two members"));
    }

    #[test]
    fn never_beyond_the_limit() {
        let bomb = packed(&vec![0; 10 << 20]);
        check(&bomb, 1000, Ok(&[0; 1000]));
    }

    #[test]
    fn damage_is_found() {
        let good = packed(b"a 1\nb 2\n");
        check(&good[..good.len() - 3], 100, Err("unexpected EOF"));
        let mut bad = good;
        let at = bad.len() - 8;
        bad[at] ^= 1;
        check(&bad, 100, Err("gzip: invalid checksum"));
        check(b"a 1\n no gzip at all", 100, Err("gzip: invalid header"));
    }
}
