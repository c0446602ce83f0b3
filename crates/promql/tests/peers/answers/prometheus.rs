//! A real Prometheus over blocks made from text.

use crate::server::Listening;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// The running server.
pub(crate) struct Prometheus {
    process: Listening,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    /// Makes blocks of the text and starts a server on them.
    pub(crate) fn over(openmetrics: &str) -> Prometheus {
        let bin = std::env::var("TORTIE_PEERS_BIN")
            .expect("TORTIE_PEERS_BIN must name the folder of the real binaries");
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("in.txt"), openmetrics).unwrap();
        std::fs::write(path("prometheus.yml"), "").unwrap();
        let made = Command::new(format!("{bin}/promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", &path("in.txt"), &path("data")])
            .stdout(Stdio::null())
            .status()
            .expect("the real promtool starts");
        assert!(made.success(), "promtool made no blocks");
        let process = Listening::start(
            Command::new(format!("{bin}/prometheus"))
                .arg(format!("--config.file={}", path("prometheus.yml")))
                .arg(format!("--storage.tsdb.path={}", path("data")))
                .arg("--storage.tsdb.retention.time=100y")
                .arg("--enable-feature=promql-experimental-functions,promql-binop-fill-modifiers,promql-extended-range-selectors,promql-duration-expr"),
        );
        Prometheus { process, _dir: dir }
    }

    /// The whole answer to a request with these form values.
    pub(crate) fn ask(&self, endpoint: &str, form: &[(&str, &str)]) -> Value {
        let mut body = String::new();
        for (name, value) in form {
            body.push_str(&format!("&{name}="));
            value.bytes().for_each(|b| body.push_str(&format!("%{b:02X}")));
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
        serde_json::from_str(json).unwrap_or_else(|e| panic!("{form:?}: {e}: {answer}"))
    }
}
