//! OAuth 2: asked for once, kept, renewed, and never shown.

use crate::rig::{NOW_MS, Rig, get, reason, written};
use crate::server::{Asked, Server, answer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_config::http_client::JWT_BEARER;

fn json(body: &str) -> String {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

/// A server that numbers the tokens it gives.
async fn giver(fields: &'static str) -> Server {
    let n = AtomicUsize::new(0);
    Server::plain(move |_| {
        let n = n.fetch_add(1, Ordering::SeqCst) + 1;
        json(&format!("{{\"access_token\": \"t{n}\", {fields}}}"))
    })
    .await
}

async fn target() -> Server {
    Server::plain(|_| answer("200 OK", "", "")).await
}

fn tokens(target: &Server) -> Vec<String> {
    target.asked().iter().map(|a| a.header("authorization").unwrap_or("none").to_owned()).collect()
}

fn fields(asked: &Asked) -> Vec<(String, String)> {
    form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_token_is_kept_until_it_ends_or_the_secret_changes() {
    let (giver, target) = (giver("\"token_type\": \"bearer\", \"expires_in\": 60").await, target().await);
    let rig = Rig::new();
    rig.write("/secret", "one\n");
    let keys = format!(
        "oauth2: {{client_id: 'i d', client_secret_file: secret, token_url: '{}', scopes: [a, b], endpoint_params: {{aud: x}}}}",
        giver.http("/token")
    );
    let client = rig.client(&written(&keys)).unwrap();
    let url = target.http("/");
    for _ in 0..3 {
        get(&client, &url).await.unwrap();
    }
    rig.clock.advance(49_000);
    get(&client, &url).await.unwrap();
    rig.clock.advance(2_000);
    get(&client, &url).await.unwrap();
    rig.write("/secret", "two\n");
    get(&client, &url).await.unwrap();
    assert_eq!(
        tokens(&target),
        ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t3"]
    );
    let asked = giver.asked();
    assert_eq!(asked.len(), 3);
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(
        fields(&asked[0]),
        [pair("grant_type", "client_credentials"), pair("scope", "a b"), pair("aud", "x")]
    );
    assert_eq!(asked[0].header("authorization"), Some("Basic aStkOm9uZQ=="), "i+d:one");
    assert_eq!(asked[2].header("authorization"), Some("Basic aStkOnR3bw=="));
    assert_eq!(asked[0].header("user-agent"), Some("test/1"));
    assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn many_requests_ask_for_one_token() {
    let (giver, target) = (giver("\"expires_in\": \"3600\"").await, target().await);
    let keys = format!("oauth2: {{client_id: me, client_secret: s, token_url: '{}'}}", giver.http("/"));
    let client = Arc::new(Rig::new().client(&written(&keys)).unwrap());
    let url = target.http("/");
    let all = (0..20).map(|_| get(&client, &url));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!((giver.asked().len(), target.asked().len()), (1, 20));
}

#[tokio::test]
async fn servers_that_want_parameters_get_them() {
    let giver = Server::plain(|a| match a.header("authorization") {
        Some(_) => answer("401 Unauthorized", "", "{}"),
        None => answer(
            "200 OK",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "access_token=t&token_type=mac&expires_in=30",
        ),
    })
    .await;
    let (target, rig) = (target().await, Rig::new());
    let keys = format!("oauth2: {{client_id: me, client_secret: s, token_url: '{}'}}", giver.http("/"));
    let client = rig.client(&written(&keys)).unwrap();
    get(&client, &target.http("/")).await.unwrap();
    rig.clock.advance(60_000);
    get(&client, &target.http("/")).await.unwrap();
    assert_eq!(tokens(&target), ["MAC t", "MAC t"]);
    let asked = giver.asked();
    assert_eq!(asked.len(), 3, "the way that worked is remembered");
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let expect =
        [pair("grant_type", "client_credentials"), pair("client_id", "me"), pair("client_secret", "s")];
    assert_eq!((fields(&asked[1]), fields(&asked[2])), (expect.to_vec(), expect.to_vec()));
}

#[tokio::test]
async fn failures_are_named_kept_a_second_and_say_no_secret() {
    let answers = [
        answer(
            "400 Bad Request",
            "Content-Type: application/json\r\n",
            "{\"error\": \"invalid_client\", \"error_description\": \"hunter2\"}",
        ),
        answer("503 Service Unavailable", "", "hunter2"),
        json("hunter2"),
        json("{\"x\": \"hunter2\"}"),
        json("{\"access_token\": \"hunter2\", \"error\": \"hunter 2\"}"),
    ];
    let expect = [
        "oauth2: \"invalid_client\"",
        "oauth2: cannot fetch token: 503 Service Unavailable",
        "oauth2: cannot parse json",
        "oauth2: server response missing access_token",
        "oauth2: cannot fetch token: 200 OK",
    ];
    for (answer, expect) in answers.into_iter().zip(expect) {
        let giver = Server::plain(move |_| answer.clone()).await;
        let (target, rig) = (target().await, Rig::new());
        let keys =
            format!("oauth2: {{client_id: me, client_secret: hunter2, token_url: '{}'}}", giver.http("/"));
        let client = rig.client(&written(&keys)).unwrap();
        for _ in 0..3 {
            assert_eq!(reason(get(&client, &target.http("/")).await), expect);
        }
        assert_eq!(giver.asked().len(), 2, "header and parameters, and then not for a second");
        rig.clock.set(NOW_MS + 1000);
        assert_eq!(reason(get(&client, &target.http("/")).await), expect);
        assert_eq!((giver.asked().len(), target.asked().len()), (4, 0));
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let keys = format!("oauth2: {{client_id: me, client_secret: s, token_url: 'http://{free}/t'}}");
    let e = reason(Rig::new().get(&written(&keys), "http://127.0.0.1:1/").await);
    assert_eq!(
        e,
        format!(
            "oauth2: cannot fetch token: Post \"http://{free}/t\": dial tcp {free}: connect: connection refused"
        )
    );
}

#[tokio::test]
async fn assertions_are_signed_with_the_key() {
    let (giver, target) = (giver("\"expires_in\": 3600").await, target().await);
    // ring makes no keys of RSA: the one of the test stands beside it.
    let pem = include_str!("rsa.pem");
    let rig = Rig::new();
    rig.write("/key.pem", pem);
    let keys = format!(
        "oauth2: {{client_id: me, client_certificate_key_file: /key.pem, client_certificate_key_id: k1, token_url: '{}', grant_type: '{JWT_BEARER}', scopes: [a], claims: {{n: 7, who: [x]}}}}",
        giver.http("/t")
    );
    rig.get(&written(&keys), &target.http("/")).await.unwrap();
    assert_eq!(tokens(&target), ["Bearer t1"]);
    let form = fields(&giver.asked()[0]);
    assert_eq!((form[0].0.as_str(), form[0].1.as_str(), form[2].1.as_str()), ("grant_type", JWT_BEARER, "a"));
    let (signed, signature) = form[1].1.rsplit_once('.').unwrap();
    let der = <rustls::pki_types::PrivateKeyDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(
        pem.as_bytes(),
    )
    .unwrap();
    let pair = match &der {
        rustls::pki_types::PrivateKeyDer::Pkcs1(k) => ring::rsa::KeyPair::from_der(k.secret_pkcs1_der()),
        k => ring::rsa::KeyPair::from_pkcs8(k.secret_der()),
    }
    .unwrap();
    let public =
        ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, pair.public());
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let part = |i: usize| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(i).unwrap()).unwrap()).unwrap()
    };
    assert_eq!(part(0), serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let claims = part(1);
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["scope"], &claims["n"]),
        (&"me".into(), &"me".into(), &"a".into(), &7.into())
    );
    assert_eq!((&claims["aud"], &claims["exp"]), (&giver.http("/t").into(), &(NOW_MS / 1000 + 600).into()));
}
