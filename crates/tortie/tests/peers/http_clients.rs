//! Both servers scrape the same targets through TLS, credentials, redirects and a proxy: the targets are asked the same,
//! and what fails fails for the same reason.

use crate::ask;
use crate::pki::Pki;
use crate::process::{Running, Server, folder, peer, serve};
use crate::tls_server::{Asked, BOTH, Server as Target, TlsServer, answer, redirect};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Keys of each job besides its name and path; `@NAME` is the address of a target.
const JOBS: &[(&str, &str, &str)] = &[
    ("plain", "@plain", "scheme: http"),
    ("tls", "@tls", "scheme: https\ntls_config: {ca_file: ca.pem}"),
    (
        "tls-basic",
        "@tls",
        "scheme: https\ntls_config: {ca_file: ca.pem}\nbasic_auth: {username: u, password_file: pw}",
    ),
    ("tls-inline", "@tls", "scheme: https\ntls_config: {ca: \"{CA}\", min_version: TLS12}"),
    ("insecure", "@named", "scheme: https\ntls_config: {insecure_skip_verify: true}"),
    ("server-name", "@named", "scheme: https\ntls_config: {ca_file: ca.pem, server_name: a.example}"),
    ("mutual", "@mutual", "scheme: https\ntls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}"),
    ("bearer", "@plain", "authorization: {credentials: abc}"),
    ("bearer-file", "@plain", "bearer_token_file: pw"),
    ("scheme", "@plain", "authorization: {type: Token, credentials: 'a b'}"),
    ("basic-empty", "@plain", "basic_auth: {username: u}"),
    (
        "oauth",
        "@plain",
        "oauth2: {client_id: 'i d', client_secret: 's/1', token_url: 'http://@token/t', scopes: [a, b], endpoint_params: {x: y}}",
    ),
    (
        "oauth-tls",
        "@tls",
        "scheme: https\ntls_config: {ca_file: ca.pem}\noauth2: {client_id: me, client_secret_file: pw, token_url: 'http://@token/params'}",
    ),
    (
        "headers",
        "@plain",
        "http_headers: {x-own: {values: [one], secrets: [two], files: [pw]}, Accept-Language: {values: [de]}}",
    ),
    ("redirect", "@plain", "basic_auth: {username: u, password: p}\nhttp_headers: {X-Own: {values: [v]}}"),
    ("redirect-relative", "@plain", "authorization: {credentials: abc}"),
    ("redirect-away", "@plain", "basic_auth: {username: u, password: p}"),
    ("redirect-twice", "@plain", "basic_auth: {username: u, password: p}"),
    ("proxy", "target.example:81", "proxy_url: 'http://u:p@@plain'"),
    ("no-proxy", "@plain", "proxy_url: 'http://127.0.0.1:1'\nno_proxy: x.example"),
    ("params", "@plain", "params: {a: ['1 2']}\nbasic_auth: {username: u, password: p}"),
    // These fail.
    ("no-authority", "@tls", "scheme: https"),
    ("other-authority", "@tls", "scheme: https\ntls_config: {ca_file: other.pem}"),
    ("wrong-address", "@named", "scheme: https\ntls_config: {ca_file: ca.pem}"),
    ("wrong-name", "@named", "scheme: https\ntls_config: {ca_file: ca.pem, server_name: c.example}"),
    ("no-certificate", "@mutual", "scheme: https\ntls_config: {ca_file: ca.pem}"),
    ("http-to-https", "@tls", "scheme: http"),
    ("https-to-http", "@early", "scheme: https"),
    ("unauthorized", "@plain", "scheme: http"),
    ("not-followed", "@plain", "follow_redirects: false"),
    ("loop", "@plain", "scheme: http"),
    ("odd-location", "@plain", "scheme: http"),
    ("gone-password", "@plain", "basic_auth: {username: u, password_file: gone}"),
    ("gone-credentials", "@plain", "authorization: {credentials_file: gone}"),
    ("gone-header", "@plain", "http_headers: {X: {files: [gone]}}"),
    ("broken-header", "@plain", "http_headers: {'a b': {values: [c]}}"),
    ("broken-value", "@plain", "http_headers: {X: {values: [\"a\\nb\"]}}"),
    ("no-proxy-there", "@plain", "proxy_url: 'http://127.0.0.1:1'"),
    ("no-tunnel", "@tls", "scheme: https\nproxy_url: 'http://@refusing'"),
    ("no-token", "@plain", "oauth2: {client_id: me, client_secret: s, token_url: 'http://@token/refused'}"),
    ("odd-scheme", "@plain", "scheme: ftp"),
];

/// Jobs that the two are known to answer differently; COMPAT.md says why.
const APART: &[&str] = &[];

fn script(away: String) -> impl Fn(&Asked) -> String + Send + Sync + 'static {
    move |a| {
        let path = a.target().split('?').next().unwrap_or("").to_owned();
        match path.as_str() {
            "/redirect" => redirect("302 Found", "/end/redirect"),
            "/redirect-relative" => redirect("307 Temporary Redirect", "end/relative?x=1"),
            "/redirect-away" => redirect("301 Moved Permanently", &format!("{away}/end/away")),
            "/redirect-twice" => redirect("302 Found", "/redirect-again"),
            "/redirect-again" => redirect("308 Permanent Redirect", &format!("{away}/end/twice")),
            "/not-followed" => redirect("302 Found", "/end"),
            "/loop" => redirect("302 Found", "/loop"),
            "/odd-location" => redirect("302 Found", "gopher://x/"),
            "/unauthorized" => answer("401 Unauthorized", "Connection: close\r\n", "no"),
            _ => answer("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", "a 1\n"),
        }
    }
}

fn tokens(a: &Asked) -> String {
    match a.target() {
        "/refused" => answer(
            "401 Unauthorized",
            "Content-Type: application/json\r\n",
            "{\"error\": \"invalid_client\"}",
        ),
        "/params" if a.header("authorization").is_some() => answer("400 Bad Request", "", ""),
        _ => answer(
            "200 OK",
            "Content-Type: application/json\r\n",
            "{\"access_token\": \"t\", \"token_type\": \"bearer\", \"expires_in\": 3600}",
        ),
    }
}

/// A request as it is compared: who asked, where, with what.
fn compared(a: &Asked) -> (bool, String) {
    let mut lines: Vec<String> = a
        .head
        .lines()
        .skip(1)
        // Go names where a redirect came from, and takes compressed tokens; COMPAT.md says that this program does not.
        .filter(|l| {
            let line = l.to_ascii_lowercase();
            let of_token = a.head.starts_with("POST ") && line.starts_with("accept-encoding:");
            !line.is_empty() && !of_token && !line.starts_with("user-agent:") && !line.starts_with("referer:")
        })
        .map(|l| {
            let (n, v) = l.split_once(':').unwrap_or((l, ""));
            format!("{}: {}", n.to_ascii_lowercase(), v.trim())
        })
        .collect();
    lines.sort();
    let mut form: Vec<&str> = a.body.split('&').collect();
    form.sort_unstable();
    let certificate = if a.certificate.is_some() { " with a certificate" } else { "" };
    let ours = a.header("user-agent").is_some_and(|u| u.starts_with("tortie/"));
    (ours, format!("{}{certificate} {} {form:?}", a.head.lines().next().unwrap_or(""), lines.join("; ")))
}

/// Health and reason of each job, once all were scraped.
fn outcomes(server: &Running) -> BTreeMap<String, (String, String)> {
    let start = Instant::now();
    loop {
        let all = ask::get(server.port, "/api/v1/targets?state=active").map(|a| a.json());
        let all = all.and_then(|a| a["data"]["activeTargets"].as_array().cloned()).unwrap_or_default();
        let text = |t: &serde_json::Value, k: &str| t[k].as_str().unwrap_or("").to_owned();
        if all.len() == JOBS.len() && all.iter().all(|t| t["health"] != "unknown") {
            return all
                .iter()
                .map(|t| (text(t, "scrapePool"), (text(t, "health"), text(t, "lastError"))))
                .collect();
        }
        assert!(start.elapsed() < Duration::from_secs(60), "not all scraped:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Instants in errors differ.
fn timeless(error: &str) -> String {
    error.split("current time").next().unwrap_or("").to_owned()
}

#[test]
fn targets_are_asked_the_same_and_failures_have_the_same_words() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (pki, other) = (Pki::new("ours"), Pki::new("other"));
    let (by_address, by_name) = (pki.leaf("s", &["127.0.0.1"]), pki.leaf("s", &["a.example", "b.example"]));
    let tls = |pair, client_ca| TlsServer { pair, client_ca, versions: &BOTH };
    let targets: Vec<(&str, Target)> = runtime.block_on(async {
        // Another host for both: there is no other address that every machine has.
        let away = Target::plain(script(String::new())).await;
        let to = format!("http://localhost:{}", away.addr.port());
        vec![
            ("plain", Target::plain(script(to)).await),
            ("tls", Target::tls(tls(&by_address, None), script(String::new())).await),
            ("named", Target::tls(tls(&by_name, None), script(String::new())).await),
            ("mutual", Target::tls(tls(&by_address, Some(&pki.ca)), script(String::new())).await),
            ("token", Target::plain(tokens).await),
            ("refusing", Target::plain(|_| answer("403 Forbidden", "Connection: close\r\n", "")).await),
            ("early", early().await),
            ("away", away),
        ]
    });
    let mut config = "global: {scrape_interval: 1s, scrape_timeout: 1s, scrape_protocols: [PrometheusText1.0.0, PrometheusText0.0.4]}\nscrape_configs:\n".to_owned();
    for (name, to, keys) in JOBS {
        let keys: String = keys.lines().map(|l| format!("  {l}\n")).collect();
        config += &format!(
            "- job_name: {name}\n  metrics_path: /{name}\n  static_configs: [{{targets: ['{to}']}}]\n{keys}"
        );
    }
    for (name, t) in &targets {
        config = config.replace(&format!("@{name}"), &t.addr.to_string());
    }
    config = config.replace("{CA}", &pki.ca.replace('\n', "\\n"));
    let client = pki.leaf("c", &["c"]);
    let folders = [folder(), folder()];
    for f in &folders {
        let files = [
            ("ca.pem", &pki.ca),
            ("other.pem", &other.ca),
            ("c.pem", &client.cert),
            ("k.pem", &client.key),
            ("pw", &"p w\n".to_owned()),
        ];
        for (name, text) in files {
            std::fs::write(f.path().join(name), text).unwrap();
        }
    }
    let servers = [
        serve(Server::Prometheus, folders[0].path(), &config, &[]),
        serve(Server::Tortie, folders[1].path(), &config, &[]),
    ];
    let [theirs, ours] = [outcomes(&servers[0]), outcomes(&servers[1])];
    let mut unlike = Vec::new();
    for (name, (health, error)) in &theirs {
        let (our_health, our_error) = &ours[name];
        if (health, timeless(error)) != (our_health, timeless(our_error)) && !APART.contains(&name.as_str()) {
            unlike.push(format!("{name}\n  there: {health} {error}\n  here:  {our_health} {our_error}"));
        }
    }
    let up = theirs.values().filter(|(h, _)| h == "up").count();
    assert_eq!((up, theirs.len()), (21, JOBS.len()), "{theirs:#?}");
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    for s in servers {
        s.terminate();
    }
    for (name, t) in &targets {
        let mut sides = [BTreeSet::new(), BTreeSet::new()];
        // Which of the two asked a proxy for a tunnel cannot be told.
        for a in t.asked().iter().filter(|a| !a.head.starts_with("CONNECT ")) {
            let (ours, text) = compared(a);
            sides[usize::from(ours)].insert(text);
        }
        let [theirs, ours] = sides;
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.difference(b).cloned().collect::<Vec<_>>().join("\n")
        };
        assert!(
            theirs == ours,
            "{name}\nonly there:\n{}\nonly here:\n{}",
            only(&theirs, &ours),
            only(&ours, &theirs)
        );
    }
}

/// A server that answers anything at once, in HTTP.
async fn early() -> Target {
    Target::raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await
}

#[test]
fn both_checks_refuse_files_that_are_not_there() {
    let dir = folder();
    let file = dir.path().join("p.yml");
    for keys in [
        "authorization: {credentials_file: gone}",
        "bearer_token_file: gone",
        "tls_config: {cert_file: gone, key_file: gone}",
        "tls_config: {cert_file: a}",
        "oauth2: {client_id: a}",
        "basic_auth: {username: a, username_file: b}",
        "proxy_url: ':x'",
    ] {
        std::fs::write(&file, format!("scrape_configs:\n- job_name: j\n  {keys}\n")).unwrap();
        let check = |program: &Path| {
            let out = Command::new(program).args(["check", "config"]).arg(&file).output().unwrap();
            (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
        };
        let theirs = check(&peer("promtool"));
        let ours = check(Path::new(env!("CARGO_BIN_EXE_tortie")));
        assert!(!theirs.0 && !ours.0, "{keys}\n{}\n{}", theirs.1, ours.1);
    }
}
