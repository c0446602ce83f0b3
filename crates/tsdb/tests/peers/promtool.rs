//! The real promtool and the real Prometheus, started on a data directory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// Path of a peer's binary; the test fails when it is not there.
pub(crate) fn bin(name: &str) -> PathBuf {
    let dir = std::env::var("TORTIE_PEERS_BIN")
        .expect("TORTIE_PEERS_BIN names the folder of the peers' binaries (hint: make peers-test)");
    let path = Path::new(&dir).join(name);
    assert!(path.exists(), "{} is not there (hint: make peers-test builds it)", path.display());
    path
}

/// Runs promtool; gives what it printed, and fails when it did.
pub(crate) fn promtool(args: &[&str]) -> String {
    let out = Command::new(bin("promtool")).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "promtool {args:?}: {}{text}", String::from_utf8_lossy(&out.stderr));
    text
}

/// Samples by series as promtool dumps them: labels as printed, timestamp, value.
pub(crate) fn dump(dir: &Path) -> BTreeMap<String, Vec<(i64, f64)>> {
    let text = promtool(&["tsdb", "dump", dir.to_str().unwrap()]);
    let mut out: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    for line in text.lines() {
        let (rest, t) = line.rsplit_once(' ').unwrap();
        let (labels, v) = rest.rsplit_once(' ').unwrap();
        out.entry(labels.to_owned()).or_default().push((t.parse().unwrap(), number(v)));
    }
    out
}

fn number(s: &str) -> f64 {
    match s {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        s => s.parse().unwrap(),
    }
}

/// A running Prometheus on a data directory, without a scrape configuration unless one is given.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Prometheus {
    pub(crate) fn start(data: &Path, config: &str, flags: &[&str]) -> Prometheus {
        let file = data.with_extension("yml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(bin("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tx, rx) = std::sync::mpsc::channel();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            // Its address and that it is ready are logged by two of its goroutines, in either order.
            let (mut address, mut ready) = (None, false);
            for line in lines.map_while(Result::ok) {
                ready |= line.contains("Server is ready to receive web requests");
                if line.contains("msg=\"Listening on\"") {
                    address =
                        line.split("address=").nth(1).and_then(|a| a.split(' ').next()).map(str::to_owned);
                }
                if ready && let Some(address) = address.take() {
                    let _ = tx.send(address);
                }
                kept.lock().unwrap().push(line);
            }
        });
        let ready = rx.recv_timeout(std::time::Duration::from_secs(60));
        let address = match ready {
            Ok(a) => a,
            Err(e) => {
                let _ = child.kill();
                panic!("prometheus did not get ready: {e}\n{}", log.lock().unwrap().join("\n"));
            }
        };
        Prometheus { child, address, log }
    }

    /// Body of an answer, decoded from JSON; the status must be 200.
    pub(crate) fn get(&self, path_and_query: &str) -> serde_json::Value {
        let mut s = TcpStream::connect(&self.address).unwrap();
        write!(s, "GET {path_and_query} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = Vec::new();
        s.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path_and_query}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Every sample it has up to `at_ms`, of the `hours` before: labels and (timestamp, value), stale markers left out.
    pub(crate) fn all_samples(
        &self,
        at_ms: i64,
        hours: i64,
    ) -> BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> {
        let query = format!(
            "/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D%5B{hours}h%5D&time={}.{:03}",
            at_ms / 1000,
            at_ms % 1000
        );
        let json = self.get(&query);
        let mut out = BTreeMap::new();
        for series in json["data"]["result"].as_array().unwrap() {
            let labels = series["metric"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
                .collect();
            let samples = series["values"].as_array().map_or(&[][..], |v| v).iter().map(|p| {
                let t = (p[0].as_f64().unwrap() * 1000.0).round() as i64;
                (t, number(p[1].as_str().unwrap()))
            });
            out.insert(labels, samples.collect());
        }
        out
    }

    /// Waits until an instant query has an answer.
    pub(crate) fn wait_for(&self, query: &str) {
        let query = query.replace(' ', "%20").replace('>', "%3E");
        for _ in 0..600 {
            let json = self.get(&format!("/api/v1/query?query={query}"));
            if json["data"]["result"].as_array().is_some_and(|r| !r.is_empty()) {
                return;
            }
            // Another process scrapes by its own clock: there is no event to wait for.
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("{query}: no answer");
    }

    /// Stops it as a supervisor does and gives the lines of its log at warn or worse.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        self.child.wait().unwrap();
        let log = self.log.lock().unwrap();
        let bad = |l: &&String| l.contains("level=WARN") || l.contains("level=ERROR");
        // The line about the signal just sent is a warning, too.
        log.iter()
            .filter(bad)
            .filter(|l| !l.contains("Received an OS signal, exiting gracefully"))
            .cloned()
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
