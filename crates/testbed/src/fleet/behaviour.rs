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
    /// As the simulated process, but so much later.
    Slow(Duration, SocketAddr),
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
            Behaviour::Tls(to) => {
                let Some(config) = tls else { return Ok(()) };
                let stream = TlsAcceptor::from(config).accept(stream).await?;
                relay(stream, *to).await
            }
            Behaviour::Silent => {
                std::future::pending::<()>().await;
                Ok(())
            }
            Behaviour::Slow(late, to) => {
                tokio::time::sleep(*late).await;
                relay(stream, *to).await
            }
            Behaviour::Fixed(text) => {
                let mut request = vec![0; 4096];
                let mut n = 0;
                while n < request.len() && !request.get(..n).is_some_and(|r| r.ends_with(b"\r\n\r\n")) {
                    match stream.read(request.get_mut(n..).unwrap_or_default()).await? {
                        0 => return Ok(()),
                        read => n += read,
                    }
                }
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await
            }
        }
    }
}

async fn relay<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, to: SocketAddr) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(to).await?;
    upstream.set_nodelay(true)?;
    copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}
