//! Talking to a running demo.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Breaks (`on`) or mends a fault.
pub(super) fn switch(url: &str, fault: &str, on: bool) -> Result<String, String> {
    let verb = if on { "break" } else { "heal" };
    let name: String = fault.bytes().map(|b| format!("%{b:02X}")).collect();
    let answer = ask(url, "POST", &format!("/api/tortie/v1/demo/{verb}?fault={name}"))?;
    Ok(answer["data"].as_str().unwrap_or_default().to_owned())
}

/// The table of faults.
pub(super) fn faults(url: &str) -> Result<String, String> {
    let answer = ask(url, "GET", "/api/tortie/v1/demo/faults")?;
    let rows = answer["data"].as_array().cloned().unwrap_or_default();
    let text = |v: &serde_json::Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let lines: Vec<String> = rows
        .iter()
        .map(|r| {
            let mark = if r["on"] == true { "✕" } else { " " };
            format!("{mark} {:<24} {}", text(r, "name"), text(r, "summary"))
        })
        .collect();
    Ok(lines.join("\n"))
}

/// Asks the demo's own API.
///
/// # Errors
/// When nobody answers there, or it is no demo.
pub(crate) fn ask(url: &str, method: &str, path: &str) -> Result<serde_json::Value, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url}: not an http URL"))?;
    let (authority, prefix) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
    let prefix = prefix.trim_end_matches('/');
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let unreachable = |e: std::io::Error| {
        format!(
            "no demo answers at {url}: {e}\nhint: start one with `tortie demo`, or name its address with --url"
        )
    };
    let mut s = TcpStream::connect(&address).map_err(unreachable)?;
    s.set_read_timeout(Some(Duration::from_secs(30))).map_err(unreachable)?;
    write!(s, "{method} {prefix}{path} HTTP/1.0\r\nHost: {authority}\r\nX-Tortie-Demo: 1\r\nContent-Length: 0\r\n\r\n").map_err(unreachable)?;
    let mut text = String::new();
    s.read_to_string(&mut text).map_err(unreachable)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| format!("{url}: not an HTTP answer"))?;
    let v: serde_json::Value = serde_json::from_str(body)
        .map_err(|_| format!("{url} is no demo: {}", head.lines().next().unwrap_or_default()))?;
    match v["error"].as_str() {
        Some(e) => Err(e.to_owned()),
        None => Ok(v),
    }
}
