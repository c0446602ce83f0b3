//! Alertmanagers behind TLS, credentials and proxies, beside the real Prometheus: each is asked the same by both, and a real
//! Alertmanager with TLS and passwords takes what comes.

use crate::ask;
use crate::notifications::alertmanager;
use crate::pki::Pki;
use crate::process::{Running, SOON, Server, folder, serve};
use crate::tls_server::{Asked, BOTH, Server as Target, TlsServer, answer, redirect};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// Keys of each Alertmanager besides its name and path; `@NAME` is an address.
const ALERTMANAGERS: &[(&str, &str, &str)] = &[
    ("plain", "@plain", "scheme: http"),
    ("tls", "@tls", "scheme: https, tls_config: {ca_file: ca.pem}"),
    ("tls-inline", "@tls", "scheme: https, tls_config: {ca: \"{CA}\", min_version: TLS12}"),
    ("insecure", "@named", "scheme: https, tls_config: {insecure_skip_verify: true}"),
    ("server-name", "@named", "scheme: https, tls_config: {ca_file: ca.pem, server_name: a.example}"),
    ("mutual", "@mutual", "scheme: https, tls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}"),
    ("basic", "@plain", "basic_auth: {username: u, password: p}"),
    (
        "basic-file",
        "@tls",
        "scheme: https, tls_config: {ca_file: ca.pem}, basic_auth: {username_file: pw, password_file: pw}",
    ),
    ("bearer", "@plain", "authorization: {credentials: abc}"),
    ("bearer-file", "@plain", "authorization: {credentials_file: pw}"),
    ("bearer-token", "@plain", "bearer_token: abc"),
    ("scheme", "@plain", "authorization: {type: Token, credentials: 'a b'}"),
    (
        "oauth",
        "@plain",
        "oauth2: {client_id: 'i d', client_secret: 's/1', token_url: 'http://@token/t', scopes: [a, b], endpoint_params: {x: y}}",
    ),
    ("headers", "@plain", "http_headers: {x-own: {values: [one], secrets: [two], files: [pw]}}"),
    ("redirect", "@plain", "basic_auth: {username: u, password: p}"),
    ("see-other", "@plain", "authorization: {credentials: abc}"),
    ("proxy", "am.example:81", "proxy_url: 'http://u:p@@plain'"),
    // These never take an alert.
    ("no-authority", "@tls", "scheme: https"),
    ("other-authority", "@tls", "scheme: https, tls_config: {ca_file: other.pem}"),
    ("wrong-name", "@named", "scheme: https, tls_config: {ca_file: ca.pem, server_name: c.example}"),
    ("no-certificate", "@mutual", "scheme: https, tls_config: {ca_file: ca.pem}"),
    ("http-to-https", "@tls", "scheme: http"),
    ("not-followed", "@plain", "follow_redirects: false"),
    ("gone-password", "@plain", "basic_auth: {username: u, password_file: gone}"),
    ("no-token", "@plain", "oauth2: {client_id: me, client_secret: s, token_url: 'http://@token/refused'}"),
];
/// How many of them take alerts.
const TAKE: usize = 17;

const RULES: &str = "groups: [{name: g, interval: 1s, rules: [{alert: Fires, expr: vector(1)}]}]\n";

fn script(a: &Asked) -> String {
    match a.target() {
        "/redirect/api/v2/alerts" => redirect("307 Temporary Redirect", "/end/redirect"),
        "/see-other/api/v2/alerts" => redirect("308 Permanent Redirect", "/end/see-other"),
        "/not-followed/api/v2/alerts" => redirect("307 Temporary Redirect", "/end/not-followed"),
        _ => answer("200 OK", "", ""),
    }
}

fn tokens(a: &Asked) -> String {
    let json = "Content-Type: application/json\r\n";
    match a.target() {
        "/refused" => answer("401 Unauthorized", json, "{\"error\": \"invalid_client\"}"),
        _ => answer(
            "200 OK",
            json,
            "{\"access_token\": \"t\", \"token_type\": \"bearer\", \"expires_in\": 3600}",
        ),
    }
}

/// A request as it is compared: where and with what, and who asked.
fn compared(a: &Asked) -> (bool, String) {
    let kept = ["authorization:", "proxy-authorization:", "content-type:", "x-own:", "host:"];
    let mut lines: Vec<String> = a.head.lines().skip(1).map(str::to_owned).collect();
    lines.retain(|l| kept.iter().any(|k| l.to_ascii_lowercase().starts_with(k)));
    for l in &mut lines {
        let (name, value) = l.split_once(':').unwrap();
        *l = format!("{}: {}", name.to_ascii_lowercase(), value.trim());
    }
    lines.sort();
    let certificate = if a.certificate.is_some() { " with a certificate" } else { "" };
    let ours = a.header("user-agent").is_some_and(|u| u.starts_with("tortie/"));
    let alerts = a.body.matches("\"alertname\":\"Fires\"").count();
    let first = a.head.lines().next().unwrap_or("");
    (ours, format!("{first}{certificate} {} alerts {alerts}", lines.join("; ")))
}

/// Alerts sent and lost of each Alertmanager, once each was tried.
fn outcomes(server: &Running) -> BTreeMap<String, (bool, bool)> {
    let start = Instant::now();
    loop {
        let text = ask::get(server.port, "/metrics").unwrap().body;
        let of = |family: &str| -> BTreeMap<String, bool> {
            let lines = text.lines().filter_map(|l| l.strip_prefix(family)?.strip_prefix("{alertmanager=\""));
            let pair = |l: &str| {
                let (url, value) = l.split_once("\"} ").unwrap();
                let name = url.trim_end_matches("/api/v2/alerts").rsplit('/').next().unwrap().to_owned();
                (name, value.parse::<f64>().unwrap() > 0.0)
            };
            lines.map(pair).collect()
        };
        let (sent, errors) =
            (of("prometheus_notifications_sent_total"), of("prometheus_notifications_errors_total"));
        let tried: BTreeMap<String, (bool, bool)> = ALERTMANAGERS
            .iter()
            .map(|(name, ..)| {
                let of = |m: &BTreeMap<String, bool>| m.get(*name).copied().unwrap_or(false);
                ((*name).to_owned(), (of(&errors), of(&sent)))
            })
            .collect();
        // Prometheus counts an alert that it could not send among both.
        let tried_all = tried.values().all(|(failed, sent)| *failed || *sent);
        if tried_all {
            return tried;
        }
        assert!(start.elapsed() < SOON, "{tried:#?}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn alertmanagers_are_asked_the_same_through_tls_credentials_and_proxies() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (pki, other) = (Pki::new("ours"), Pki::new("other"));
    let (by_address, by_name) = (pki.leaf("s", &["127.0.0.1"]), pki.leaf("s", &["a.example", "b.example"]));
    let tls = |pair, client_ca| TlsServer { pair, client_ca, versions: &BOTH };
    let targets: Vec<(&str, Target)> = runtime.block_on(async {
        vec![
            ("plain", Target::plain(script).await),
            ("tls", Target::tls(tls(&by_address, None), script).await),
            ("named", Target::tls(tls(&by_name, None), script).await),
            ("mutual", Target::tls(tls(&by_address, Some(&pki.ca)), script).await),
            ("token", Target::plain(tokens).await),
        ]
    });
    let mut config = "rule_files: [rules.yml]\nalerting:\n  alertmanagers:\n".to_owned();
    for (name, to, keys) in ALERTMANAGERS {
        config += &format!("  - {{path_prefix: /{name}, static_configs: [{{targets: ['{to}']}}], {keys}}}\n");
    }
    for (name, t) in &targets {
        config = config.replace(&format!("@{name}"), &t.addr.to_string());
    }
    config = config.replace("{CA}", &pki.ca.replace('\n', "\\n"));
    let client = pki.leaf("c", &["c"]);
    let folders = [folder(), folder()];
    for f in &folders {
        let files = [
            ("ca.pem", pki.ca.as_str()),
            ("other.pem", &other.ca),
            ("c.pem", &client.cert),
            ("k.pem", &client.key),
            ("pw", "p w\n"),
            ("rules.yml", RULES),
        ];
        for (name, text) in files {
            std::fs::write(f.path().join(name), text).unwrap();
        }
    }
    let flags = ["--rules.alert.resend-delay=1s"];
    let servers = [
        serve(Server::Prometheus, folders[0].path(), &config, &flags),
        serve(Server::Tortie, folders[1].path(), &config, &flags),
    ];
    let [theirs, ours] = [outcomes(&servers[0]), outcomes(&servers[1])];
    let failed = |all: &BTreeMap<String, (bool, bool)>| -> Vec<String> {
        all.iter().filter(|(_, (failed, _))| *failed).map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(failed(&ours), failed(&theirs));
    assert_eq!(failed(&theirs).len(), ALERTMANAGERS.len() - TAKE, "{theirs:#?}");
    for s in servers {
        s.terminate();
    }
    for (name, t) in &targets {
        let mut sides = [BTreeSet::new(), BTreeSet::new()];
        for a in t.asked() {
            let (ours, text) = compared(&a);
            sides[usize::from(ours)].insert(text);
        }
        let [theirs, ours] = sides;
        assert!(!theirs.is_empty(), "{name} was never asked");
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn a_real_alertmanager_behind_tls_and_a_password_takes_alerts() {
    let (dir, am) = (folder(), folder());
    let pki = Pki::new("ours");
    let (server, client) = (pki.leaf("am", &["127.0.0.1"]), pki.leaf("tortie", &["c"]));
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web = format!(
        "tls_server_config: {{cert_file: s.pem, key_file: sk.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}}\n\
         basic_auth_users: {{tortie: '{hash}'}}\n"
    );
    let put = |dir: &Path, files: &[(&str, &str)]| {
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
    };
    put(
        am.path(),
        &[("web.yml", &web), ("s.pem", &server.cert), ("sk.pem", &server.key), ("ca.pem", &pki.ca)],
    );
    let files =
        [("ca.pem", pki.ca.as_str()), ("c.pem", &client.cert), ("k.pem", &client.key), ("rules.yml", RULES)];
    put(dir.path(), &files);
    let (_running, port) = alertmanager(
        am.path(),
        "route: {receiver: none}\nreceivers: [{name: none}]\n",
        &["--web.config.file=web.yml"],
    );
    let config = |password: &str| {
        format!(
            "rule_files: [rules.yml]\nalerting: {{alertmanagers: [{{scheme: https, static_configs: [{{targets: ['127.0.0.1:{port}']}}], \
             tls_config: {{ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}}, basic_auth: {{username: tortie, password: {password}}}}}]}}\n"
        )
    };
    let tortie = serve(
        Server::Tortie,
        dir.path(),
        &config("wrong"),
        &["--web.enable-lifecycle", "--rules.alert.resend-delay=1s"],
    );
    let notifications = || {
        ask::get(tortie.port, "/api/tortie/v1/notifications").unwrap().json()["data"]["alertmanagers"][0]
            .clone()
    };
    let until = |what: &str, done: &dyn Fn(&serde_json::Value) -> bool| {
        let began = Instant::now();
        while !done(&notifications()) {
            assert!(began.elapsed() < SOON, "{what}: {}\n{}", notifications(), tortie.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("a refusal", &|n| n["lastError"].as_str().is_some_and(|e| e.contains("401 Unauthorized")));
    std::fs::write(dir.path().join("prometheus.yml"), config("secret")).unwrap();
    assert_eq!(ask::post(tortie.port, "/-/reload", &[]).unwrap().status, 200);
    until("an alert that was taken", &|n| {
        n["sent"].as_u64() > Some(0) && n["lastError"].is_null() && n["firing"] == 1
    });
}
