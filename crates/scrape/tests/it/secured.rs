//! Scrapes through TLS and proxies, with credentials; and what is refused before anything changes.

use crate::pki::Pki;
use crate::rig::group;
use crate::sink::TestSink;
use crate::tls_server::{BOTH, Server, TlsServer, answer, redirect};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tortie_config::Config;
use tortie_discovery::TargetGroup;
use tortie_host::{CpuPool, Fs, ManualClock, MemFs};
use tortie_scrape::status::TargetStatus;
use tortie_scrape::{Options, PoolConfig, PoolInput, ScrapeManager};

struct Rig {
    manager: ScrapeManager,
    groups: watch::Sender<Arc<Vec<TargetGroup>>>,
    fs: Arc<MemFs>,
    clock: Arc<ManualClock>,
}

fn pool(keys: &str) -> PoolConfig {
    let text = format!(
        "scrape_configs:\n- job_name: j\n{}",
        keys.lines().map(|l| format!("  {l}\n")).collect::<String>()
    );
    let loaded = Config::load(&text, "/prometheus.yml").unwrap_or_else(|e| panic!("{e}"));
    let pool = PoolConfig::from_config(&loaded.scrape_configs[0]).unwrap();
    PoolConfig { interval_ms: 5000, timeout_ms: 5000, ..pool }
}

impl Rig {
    fn new(addresses: &[String]) -> Rig {
        let (fs, clock) = (Arc::new(MemFs::new()), Arc::new(ManualClock::at(1_795_737_600_000)));
        let sink = Arc::new(TestSink::default());
        let cpu = CpuPool::start(1, 16);
        let manager =
            ScrapeManager::new(sink, Arc::clone(&clock) as _, Arc::clone(&fs) as _, cpu, Options::default());
        Rig { manager, groups: watch::Sender::new(group(addresses)), fs, clock }
    }

    fn write(&self, path: &str, text: &str) {
        self.fs.create(Path::new(path)).unwrap().append(text.as_bytes()).unwrap();
    }

    fn apply(&self, keys: &str) -> Result<(), String> {
        let input = PoolInput { config: pool(keys), groups: self.groups.subscribe() };
        self.manager.apply(vec![input]).map_err(|e| e.to_string())
    }

    async fn scrape(&self) -> TargetStatus {
        self.clock.advance(5000);
        self.manager.scrape_all_at(self.clock_ms()).await;
        self.manager.targets().remove(0)
    }

    fn clock_ms(&self) -> i64 {
        tortie_host::Clock::now_ms(&*self.clock)
    }
}

fn metrics() -> String {
    answer("200 OK", "Content-Type: text/plain\r\n", "a 1\n")
}

async fn https(pki: &Pki, names: &[&str], client_ca: Option<&str>) -> Server {
    let pair = pki.leaf("s", names);
    Server::tls(TlsServer { pair: &pair, client_ca, versions: &BOTH }, |_| metrics()).await
}

#[tokio::test]
async fn a_target_behind_tls_is_scraped_over_one_connection() {
    let pki = Pki::new("ours");
    let server = https(&pki, &["127.0.0.1"], None).await;
    let rig = Rig::new(&[server.addr.to_string()]);
    rig.write("/ca.pem", &pki.ca);
    rig.write("/pw", "p\n");
    rig.apply("scheme: https\ntls_config: {ca_file: ca.pem}\nbasic_auth: {username: u, password_file: pw}")
        .unwrap();
    for _ in 0..4 {
        let s = rig.scrape().await;
        assert_eq!((s.last_error.as_str(), s.samples), ("", 1));
        assert!(s.url.starts_with("https://127.0.0.1:"), "{}", s.url);
    }
    let asked = server.asked();
    assert!(
        asked
            .iter()
            .all(|a| a.connection == asked[0].connection && a.header("authorization") == Some("Basic dTpw"))
    );

    // Another authority: the connection that the old one allowed is given up.
    rig.write("/ca.pem", &Pki::new("other").ca);
    let s = rig.scrape().await;
    let words = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    assert_eq!(s.last_error, format!("Get {:?}: {words}", s.url));
    rig.fs.remove_file(Path::new("/ca.pem")).unwrap();
    let s = rig.scrape().await;
    let words =
        "unable to read CA cert: unable to read file /ca.pem: open /ca.pem: no such file or directory";
    assert_eq!(s.last_error, format!("Get {:?}: {words}", s.url));
    rig.write("/ca.pem", &pki.ca);
    assert_eq!(rig.scrape().await.last_error, "");
}

#[tokio::test]
async fn a_client_certificate_is_not_shown_to_others() {
    let pki = Pki::new("ours");
    let other = https(&pki, &["127.0.0.1"], Some(&pki.ca)).await;
    let away = other.https("/m");
    let pair = pki.leaf("s", &["127.0.0.1"]);
    let tls = TlsServer { pair: &pair, client_ca: Some(&pki.ca), versions: &BOTH };
    let server =
        Server::tls(
            tls,
            move |a| if a.target() == "/away" { redirect("302 Found", &away) } else { metrics() },
        )
        .await;
    let client = pki.leaf("c", &["c"]);
    let rig = Rig::new(&[server.addr.to_string()]);
    for (path, text) in [("/ca.pem", &pki.ca), ("/c.pem", &client.cert), ("/k.pem", &client.key)] {
        rig.write(path, text);
    }
    let keys = "scheme: https\ntls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}\n";
    rig.apply(keys).unwrap();
    assert_eq!(rig.scrape().await.last_error, "");
    rig.apply(&format!("{keys}metrics_path: /away")).unwrap();
    let s = rig.scrape().await;
    assert!(s.last_error.ends_with(": remote error: tls: certificate required"), "{}", s.last_error);
    rig.apply("scheme: https\ntls_config: {ca_file: ca.pem}").unwrap();
    let s = rig.scrape().await;
    assert!(s.last_error.ends_with(": remote error: tls: certificate required"), "{}", s.last_error);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let server = Server::plain(|_| metrics()).await;
    let rig = Rig::new(&[server.addr.to_string()]);
    rig.apply("http_headers: {X-Own: {values: [v]}}").unwrap();
    let e = rig.apply("scheme: https\ntls_config: {ca_file: gone.pem}").unwrap_err();
    assert_eq!(
        e,
        "scrape pool \"j\": error creating HTTP client: unable to read CA cert: unable to read file /gone.pem: open /gone.pem: no such file or directory"
    );
    assert_eq!(rig.scrape().await.last_error, "");
    assert_eq!(server.asked()[0].header("x-own"), Some("v"));
}

#[tokio::test]
async fn through_a_proxy() {
    let proxy = Server::plain(|_| metrics()).await;
    let rig = Rig::new(&["target.example:9091".to_owned()]);
    rig.apply(&format!("proxy_url: 'http://u:p@{}'", proxy.addr)).unwrap();
    for _ in 0..2 {
        assert_eq!(rig.scrape().await.last_error, "");
    }
    let asked = proxy.asked();
    assert!(
        asked[1]
            .head
            .starts_with("GET http://target.example:9091/metrics HTTP/1.1\r\nHost: target.example:9091\r\n")
    );
    assert_eq!(asked[1].header("proxy-authorization"), Some("Basic dTpw"));
    assert_eq!(asked[0].connection, asked[1].connection);
}

#[tokio::test]
async fn a_token_serves_all_targets_and_survives_a_reload() {
    let giver = Server::plain(|_| {
        answer("200 OK", "Content-Type: application/json\r\n", "{\"access_token\": \"t\"}")
    })
    .await;
    let targets = [Server::plain(|_| metrics()).await, Server::plain(|_| metrics()).await];
    let rig = Rig::new(&targets.iter().map(|t| t.addr.to_string()).collect::<Vec<_>>());
    let keys = format!("oauth2: {{client_id: me, client_secret: s, token_url: '{}'}}", giver.http("/"));
    rig.apply(&keys).unwrap();
    rig.scrape().await;
    rig.apply(&format!("{keys}\nsample_limit: 7")).unwrap();
    rig.scrape().await;
    assert_eq!(giver.asked().len(), 1);
    for t in &targets {
        assert!(
            t.asked().len() == 2 && t.asked().iter().all(|a| a.header("authorization") == Some("Bearer t"))
        );
    }
}
