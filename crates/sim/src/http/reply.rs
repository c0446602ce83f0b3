//! A reply: shared body pieces, a head in front, and the ways in which a fault spoils it.

use std::io::{IoSlice, Write};

use bytes::Bytes;

use super::Request;

/// What Calico's components answer when text is asked for.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// One reply. The body is the concatenation of `parts`, which are shared between targets and never copied.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// Status code; 0 means 200.
    pub status: u16,
    /// Content type; empty means [`CONTENT_TYPE`].
    pub content_type: &'static str,
    /// The body's pieces.
    pub parts: Vec<Bytes>,
    /// Whether the body is gzip.
    pub gzip: bool,
    /// Further header lines, each ending in CRLF.
    pub headers: &'static str,
    /// How long to wait before the first byte, in milliseconds.
    pub delay_ms: u64,
    /// Close the connection without a word.
    pub hang_up: bool,
    /// Close the connection after this many bytes of the body.
    pub cut_after: Option<usize>,
}

impl Reply {
    /// A 200 with one piece of body.
    pub(crate) fn body(body: Bytes, gzip: bool) -> Reply {
        Reply { parts: vec![body], gzip, ..Reply::default() }
    }

    /// What Go's server says to a path that is not there.
    pub(crate) fn not_found() -> Reply {
        Reply {
            status: 404,
            content_type: "text/plain; charset=utf-8",
            parts: vec![Bytes::from_static(b"404 page not found\n")],
            ..Reply::default()
        }
    }

    /// What Go's server says to another method than GET.
    pub(crate) fn wrong_method() -> Reply {
        Reply {
            status: 405,
            content_type: "text/plain; charset=utf-8",
            parts: vec![Bytes::from_static(b"Method Not Allowed\n")],
            ..Reply::default()
        }
    }

    /// Length of the body in bytes.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// The bytes in front of the body and behind it. Like the real components, the body is chunked where the client
    /// knows how to read that.
    pub(crate) fn frame(&self, request: &Request) -> (Vec<u8>, &'static [u8]) {
        let status = match self.status {
            0 | 200 => "200 OK",
            404 => "404 Not Found",
            405 => "405 Method Not Allowed",
            _ => "500 Internal Server Error",
        };
        let content_type = if self.content_type.is_empty() { CONTENT_TYPE } else { self.content_type };
        let mut head = Vec::with_capacity(256);
        let encoding = if self.gzip { "Content-Encoding: gzip\r\n" } else { "" };
        let close = if request.keep_alive { "" } else { "Connection: close\r\n" };
        // Writing to a Vec cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{encoding}{}{close}",
            self.headers
        );
        if request.chunked && self.len() > 0 {
            let _ = write!(head, "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", self.len());
            return (head, b"\r\n0\r\n\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.len());
        (head, b"")
    }

    /// Head, the body as far as it is sent, and the tail, as slices for a vectored write.
    pub(crate) fn slices<'a>(&'a self, head: &'a [u8], tail: &'a [u8]) -> Vec<IoSlice<'a>> {
        let mut out = Vec::with_capacity(self.parts.len() + 2);
        out.push(IoSlice::new(head));
        let mut left = self.cut_after.unwrap_or(usize::MAX);
        for part in &self.parts {
            let n = part.len().min(left);
            out.push(IoSlice::new(part.get(..n).unwrap_or(part)));
            left -= n;
        }
        if self.cut_after.is_none() {
            out.push(IoSlice::new(tail));
        }
        out
    }
}
