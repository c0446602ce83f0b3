//! Pools of whoever may write a monitor: what their targets get, reach and say.

use crate::rig::group;
use crate::sink::TestSink;
use crate::tls_server::{Server, answer, redirect};
use std::sync::Arc;
use tokio::sync::watch;
use tortie_client::Reach;
use tortie_config::Config;
use tortie_discovery::TargetGroup;
use tortie_host::{CpuPool, ManualClock, MemFs};
use tortie_scrape::status::TargetStatus;
use tortie_scrape::{Options, PoolConfig, PoolInput, ScrapeManager};

const TOKEN: &str = "authorization: {credentials: hush}\n";

struct Rig {
    manager: ScrapeManager,
    groups: watch::Sender<Arc<Vec<TargetGroup>>>,
}

fn pool(keys: &str, foreign: bool) -> PoolConfig {
    let keys: String = keys.lines().map(|l| format!("  {l}\n")).collect();
    let text = format!("scrape_configs:\n- job_name: serviceMonitor/a/b/0\n{keys}");
    let loaded = Config::load(&text, "/prometheus.yml").unwrap_or_else(|e| panic!("{e}"));
    let pool = PoolConfig::from_config(&loaded.scrape_configs[0]).unwrap();
    PoolConfig { interval_ms: 5000, timeout_ms: 5000, foreign, ..pool }
}

impl Rig {
    fn new(address: &str, reach: Option<Reach>) -> Rig {
        let clock = Arc::new(ManualClock::at(1_795_737_600_000));
        let options = Options { reach: reach.map(Arc::new), ..Options::default() };
        let (sink, fs) = (Arc::new(TestSink::default()), Arc::new(MemFs::new()));
        let manager = ScrapeManager::new(sink, clock, fs, CpuPool::start(1, 16), options);
        Rig { manager, groups: watch::Sender::new(group(&[address.to_owned()])) }
    }

    async fn scrape(&self, pool: PoolConfig, at: i64) -> TargetStatus {
        self.manager.apply(vec![PoolInput { config: pool, groups: self.groups.subscribe() }]).unwrap();
        self.manager.scrape_all_at(1_795_737_600_000 + at * 5000).await;
        self.manager.targets().remove(0)
    }
}

async fn metrics() -> Server {
    Server::plain(|_| answer("200 OK", "Content-Type: text/plain\r\n", "a 1\n")).await
}

#[tokio::test]
async fn credentials_stay_with_the_host_that_was_discovered() {
    let (meant, other) = (metrics().await, metrics().await);
    let rig = Rig::new(&meant.addr.to_string(), None);
    let away = format!(
        "{TOKEN}relabel_configs: [{{target_label: __address__, replacement: 'localhost:{}'}}]",
        other.addr.port()
    );
    let s = rig.scrape(pool(&away, true), 1).await;
    assert_eq!(s.last_error, "");
    assert_eq!(
        s.last_warning,
        "credentials are not sent: they are for \"127.0.0.1\", and rules made the target \"localhost\""
    );
    assert_eq!(other.asked()[0].header("authorization"), None);
    // Another port of the same host is that host.
    let port = format!("{TOKEN}relabel_configs: [{{target_label: __address__, replacement: 'XX'}}]")
        .replace("XX", &other.addr.to_string());
    let s = rig.scrape(pool(&port, true), 2).await;
    assert_eq!((s.last_error.as_str(), s.last_warning.as_str()), ("", ""));
    assert_eq!(other.asked()[1].header("authorization"), Some("Bearer hush"));
    // A job of a configuration file goes where it says.
    let s = rig.scrape(pool(&away, false), 3).await;
    assert_eq!(s.last_error, "");
    assert_eq!(other.asked()[2].header("authorization"), Some("Bearer hush"));
    assert!(meant.asked().is_empty());
}

/// A target that was there before its credentials, or before another host was discovered for it, is judged like a new one.
#[tokio::test]
async fn credentials_that_come_later_are_judged_too() {
    let (meant, other) = (metrics().await, metrics().await);
    let rig = Rig::new(&meant.addr.to_string(), None);
    let away = format!(
        "relabel_configs: [{{target_label: __address__, replacement: 'localhost:{}'}}]",
        other.addr.port()
    );
    assert_eq!(rig.scrape(pool(&away, true), 1).await.last_warning, "");
    let s = rig.scrape(pool(&format!("{TOKEN}{away}"), true), 2).await;
    assert!(s.last_warning.starts_with("credentials are not sent: "), "{}", s.last_warning);
    assert_eq!(s.remarks, [""; 0]);
    // The host that the rules lead to is discovered, and then another one again.
    rig.groups.send_replace(group(&[format!("localhost:{}", other.addr.port())]));
    let s = rig.scrape(pool(&format!("{TOKEN}{away}"), true), 3).await;
    assert_eq!(
        (s.last_warning.as_str(), s.remarks.as_slice()),
        ("", &["credentials are sent over plain http"][..])
    );
    rig.groups.send_replace(group(&[meant.addr.to_string()]));
    let s = rig.scrape(pool(&format!("{TOKEN}{away}"), true), 4).await;
    assert!(s.last_warning.starts_with("credentials are not sent: "), "{}", s.last_warning);
    let sent: Vec<bool> = other.asked().iter().map(|a| a.header("authorization").is_some()).collect();
    assert_eq!(sent, [false, false, true, false]);
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let other = metrics().await;
    let named = format!("http://localhost:{}/m", other.addr.port());
    let server = Server::plain(move |a| match a.target() {
        "/metrics" => redirect("302 Found", "/here"),
        _ => redirect("307 Temporary Redirect", &named),
    })
    .await;
    let rig = Rig::new(&server.addr.to_string(), None);
    for (at, foreign) in [(1, true), (2, false)] {
        let s = rig
            .scrape(pool(&format!("{TOKEN}http_headers: {{X-Own: {{secrets: [own]}}}}"), foreign), at)
            .await;
        assert_eq!(s.last_error, "");
    }
    assert_eq!((server.asked().len(), other.asked().len()), (4, 2));
    assert!(server.asked().iter().all(|a| a.header("authorization") == Some("Bearer hush")));
    assert!(other.asked().iter().all(|a| a.header("authorization").is_none() && a.header("x-own").is_none()));
}

#[tokio::test]
async fn this_machine_is_out_of_reach() {
    let server = metrics().await;
    let rig = Rig::new(&server.addr.to_string(), Some(Reach::outside(Vec::new())));
    let s = rig.scrape(pool("", true), 1).await;
    let words = format!(
        "Get {:?}: dial tcp {}: refused: {} is a loopback address, which targets of custom resources may not be (hint: --crds.allow-local-targets)",
        s.url, server.addr, server.addr
    );
    assert_eq!(s.last_error, words);
    // Through a proxy of the monitor's on this machine as well.
    let by_proxy = format!("proxy_url: 'http://{}'", server.addr);
    let s = rig.scrape(pool(&by_proxy, true), 2).await;
    assert!(s.last_error.contains("is a loopback address"), "{}", s.last_error);
    let by_tokens = format!(
        "oauth2: {{client_id: c, client_secret: s, token_url: 'http://{}/t'}}\nrelabel_configs: [{{target_label: __address__, replacement: '192.0.2.1:1'}}]",
        server.addr
    );
    let s = rig.scrape(pool(&by_tokens, true), 3).await;
    assert!(!s.last_error.is_empty());
    assert!(server.asked().is_empty(), "nothing was asked");
    // Other jobs may.
    let s = rig.scrape(pool("", false), 4).await;
    assert_eq!(s.last_error, "");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn the_own_listener_is_out_of_reach_on_any_address() {
    // All of 127.0.0.0/8 is this machine; only the port says which are listeners.
    let own = Reach::outside(vec![9090]);
    assert!(own.refuses("192.0.2.1:9090".parse().unwrap()).is_none(), "not of this machine");
    let here = std::net::UdpSocket::bind("0.0.0.0:0")
        .and_then(|s| s.connect("192.0.2.1:9").and_then(|()| s.local_addr()));
    // A machine without any route has loopback only, which is refused whatever the port.
    if let Ok(here) = here.map(|a| a.ip()).map_err(drop)
        && !here.is_loopback()
    {
        assert!(own.refuses((here, 9090).into()).is_some_and(|w| w.contains("a listener of this process")));
        assert!(own.refuses((here, 9091).into()).is_none());
    }
}

#[tokio::test]
async fn an_error_shows_little_of_a_body() {
    let page = "the secret of the console {\n";
    let server = Server::plain(move |a| match a.target() {
        "/html" => answer("200 OK", "Content-Type: text/html\r\n", page),
        _ => answer("200 OK", "Content-Type: text/plain\r\n", &format!("{}{}\n", "x".repeat(80), "}secret")),
    })
    .await;
    let rig = Rig::new(&server.addr.to_string(), None);
    let html = "metrics_path: /html\nfallback_scrape_protocol: PrometheusText0.0.4\n";
    let s = rig.scrape(pool(html, true), 1).await;
    assert_eq!(
        s.last_error,
        "the body is not metrics (nothing of it is shown: its Content-Type does not say that it is)"
    );
    let s = rig.scrape(pool("", true), 2).await;
    assert!(
        s.last_error.contains(" while parsing: ") && !s.last_error.contains("secret"),
        "{}",
        s.last_error
    );
    assert!(s.last_error.chars().filter(|c| *c == 'x').count() <= 70, "{}", s.last_error);
    // As in Prometheus for other jobs.
    let s = rig.scrape(pool(html, false), 3).await;
    assert!(s.last_error.contains("while parsing"), "{}", s.last_error);
}
