//! A scrape client for tests: one request a connection, the answer as it came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing said.
    pub whole: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn unzipped(&self) -> String {
        let mut out = String::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_string(&mut out).unwrap();
        out
    }
}

/// Asks `address` for `path`; must not be called on a runtime thread.
pub fn get(address: SocketAddr, path: &str, gzip: bool) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let encoding = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: t\r\n{encoding}Connection: close\r\n\r\n")?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let Some(at) = all.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let head = String::from_utf8(all[..at + 2].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &all[at + 4..];
    let (body, whole) = if head.contains("Transfer-Encoding: chunked") {
        unchunk(rest)
    } else {
        let n: usize =
            head.split("Content-Length: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
        (rest.to_vec(), rest.len() == n)
    };
    Ok(Answer { status, head, body, whole })
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let n = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if n == 0 {
            return (body, true);
        }
        let from = at + 2;
        body.extend_from_slice(&rest[from..rest.len().min(from + n)]);
        let Some(next) = rest.get(from + n + 2..) else { return (body, false) };
        rest = next;
    }
    (body, false)
}
