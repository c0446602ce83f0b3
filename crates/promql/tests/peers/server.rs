//! A real Prometheus with nothing to scrape.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A running Prometheus; dropping it ends the process.
pub(crate) struct Listening {
    child: Child,
    pub(crate) address: String,
}

impl Listening {
    /// Starts the server of this command on a free port and waits until it is ready to answer.
    pub(crate) fn start(prometheus: &mut Command) -> Listening {
        let child = prometheus
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the real prometheus starts");
        let mut listening = Listening { child, address: String::new() };
        let mut lines = BufReader::new(listening.child.stderr.take().unwrap()).lines();
        // Its address and that it is ready are logged by two of its goroutines, in either order.
        let mut ready = false;
        while !ready || listening.address.is_empty() {
            let line = lines.next().expect("it lives until it is ready").unwrap();
            ready |= line.contains("Server is ready to receive web requests");
            if let Some((_, rest)) = line.split_once("address=127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                // The port asked for is logged before the one that was given.
                if port != "0" {
                    listening.address = format!("127.0.0.1:{port}");
                }
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        listening
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The running server.
pub(crate) struct Server {
    process: Listening,
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
        let process = Listening::start(
            Command::new(format!("{bin}/prometheus"))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--enable-feature={features}")),
        );
        Server { process, _dir: dir }
    }

    /// The `data` of the API's answer about the query, or its error. `Null` when the server cannot write its own
    /// answer: JSON has no infinity, which `fill(Inf)` puts into the tree.
    pub(crate) fn ask(&self, endpoint: &str, query: &str) -> Result<Value, String> {
        let mut body = String::from("query=");
        for b in query.bytes() {
            body.push_str(&format!("%{b:02X}"));
        }
        let mut stream = TcpStream::connect(&self.process.address).unwrap();
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
