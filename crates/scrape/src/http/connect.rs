//! Opening connections, and naming what went wrong with them as Go does.

use crate::failure::system_text;
use crate::target::TargetUrl;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// A connection to one authority.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    authority: Box<str>,
    peer: SocketAddr,
}

/// How long one of several addresses may take to answer, so that a dead one does not use up the whole scrape.
const ATTEMPT: Duration = Duration::from_secs(2);

impl Connection {
    /// Resolves and connects.
    pub(super) async fn open(url: &TargetUrl) -> Result<Connection, String> {
        let (host, port) = url.host_and_port().map_err(|e| format!("dial tcp: {e}"))?;
        let addresses = resolve(host, port).await?;
        let several = addresses.len() > 1;
        let mut last = format!("dial tcp: lookup {host}: no such host");
        for peer in addresses {
            let connect = TcpStream::connect(peer);
            let opened = if several {
                tokio::time::timeout(ATTEMPT, connect)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            } else {
                connect.await
            };
            match opened {
                Ok(stream) => return Ok(Connection { stream, authority: url.authority().into(), peer }),
                Err(e) if e.kind() == io::ErrorKind::TimedOut => {
                    last = format!("dial tcp {peer}: i/o timeout")
                }
                Err(e) => last = format!("dial tcp {peer}: connect: {}", system_text(&e)),
            }
        }
        Err(last)
    }

    /// Whether this connection leads to `authority`.
    pub(super) fn serves(&self, authority: &str) -> bool {
        *self.authority == *authority
    }

    /// An error of reading or writing, with both addresses.
    pub(super) fn error(&self, what: &str, e: &io::Error) -> String {
        let from = self.stream.local_addr().map_or_else(|_| "?".to_owned(), |a| a.to_string());
        format!("{what} tcp {from}->{}: {what}: {}", self.peer, system_text(e))
    }
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
