//! Opening connections: resolving, proxies, handshakes; what fails is named as Go names it.

use crate::origin::Origin;
use crate::proxy::{Kind, Proxy};
use crate::reach::Reach;
use crate::stream::{Carrier, Stream};
use crate::words::{system_text, tls_text};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tortie_config::Secret;

/// How long one of several addresses may take to answer, so that a dead one does not use up the whole scrape.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Longest handshake, as in Prometheus.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest answer of a proxy to CONNECT, bytes.
const MAX_CONNECT_ANSWER: usize = 16 << 10;

/// Resolves and connects; only to what may be reached.
///
/// # Errors
/// `dial tcp ...`, as Go says it.
pub(crate) async fn tcp(
    host: &str,
    port: u16,
    reach: Option<&Reach>,
) -> Result<(TcpStream, SocketAddr), String> {
    let addresses = resolve(host, port).await?;
    let several = addresses.len() > 1;
    let mut last = format!("dial tcp: lookup {host}: no such host");
    for peer in addresses {
        if let Some(why) = reach.and_then(|r| r.refuses(peer)) {
            last = format!("dial tcp {peer}: refused: {why}");
            continue;
        }
        let connect = TcpStream::connect(peer);
        let opened = if several {
            tokio::time::timeout(ATTEMPT, connect)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        } else {
            connect.await
        };
        match opened {
            Ok(stream) => return Ok((stream, peer)),
            Err(e) if e.kind() == io::ErrorKind::TimedOut => last = format!("dial tcp {peer}: i/o timeout"),
            Err(e) => last = format!("dial tcp {peer}: connect: {}", system_text(&e)),
        }
    }
    Err(last)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    // `%zone` of a link-local address stays with the resolver.
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => Ok(found.collect()),
        Err(e) => Err(format!("dial tcp: lookup {host}: {}", resolver_text(&e))),
    }
}

fn resolver_text(e: &io::Error) -> String {
    let text = system_text(e);
    if text.contains("Name or service not known") || text.contains("No address associated") {
        return "no such host".into();
    }
    text
}

/// Speaks TLS over `stream` with the server `name`.
///
/// # Errors
/// Why there is no TLS, in Go's words.
pub(crate) async fn tls(stream: Stream, config: Arc<ClientConfig>, name: &str) -> Result<Stream, String> {
    let server =
        ServerName::try_from(name.to_owned()).map_err(|_| format!("tls: {name:?} is no name of a server"))?;
    let connect = TlsConnector::from(config).connect(server, Carrier::of(stream)).into_fallible();
    match tokio::time::timeout(HANDSHAKE, connect).await {
        Err(_) => Err("net/http: TLS handshake timeout".to_owned()),
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err((_, carrier))) if carrier.speaks_http() => {
            Err("http: server gave HTTP response to HTTPS client".to_owned())
        }
        Ok(Err((e, _))) if e.kind() == io::ErrorKind::UnexpectedEof => Err("EOF".to_owned()),
        Ok(Err((e, _))) => {
            Err(tls_text(&e).unwrap_or_else(|| format!("read tcp: read: {}", system_text(&e))))
        }
    }
}

/// What a proxy needs to know besides where to.
pub(crate) struct ByProxy<'a> {
    pub(crate) proxy: &'a Proxy,
    /// Headers of CONNECT.
    pub(crate) headers: &'a [(String, Vec<Secret>)],
    /// For TLS to the proxy itself.
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) server_name: Option<&'a str>,
    /// What may be reached, when somebody else named the proxy.
    pub(crate) reach: Option<&'a Reach>,
}

/// A connection to `to` (or to the proxy that requests for it are handed to), not yet encrypted for `to`.
///
/// # Errors
/// `proxyconnect tcp: ...` when the proxy is not there; else what it answered.
pub(crate) async fn by_proxy(by: &ByProxy<'_>, to: &Origin) -> Result<(Stream, SocketAddr), String> {
    let p = by.proxy;
    if let Kind::Unknown(why) = &p.kind {
        return Err(why.clone());
    }
    let (mut tcp, peer) =
        tcp(&p.host, p.port, by.reach).await.map_err(|e| format!("proxyconnect tcp: {e}"))?;
    let mut stream = match p.kind {
        Kind::Socks5 => {
            crate::socks::ask(&mut tcp, p, &to.host, to.port).await?;
            return Ok((Stream::Plain(tcp), peer));
        }
        Kind::Https => tls(Stream::Plain(tcp), Arc::clone(&by.tls), by.server_name.unwrap_or(&p.host))
            .await
            .map_err(|e| format!("proxyconnect tcp: {e}"))?,
        _ => Stream::Plain(tcp),
    };
    if to.https {
        connect(&mut stream, by, to).await?;
    }
    Ok((stream, peer))
}

async fn connect(stream: &mut Stream, by: &ByProxy<'_>, to: &Origin) -> Result<(), String> {
    let authority = to.authority();
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    let mut named = false;
    for (name, values) in by.headers {
        let name = crate::header::checked_name(name)?;
        named |= name.eq_ignore_ascii_case("proxy-authorization");
        for value in values {
            request.push_str(&format!(
                "{name}: {}\r\n",
                crate::credential::checked(name, value.expose().to_owned())?
            ));
        }
    }
    if let Some(value) = by.proxy.authorization().filter(|_| !named) {
        request.push_str(&format!(
            "Proxy-Authorization: {}\r\n",
            crate::credential::checked("Proxy-Authorization", value)?
        ));
    }
    request.push_str("\r\n");
    let io = |e: io::Error| format!("proxyconnect tcp: {}", system_text(&e));
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > MAX_CONNECT_ANSWER {
            return Err("the proxy's answer to CONNECT is too long".to_owned());
        }
        // One by one: what follows the head belongs to the server behind.
        match stream.read_u8().await {
            Ok(b) => answer.push(b),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err("unexpected EOF".to_owned()),
            Err(e) => return Err(io(e)),
        }
    }
    let line = String::from_utf8_lossy(answer.split(|b| *b == b'\r').next().unwrap_or(&[])).into_owned();
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(version), Some("200"), _) if version.starts_with("HTTP/") => Ok(()),
        (Some(version), Some(code), reason) if version.starts_with("HTTP/") => {
            Err(reason.filter(|r| !r.is_empty()).unwrap_or(code).to_owned())
        }
        _ => Err("malformed HTTP response of the proxy to CONNECT".to_owned()),
    }
}
