//! A real Prometheus with nothing to scrape.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// The running server; dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Starts the binary with the features, a comma-separated list, and waits until it listens.
    pub(crate) fn start(features: &str) -> Server {
        let bin = std::env::var("TORTIE_PEERS_BIN")
            .expect("TORTIE_PEERS_BIN must name the folder of the real binaries");
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("prometheus.yml");
        std::fs::write(&config, "").unwrap();
        let mut child = Command::new(format!("{bin}/prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .arg(format!("--enable-feature={features}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the real prometheus starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once("address=127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                // The port asked for is logged before the one that was given.
                if port != "0" {
                    address.get_or_insert(format!("127.0.0.1:{port}"));
                }
            }
            if line.contains("Server is ready to receive web requests") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address: address.expect("the log tells the address"), _dir: dir }
    }

    /// The `data` of the API's answer about the query, or its error. `Null` when the server cannot write its own
    /// answer: JSON has no infinity, which `fill(Inf)` puts into the tree.
    pub(crate) fn ask(&self, endpoint: &str, query: &str) -> Result<Value, String> {
        let mut body = String::from("query=");
        for b in query.bytes() {
            body.push_str(&format!("%{b:02X}"));
        }
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /api/v1/{endpoint} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, json) = answer.split_once("\r\n\r\n").unwrap();
        if json.contains("v1.Response.Data: unsupported value") {
            return Ok(Value::Null);
        }
        let mut json: Value =
            serde_json::from_str(json).unwrap_or_else(|e| panic!("{query:?}: {e}: {answer}"));
        match json["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(json["data"].take()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
