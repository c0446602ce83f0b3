//! A running Prometheus, and what it says over its API.

use crate::Series;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) struct Prometheus {
    process: Child,
    addr: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    /// Starts one with `n` jobs `j0`, `j1`, ... that scrape `/0`, `/1`, ... of `server` each second.
    pub(crate) async fn start(server: SocketAddr, n: usize) -> Prometheus {
        let bin = std::env::var("TORTIE_PEERS_BIN")
            .expect("TORTIE_PEERS_BIN names the folder of prometheus; hint: make peers-test");
        let dir = tempfile::tempdir().unwrap();
        let mut config = String::from(
            "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  scrape_protocols: [PrometheusText1.0.0, PrometheusText0.0.4]\nscrape_configs:\n",
        );
        for i in 0..n {
            config.push_str(&format!(
                "- job_name: j{i}\n  metrics_path: /{i}\n  static_configs: [{{targets: ['{server}']}}]\n"
            ));
        }
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(Path::new(&bin).join("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address={addr}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cannot start prometheus");
        Prometheus { process, addr, _dir: dir }
    }

    /// Health and error of each job, once all have been scraped.
    pub(crate) async fn targets(&self, n: usize) -> BTreeMap<String, (String, String)> {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.get("/api/v1/targets?state=active").await;
            let all = answer["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
            let of = |t: &Value, key: &str| t[key].as_str().unwrap_or("").to_owned();
            if all.len() == n && all.iter().all(|t| of(t, "health") != "unknown") {
                return all
                    .iter()
                    .map(|t| (of(t, "scrapePool"), (of(t, "health"), of(t, "lastError"))))
                    .collect();
            }
            assert!(Instant::now() < end, "prometheus has not scraped {n} targets within a minute: {answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Current series of a job.
    pub(crate) async fn series(&self, job: &str) -> Series {
        let answer = self.get(&format!("/api/v1/query?query=%7Bjob%3D%22{job}%22%7D")).await;
        let mut out = Series::new();
        for r in answer["data"]["result"].as_array().cloned().unwrap_or_default() {
            let labels: BTreeMap<String, String> = r["metric"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(n, v)| (n.clone(), v.as_str().unwrap_or("").to_owned()))
                .collect();
            if crate::is_compared(labels.get("__name__").map_or("", String::as_str)) {
                out.insert(
                    text(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
                    r["value"][1].as_str().unwrap_or("").to_owned(),
                );
            }
        }
        out
    }

    async fn get(&self, path: &str) -> Value {
        let Ok(mut stream) = tokio::net::TcpStream::connect(self.addr).await else { return Value::Null };
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.addr);
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).await.is_err()
            || stream.read_to_end(&mut answer).await.is_err()
        {
            return Value::Null;
        }
        let text = String::from_utf8_lossy(&answer);
        text.split_once("\r\n\r\n")
            .and_then(|(_, body)| serde_json::from_str(body).ok())
            .unwrap_or(Value::Null)
    }
}

/// Labels as text, for comparing.
pub(crate) fn text<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    labels.map(|(n, v)| format!("{n}={v:?}")).collect::<Vec<_>>().join(",")
}
