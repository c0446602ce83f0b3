//! Listeners and connections.

use crate::app::App;
use crate::request_line::Lenient;
use crate::router::router;
use crate::secure::Secure;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Longest time of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Binds one listener for each address, `host:port`; an empty host is all addresses.
///
/// # Errors
/// The address and what to do, when one cannot be bound.
pub async fn bind(addresses: &[String]) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for a in addresses {
        listeners.push(bind_one(a).await.map_err(|e| bind_error(a, &e))?);
    }
    Ok(listeners)
}

async fn bind_one(address: &str) -> io::Result<TcpListener> {
    match address.strip_prefix(':') {
        // As Go: no host means IPv6 and IPv4; where there is no IPv6, IPv4 alone.
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Err(e) if e.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(format!("0.0.0.0:{port}")).await
            }
            r => r,
        },
        None => TcpListener::bind(address).await,
    }
}

fn bind_error(address: &str, e: &io::Error) -> String {
    let hint = match e.kind() {
        io::ErrorKind::AddrInUse => {
            "another process listens there: end it, or choose another with --web.listen-address=127.0.0.1:0 (0 takes a free port)"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need rights: choose a higher one with --web.listen-address"
        }
        _ => "give host:port, for example --web.listen-address=127.0.0.1:9090",
    };
    format!("cannot listen on {address}: {e}\nhint: {hint}")
}

/// Serves until `stop` turns true, then lets running requests end for `drain` at most.
pub async fn serve(app: Arc<App>, listeners: Vec<TcpListener>, stop: watch::Receiver<bool>, drain: Duration) {
    let slots = Arc::new(Semaphore::new(app.options.max_connections.max(1)));
    let mut loops = JoinSet::new();
    for l in listeners {
        loops.spawn(accept(Arc::clone(&app), l, Arc::clone(&slots), stop.clone(), drain));
    }
    while loops.join_next().await.is_some() {}
}

async fn accept(
    app: Arc<App>,
    l: TcpListener,
    slots: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let mut connections = JoinSet::new();
    loop {
        let slot = tokio::select! {
            s = Arc::clone(&slots).acquire_owned() => s,
            _ = stop.wait_for(|s| *s) => break,
        };
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            a = l.accept() => a,
            _ = stop.wait_for(|s| *s) => break,
        };
        match accepted {
            Ok((stream, _peer)) => {
                // Answers are written whole; waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                let app = Arc::clone(&app);
                let stop = stop.clone();
                connections.spawn(async move {
                    connection(app, stream, stop).await;
                    drop(slot);
                });
            }
            Err(e) => {
                tracing::warn!(component = "web", err = %e, "accepting a connection failed");
                // Out of file descriptors heals only when some are closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(l);
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, rest).await.is_err() {
        tracing::warn!(component = "web", "requests were still running at the end and were cut off");
    }
}

/// Speaks TLS first where the server does.
async fn connection(app: Arc<App>, stream: TcpStream, stop: watch::Receiver<bool>) {
    let Some(secure) = app.options.secure.as_ref().filter(|s| s.speaks_tls()) else {
        return requests(app, stream, stop).await;
    };
    match tokio::time::timeout(HANDSHAKE, handshake(secure, stream)).await {
        Ok(Ok(stream)) => Box::pin(requests(app, stream, stop)).await,
        Ok(Err(e)) => tracing::debug!(component = "web", err = e, "TLS handshake error"),
        Err(_) => tracing::debug!(component = "web", "TLS handshake timed out"),
    }
}

async fn handshake(secure: &Secure, mut stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await.map_err(|e| e.to_string())?;
    if seen == 1 && first[0].is_ascii_uppercase() {
        // As Go answers those who forgot the s.
        let text = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        // What was asked is taken first: closing before would take the answer back.
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
        return Err("client sent an HTTP request to an HTTPS server".to_owned());
    }
    let config = secure.tls().inspect_err(|e| {
        tracing::error!(component = "web", err = e.as_str(), "Unable to use the TLS configuration");
    })?;
    TlsAcceptor::from(config).accept(stream).await.map_err(|e| e.to_string())
}

async fn requests<S>(app: Arc<App>, stream: S, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let read_timeout = Duration::from_millis(app.options.read_timeout_ms.max(1));
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, std::convert::Infallible>(router(app, request).await) }
    });
    let conn = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size(64 << 10)
        .serve_connection(Lenient::new(TokioIo::new(stream)), service);
    let mut conn = std::pin::pin!(conn);
    tokio::select! {
        r = conn.as_mut() => {
            if let Err(e) = r {
                tracing::debug!(component = "web", err = %e, "connection ended");
            }
            return;
        }
        _ = stop.wait_for(|s| *s) => {}
    }
    conn.as_mut().graceful_shutdown();
    let _ = conn.await;
}

/// The addresses that were really bound (a port 0 is replaced by the one given).
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|l| l.local_addr().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_used_port_says_what_to_do() {
        let first = bind(&["127.0.0.1:0".into()]).await.unwrap();
        let taken = addresses(&first)[0].to_string();
        let e = bind(std::slice::from_ref(&taken)).await.unwrap_err();
        assert!(e.contains(&taken) && e.contains("hint:") && e.contains("--web.listen-address"), "{e}");
    }
}
