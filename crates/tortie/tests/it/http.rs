//! Asking a server, a connection a request.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The values of a header with `, ` between them; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> String {
        let all: Vec<&str> =
            self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
        all.join(", ")
    }
}

/// A request under way.
pub(crate) struct Asked(pub(crate) TcpStream);

impl Asked {
    /// Reads the answer; `None` when the connection ends without one.
    pub(crate) fn answer(mut self) -> Option<Answer> {
        self.0.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).ok()?;
        let at = all.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&all[..at]).into_owned();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers =
            lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
        Some(Answer { status, headers, body: all[at + 4..].to_vec() })
    }
}

/// Sends a request in HTTP/1.0, so that the answer ends with the connection. `Host` is the address unless given.
pub(crate) fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Asked> {
    let mut s = TcpStream::connect(to).ok()?;
    let mut head = format!("{method} {path} HTTP/1.0\r\n");
    if !headers.iter().any(|(n, _)| *n == "Host") {
        head.push_str(&format!("Host: {to}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (n, v) in headers {
        head.push_str(&format!("{n}: {v}\r\n"));
    }
    head.push_str("\r\n");
    s.write_all(head.as_bytes()).ok()?;
    s.write_all(body).ok()?;
    Some(Asked(s))
}

pub(crate) fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    ask(to, method, path, headers, body)?.answer()
}

pub(crate) fn get(to: SocketAddr, path: &str) -> Answer {
    send(to, "GET", path, &[], b"").unwrap_or_else(|| panic!("no answer to GET {path}"))
}

/// A POST of a form.
pub(crate) fn post(to: SocketAddr, path: &str, form: &str) -> Answer {
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    send(to, "POST", path, &kind, form.as_bytes()).unwrap_or_else(|| panic!("no answer to POST {path}"))
}

/// Percent-encodes a parameter.
pub(crate) fn encoded(s: &str) -> String {
    s.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The result of an instant query now: labels without the name, and the value, in the order of the labels.
pub(crate) fn query(to: SocketAddr, query: &str) -> Vec<(String, String)> {
    let answer = get(to, &format!("/api/v1/query?query={}", encoded(query)));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let mut rows: Vec<(String, String)> = answer.json()["data"]["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let labels = r["metric"].as_object().unwrap().iter().filter(|(n, _)| *n != "__name__");
            let labels: Vec<String> = labels.map(|(n, v)| format!("{n}={}", v.as_str().unwrap())).collect();
            (labels.join(","), r["value"][1].as_str().unwrap().to_owned())
        })
        .collect();
    rows.sort();
    rows
}

/// The one value of a query, if there is exactly one series.
pub(crate) fn value(to: SocketAddr, text: &str) -> Option<String> {
    match &query(to, text)[..] {
        [(_, v)] => Some(v.clone()),
        _ => None,
    }
}

/// The rows of `/api/tortie/v1/targets`.
pub(crate) fn targets(to: SocketAddr) -> Vec<Value> {
    get(to, "/api/tortie/v1/targets").json()["data"]["activeTargets"].as_array().unwrap().clone()
}

/// The value of one of the server's own metrics, as it stands in `/metrics`.
pub(crate) fn metric(to: SocketAddr, name: &str) -> Option<String> {
    get(to, "/metrics")
        .text()
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}
