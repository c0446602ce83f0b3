//! An Alertmanager that takes alerts as the real one does, counts them, and tells nobody.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;

use crate::SimError;

/// Longest body that is read, in bytes.
const MOST: usize = 4 << 20;

/// A listening Alertmanager. Dropping it ends it.
#[derive(Debug)]
pub struct Alertmanager {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Alertmanager {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Alertmanager, SimError> {
        let wrong = |source| SimError::Listen { target: "Alertmanager".into(), source };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let (taken, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        tokio::spawn(accept(listener, taken.clone(), stop.clone()));
        Ok(Alertmanager { address, taken, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many alerts it was sent, one that is sent again counted again.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: tokio::net::TcpListener, taken: Arc<AtomicUsize>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (taken, stop) = (taken.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| serve(request, taken.clone()));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away is none of our business.
            tokio::select! {
                () = stop.cancelled() => {}
                _ = connection => {}
            }
        });
    }
}

async fn serve(
    request: Request<Incoming>,
    taken: Arc<AtomicUsize>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let status = match (head.method, head.uri.path()) {
        (Method::POST, "/api/v2/alerts") => {
            let body = Limited::new(body, MOST).collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            match serde_json::from_slice::<Vec<serde_json::Value>>(&body) {
                Ok(alerts) => {
                    taken.fetch_add(alerts.len(), Ordering::Relaxed);
                    StatusCode::OK
                }
                Err(_) => StatusCode::BAD_REQUEST,
            }
        }
        (_, "/api/v2/alerts") => StatusCode::METHOD_NOT_ALLOWED,
        (Method::GET, "/-/ready" | "/-/healthy") => StatusCode::OK,
        _ => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    Ok(response)
}
