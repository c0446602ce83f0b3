//! Where redirects lead, and what goes with them.

use crate::rig::{Rig, get, reason, written};
use crate::server::{Server, answer, redirect};
use http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_client::{Client, Request, Url};

const KEYS: &str = "basic_auth: {username: u, password: p}\nhttp_headers: {X-Own: {secrets: [own]}}";

fn client(keys: &str) -> Client {
    Rig::new().client(&written(keys)).unwrap()
}

#[tokio::test]
async fn credentials_and_own_headers_stay_with_their_host() {
    let other = Server::plain(|_| answer("200 OK", "", "there")).await;
    let away = other.http("/away");
    let server = Server::plain(move |a| match a.target() {
        "/start" => redirect("302 Found", "next"),
        "/next" => redirect("307 Temporary Redirect", "/end?q=1"),
        "/leave" => redirect("301 Moved Permanently", &away),
        _ => answer("200 OK", "", "here"),
    })
    .await;
    let client = client(KEYS);
    let end = get(&client, &server.http("/start")).await.unwrap();
    assert_eq!((&*end.body, end.url.path_and_query()), (&b"here"[..], "/end?q=1"));
    assert_eq!(get(&client, &server.http("/leave")).await.unwrap().body, "there");
    let ours = server.asked();
    assert_eq!(ours.len(), 4);
    for a in &ours {
        assert_eq!(
            (a.header("authorization"), a.header("x-own")),
            (Some("Basic dTpw"), Some("own")),
            "{a:?}"
        );
    }
    let theirs = &other.asked()[0];
    assert_eq!(
        (theirs.header("authorization"), theirs.header("x-own")),
        (None, None),
        "another port is another host"
    );
}

#[tokio::test]
async fn once_away_nothing_comes_back() {
    let home = Arc::new(std::sync::OnceLock::<String>::new());
    let back = Arc::clone(&home);
    let other = Server::plain(move |_| redirect("302 Found", back.get().unwrap())).await;
    let away = other.http("/");
    let server = Server::plain(move |a| match a.target() {
        "/start" => redirect("302 Found", &away),
        _ => answer("200 OK", "", ""),
    })
    .await;
    home.set(server.http("/end")).unwrap();
    get(&client(KEYS), &server.http("/start")).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Basic dTpw"));
    assert_eq!(
        (asked[1].target(), asked[1].header("authorization"), asked[1].header("x-own")),
        ("/end", None, None)
    );
}

#[tokio::test]
async fn what_a_request_says_itself_is_dropped_too() {
    let other = Server::plain(|_| answer("200 OK", "", "")).await;
    let away = other.http("/");
    let server = Server::plain(move |_| redirect("302 Found", &away)).await;
    let mut request = Request::get(Url::parse(&server.http("/")).unwrap());
    request.headers.insert(http::header::AUTHORIZATION, "Mine x".parse().unwrap());
    request.headers.insert(http::header::COOKIE, "a=b".parse().unwrap());
    client("").send(request).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), Some("Mine x"));
    assert_eq!((other.asked()[0].header("authorization"), other.asked()[0].header("cookie")), (None, None));
}

#[tokio::test]
async fn methods_and_bodies_change_as_in_go() {
    for (status, method, body) in [
        ("301 x", "GET", ""),
        ("302 x", "GET", ""),
        ("303 x", "GET", ""),
        ("307 x", "POST", "data"),
        ("308 x", "POST", "data"),
    ] {
        let server = Server::plain(move |a| match a.target() {
            "/" => redirect(status, "/end"),
            _ => answer("200 OK", "", ""),
        })
        .await;
        let request = Request::post(Url::parse(&server.http("/")).unwrap(), "text/x", "data");
        client("").send(request).await.unwrap();
        let end = &server.asked()[1];
        assert_eq!((end.head.split(' ').next(), end.body.as_str()), (Some(method), body), "{status}");
        assert_eq!(end.header("content-type").is_some(), method == "POST", "{status}");
    }
}

#[tokio::test]
async fn they_end_and_can_be_forbidden() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let server = Server::plain(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        redirect("302 Found", "/")
    })
    .await;
    assert_eq!(reason(get(&client(""), &server.http("/")).await), "stopped after 10 redirects");
    assert_eq!(count.load(Ordering::SeqCst), 11);
    let answer = get(&client("follow_redirects: false"), &server.http("/")).await.unwrap();
    assert_eq!(
        (answer.status, answer.status_text().as_str(), answer.is_success()),
        (302, "302 Found", false)
    );
    let odd = Server::plain(|_| redirect("302 Found", "file:///etc/passwd")).await;
    assert_eq!(reason(get(&client(""), &odd.http("/")).await), "unsupported protocol scheme \"file\"");
    let broken = Server::plain(|_| redirect("302 Found", "a b")).await;
    assert_eq!(reason(get(&client(""), &broken.http("/")).await), "failed to parse Location header \"a b\"");
    assert_eq!(Method::GET, Request::get(Url::parse(&odd.http("/")).unwrap()).method);
}
