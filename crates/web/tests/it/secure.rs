//! TLS, users, headers and limits of the server, over real sockets.

use crate::pki::{Pair, Pki, self_signed};
use crate::stand_in::{StandIn, secured};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tortie_client::{Client, Error, Request, Response, Url};
use tortie_config::Secret;
use tortie_config::http_client::{Auth, HttpClientConfig, Source, TlsConfig, TlsVersion};
use tortie_host::{Fs, ManualClock, MemFs, SystemClock};
use tortie_web::secure::Secure;

struct Rig {
    fs: Arc<MemFs>,
    clock: Arc<ManualClock>,
    addr: SocketAddr,
    _stop: watch::Sender<bool>,
}

fn write(fs: &MemFs, path: &str, text: &str) {
    fs.create(Path::new(path)).unwrap().append(text.as_bytes()).unwrap();
}

fn files(all: &[(&str, &str)]) -> Arc<MemFs> {
    let fs = Arc::new(MemFs::new());
    for (path, text) in all {
        write(&fs, path, text);
    }
    fs
}

async fn serve(all: &[(&str, &str)]) -> Rig {
    let (fs, clock) = (files(all), Arc::new(ManualClock::at(1_795_737_600_000)));
    let secure = Secure::open("/web.yml".into(), Arc::clone(&fs) as _, Arc::clone(&clock) as _);
    let stand_in = Arc::new(StandIn::default());
    stand_in.opened.store(true, Ordering::SeqCst);
    let app = secured(stand_in, Some(Arc::new(secure.unwrap_or_else(|e| panic!("{e}")))));
    let listeners = tortie_web::server::bind(&["127.0.0.1:0".into()]).await.unwrap();
    let addr = tortie_web::server::addresses(&listeners)[0];
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(tortie_web::server::serve(app, listeners, stopped, Duration::from_millis(1)));
    Rig { fs, clock, addr, _stop: stop }
}

fn inline(text: &str) -> Source {
    Source::Inline(Secret::new(text))
}

fn trusting(ca: &str) -> HttpClientConfig {
    HttpClientConfig {
        tls: TlsConfig { ca: inline(ca), ..TlsConfig::default() },
        ..HttpClientConfig::default()
    }
}

fn showing(ca: &str, pair: &Pair) -> HttpClientConfig {
    let mut c = trusting(ca);
    (c.tls.cert, c.tls.key) = (inline(&pair.cert), inline(&pair.key));
    c
}

fn as_user(user: &str, password: &str) -> HttpClientConfig {
    let auth = Some(Auth::Basic { username: inline(user), password: inline(password) });
    HttpClientConfig { auth, ..HttpClientConfig::default() }
}

impl Rig {
    async fn get(&self, config: &HttpClientConfig, scheme: &str) -> Result<Response, Error> {
        let client = Client::new(config, "t", Arc::new(MemFs::new()), Arc::new(SystemClock::new())).unwrap();
        client.send(Request::get(Url::parse(&format!("{scheme}://{}/-/healthy", self.addr)).unwrap())).await
    }

    async fn status(&self, config: &HttpClientConfig, scheme: &str) -> u16 {
        self.get(config, scheme).await.unwrap_or_else(|e| panic!("{e}")).status
    }
}

#[tokio::test]
async fn users_must_show_their_password() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let file = |users: &str| {
        format!(
            "basic_auth_users: {{{users}}}\nhttp_server_config: {{headers: {{X-Frame-Options: sameorigin, Strict-Transport-Security: x}}}}\n"
        )
    };
    let rig = serve(&[("/web.yml", &file(&format!("alice: {hash}")))]).await;
    for (user, password, status) in [
        ("alice", "secret", 200),
        ("alice", "secre", 401),
        ("alice", "", 401),
        ("bob", "secret", 401),
        ("", "", 401),
    ] {
        for _ in 0..2 {
            assert_eq!(rig.status(&as_user(user, password), "http").await, status, "{user} {password}");
        }
    }
    let refused = rig.get(&HttpClientConfig::default(), "http").await.unwrap();
    assert_eq!((refused.status, &*refused.body), (401, &b"Unauthorized\n"[..]));
    let header = |r: &Response, n: &str| r.headers.get(n).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(header(&refused, "www-authenticate").as_deref(), Some("Basic"));
    let fine = rig.get(&as_user("alice", "secret"), "http").await.unwrap();
    assert_eq!(
        (header(&fine, "x-frame-options").as_deref(), header(&fine, "strict-transport-security").as_deref()),
        (Some("sameorigin"), Some("x"))
    );
    // The file is read anew for each request; a broken one lets nobody in.
    write(&rig.fs, "/web.yml", &file(&format!("bob: {hash}")));
    assert_eq!(rig.status(&as_user("alice", "secret"), "http").await, 401);
    assert_eq!(rig.status(&as_user("bob", "secret"), "http").await, 200);
    write(&rig.fs, "/web.yml", "basic_auth_users: [");
    assert_eq!(rig.status(&as_user("bob", "secret"), "http").await, 500);
    rig.fs.remove_file(Path::new("/web.yml")).unwrap();
    assert_eq!(rig.status(&as_user("bob", "secret"), "http").await, 500);
}

#[tokio::test]
async fn tls_with_the_newest_certificate() {
    let pki = Pki::new("ours");
    let (one, two) = (pki.leaf("one", &["127.0.0.1"]), self_signed(&["127.0.0.1"]));
    let rig = serve(&[
        ("/web.yml", "tls_server_config: {cert_file: c.pem, key_file: k.pem}"),
        ("/c.pem", &one.cert),
        ("/k.pem", &one.key),
    ])
    .await;
    assert_eq!(rig.status(&trusting(&pki.ca), "https").await, 200);
    assert!(rig.get(&HttpClientConfig::default(), "https").await.is_err());
    let mut plain = tokio::net::TcpStream::connect(rig.addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut said = String::new();
    // What was asked is not read: the connection may end hard.
    let _ = plain.read_to_string(&mut said).await;
    assert_eq!(said, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    write(&rig.fs, "/c.pem", &two.cert);
    assert!(
        rig.get(&trusting(&pki.ca), "https").await.is_err(),
        "certificate and key do not fit for a moment"
    );
    write(&rig.fs, "/k.pem", &two.key);
    assert_eq!(rig.status(&trusting(&two.cert), "https").await, 200);
    assert!(rig.get(&trusting(&pki.ca), "https").await.is_err());
}

#[tokio::test]
async fn clients_show_what_is_asked_of_them() {
    let (pki, other) = (Pki::new("ours"), Pki::new("other"));
    let server = pki.leaf("s", &["127.0.0.1"]);
    let (known, stranger) = (pki.leaf("c", &["client.example"]), other.leaf("c", &["client.example"]));
    let none = trusting(&pki.ca);
    let (known, stranger) = (showing(&pki.ca, &known), showing(&pki.ca, &stranger));
    for (keys, [without, with_known, with_stranger]) in [
        ("client_auth_type: NoClientCert", [true, true, true]),
        ("client_auth_type: RequestClientCert", [true, true, true]),
        ("client_auth_type: RequireAnyClientCert", [false, true, true]),
        ("client_auth_type: RequireClientCert", [false, true, true]),
        ("client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem", [true, true, false]),
        ("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem", [false, true, false]),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [x, client.example]",
            [false, true, false],
        ),
        (
            "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [x]",
            [false, false, false],
        ),
        (
            "client_auth_type: RequireAnyClientCert, client_allowed_sans: [client.example]",
            [false, true, true],
        ),
    ] {
        let file = format!("tls_server_config: {{cert_file: c.pem, key_file: k.pem, {keys}}}");
        let rig = serve(&[
            ("/web.yml", &file),
            ("/c.pem", &server.cert),
            ("/k.pem", &server.key),
            ("/ca.pem", &pki.ca),
        ])
        .await;
        for (config, expect) in [(&none, without), (&known, with_known), (&stranger, with_stranger)] {
            let got = rig.get(config, "https").await;
            assert_eq!(got.is_ok(), expect, "{keys}: {got:?}");
        }
    }
}

#[tokio::test]
async fn versions_suites_and_curves() {
    let pki = Pki::new("ours");
    let pair = pki.leaf("s", &["127.0.0.1"]);
    let between = |min: Option<TlsVersion>, max: Option<TlsVersion>| {
        let mut c = trusting(&pki.ca);
        (c.tls.min_version, c.tls.max_version) = (min, max);
        c
    };
    let (old, new) = (between(None, Some(TlsVersion::Tls12)), between(Some(TlsVersion::Tls13), None));
    for (keys, with_old, with_new) in [
        ("min_version: TLS12", true, true),
        ("min_version: TLS13", false, true),
        ("max_version: TLS12", true, false),
        ("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", false, true),
        (
            "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], curve_preferences: [CurveP384]",
            true,
            true,
        ),
    ] {
        let file = format!("tls_server_config: {{cert_file: c.pem, key_file: k.pem, {keys}}}");
        let rig = serve(&[("/web.yml", &file), ("/c.pem", &pair.cert), ("/k.pem", &pair.key)]).await;
        for (config, expect) in [(&old, with_old), (&new, with_new)] {
            let got = rig.get(config, "https").await;
            assert_eq!(got.is_ok(), expect, "{keys}: {got:?}");
        }
    }
}

#[tokio::test]
async fn too_many_requests_are_told_so() {
    let rig = serve(&[("/web.yml", "rate_limit: {burst: 2, interval: 1s}")]).await;
    let all = HttpClientConfig::default();
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(rig.status(&all, "http").await);
    }
    rig.clock.advance(1000);
    got.push(rig.status(&all, "http").await);
    got.push(rig.status(&all, "http").await);
    assert_eq!(got, [200, 200, 429, 200, 429]);
}

#[test]
fn what_cannot_be_used_is_refused_at_the_start() {
    let open = |all: &[(&str, &str)]| {
        Secure::open("/web.yml".into(), files(all), Arc::new(SystemClock::new())).map(|_| ()).unwrap_err()
    };
    let tls = "tls_server_config: {cert_file: c.pem, key_file: k.pem}";
    let pair = Pki::new("x").leaf("x", &["x"]);
    assert!(open(&[]).contains("/web.yml") && open(&[]).contains("--web.config.file"));
    assert_eq!(
        open(&[("/web.yml", tls)]),
        "failed to read cert_file (/c.pem): open /c.pem: no such file or directory"
    );
    assert_eq!(
        open(&[("/web.yml", tls), ("/c.pem", &pair.cert), ("/k.pem", "hunter2")]),
        "failed to load X509KeyPair: tls: failed to find any PEM data in key input"
    );
    let e = open(&[("/web.yml", "basic_auth_users: {a: hunter2}")]);
    assert!(e.contains("hashedSecret too short"), "{e}");
}
