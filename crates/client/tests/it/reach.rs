//! Spellings of addresses that lead to this machine: none is connected to.

use crate::rig::{Rig, reason, written};
use crate::server::{Server, answer, redirect};
use std::sync::Arc;
use tortie_client::{Client, Reach, Request, Transport, Url};

fn bounded(rig: &Rig, keys: &str) -> Client {
    let transport =
        Transport::new(&written(keys), Arc::clone(&rig.fs) as _, Arc::clone(&rig.clock) as _).unwrap();
    let transport = transport.within(Arc::new(Reach::outside(vec![9090])));
    Client::over(Arc::new(transport), "test/1", Arc::clone(&rig.clock) as _)
}

/// Every spelling with the reason, or none where the resolver may not know it at all.
const SPELLINGS: [(&str, &str); 40] = [
    ("127.0.0.1", "a loopback address"),
    ("127.0.0.2", "a loopback address"),
    ("127.255.255.254", "a loopback address"),
    ("127.1", "a loopback address"),
    ("127.0.1", "a loopback address"),
    ("2130706433", "a loopback address"),
    ("0x7f000001", "a loopback address"),
    ("0x7f.0.0.1", "a loopback address"),
    ("0177.0.0.1", "a loopback address"),
    ("017700000001", "a loopback address"),
    ("127.0.0.01", ""),
    ("127.0x0.0.1", "a loopback address"),
    ("localhost", "a loopback address"),
    ("LOCALHOST", "a loopback address"),
    ("localhost.", ""),
    ("[::1]", "a loopback address"),
    ("[0:0:0:0:0:0:0:1]", "a loopback address"),
    ("[::ffff:127.0.0.1]", "a loopback address"),
    ("[::ffff:7f00:1]", "a loopback address"),
    ("[0:0:0:0:0:ffff:127.0.0.1]", "a loopback address"),
    ("[::127.0.0.1]", "a loopback address"),
    ("[64:ff9b::127.0.0.1]", "a loopback address"),
    ("[2002:7f00:1::]", "a loopback address"),
    ("0.0.0.0", "an address of this machine"),
    ("0", "an address of this machine"),
    ("0x0", "an address of this machine"),
    ("00", "an address of this machine"),
    ("[::]", "an address of this machine"),
    ("[::ffff:0.0.0.0]", "an address of this machine"),
    ("169.254.169.254", "a link-local address"),
    ("169.254.43518", "a link-local address"),
    ("169.16689662", "a link-local address"),
    ("2852039166", "a link-local address"),
    ("0xa9fea9fe", "a link-local address"),
    ("0xa9.0xfe.0xa9.0xfe", "a link-local address"),
    ("0251.0376.0251.0376", "a link-local address"),
    ("[::ffff:169.254.169.254]", "a link-local address"),
    ("[::ffff:a9fe:a9fe]", "a link-local address"),
    ("[64:ff9b::a9fe:a9fe]", "a link-local address"),
    ("[fe80::a9fe:a9fe]", "a link-local address"),
];

#[tokio::test]
async fn no_spelling_of_this_machine_is_connected_to() {
    let server = Server::plain(|_| answer("200 OK", "", "here")).await;
    let rig = Rig::new();
    let client = bounded(&rig, "");
    for (host, why) in SPELLINGS {
        let url = format!("http://{host}:{}/", server.addr.port());
        let Ok(url) = Url::parse(&url) else {
            panic!("{host} is no host of a URL");
        };
        match client.send(Request::get(url)).await {
            Ok(_) => panic!("{host} was reached"),
            Err(e) if why.is_empty() => assert!(!e.to_string().is_empty()),
            Err(e) => assert!(e.to_string().contains(&format!(" is {why}, which targets")), "{host}: {e}"),
        }
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_does_not_lead_there_either() {
    let inner = Server::plain(|_| answer("200 OK", "", "inner")).await;
    let to = inner.http("/");
    // The first hop is let through by a client without bounds, to see that the second would be reached.
    let outer = Server::plain(move |_| redirect("302 Found", &to)).await;
    let rig = Rig::new();
    assert_eq!(rig.get(&written(""), &outer.http("/")).await.unwrap().body, "inner");
    // With bounds the proxy of the configuration is what would be connected to, and is not.
    let proxied = bounded(&rig, &format!("proxy_url: 'http://{}'", outer.addr));
    let e = reason(proxied.send(Request::get(Url::parse("http://target.example/").unwrap())).await);
    assert!(
        e.starts_with("proxyconnect tcp: dial tcp 127.0.0.1:") && e.contains("is a loopback address"),
        "{e}"
    );
    assert_eq!((outer.asked().len(), inner.asked().len()), (1, 1));
}
