//! A scrape: one request a connection, the whole body or nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The body, when it came whole and in time.
pub(super) fn get(address: SocketAddr, timeout: Duration) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok()?;
    let at = all.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(all.get(..at + 2)?).to_ascii_lowercase();
    let body = all.get(at + 4..)?;
    if !head.starts_with("http/1.1 200") {
        return None;
    }
    if head.contains("transfer-encoding: chunked") {
        return unchunk(body);
    }
    let length: usize = head.split("content-length: ").nth(1)?.split('\r').next()?.parse().ok()?;
    (body.len() == length).then(|| body.to_vec())
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let at = rest.windows(2).position(|w| w == b"\r\n")?;
        let n = usize::from_str_radix(std::str::from_utf8(rest.get(..at)?).ok()?, 16).ok()?;
        if n == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(at + 2..at + 2 + n)?);
        rest = rest.get(at + n + 4..)?;
    }
}
