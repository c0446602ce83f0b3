//! `--web.config.file` of the whole program, and secrets that it never tells.

use crate::pki::Pki;
use crate::process::{Running, folder, serve, tortie, until};
use crate::{http, target};
use std::path::Path;
use std::sync::Arc;
use tortie_client::{Client, Request, Response, Url};
use tortie_config::Secret;
use tortie_config::http_client::{Auth, HttpClientConfig, Source, TlsConfig};
use tortie_host::{RealFs, SystemClock};

fn inline(text: &str) -> Source {
    Source::Inline(Secret::new(text))
}

fn get(config: &HttpClientConfig, url: &str) -> Result<Response, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(config, "test", Arc::new(RealFs), Arc::new(SystemClock::new()))?;
        client.send(Request::get(Url::parse(url)?)).await.map_err(|e| e.to_string())
    })
}

/// Starts it and waits for its address; it may speak TLS.
pub(crate) fn start(dir: &Path, more: &[&str]) -> (Running, String) {
    let mut args = vec!["run", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"];
    args.extend(more);
    let run = Running::start(dir, &args);
    let address = until("listening", || {
        let log = run.err();
        let line = log.lines().find(|l| l.contains("Listening on"))?.to_owned();
        Some(line.split("address=").nth(1)?.split_whitespace().next()?.trim_matches('"').to_owned())
    });
    (run, address)
}

#[test]
fn tls_and_users() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    let pki = Pki::new("ours");
    let pair = pki.leaf("tortie", &["127.0.0.1"]);
    std::fs::write(at("prometheus.yml"), "").unwrap();
    std::fs::write(at("c.pem"), &pair.cert).unwrap();
    std::fs::write(at("k.pem"), &pair.key).unwrap();
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web = format!(
        "tls_server_config: {{cert_file: c.pem, key_file: k.pem}}\nbasic_auth_users: {{alice: {hash}}}\n"
    );
    std::fs::write(at("web.yml"), &web).unwrap();
    let (run, address) = start(dir.path(), &["--web.config.file=web.yml"]);
    let url = |path: &str| format!("https://{address}{path}");
    let tls = TlsConfig { ca: inline(&pki.ca), ..TlsConfig::default() };
    let stranger = HttpClientConfig { tls: tls.clone(), ..HttpClientConfig::default() };
    let auth = Some(Auth::Basic { username: inline("alice"), password: inline("secret") });
    let alice = HttpClientConfig { tls, auth, ..HttpClientConfig::default() };
    until("ready", || get(&alice, &url("/-/ready")).ok().filter(|r| r.status == 200));
    for path in ["/", "/-/healthy", "/metrics", "/api/v1/query?query=1", "/no-such-page"] {
        assert_eq!(get(&stranger, &url(path)).unwrap().status, 401, "{path}");
    }
    assert_eq!(get(&alice, &url("/api/v1/query?query=1")).unwrap().status, 200);
    let flags = get(&alice, &url("/api/v1/status/flags")).unwrap();
    assert!(String::from_utf8_lossy(&flags.body).contains("\"web.config.file\":\"web.yml\""));
    // A new certificate and other users count at once, without a reload.
    let other = Pki::new("other");
    let pair = other.leaf("tortie", &["127.0.0.1"]);
    std::fs::write(at("c.pem"), &pair.cert).unwrap();
    std::fs::write(at("k.pem"), &pair.key).unwrap();
    assert!(get(&alice, &url("/-/ready")).is_err());
    std::fs::write(at("web.yml"), web.replace("alice", "bob")).unwrap();
    let now = HttpClientConfig { tls: TlsConfig { ca: inline(&other.ca), ..TlsConfig::default() }, ..alice };
    assert_eq!(get(&now, &url("/-/ready")).unwrap().status, 401);
    let log = run.end("TERM");
    assert_eq!(log.code, Some(0));
    assert!(
        log.err.contains("TLS is enabled.") && !log.err.contains("secret") && !log.err.contains(&hash),
        "{}",
        log.err
    );
}

#[test]
fn a_wrong_file_does_not_start() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    std::fs::write(dir.path().join("web.yml"), "tls_server_config:\n  cert_file: gone.pem\n  key_fil: k\n")
        .unwrap();
    let args = ["run", "--web.listen-address=127.0.0.1:0", "--web.config.file"];
    let run = |file: &str| tortie(dir.path(), &[&args[..], &[file]].concat());
    let ended = run("web.yml");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("web.yml:3:3: field key_fil not found")
            && ended.err.contains("did you mean key_file?"),
        "{}",
        ended.err
    );
    let ended = run("gone.yml");
    assert!(
        ended.code == Some(2) && ended.err.contains("gone.yml") && ended.err.contains("hint:"),
        "{}",
        ended.err
    );
    let ended = tortie(dir.path(), &["check", "web-config", "web.yml"]);
    assert!(ended.code == Some(2) && ended.err.contains("field key_fil not found"), "{}", ended.err);
    std::fs::write(dir.path().join("fine.yml"), "http_server_config: {http2: true}\n").unwrap();
    assert_eq!(tortie(dir.path(), &["check", "web-config", "fine.yml"]).code, Some(0));
}

#[test]
fn check_looks_at_the_files_of_clients() {
    let dir = folder();
    let check = |keys: &str| {
        std::fs::write(dir.path().join("p.yml"), format!("scrape_configs:\n- job_name: j\n  {keys}\n"))
            .unwrap();
        tortie(dir.path(), &["check", "config", "p.yml"])
    };
    let ended = check("tls_config: {ca_file: gone.pem}");
    assert!(
        ended.code == Some(2)
            && ended.err.contains("job \"j\": unable to read CA cert: unable to read file gone.pem: "),
        "{}",
        ended.err
    );
    let ended = check("authorization: {credentials_file: gone}");
    assert!(
        ended.code == Some(2)
            && ended.err.contains("error checking authorization credentials or bearer token file \"gone\""),
        "{}",
        ended.err
    );
    assert_eq!(check("scheme: https").code, Some(0));
}

#[test]
fn a_canary_is_told_nowhere() {
    const CANARY: &str = "hunter2canary";
    let dir = folder();
    let refusing = target::Target::start("not metrics {");
    let keys = [
        format!("basic_auth: {{username: u, password: {CANARY}}}"),
        format!("authorization: {{credentials: \"{CANARY}\\n\"}}"),
        format!("bearer_token: {CANARY}"),
        format!("http_headers: {{X: {{secrets: [{CANARY}]}}, 'Y Z': {{secrets: [{CANARY}]}}}}"),
        format!("proxy_url: 'http://u:{CANARY}@127.0.0.1:1'\n  proxy_connect_header: {{X: [{CANARY}]}}"),
        format!("oauth2: {{client_id: a, client_secret: {CANARY}, token_url: 'http://127.0.0.1:1/'}}"),
        format!(
            "oauth2: {{client_id: a, client_certificate_key: {CANARY}, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', token_url: 'http://127.0.0.1:1/'}}"
        ),
    ];
    let job = |(i, k): (usize, &String)| {
        format!("- job_name: j{i}\n  static_configs: [{{targets: ['{}']}}]\n  {k}\n", refusing.address)
    };
    let jobs: String = keys.iter().enumerate().map(job).collect();
    let config = format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}");
    let run = serve(dir.path(), &config, &["--log.level=debug"]);
    let a = run.address();
    let mut said = String::new();
    until("a failure of each job", || {
        let all = http::targets(a);
        (all.len() == keys.len() && all.iter().all(|t| t["lastError"] != "")).then_some(())
    });
    for path in [
        "/api/v1/status/config",
        "/api/v1/targets",
        "/api/tortie/v1/targets",
        "/metrics",
        "/api/v1/status/flags",
    ] {
        said += &http::get(a, path).text();
    }
    let masks = ["secret>", "secret\\u003e"];
    assert!(masks.iter().any(|m| said.contains(m)) && said.contains("u:xxxxx@"), "{said}");
    // A reload that fails says what is wrong, and no more.
    std::fs::write(dir.path().join("prometheus.yml"), config.replace("client_id", "client")).unwrap();
    run.signal("HUP");
    until("the failed reload", || run.err().contains("field client not found").then_some(()));
    said += &run.end("TERM").err;
    assert!(!said.contains(CANARY), "{said}");
}
