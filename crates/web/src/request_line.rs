//! Request lines as Go takes them: a raw `"`, `<` or `>` in the address is percent-encoded before hyper reads it, which
//! would refuse it. People write `curl -g '.../query?query=up{job="felix"}'`, and Prometheus answers.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Bytes read from the connection at a time.
const STEP: usize = 8 << 10;
/// Longest head line that is looked at; only two short header names matter.
const LINE: usize = 64;

/// Where in the stream of requests the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a request line.
    Request,
    /// In a header line of a request whose body is this long.
    Header { body: u64 },
    /// In a body with so many bytes to come.
    Body(u64),
    /// In a chunked body: its end is not looked for, the rest of the connection passes as it is.
    Opaque,
}

/// Passes a stream of requests on, with the bytes of request lines that hyper refuses percent-encoded.
struct Encoder {
    place: Place,
    /// Beginning of the current header line, lower case.
    line: Vec<u8>,
}

impl Encoder {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut rest = input;
        while let Some((&b, after)) = rest.split_first() {
            match self.place {
                Place::Opaque => {
                    out.extend_from_slice(rest);
                    return;
                }
                Place::Body(left) => {
                    let n = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let (now, later) = rest.split_at(n);
                    out.extend_from_slice(now);
                    let left = left - n as u64;
                    self.place = if left == 0 { Place::Request } else { Place::Body(left) };
                    rest = later;
                    continue;
                }
                Place::Request => match b {
                    b'"' => out.extend_from_slice(b"%22"),
                    b'<' => out.extend_from_slice(b"%3C"),
                    b'>' => out.extend_from_slice(b"%3E"),
                    b'\n' => {
                        out.push(b);
                        self.place = Place::Header { body: 0 };
                        self.line.clear();
                    }
                    b => out.push(b),
                },
                Place::Header { body } => {
                    out.push(b);
                    if b == b'\n' {
                        self.place = self.end_of_line(body);
                        self.line.clear();
                    } else if b != b'\r' && self.line.len() < LINE {
                        self.line.push(b.to_ascii_lowercase());
                    }
                }
            }
            rest = after;
        }
    }

    fn end_of_line(&self, body: u64) -> Place {
        if self.line.is_empty() {
            return if body == 0 { Place::Request } else { Place::Body(body) };
        }
        if self.line.starts_with(b"transfer-encoding:") {
            return Place::Opaque;
        }
        let length = self.line.strip_prefix(b"content-length:").and_then(|v| std::str::from_utf8(v).ok());
        Place::Header { body: length.and_then(|v| v.trim().parse().ok()).unwrap_or(body) }
    }
}

/// A connection whose request lines are read as Go reads them.
pub(crate) struct Lenient<T> {
    inner: T,
    encoder: Encoder,
    ready: Vec<u8>,
    given: usize,
}

impl<T> Lenient<T> {
    pub(crate) fn new(inner: T) -> Lenient<T> {
        let encoder = Encoder { place: Place::Request, line: Vec::new() };
        Lenient { inner, encoder, ready: Vec::new(), given: 0 }
    }
}

impl<T: Read + Unpin> Read for Lenient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given == self.ready.len() {
            let mut bytes = [0; STEP];
            let mut read = hyper::rt::ReadBuf::new(&mut bytes);
            std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, read.unfilled()))?;
            let this = &mut *self;
            this.ready.clear();
            this.given = 0;
            this.encoder.push(read.filled(), &mut this.ready);
        }
        let waiting = self.ready.get(self.given..).unwrap_or(&[]);
        let n = waiting.len().min(buf.remaining());
        buf.put_slice(waiting.get(..n).unwrap_or(&[]));
        self.given += n;
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Unpin> Write for Lenient<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the stream is cut, the same comes out.
    fn check(input: &str, want: &str) {
        for cut in 0..=input.len() {
            let mut e = Encoder { place: Place::Request, line: Vec::new() };
            let mut out = Vec::new();
            e.push(&input.as_bytes()[..cut], &mut out);
            e.push(&input.as_bytes()[cut..], &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want, "cut at {cut}");
        }
    }

    #[test]
    fn only_request_lines_change() {
        check(
            "GET /?q={a=\"b\"}<> HTTP/1.1\r\nX: \"<\"\r\n\r\n",
            "GET /?q={a=%22b%22}%3C%3E HTTP/1.1\r\nX: \"<\"\r\n\r\n",
        );
    }

    #[test]
    fn bodies_pass_as_they_are_and_the_next_request_is_found() {
        let head = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
        check(&format!("{head}\"a\"\"bGET /\" X\r\n\r\n"), &format!("{head}\"a\"\"bGET /%22 X\r\n\r\n"));
    }

    #[test]
    fn behind_a_chunked_body_nothing_is_touched() {
        let all =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\"\r\n0\r\n\r\nGET /\" X\r\n\r\n";
        check(all, all);
    }
}
