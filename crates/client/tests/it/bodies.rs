//! Whole answers: kept connections, bounds, deadlines, users in URLs.

use crate::rig::{Rig, get, reason, written};
use crate::server::{Server, answer};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tortie_client::{Error, Request, Url};
use tortie_config::http_client::HttpClientConfig;

#[tokio::test]
async fn a_connection_is_kept_and_a_closed_one_is_replaced() {
    let server = Server::plain(|a| match a.target() {
        "/bye" => answer("200 OK", "Connection: close\r\n", "x"),
        _ => answer("200 OK", "", "x"),
    })
    .await;
    let client = Rig::new().client(&HttpClientConfig::default()).unwrap();
    for path in ["/", "/", "/bye", "/", "/"] {
        get(&client, &server.http(path)).await.unwrap();
    }
    let connections: Vec<usize> = server.asked().iter().map(|a| a.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2, 2]);
    let first = &server.asked()[0];
    assert_eq!(
        (first.header("user-agent"), first.header("host")),
        (Some("test/1"), Some(server.addr.to_string().as_str()))
    );
    assert_eq!((first.header("authorization"), first.header("content-length")), (None, None));
}

#[tokio::test]
async fn a_server_that_closes_idle_connections_without_a_word_is_asked_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut s, _) = listener.accept().await.unwrap();
            let _ = s.read(&mut [0; 4096]).await;
            let _ = s.write_all(answer("200 OK", "", "x").as_bytes()).await;
        }
    });
    let client = Rig::new().client(&HttpClientConfig::default()).unwrap();
    for _ in 0..5 {
        assert_eq!(get(&client, &format!("http://{addr}/")).await.unwrap().body, "x");
    }
}

#[tokio::test]
async fn bodies_and_time_have_bounds() {
    let server = Server::plain(|a| match a.target() {
        "/big" => answer("200 OK", "", &"x".repeat(1001)),
        "/silent" => String::new(),
        _ => answer("500 Oh No", "", "why"),
    })
    .await;
    let client = Rig::new().client(&HttpClientConfig::default()).unwrap();
    let ask = |path: &str, max: usize, ms: u64| {
        let mut r = Request::get(Url::parse(&server.http(path)).unwrap());
        (r.max_body, r.timeout) = (max, Duration::from_millis(ms));
        client.send(r)
    };
    assert!(ask("/big", 1001, 5000).await.is_ok());
    let e = ask("/big", 1000, 5000).await.unwrap_err();
    assert!(
        matches!(e, Error::TooBig { limit: 1000, .. }) && e.to_string().contains("more than 1000 bytes"),
        "{e}"
    );
    let e = ask("/silent", 10, 50).await.unwrap_err();
    assert!(
        e.is_deadline()
            && e.to_string() == format!("Get \"{}\": context deadline exceeded", server.http("/silent")),
        "{e}"
    );
    let other = ask("/", 10, 5000).await.unwrap();
    assert_eq!((other.status_text().as_str(), &*other.body), ("500 Oh No", &b"why"[..]));
}

#[tokio::test]
async fn headers_go_with_every_request() {
    let server = Server::plain(|_| answer("200 OK", "", "")).await;
    let rig = Rig::new();
    rig.write("/f", "from file\n");
    rig.write("/pw", "p\n");
    let config = written(
        "basic_auth: {username: u, password_file: pw}\nhttp_headers: {x-a: {values: [one], secrets: [two], files: [f]}, Accept: {values: [text/x]}}",
    );
    rig.get(&config, &server.http("/")).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!((asked.header("authorization"), asked.header("accept")), (Some("Basic dTpw"), Some("text/x")));
    let own: Vec<&str> = asked.head.lines().filter_map(|l| l.strip_prefix("x-a: ")).collect();
    assert_eq!(own, ["one", "two", "from file"]);
    for (keys, expect) in [
        ("authorization: {type: Token, credentials: abc}", "Token abc"),
        ("bearer_token: abc", "Bearer abc"),
        ("authorization: {}", "Bearer"),
    ] {
        rig.get(&written(keys), &server.http("/")).await.unwrap();
        assert_eq!(
            server.asked().last().unwrap().header("authorization").map(str::trim_end),
            Some(expect),
            "{keys}"
        );
    }
    let with_user = server.http("/").replace("http://", "http://me:s%40cret@");
    rig.get(&HttpClientConfig::default(), &with_user).await.unwrap();
    assert_eq!(server.asked().last().unwrap().header("authorization"), Some("Basic bWU6c0BjcmV0"));
}

#[tokio::test]
async fn nobody_there() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = Rig::new();
    let e = reason(rig.get(&HttpClientConfig::default(), &format!("http://{free}/")).await);
    assert_eq!(e, format!("dial tcp {free}: connect: connection refused"));
    let e = reason(rig.get(&HttpClientConfig::default(), "http://no-such-host.invalid/").await);
    assert!(e.starts_with("dial tcp: lookup no-such-host.invalid: "), "{e}");
}
