//! The few lines of HTTP/1.1 that the bed speaks: one request, one answer, one connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body, its transfer encoding taken off.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request over `stream` and reads its answer. `kind` is the body's media type.
pub(crate) fn exchange(
    mut stream: TcpStream,
    method: &str,
    path: &str,
    kind: &str,
    body: &[u8],
) -> anyhow::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let host = stream.peer_addr()?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: testbed\r\nAccept: application/json, */*\r\nConnection: close\r\n"
    );
    if !body.is_empty() {
        request += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    }
    request += "\r\n";
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)?;
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 65536]);
    loop {
        let n = stream.read(&mut buffer).with_context(|| format!("{method} {path}: no answer"))?;
        answer.extend_from_slice(buffer.get(..n).unwrap_or_default());
        // Not every way here tells the end of a connection: a forwarded port may not.
        if let Some(whole) = parse(&answer, n == 0).with_context(|| format!("{method} {path}"))? {
            return Ok(whole);
        }
    }
}

/// The answer once it is whole; `ended` says that no more bytes come.
fn parse(bytes: &[u8], ended: bool) -> anyhow::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let body = match head.parse(bytes)? {
        httparse::Status::Complete(n) => {
            let rest = bytes.get(n..).unwrap_or_default();
            let header =
                |name: &str| head.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value);
            if header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case(b"chunked")) {
                unchunk(rest)?
            } else if let Some(length) = header("content-length") {
                let length: usize = std::str::from_utf8(length)?.trim().parse()?;
                rest.get(..length).map(<[u8]>::to_vec)
            } else {
                ended.then(|| rest.to_vec())
            }
        }
        httparse::Status::Partial => None,
    };
    match (body, head.code) {
        (Some(body), Some(status)) => Ok(Some(Answer { status, body })),
        _ if ended => bail!("the answer breaks off"),
        _ => Ok(None),
    }
}

/// The chunks put together, `None` while the last is not there.
fn unchunk(mut rest: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    loop {
        let size =
            httparse::parse_chunk_size(rest).map_err(|_| anyhow::anyhow!("a chunk without its size"))?;
        let httparse::Status::Complete((at, size)) = size else { return Ok(None) };
        if size == 0 {
            return Ok(Some(out));
        }
        let end = at + usize::try_from(size)?;
        let (Some(chunk), Some(next)) = (rest.get(at..end), rest.get(end + 2..)) else { return Ok(None) };
        out.extend_from_slice(chunk);
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &str, ended: bool, expect: Option<(u16, &str)>) {
        let got = parse(bytes.as_bytes(), ended).unwrap().map(|a| (a.status, a.text()));
        assert_eq!(got, expect.map(|(status, text)| (status, text.to_owned())));
    }

    #[test]
    fn an_answer_is_whole_when_its_length_says_so() {
        let chunks =
            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        check(chunks, false, Some((201, "abcde")));
        check(&chunks[..chunks.len() - 9], false, None);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, Some((200, "ab")));
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", false, None);
        check("HTTP/1.1 200 OK\r\n\r\nab", false, None);
        check("HTTP/1.1 200 OK\r\n\r\nab", true, Some((200, "ab")));
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", true).is_err());
    }
}
