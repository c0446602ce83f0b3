//! Whose certificates are taken, which are shown, and what is said when they are not.

use crate::pki::{self, Pair, Pki};
use crate::rig::{NOW_MS, Rig, get, inline, reason, written};
use crate::server::{BOTH, Server, TlsServer, answer};
use rustls::version::{TLS12, TLS13};
use tortie_config::http_client::{HttpClientConfig, Source, TlsConfig};

fn with(tls: TlsConfig) -> HttpClientConfig {
    HttpClientConfig { tls, ..HttpClientConfig::default() }
}

fn trusting(ca: &str) -> HttpClientConfig {
    with(TlsConfig { ca: inline(ca), ..TlsConfig::default() })
}

async fn serve(pair: &Pair) -> Server {
    let tls = TlsServer { pair, client_ca: None, versions: &BOTH };
    Server::tls(tls, |_| answer("200 OK", "", "fine")).await
}

#[tokio::test]
async fn certificates_are_judged_as_go_judges_them() {
    let (ours, other) = (Pki::new("ours"), Pki::new("other"));
    let rig = Rig::new();
    let by_address = serve(&ours.leaf("s", &["127.0.0.1"])).await;
    let url = by_address.https("/");
    assert_eq!(rig.get(&trusting(&ours.ca), &url).await.unwrap().body, "fine");
    let both = format!("junk\n{}{}", other.ca, ours.ca);
    assert!(rig.get(&trusting(&both), &url).await.is_ok(), "one of several authorities");
    let unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    assert_eq!(reason(rig.get(&trusting(&other.ca), &url).await), unknown);
    assert_eq!(
        reason(rig.get(&HttpClientConfig::default(), &url).await),
        unknown,
        "the system's authorities"
    );
    let all = TlsConfig { insecure_skip_verify: true, ..TlsConfig::default() };
    assert!(rig.get(&with(all), &url).await.is_ok());

    let by_name = serve(&ours.leaf("s", &["a.example", "b.example"])).await;
    let url = by_name.https("/");
    assert_eq!(
        reason(rig.get(&trusting(&ours.ca), &url).await),
        "tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
    );
    let named = |name: &str| {
        with(TlsConfig { ca: inline(&ours.ca), server_name: name.into(), ..TlsConfig::default() })
    };
    assert!(rig.get(&named("b.example"), &url).await.is_ok());
    assert_eq!(
        reason(rig.get(&named("c.example"), &url).await),
        "tls: failed to verify certificate: x509: certificate is valid for a.example, b.example, not c.example"
    );
    rig.clock.set(NOW_MS + 20 * 365 * 86_400_000);
    let late = reason(rig.get(&named("b.example"), &url).await);
    assert!(
        late.starts_with("tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2046-")
            && late.ends_with(" is after 2039-01-01T00:00:00Z"),
        "{late}"
    );
    rig.clock.set(0);
    let early = reason(rig.get(&named("b.example"), &url).await);
    assert!(early.ends_with("current time 1970-01-01T00:00:00Z is before 2020-01-01T00:00:00Z"), "{early}");
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_taken_when_it_is_named() {
    let pair = pki::self_signed(&["127.0.0.1"]);
    let server = serve(&pair).await;
    let rig = Rig::new();
    assert!(rig.get(&trusting(&pair.cert), &server.https("/")).await.is_ok());
    rig.clock.set(0);
    let early = reason(rig.get(&trusting(&pair.cert), &server.https("/")).await);
    assert!(early.contains("is before 2020-01-01T00:00:00Z"), "{early}");
    let elsewhere = pki::self_signed(&["10.0.0.1"]);
    let server = serve(&elsewhere).await;
    let wrong = reason(Rig::new().get(&trusting(&elsewhere.cert), &server.https("/")).await);
    assert!(wrong.contains("x509: certificate is valid for 10.0.0.1, not 127.0.0.1"), "{wrong}");
    // One that nobody named: who signed it is asked last.
    let stranger = serve(&pki::self_signed(&["127.0.0.1"])).await;
    let unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    for config in [trusting(&elsewhere.cert), HttpClientConfig::default()] {
        assert_eq!(reason(Rig::new().get(&config, &stranger.https("/")).await), unknown);
    }
    let early = reason(rig.get(&HttpClientConfig::default(), &stranger.https("/")).await);
    assert!(early.contains("is before 2020-01-01T00:00:00Z"), "{early}");
}

#[tokio::test]
async fn a_client_shows_its_certificate_and_a_new_one_when_the_files_change() {
    let pki = Pki::new("ours");
    let pair = pki.leaf("s", &["127.0.0.1"]);
    let tls = TlsServer { pair: &pair, client_ca: Some(&pki.ca), versions: &BOTH };
    let server = Server::tls(tls, |_| answer("200 OK", "", "fine")).await;
    let rig = Rig::new();
    let without = reason(rig.get(&trusting(&pki.ca), &server.https("/")).await);
    assert_eq!(without, "remote error: tls: certificate required");

    let (one, two) = (pki.leaf("one", &["one"]), pki.leaf("two", &["two"]));
    let write = |pair: &Pair| {
        rig.write("/c.pem", &pair.cert);
        rig.write("/k.pem", &pair.key);
    };
    write(&one);
    rig.write("/ca.pem", &pki.ca);
    let config = written("tls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}");
    let client = rig.client(&config).unwrap();
    for _ in 0..3 {
        assert!(get(&client, &server.https("/")).await.is_ok());
        rig.clock.advance(2000);
    }
    write(&two);
    rig.clock.advance(2000);
    assert!(get(&client, &server.https("/")).await.is_ok());
    let asked = server.asked();
    let connections: Vec<usize> = asked.iter().map(|a| a.connection - asked[0].connection).collect();
    assert_eq!(connections, [0, 0, 0, 1], "kept until the files change");
    assert!(asked[0].certificate.is_some() && asked[0].certificate == asked[2].certificate);
    assert_ne!(asked[3].certificate, asked[0].certificate);

    rig.write("/k.pem", &one.key);
    rig.clock.advance(2000);
    assert_eq!(
        reason(get(&client, &server.https("/")).await),
        "unable to use specified client cert (file /c.pem) & key (file /k.pem): tls: private key does not match public key"
    );
}

#[tokio::test]
async fn versions_are_kept_within_bounds() {
    let pki = Pki::new("ours");
    let pair = pki.leaf("s", &["127.0.0.1"]);
    let server = |versions: &'static [_]| TlsServer { pair: &pair, client_ca: None, versions };
    static ONLY_12: [&rustls::SupportedProtocolVersion; 1] = [&TLS12];
    static ONLY_13: [&rustls::SupportedProtocolVersion; 1] = [&TLS13];
    let old = Server::tls(server(&ONLY_12), |_| answer("200 OK", "", "fine")).await;
    let new = Server::tls(server(&ONLY_13), |_| answer("200 OK", "", "fine")).await;
    let rig = Rig::new();
    let config = |keys: &str| {
        let mut c = written(&format!("tls_config: {{{keys}}}"));
        c.tls.ca = inline(&pki.ca);
        c
    };
    assert!(rig.get(&config("min_version: TLS10"), &old.https("/")).await.is_ok());
    assert!(rig.get(&config("max_version: TLS12"), &old.https("/")).await.is_ok());
    assert!(rig.get(&config("min_version: TLS13"), &new.https("/")).await.is_ok());
    for (server, keys) in [(&old, "min_version: TLS13"), (&new, "max_version: TLS12")] {
        let e = reason(rig.get(&config(keys), &server.https("/")).await);
        assert!(e == "remote error: tls: protocol version not supported" || e.starts_with("tls: "), "{e}");
    }
}

#[tokio::test]
async fn servers_that_do_not_speak_tls_are_named() {
    let plain = Server::plain(|_| answer("400 Bad Request", "", "no")).await;
    let rig = Rig::new();
    // A real server answers the handshake with an error of HTTP.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for reply in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", ""] {
            let (mut s, _) = listener.accept().await.unwrap();
            let _ = s.read(&mut [0; 1024]).await;
            let _ = s.write_all(reply.as_bytes()).await;
        }
    });
    for expect in [
        "http: server gave HTTP response to HTTPS client",
        "tls: first record does not look like a TLS handshake",
        "EOF",
    ] {
        assert_eq!(reason(rig.get(&HttpClientConfig::default(), &format!("https://{addr}/")).await), expect);
    }
    drop(plain);
}

#[test]
fn what_cannot_be_used_is_refused_when_it_is_loaded() {
    let rig = Rig::new();
    let pair = Pki::new("x").leaf("x", &["x"]);
    rig.write("/junk", "no PEM");
    let error = |tls: TlsConfig| rig.client(&with(tls)).map(|_| ()).unwrap_err();
    let file = |p: &str| Source::File(p.into());
    let base = TlsConfig::default;
    assert_eq!(
        error(TlsConfig { ca: file("/gone"), ..base() }),
        "unable to read CA cert: unable to read file /gone: open /gone: no such file or directory"
    );
    assert_eq!(
        error(TlsConfig { ca: file("/junk"), ..base() }),
        "unable to use specified CA cert file /junk"
    );
    assert_eq!(error(TlsConfig { ca: inline("junk"), ..base() }), "unable to use specified CA cert inline");
    let pair_of = |cert: &str, key: &str| TlsConfig { cert: inline(cert), key: inline(key), ..base() };
    for (tls, expect) in [
        (pair_of("junk", &pair.key), "tls: failed to find any PEM data in certificate input"),
        (pair_of(&pair.cert, "hunter2"), "tls: failed to find any PEM data in key input"),
        (
            pair_of(&pair.cert, &Pki::new("y").leaf("y", &["y"]).key),
            "tls: private key does not match public key",
        ),
    ] {
        assert_eq!(
            error(tls),
            format!("unable to use specified client cert (inline) & key (inline): {expect}")
        );
    }
}
