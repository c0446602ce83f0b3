//! Requests through proxies: handed over whole, tunnelled, through SOCKS.

use crate::pki::Pki;
use crate::rig::{Rig, inline, reason, written};
use crate::server::{BOTH, Server, TlsServer, answer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn plain_requests_are_handed_to_it_whole() {
    let proxy = Server::plain(|_| answer("200 OK", "", "by proxy")).await;
    let rig = Rig::new();
    let config = written(&format!(
        "proxy_url: 'http://u:p@{}'\nno_proxy: direct.example\nbasic_auth: {{username: a, password: b}}",
        proxy.addr
    ));
    let got = rig.get(&config, "http://target.example:81/x?y=1").await.unwrap();
    assert_eq!(got.body, "by proxy");
    let asked = &proxy.asked()[0];
    assert!(asked.head.starts_with("GET http://target.example:81/x?y=1 HTTP/1.1\r\n"), "{}", asked.head);
    assert_eq!(asked.header("host"), Some("target.example:81"));
    assert_eq!(
        (asked.header("proxy-authorization"), asked.header("authorization")),
        (Some("Basic dTpw"), Some("Basic YTpi"))
    );
    // Loopback is exempt as soon as there are exemptions.
    let direct = Server::plain(|_| answer("200 OK", "", "direct")).await;
    assert_eq!(rig.get(&config, &direct.http("/")).await.unwrap().body, "direct");
    assert_eq!(direct.asked()[0].header("proxy-authorization"), None);
}

/// A proxy that tunnels; keeps the heads of CONNECT, and refuses with `refusal` when there is one.
async fn tunnel(refusal: Option<&'static str>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut s, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(s.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap().to_owned();
                kept.lock().unwrap().push(head);
                if let Some(refusal) = refusal {
                    let _ = s.write_all(format!("HTTP/1.1 {refusal}\r\n\r\n").as_bytes()).await;
                    return;
                }
                let mut up = TcpStream::connect(to).await.unwrap();
                s.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut s, &mut up).await;
            });
        }
    });
    (addr, heads)
}

async fn target(pki: &Pki) -> Server {
    let pair = pki.leaf("s", &["127.0.0.1"]);
    let tls = TlsServer { pair: &pair, client_ca: None, versions: &BOTH };
    Server::tls(tls, |_| answer("200 OK", "", "fine")).await
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let pki = Pki::new("ours");
    let target = target(&pki).await;
    let (proxy, heads) = tunnel(None).await;
    let mut config = written(&format!(
        "proxy_url: 'http://u:p@{proxy}'\nproxy_connect_header: {{X-Tenant: [one, two]}}\nbasic_auth: {{username: a, password: b}}"
    ));
    config.tls.ca = inline(&pki.ca);
    let rig = Rig::new();
    assert_eq!(rig.get(&config, &target.https("/")).await.unwrap().body, "fine");
    let head = heads.lock().unwrap()[0].clone();
    let a = target.addr;
    assert_eq!(
        head,
        format!(
            "CONNECT {a} HTTP/1.1\r\nHost: {a}\r\nX-Tenant: one\r\nX-Tenant: two\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        )
    );
    let asked = &target.asked()[0];
    assert_eq!(
        (asked.header("authorization"), asked.header("proxy-authorization")),
        (Some("Basic YTpi"), None)
    );

    let (proxy, _) = tunnel(Some("407 Proxy Authentication Required")).await;
    let config = written(&format!("proxy_url: 'http://{proxy}'"));
    assert_eq!(reason(rig.get(&config, &target.https("/")).await), "Proxy Authentication Required");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = written(&format!("proxy_url: 'http://{free}'"));
    let expect = format!("proxyconnect tcp: dial tcp {free}: connect: connection refused");
    assert_eq!(reason(rig.get(&config, &target.https("/")).await), expect);
    assert_eq!(reason(rig.get(&config, "http://x.example/").await), expect);
    let odd = written("proxy_url: 'ftp://x'");
    assert!(reason(rig.get(&odd, "http://x.example/").await).contains("scheme \"ftp\" is not spoken"));
}

#[tokio::test]
async fn a_proxy_may_itself_speak_tls() {
    let pki = Pki::new("ours");
    let target = target(&pki).await;
    let (inner, heads) = tunnel(None).await;
    // TLS before the tunnel.
    let pair = pki.leaf("p", &["127.0.0.1"]);
    let acceptor = crate::server::acceptor(&TlsServer { pair: &pair, client_ca: None, versions: &BOTH });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (s, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut s = acceptor.accept(s).await.unwrap();
                let mut up = TcpStream::connect(inner).await.unwrap();
                let _ = copy_bidirectional(&mut s, &mut up).await;
            });
        }
    });
    let mut config = written(&format!("proxy_url: 'https://{proxy}'"));
    config.tls.ca = inline(&pki.ca);
    assert_eq!(Rig::new().get(&config, &target.https("/")).await.unwrap().body, "fine");
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn socks_with_a_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let target = Server::plain(|_| answer("200 OK", "", "by socks")).await;
    let to = target.addr;
    tokio::spawn(async move {
        for right in [true, false] {
            let (mut s, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4];
            s.read_exact(&mut hello).await.unwrap();
            assert_eq!(hello, [5, 2, 0, 2]);
            s.write_all(&[5, 2]).await.unwrap();
            let mut login = [0; 5];
            s.read_exact(&mut login).await.unwrap();
            assert_eq!(&login, b"\x01\x01u\x01p");
            s.write_all(&[1, u8::from(!right)]).await.unwrap();
            if !right {
                return;
            }
            let mut request = vec![0; 5 + "target.example".len() + 2];
            s.read_exact(&mut request).await.unwrap();
            assert_eq!(&request[..5], &[5, 1, 0, 3, 14]);
            assert_eq!(&request[5..], b"target.example\0\x51");
            s.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            let mut up = TcpStream::connect(to).await.unwrap();
            let _ = copy_bidirectional(&mut s, &mut up).await;
        }
    });
    let rig = Rig::new();
    let config = written(&format!("proxy_url: 'socks5://u:p@{proxy}'"));
    assert_eq!(rig.get(&config, "http://target.example:81/").await.unwrap().body, "by socks");
    assert!(target.asked()[0].head.starts_with("GET / HTTP/1.1\r\n"));
    let e = reason(rig.get(&config, "http://target.example:81/").await);
    assert_eq!(
        e,
        format!("socks connect tcp {proxy}->target.example:81: username/password authentication failed")
    );
}
