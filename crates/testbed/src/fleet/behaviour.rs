//! How a listening address answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How an address answers each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// As the simulated process at this address does.
    Relay(SocketAddr),
    /// The same behind TLS.
    Tls(SocketAddr),
    /// Not at all.
    Silent,
    /// As the simulated process, but each request so much later.
    Slow(Duration, SocketAddr),
    /// The same behind TLS whose certificate is of yesterday.
    Expired(SocketAddr),
    /// With this text to whatever is asked.
    Fixed(String),
}

impl Behaviour {
    pub(super) async fn answer(
        &self,
        mut stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
    ) -> std::io::Result<()> {
        match self {
            Behaviour::Relay(to) => relay(stream, *to).await,
            Behaviour::Tls(to) | Behaviour::Expired(to) => {
                let Some(config) = tls else { return Ok(()) };
                let stream = TlsAcceptor::from(config).accept(stream).await?;
                relay(stream, *to).await
            }
            Behaviour::Silent => {
                std::future::pending::<()>().await;
                Ok(())
            }
            Behaviour::Slow(late, to) => {
                let Some(request) = request(&mut stream).await? else { return Ok(()) };
                tokio::time::sleep(*late).await;
                // One request a connection: the next one comes late as well.
                let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                let mut upstream = TcpStream::connect(to).await?;
                upstream.write_all(request.as_bytes()).await?;
                tokio::io::copy(&mut upstream, &mut stream).await?;
                stream.shutdown().await
            }
            Behaviour::Fixed(text) => {
                if request(&mut stream).await?.is_none() {
                    return Ok(());
                }
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await
            }
        }
    }
}

/// The head of a request; none when the connection ends before.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = vec![0; 4096];
    let mut n = 0;
    while n < request.len() && !request.get(..n).is_some_and(|r| r.ends_with(b"\r\n\r\n")) {
        match stream.read(request.get_mut(n..).unwrap_or_default()).await? {
            0 => return Ok(None),
            read => n += read,
        }
    }
    request.truncate(n);
    Ok(Some(String::from_utf8_lossy(&request).into_owned()))
}

async fn relay<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, to: SocketAddr) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(to).await?;
    upstream.set_nodelay(true)?;
    copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}
