//! A client for tests: one request a connection, the answer as it came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub content_type: String,
    pub token: String,
    pub agent: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// JSON, or the text as a string.
    pub body: Value,
    pub warnings: Vec<String>,
}

/// Asks; must not be called on a runtime thread.
pub fn ask(address: SocketAddr, ask: &Ask) -> Answer {
    ask_over(connect(address), ask)
}

/// A connection that does not wait for ever.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Asks over an open connection.
pub fn ask_over(mut stream: impl Read + Write, ask: &Ask) -> Answer {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: t\r\nAccept: application/json\r\nConnection: close\r\nUser-Agent: {}\r\n",
        ask.method, ask.path, ask.agent
    );
    if !ask.token.is_empty() {
        head.push_str(&format!("Authorization: Bearer {}\r\n", ask.token));
    }
    if !ask.content_type.is_empty() {
        head.push_str(&format!("Content-Type: {}\r\n", ask.content_type));
    }
    for (name, value) in &ask.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", ask.body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(ask.body.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    read(&all).unwrap_or_else(|| {
        panic!("{} {}: no answer: {}", ask.method, ask.path, String::from_utf8_lossy(&all))
    })
}

fn read(all: &[u8]) -> Option<Answer> {
    let at = all.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&all[..at]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let named = |name: &'static str| {
        head.lines().filter_map(move |l| {
            let (k, v) = l.split_once(':')?;
            k.eq_ignore_ascii_case(name).then(|| v.trim().to_owned())
        })
    };
    let mut body = all[at + 4..].to_vec();
    if named("transfer-encoding").any(|v| v == "chunked") {
        body = unchunk(&body);
    }
    let text = String::from_utf8(body).ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text.trim().to_owned()));
    Some(Answer { status, body, warnings: named("warning").collect() })
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let n = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if n == 0 {
            break;
        }
        out.extend_from_slice(&rest[at + 2..at + 2 + n]);
        rest = &rest[at + 4 + n..];
    }
    out
}
