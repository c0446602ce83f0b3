//! The head of an answer: status line and the few headers that matter.

use super::MAX_HEAD;
use super::connect::Connection;
use super::read::{Filled, fill};
use std::mem::MaybeUninit;

/// Most header lines of an answer.
const MAX_HEADERS: usize = 128;

/// What the head says.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    /// What the status line says behind the number, unless that is 200.
    pub(super) reason: String,
    /// Where the body begins in the raw bytes.
    pub(super) len: usize,
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) keep_alive: bool,
    pub(super) content_type: String,
    /// Content-Encoding in lower case, empty for identity.
    pub(super) encoding: String,
    location: Option<String>,
}

impl Head {
    /// Where a redirect leads.
    pub(super) fn redirect(&self) -> Option<&str> {
        matches!(self.status, 301 | 302 | 303 | 307 | 308).then_some(self.location.as_deref()).flatten()
    }
}

/// Reads until the head is whole. What follows it stays in `raw`.
pub(super) async fn read(connection: &mut Connection, raw: &mut Vec<u8>) -> Result<Head, String> {
    let mut seen = 0;
    loop {
        while let Some(end) = end_of_head(raw, seen) {
            let head = parse(raw.get(..end).unwrap_or(raw))?;
            if !(100..200).contains(&head.status) {
                return Ok(head);
            }
            // An interim answer: the real one follows.
            raw.drain(..end);
            seen = 0;
        }
        if raw.len() > MAX_HEAD {
            return Err(format!("net/http: server response headers exceeded {MAX_HEAD} bytes; aborted"));
        }
        if !could_be_http(raw) {
            return Err(malformed(raw));
        }
        seen = raw.len().saturating_sub(3);
        match fill(connection, raw).await {
            Ok(Filled::More) => {}
            Ok(Filled::End) if raw.is_empty() => return Err("EOF".into()),
            Ok(Filled::End) => return Err("unexpected EOF".into()),
            Err(e) => return Err(connection.error("read", &e)),
        }
    }
}

/// The end of the first empty line at or after `from`.
fn end_of_head(raw: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let newline = at + memchr::memchr(b'\n', raw.get(at..)?)?;
        match raw.get(newline + 1..)? {
            [b'\n', ..] => return Some(newline + 2),
            [b'\r', b'\n', ..] => return Some(newline + 3),
            _ => at = newline + 1,
        }
    }
}

/// Something that is not HTTP is refused at its first bytes, not when the timeout strikes.
fn could_be_http(raw: &[u8]) -> bool {
    raw.iter().zip(b"HTTP/1.").all(|(a, b)| a == b)
}

fn malformed(raw: &[u8]) -> String {
    let line = raw.split(|b| *b == b'\n').next().unwrap_or(&[]);
    format!(
        "net/http: HTTP/1.x transport connection broken: malformed HTTP response {}",
        tortie_wire::quote::quote(line)
    )
}

fn parse(bytes: &[u8]) -> Result<Head, String> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let len = match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Err(malformed(bytes)),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(format!("net/http: answer has more than {MAX_HEADERS} headers"));
        }
        Err(_) => return Err(malformed(bytes)),
    };
    let mut head = Head {
        status: response.code.unwrap_or(0),
        len,
        keep_alive: response.version == Some(1),
        ..Head::default()
    };
    if head.status != 200 {
        response.reason.unwrap_or("").clone_into(&mut head.reason);
    }
    for h in response.headers.iter() {
        // Most headers are of no interest: their length tells.
        if matches!(h.name.len(), 8 | 10 | 12 | 14 | 16 | 17) {
            apply(&mut head, h)?;
        }
    }
    Ok(head)
}

fn apply(head: &mut Head, h: &httparse::Header<'_>) -> Result<(), String> {
    let is = |name: &str| h.name.eq_ignore_ascii_case(name);
    let value = || String::from_utf8_lossy(h.value.trim_ascii());
    if is("content-length") {
        let value = value();
        let n = value.parse().map_err(|_| format!("bad Content-Length {value:?}"))?;
        if head.content_length.is_some_and(|old| old != n) {
            return Err("http: message cannot contain multiple Content-Length headers".into());
        }
        head.content_length = Some(n);
    } else if is("transfer-encoding") {
        let value = value();
        if !value.eq_ignore_ascii_case("chunked") {
            return Err(format!("unsupported transfer encoding: {value:?}"));
        }
        head.chunked = true;
    } else if is("connection") {
        for token in value().split(',') {
            match token.trim() {
                t if t.eq_ignore_ascii_case("close") => head.keep_alive = false,
                t if t.eq_ignore_ascii_case("keep-alive") => head.keep_alive = true,
                _ => {}
            }
        }
    } else if is("content-type") && head.content_type.is_empty() {
        head.content_type = value().into_owned();
    } else if is("content-encoding") {
        head.encoding = value().to_ascii_lowercase();
    } else if is("location") {
        head.location = Some(value().into_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read() {
        let h = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-TYPE: text/plain\r\nContent-Encoding: GZIP\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!((h.status, h.content_length, h.keep_alive), (200, Some(5), false));
        assert_eq!((h.content_type.as_str(), h.encoding.as_str()), ("text/plain", "gzip"));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n").is_err());
    }

    #[test]
    fn the_end_is_found_in_both_spellings() {
        assert_eq!(end_of_head(b"HTTP/1.1 200\r\n\r\nbody", 0), Some(16));
        assert_eq!(end_of_head(b"a\n\nb", 0), Some(3));
        assert_eq!(end_of_head(b"a\r\n\r", 0), None);
    }
}
