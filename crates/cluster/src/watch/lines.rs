//! A stream of bytes cut into lines.

use bytes::{Buf, Bytes, BytesMut};

/// One line of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Bytes),
    /// A line that was longer than allowed; what it said is lost.
    TooLong,
}

/// Cuts a stream into lines of at most so many bytes.
#[derive(Debug)]
pub(super) struct Lines {
    most: usize,
    buffer: BytesMut,
    /// So many bytes of the buffer hold no end of a line.
    looked: usize,
    /// The rest of this line is thrown away.
    skips: bool,
}

impl Lines {
    pub(super) fn new(most: usize) -> Lines {
        Lines { most, buffer: BytesMut::new(), looked: 0, skips: false }
    }

    /// Adds a piece of the stream.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The next line that is complete, without empty ones.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let new = self.buffer.get(self.looked..).unwrap_or(&[]);
            let Some(end) = new.iter().position(|b| *b == b'\n').map(|i| self.looked + i) else {
                self.looked = self.buffer.len();
                if self.skips || self.looked > self.most {
                    self.skips = true;
                    self.looked = 0;
                    self.buffer.clear();
                }
                return None;
            };
            let line = self.buffer.split_to(end).freeze();
            self.buffer.advance(1);
            self.looked = 0;
            if std::mem::take(&mut self.skips) || line.len() > self.most {
                return Some(Line::TooLong);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Line::Whole(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expect: &[Option<&str>]) {
        let mut lines = Lines::new(5);
        let mut got = Vec::new();
        for piece in pieces {
            lines.push(piece.as_bytes());
            while let Some(line) = lines.next() {
                got.push(match line {
                    Line::Whole(l) => Some(String::from_utf8(l.to_vec()).unwrap()),
                    Line::TooLong => None,
                });
            }
        }
        assert_eq!(got.iter().map(Option::as_deref).collect::<Vec<_>>(), expect, "{pieces:?}");
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        check(&["ab\nc", "d", "e\n\n \nf"], &[Some("ab"), Some("cde")]);
        check(&["12345\n123456\nx\n"], &[Some("12345"), None, Some("x")]);
        check(&["1234", "567", "89", "0\nok\n"], &[None, Some("ok")]);
        check(&["1234567", "\nok\n"], &[None, Some("ok")]);
    }
}
