//! Answers on their way back.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::bail;

use super::request::Request;
use super::{Piece, Shared};

/// Treats a line.
type Lines = dyn Fn(&str) -> Vec<Piece> + Send + Sync;

impl Shared {
    /// Sends a request on, and its answer back.
    pub(super) fn pass(
        &self,
        id: u64,
        mut client: TcpStream,
        request: &Request,
        date: Option<&str>,
        treat: Option<&Lines>,
    ) -> anyhow::Result<()> {
        let mut server = self.connect()?;
        server.set_nodelay(true)?;
        self.remember(id, &server)?;
        server.write_all(&request.written(&server.peer_addr()?.to_string()))?;
        let (head, rest) = read_head(&mut server)?;
        client.write_all(&written(&head, date, treat.is_none()))?;
        let mut lines = Vec::new();
        let mut next = rest;
        let mut buffer = vec![0; 64 << 10];
        loop {
            if self.is_frozen(id) {
                // Until the other side leaves.
                while client.read(&mut buffer)? > 0 {}
                return Ok(());
            }
            match treat {
                None => client.write_all(&next)?,
                Some(treat) => {
                    lines.extend_from_slice(&next);
                    if !treated(&mut client, &mut lines, treat)? {
                        return Ok(());
                    }
                }
            }
            let n = server.read(&mut buffer)?;
            if n == 0 {
                client.write_all(&lines)?;
                return Ok(());
            }
            next = buffer.get(..n).unwrap_or_default().to_vec();
        }
    }
}

/// Writes what becomes of all whole lines; false when nothing more is to come.
fn treated(client: &mut TcpStream, lines: &mut Vec<u8>, treat: &Lines) -> anyhow::Result<bool> {
    while let Some(end) = lines.iter().position(|b| *b == b'\n') {
        let line: Vec<u8> = lines.drain(..=end).collect();
        let line = String::from_utf8_lossy(&line);
        for piece in treat(line.trim_end()) {
            match piece {
                Piece::Line(text) => client.write_all(format!("{text}\n").as_bytes())?,
                Piece::Last(text) => {
                    client.write_all(text.as_bytes())?;
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

/// The head of an answer, and what came of its body.
fn read_head(server: &mut TcpStream) -> anyhow::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let n = server.read(&mut buffer)?;
        if n == 0 {
            bail!("the answer breaks off in its head");
        }
        bytes.extend_from_slice(buffer.get(..n).unwrap_or_default());
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
    }
}

/// The head as it goes back: the body ends with the connection, unless its length is known and stays.
fn written(head: &str, date: Option<&str>, keep_length: bool) -> Vec<u8> {
    let mut out = String::new();
    for (i, line) in head.trim_end().lines().enumerate() {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            _ if i == 0 => out += &line.replacen("HTTP/1.0", "HTTP/1.1", 1),
            "connection" | "transfer-encoding" => continue,
            "content-length" if !keep_length => continue,
            "date" => match date {
                Some(date) => out += &format!("Date: {date}"),
                None => out += line,
            },
            _ => out += line,
        }
        out += "\r\n";
    }
    out += "Connection: close\r\n\r\n";
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_where_the_body_ends() {
        let head = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nDate: now\r\nX: y\r\n\r\n";
        let text = |date, keep| String::from_utf8(written(head, date, keep)).unwrap();
        assert_eq!(
            text(None, true),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\nX: y\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            text(Some("then"), false),
            "HTTP/1.1 200 OK\r\nDate: then\r\nX: y\r\nConnection: close\r\n\r\n"
        );
    }
}
