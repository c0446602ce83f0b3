//! Requests as they come, and refusals as the API server words them.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::bail;
use serde_json::json;

/// A request, whole.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path with its parameters.
    pub(super) path: String,
    /// Without those that are about the connection.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Headers that are about one connection; and answers are wanted as plain text, so that they can be treated.
const OWN: &[&str] = &["host", "connection", "accept-encoding", "keep-alive", "te"];

impl Request {
    /// Reads one; none when the connection ends before.
    pub(super) fn read(client: &mut TcpStream) -> anyhow::Result<Option<Request>> {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
        loop {
            if let Some(request) = Request::parse(&bytes)? {
                return Ok(Some(request));
            }
            let n = client.read(&mut buffer)?;
            if n == 0 {
                return Ok(None);
            }
            bytes.extend_from_slice(buffer.get(..n).unwrap_or_default());
        }
    }

    /// The request once it is whole.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Request>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(end) = head.parse(bytes)? else { return Ok(None) };
        let (Some(method), Some(path)) = (head.method, head.path) else { bail!("a request without path") };
        let text = |v: &[u8]| String::from_utf8_lossy(v).into_owned();
        let length = head.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map_or(Ok(0), |h| text(h.value).trim().parse())?;
        let Some(body) = bytes.get(end..end + length) else { return Ok(None) };
        let kept = head.headers.iter().filter(|h| !OWN.iter().any(|o| h.name.eq_ignore_ascii_case(o)));
        Ok(Some(Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: kept.map(|h| (h.name.to_owned(), text(h.value))).collect(),
            body: body.to_vec(),
        }))
    }

    /// As it is sent on: of a version without chunks, so that an answer's body is what stands in it.
    pub(super) fn written(&self, host: &str) -> Vec<u8> {
        let mut out =
            format!("{} {} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            out += &format!("{name}: {value}\r\n");
        }
        out += "\r\n";
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

/// Refuses a request with a Status object.
pub(super) fn refuse(
    client: &mut TcpStream,
    status: u16,
    retry_after: Option<u32>,
    message: &str,
) -> anyhow::Result<()> {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message}).to_string();
    let retry = retry_after.map(|s| format!("Retry-After: {s}\r\n")).unwrap_or_default();
    write!(
        client,
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\n{retry}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

/// Answers with 200 and a text.
pub(super) fn say(client: &mut TcpStream, text: &str) -> anyhow::Result<()> {
    write!(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{text}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_body() {
        let text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\nok";
        assert!(Request::parse(&text.as_bytes()[..text.len() - 1]).unwrap().is_none());
        let request = Request::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(request.written("y")).unwrap(),
            "POST /a?b=c HTTP/1.0\r\nHost: y\r\nConnection: close\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\nok"
        );
    }
}
