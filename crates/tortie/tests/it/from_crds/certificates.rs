//! Certificates of monitors' targets are verified unless the monitor says otherwise, which the page says; so it does of
//! credentials over plain HTTP.

use super::{Cluster, run, scraped};
use crate::pki::{self, Pair, Pki};
use crate::process::{folder, until};
use crate::tls_server::{BOTH, Server, TlsServer, answer};
use serde_json::{Value, json};

fn metrics() -> String {
    answer("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", "a 1\n")
}

/// A target that speaks TLS, behind a Service of this name.
fn serve(cluster: &Cluster, name: &str, pair: &Pair) {
    let tls = TlsServer { pair, client_ca: None, versions: &BOTH };
    let server = cluster.runtime.block_on(Server::tls(tls, |_| metrics()));
    cluster.endpoints("apps", name, &["127.0.0.1"], server.addr.port());
}

#[test]
fn certificates_are_verified_unless_the_monitor_says_otherwise() {
    let dir = folder();
    let cluster = Cluster::start(dir.path(), &json!({}));
    let (ours, other) = (Pki::new("ours"), Pki::new("other"));
    cluster.secret("tls", &json!({"ours": ours.ca, "other": other.ca}));
    let ca = |key: &str| json!({"ca": {"secret": {"name": "tls", "key": key}}});
    let named = |name: &str| {
        let mut tls = ca("ours");
        tls["serverName"] = json!(name);
        tls
    };
    let here = ours.leaf("t", &["127.0.0.1"]);
    let away = ours.leaf("t", &["a.example"]);
    let cases = [
        ("good", &here, ca("ours"), ""),
        ("system", &here, json!({}), "x509: certificate signed by unknown authority"),
        ("other", &here, ca("other"), "x509: certificate signed by unknown authority"),
        (
            "self-signed",
            &pki::self_signed(&["127.0.0.1"]),
            json!({}),
            "x509: certificate signed by unknown authority",
        ),
        (
            "expired",
            &ours.expired(&["127.0.0.1"]),
            ca("ours"),
            "x509: certificate has expired or is not yet valid",
        ),
        ("host", &away, ca("ours"), "because it doesn't contain any IP SANs"),
        ("named", &away, named("a.example"), ""),
        ("misnamed", &away, named("b.example"), "x509: certificate is valid for a.example, not b.example"),
        ("unverified", &ours.expired(&["c.example"]), json!({"insecureSkipVerify": true}), ""),
    ];
    for (name, pair, tls, _) in &cases {
        serve(&cluster, name, pair);
        cluster.monitor(name, &json!({"scheme": "https", "tlsConfig": tls}));
    }
    let run = run(dir.path(), &["--crds.allow-local-targets"]);
    for (name, _, _, why) in &cases {
        let target = &scraped(&run, &[&format!("serviceMonitor/apps/{name}/0")])[0];
        let said = target["lastError"].as_str().unwrap();
        assert_eq!(target["health"] == "up", why.is_empty(), "{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
        let remarks = match *name {
            "unverified" => json!(["the certificate is not verified (insecure_skip_verify)"]),
            _ => Value::Null,
        };
        assert_eq!(target["remarks"], remarks, "{name}");
    }
}

#[test]
fn credentials_over_plain_http_are_sent_and_that_is_said_once_a_job() {
    let dir = folder();
    let cluster = Cluster::start(dir.path(), &json!({}));
    cluster.secret("token", &json!({"t": "hush"}));
    let server = cluster.runtime.block_on(Server::plain(|_| metrics()));
    let key = json!({"authorization": {"credentials": {"name": "token", "key": "t"}}});
    cluster.endpoints("apps", "plain", &["127.0.0.1", "127.0.0.2"], server.addr.port());
    cluster.monitor("plain", &key);
    cluster.endpoints("apps", "open", &["127.0.0.1"], server.addr.port());
    cluster.monitor("open", &json!({"path": "/open"}));
    let run = run(dir.path(), &["--crds.allow-local-targets"]);
    let found = scraped(&run, &["serviceMonitor/apps/plain/0", "serviceMonitor/apps/open/0"]);
    assert_eq!(found[0]["remarks"], json!(["credentials are sent over plain http"]), "{}", found[0]);
    assert_eq!((&found[1]["remarks"], &found[1]["health"]), (&Value::Null, &json!("up")));
    let (open, plain): (Vec<_>, Vec<_>) = until("both were asked", || {
        let both: (Vec<_>, Vec<_>) = server.asked().into_iter().partition(|a| a.target() == "/open");
        (!both.0.is_empty() && !both.1.is_empty()).then_some(both)
    });
    assert!(plain.iter().all(|a| a.header("authorization") == Some("Bearer hush")));
    assert!(open.iter().all(|a| a.header("authorization").is_none()));

    // Loaded once more, for another job: nothing is said twice.
    cluster.endpoints("apps", "another", &["127.0.0.1"], server.addr.port());
    cluster.monitor("another", &key);
    scraped(&run, &["serviceMonitor/apps/another/0"]);
    let log = run.err();
    let said: Vec<&str> =
        log.lines().filter(|l| l.contains("Credentials are sent over plain http")).collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    for (line, job) in said.iter().zip(["plain", "another"]) {
        assert!(line.contains(&format!("scrape_pool=serviceMonitor/apps/{job}/0")), "{line}");
    }
    assert!(!log.contains("hush"));
}
