//! `--grafana-url`: what the doctor asks a Grafana and what it says of the answers. A stand-in plays Grafana's documented HTTP
//! API: paths, forms of answers and refusals, rights of a viewer.

use crate::doctor::run;
use crate::process::{Ended, folder};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tortie_sim::installs::{Objects, Options};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

/// How it behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// A proxy before it sends everybody elsewhere.
    Elsewhere,
    /// It takes connections and says nothing.
    Silent,
    /// Something else listens there.
    Page,
}

const EDITOR: &str = "glsa_canary-of-an-admin";
const VIEWER: &str = "glsa_canary-of-a-viewer";
const PASSWORD: &str = "canary-password";
/// `admin:` and the password, as basic authentication has them.
const BASIC: &str = "YWRtaW46Y2FuYXJ5LXBhc3N3b3Jk";

/// A Grafana with one data source and three dashboards, of which one went after it was listed.
struct Grafana {
    address: SocketAddr,
    /// Method and path of every request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Grafana {
    fn start(mood: Mood) -> Grafana {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                std::thread::spawn(move || serve(stream, mood, &heard));
            }
        });
        Grafana { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, mood: Mood, heard: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => request.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let line = request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    heard.lock().unwrap().push(line.clone());
    let own = |l: &&str| l.to_lowercase().starts_with("authorization: ");
    let credentials = request.lines().find(own).map(|l| l["authorization: ".len()..].to_owned());
    let (status, kind, body, more) = match mood {
        Mood::Silent => {
            // Until whoever asks hangs up.
            let _ = stream.read(&mut piece);
            return;
        }
        Mood::Elsewhere => ("302 Found", "text/html", String::new(), "Location: https://login.example/\r\n"),
        Mood::Page => ("200 OK", "text/html", "<html>welcome</html>".to_owned(), ""),
        Mood::Well => {
            let (status, body) = answer(line.trim_start_matches("GET "), credentials.as_deref());
            (status, "application/json; charset=UTF-8", body.to_string(), "")
        }
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// What Grafana answers to a path.
fn answer(path: &str, credentials: Option<&str>) -> (&'static str, Value) {
    let refused = |status, message: &str| (status, json!({"message": message}));
    let path = path.strip_prefix("/grafana").unwrap_or(path);
    if path == "/api/health" {
        return ("200 OK", json!({"database": "ok", "version": "13.0.0", "commit": "0"}));
    }
    let basic = format!("Basic {BASIC}");
    let role = match credentials {
        Some(c) if c == basic || c == format!("Bearer {EDITOR}") => "Admin",
        Some(c) if c == format!("Bearer {VIEWER}") => "Viewer",
        Some(_) => return refused("401 Unauthorized", "Invalid API key"),
        None => return refused("401 Unauthorized", "Unauthorized"),
    };
    match path {
        "/api/datasources" if role == "Viewer" => refused(
            "403 Forbidden",
            "You'll need additional permissions to perform this action. Permissions needed: datasources:read",
        ),
        "/api/datasources" => (
            "200 OK",
            json!([{"id": 1, "uid": "prom-main", "orgId": 1, "name": "Main", "type": "prometheus",
                "access": "proxy", "url": "http://prometheus:9090", "isDefault": true}]),
        ),
        "/api/search?type=dash-db&limit=5000" => {
            let one = |uid: &str, title: &str| json!({"id": 1, "uid": uid, "title": title, "type": "dash-db", "url": format!("/d/{uid}/x")});
            (
                "200 OK",
                json!([one("felix-1", "Felix by hand"), one("nodes-1", "Nodes"), one("gone-1", "Gone")]),
            )
        }
        "/api/dashboards/uid/felix-1" => board("felix-1", "Felix by hand", "felix_active_local_endpoints"),
        "/api/dashboards/uid/nodes-1" => board("nodes-1", "Nodes", "node_load1"),
        _ => refused("404 Not Found", "Dashboard not found"),
    }
}

fn board(uid: &str, title: &str, expr: &str) -> (&'static str, Value) {
    let source = json!({"type": "prometheus", "uid": "P11C5FC3F3B681947"});
    let panel = json!({"id": 1, "type": "timeseries", "title": "p", "datasource": source,
        "targets": [{"refId": "A", "expr": expr, "datasource": source}]});
    let dashboard = json!({"uid": uid, "title": title, "schemaVersion": 39, "panels": [panel]});
    ("200 OK", json!({"meta": {"type": "db", "folderTitle": "General"}, "dashboard": dashboard}))
}

/// A healthy cluster whose dashboards are Grafana's own.
async fn cluster(dir: &Path) -> KubeServer {
    let kube = KubeServer::start(KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    })
    .await
    .unwrap();
    for object in &Objects::of(&Options::default()).0 {
        assert!(kube.place(object), "{object}");
    }
    std::fs::write(dir.join("kubeconfig"), kube.kubeconfig("admin")).unwrap();
    std::fs::write(dir.join("token"), format!("{EDITOR}\n")).unwrap();
    std::fs::write(dir.join("viewer"), VIEWER).unwrap();
    std::fs::write(dir.join("other"), "glsa_other").unwrap();
    std::fs::write(dir.join("password"), PASSWORD).unwrap();
    kube
}

fn asked(dir: &Path, url: &str, command: &[&str], more: &[&str]) -> Ended {
    let look = ["--kubeconfig", "kubeconfig", "--no-prometheus", "--probe-nodes", "0", "--grafana-url", url];
    run(dir, &[], &[command, &look, more].concat())
}

fn report(dir: &Path, url: &str, more: &[&str]) -> Value {
    let ended = asked(dir, url, &["doctor", "-o", "json"], more);
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {} {}", ended.out, ended.err))
}

/// Verdict and note of the check of data sources.
fn data_sources(report: &Value) -> (String, String) {
    let own = report["checks"].as_array().unwrap().iter().find(|c| c["id"] == "T802").unwrap();
    let text = |k: &str| own[k].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("note"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_data_sources_and_dashboards_are_judged() {
    let dir = folder();
    let _kube = cluster(dir.path()).await;
    tokio::task::spawn_blocking(move || {
        let dir = dir.path();
        let by_password = ["--grafana-user", "admin", "--grafana-password-file", "password"];
        for (path, more) in
            [("", &["--grafana-token-file", "token"][..]), ("", &by_password), ("/grafana/", &by_password)]
        {
            let grafana = Grafana::start(Mood::Well);
            let report = report(dir, &format!("{}{path}", grafana.url()), more);
            let findings = report["findings"].as_array().unwrap();
            let own = findings.iter().find(|f| f["id"] == "T802").unwrap_or_else(|| panic!("{findings:#?}"));
            let title =
                "\"Felix by hand\" asks P11C5FC3F3B681947 for data (2 references); Grafana has prom-main";
            assert_eq!(own["title"], title);
            let prefix = path.trim_end_matches('/');
            let expect = ["/api/datasources", "/api/search?type=dash-db&limit=5000"]
                .map(|p| format!("GET {prefix}{p}"));
            let asked = grafana.asked();
            assert_eq!(asked[..2], expect);
            let mut boards = asked[2..].to_vec();
            boards.sort();
            let expect =
                ["felix-1", "gone-1", "nodes-1"].map(|u| format!("GET {prefix}/api/dashboards/uid/{u}"));
            assert_eq!(boards, expect);
        }
        // A bundle keeps what Grafana said, and no credential.
        let grafana = Grafana::start(Mood::Well);
        let collected = asked(dir, &grafana.url(), &["collect", "-o", "b.tar.gz"], &by_password);
        assert_eq!(collected.code, Some(0), "{}", collected.err);
        let offline = run(dir, &[], &["doctor", "-f", "b.tar.gz"]);
        assert!(offline.out.contains("Felix by hand"), "{}", offline.out);
        let mut text = String::new();
        let file = std::fs::File::open(dir.join("b.tar.gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        for secret in [EDITOR, PASSWORD, BASIC] {
            assert!(!text.contains(secret) && !collected.err.contains(secret));
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_it_could_not_be_read_is_said() {
    let dir = folder();
    let _kube = cluster(dir.path()).await;
    tokio::task::spawn_blocking(move || {
        let dir = dir.path();
        let check = |mood: Mood, more: &[&str], expect: &str| {
            let grafana = Grafana::start(mood);
            let (verdict, note) = data_sources(&report(dir, &grafana.url(), more));
            assert_eq!((verdict.as_str(), note), ("unknown", format!("Grafana at {}: {expect}", grafana.url())));
        };
        let token = |file: &'static str| ["--grafana-token-file", file];
        let credentials = "it does not take the credentials (hint: --grafana-token-file, or --grafana-user)";
        check(Mood::Well, &[], credentials);
        check(Mood::Well, &token("other"), credentials);
        check(
            Mood::Well,
            &token("viewer"),
            "no right to /api/datasources (hint: a service account of Grafana with datasources:read, which role Admin has)",
        );
        check(
            Mood::Elsewhere,
            &token("token"),
            "/api/datasources: status 302, it sends elsewhere (hint: --grafana-url with the address at which a browser ends)",
        );
        check(Mood::Page, &token("token"), "/api/datasources: what answers is no Grafana (text/html)");
        check(Mood::Silent, &token("token"), "no answer within 10 s");
        // What only Grafana could have told is unknown; the chain is judged all the same.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{nobody}");
        let report = report(dir, &url, &token("token"));
        let (verdict, note) = data_sources(&report);
        assert_eq!(verdict, "unknown");
        assert!(note.starts_with(&format!("Grafana at {url}: ")), "{note}");
        let checks = report["checks"].as_array().unwrap();
        assert!(checks.iter().any(|c| c["id"] == "T507" && c["verdict"] == "pass"), "{checks:#?}");
        let usage = asked(dir, "http://127.0.0.1:1", &["doctor"], &["--grafana-user", "admin"]);
        assert_eq!(usage.code, Some(2), "{}", usage.err);
    })
    .await
    .unwrap();
}
