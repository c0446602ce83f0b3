//! What comes over the wire: kept connections, encodings, halves, silence, redirects, addresses.

use crate::rig::{Rig, config};
use crate::server::{Reply, Server, ok};
use std::io::Write;
use tortie_config::Secret;
use tortie_config::http_client::{Auth, HttpClientConfig, Source};
use tortie_scrape::status::{Health, TargetStatus};
use tortie_scrape::{Options, PoolConfig};
use tortie_wire::content_type::Protocol;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(bytes).unwrap();
    e.finish().unwrap()
}

#[tokio::test]
async fn one_connection_serves_many_scrapes() {
    let rig = Rig::new(config()).await;
    for at in 1..=5 {
        assert_eq!(rig.scrape(at * 1000, "a 1\n").await.health, Health::Up);
    }
    assert_eq!(rig.server.connections(), 1);
    assert_eq!(rig.server.requests().len(), 5);
}

#[tokio::test]
async fn the_request_is_that_of_prometheus() {
    let credentials = Source::Inline(Secret::new("secret"));
    let auth = Some(Auth::Scheme { kind: "Bearer".into(), credentials });
    let config = PoolConfig {
        params: vec![("p".into(), vec!["1 2".into()])],
        timeout_ms: 900,
        http: HttpClientConfig { auth, ..HttpClientConfig::default() },
        ..config()
    };
    let rig = Rig::new(config).await;
    rig.scrape(1000, "a 1\n").await;
    let expect = format!(
        "GET /metrics?p=1+2 HTTP/1.1\r\nHost: {}\r\nUser-Agent: tortie/0.1.0\r\n\
         Accept: text/plain;version=1.0.0;escaping=allow-utf-8;q=0.7,text/plain;version=0.0.4;q=0.6,*/*;q=0.5\r\n\
         Accept-Encoding: gzip\r\nAuthorization: Bearer secret\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.9\r\n\r\n",
        rig.server.addr
    );
    assert_eq!(rig.server.requests(), [expect]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_no_failure() {
    let rig = Rig::new(config()).await;
    rig.server.reply(Reply::Close(ok(b"a 1\n", "")));
    for at in 1..=3 {
        assert_eq!(rig.again(at * 1000).await.health, Health::Up);
    }
    assert_eq!(rig.server.connections(), 3);
}

#[tokio::test]
async fn gzip_is_inflated() {
    let rig = Rig::new(config()).await;
    let body = "a{x=\"y\"} 7\n";
    rig.server.reply(Reply::Keep(ok(&gzip(body.as_bytes()), "Content-Encoding: gzip\r\n")));
    let s = rig.again(1000).await;
    assert_eq!((s.health, s.body_bytes), (Health::Up, body.len() as u64));
    assert_eq!(rig.value("a"), 7.0);
}

#[tokio::test]
async fn broken_gzip_is_refused() {
    let mut half = gzip(b"a 1\nb 2\n");
    half.truncate(half.len() - 9);
    let mut wrong = gzip(b"a 1\n");
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    for (bytes, reason) in [
        (&b"no gzip at all"[..], "gzip: invalid header"),
        (&half, "unexpected EOF"),
        (&wrong, "gzip: invalid checksum"),
    ] {
        let rig = Rig::new(config()).await;
        rig.server.reply(Reply::Keep(ok(bytes, "Content-Encoding: gzip\r\n")));
        assert_eq!(rig.again(1000).await.last_error, reason);
    }
}

#[tokio::test]
async fn chunks_are_joined() {
    let rig = Rig::new(config()).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let reply = format!("{head}3\r\na 1\r\n5;ext=1\r\n\nbb 2\r\n1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n");
    rig.server.reply(Reply::Keep(reply.into_bytes()));
    for at in [1000, 2000] {
        assert_eq!(rig.again(at).await.last_error, "");
    }
    assert_eq!((rig.value("a"), rig.value("bb")), (1.0, 2.0));
    assert_eq!(rig.server.connections(), 1, "what follows the last chunk is the next answer");
    for bad in ["zz\r\n", "3\r\na 1X\r\n", "ffffffffffffffff\r\n"] {
        let rig = Rig::new(config()).await;
        rig.server.reply(Reply::Close(format!("{head}{bad}").into_bytes()));
        assert_eq!(rig.again(1000).await.health, Health::Down, "{bad}");
    }
}

#[tokio::test]
async fn a_body_until_the_end_of_the_connection() {
    let rig = Rig::new(config()).await;
    rig.server.reply(Reply::Close(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\na 4".to_vec()));
    assert_eq!(rig.again(1000).await.last_error, "");
    assert_eq!(rig.value("a"), 4.0);
}

#[tokio::test]
async fn half_a_body_fails() {
    let rig = Rig::new(config()).await;
    rig.scrape(1000, "a 1\n").await;
    let mut half = ok(b"a 2\nb 2\n", "");
    half.truncate(half.len() - 4);
    rig.server.reply(Reply::Close(half));
    let s = rig.again(2000).await;
    assert_eq!((s.health, s.last_error.as_str()), (Health::Down, "unexpected EOF"));
    assert_eq!(rig.sink.samples("a"), [(1000, Some(1.0)), (2000, None)]);
}

fn get(s: &TargetStatus, rest: &str) -> String {
    format!("Get {:?}: {rest}", s.url)
}

#[tokio::test]
async fn what_is_not_metrics_is_named() {
    let page = |kind: &str| format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: 4\r\n\r\na 1\n").into_bytes();
    let cases: [(Vec<u8>, &str); 5] = [
        (
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "server returned HTTP status 500 Internal Server Error",
        ),
        (
            page("Content-Type: text/html\r\n"),
            "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target",
        ),
        (
            page(""),
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
        ),
        (
            page("Content-Type: text/plain\r\nContent-Encoding: zstd\r\n"),
            "received a zstd-compressed response, but the \"zstd-scrape\" feature flag is not enabled",
        ),
        (
            page("Content-Type: application/openmetrics-text\r\n"),
            "received Content-Type \"application/openmetrics-text\", which was not asked for and is not parsed: hint: let the target answer in text/plain",
        ),
    ];
    for (reply, reason) in cases {
        let rig = Rig::new(config()).await;
        rig.server.reply(Reply::Close(reply));
        let s = rig.again(1000).await;
        assert_eq!((s.health, s.last_error.as_str()), (Health::Down, reason));
        assert_eq!(rig.value("up"), 0.0);
    }
    let rig = Rig::new(PoolConfig { fallback_protocol: Some(Protocol::Text0), ..config() }).await;
    rig.server.reply(Reply::Keep(page("")));
    assert_eq!(rig.again(1000).await.health, Health::Up);
}

#[tokio::test]
async fn what_is_not_http_is_named_at_once() {
    let rig = Rig::new(PoolConfig { timeout_ms: 60_000, interval_ms: 60_000, ..config() }).await;
    rig.server.reply(Reply::Stall(b"SSH-2.0-OpenSSH_9\r\n".to_vec()));
    let s = rig.again(1000).await;
    let reason =
        "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0-OpenSSH_9\\r\"";
    assert_eq!(s.last_error, get(&s, reason));
    rig.server.reply(Reply::Close(Vec::new()));
    let s = rig.again(2000).await;
    assert_eq!(s.last_error, get(&s, "EOF"));
    rig.server
        .reply(Reply::Close(format!("HTTP/1.1 200 OK\r\n{}", "X-Header: 1\r\n".repeat(40_000)).into_bytes()));
    let s = rig.again(3000).await;
    assert_eq!(s.last_error, get(&s, "net/http: server response headers exceeded 262144 bytes; aborted"));
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let config = || PoolConfig { timeout_ms: 80, ..config() };
    let rig = Rig::new(config()).await;
    rig.server.reply(Reply::Stall(Vec::new()));
    let s = rig.again(1000).await;
    assert_eq!(s.last_error, get(&s, "context deadline exceeded"));
    let mut part = ok(b"a 1\nb 2\n", "");
    part.truncate(part.len() - 1);
    rig.server.reply(Reply::Stall(part));
    assert_eq!(rig.again(2000).await.last_error, "context deadline exceeded");
    rig.scrape(3000, "a 1\n").await;
    assert_eq!(rig.value("up"), 1.0);
    assert_eq!(rig.server.connections(), 3, "a connection with half an answer is not used again");
}

#[tokio::test]
async fn nobody_there() {
    let rig = Rig::new(config()).await;
    let gone = Server::start().await.addr;
    // The server's task still listens: a port that nobody has is found by binding and letting go.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_ne!(gone, free);
    rig.groups.send_replace(crate::rig::group(&[free.to_string()]));
    rig.apply(config());
    let s = rig.again(1000).await;
    assert_eq!(s.last_error, get(&s, &format!("dial tcp {free}: connect: connection refused")));
    rig.groups.send_replace(crate::rig::group(&["no-such-host.invalid:80".into()]));
    rig.apply(config());
    let s = rig.again(2000).await;
    assert!(s.last_error.contains("dial tcp: lookup no-such-host.invalid: "), "{}", s.last_error);
}

#[tokio::test]
async fn redirects_are_followed_without_credentials_for_others() {
    let other = Server::start().await;
    other.body("a 1\n");
    let text = |t: &str| Source::Inline(Secret::new(t));
    let auth = Some(Auth::Basic { username: text("u"), password: text("p") });
    let http = HttpClientConfig { auth, ..HttpClientConfig::default() };
    let rig = Rig::new(PoolConfig { http, ..config() }).await;
    rig.server
        .reply(Reply::Keep(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".to_vec()));
    rig.server.reply_at(
        "/there",
        Reply::Keep(
            format!(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/m\r\nContent-Length: 0\r\n\r\n",
                other.addr
            )
            .into_bytes(),
        ),
    );
    assert_eq!(rig.again(1000).await.last_error, "");
    assert_eq!(rig.value("a"), 1.0);
    assert!(rig.server.requests().iter().all(|r| r.contains("Authorization: Basic dTpw\r\n")));
    assert!(!other.requests()[0].contains("Authorization"), "{}", other.requests()[0]);
}

#[tokio::test]
async fn redirects_that_lead_nowhere() {
    let to = |location: &str| {
        format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
            .into_bytes()
    };
    let rig = Rig::new(config()).await;
    rig.server.reply(Reply::Keep(to("/metrics")));
    let s = rig.again(1000).await;
    assert_eq!(s.last_error, "Get \"/metrics\": stopped after 10 redirects");
    rig.server.reply(Reply::Keep(to("file:///etc/passwd")));
    assert_eq!(
        rig.again(3000).await.last_error,
        "Get \"file:///etc/passwd\": unsupported protocol scheme \"file\""
    );
    let http = HttpClientConfig { follow_redirects: false, ..HttpClientConfig::default() };
    let rig = Rig::new(PoolConfig { http, ..config() }).await;
    rig.server.reply(Reply::Keep(to("/x")));
    assert_eq!(rig.again(1000).await.last_error, "server returned HTTP status 301 Moved Permanently");
}

#[tokio::test]
async fn ipv6() {
    let server = Server::at("[::1]:0").await;
    server.body("a 6\n");
    let rig = Rig::with(config(), server, Options::default());
    let s = rig.again(1000).await;
    assert_eq!(s.last_error, "");
    assert!(s.url.starts_with("http://[::1]:"), "{}", s.url);
    assert_eq!(rig.value("a"), 6.0);
}
