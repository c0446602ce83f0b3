//! HTTP requests over any connection: a port-forward, TCP, TLS. Bodies are bounded, time is bounded.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Largest body that is read, in bytes.
const MOST: usize = 64 << 20;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// The header `content-type`; empty when absent.
    pub(super) content_type: String,
    /// The body.
    pub(super) body: Bytes,
}

/// A connection that carries one request after the other.
pub(super) struct Line {
    sender: hyper::client::conn::http1::SendRequest<Empty<Bytes>>,
    driver: tokio::task::JoinHandle<Result<(), hyper::Error>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    /// Speaks HTTP over `stream`.
    ///
    /// # Errors
    /// The network's own words.
    pub(super) async fn open<S>(stream: S) -> Result<Line, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| words(&e))?;
        Ok(Line { sender, driver: tokio::spawn(connection) })
    }

    /// Sends `GET path` and reads the whole answer. After an error the connection is of no more use.
    ///
    /// # Errors
    /// The network's own words, or that the time ran out.
    pub(super) async fn get(
        &mut self,
        host: &str,
        path: &str,
        authorization: Option<&str>,
        limit: Duration,
    ) -> Result<Reply, String> {
        let exchange = async {
            self.sender.ready().await.map_err(|e| words(&e))?;
            let mut request = Request::get(path)
                .header("host", host)
                .header("user-agent", "tortie")
                .header("accept", "*/*");
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            let request = request.body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
            let answer = self.sender.send_request(request).await.map_err(|e| words(&e))?;
            let status = answer.status().as_u16();
            let content_type = answer.headers().get("content-type").and_then(|v| v.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            let body =
                Limited::new(answer.into_body(), MOST).collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok(Reply { status, content_type, body })
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        }
    }
}

/// Sends one request over a connection of its own.
///
/// # Errors
/// The network's own words, or that the time ran out.
pub(super) async fn get<S>(
    stream: S,
    host: &str,
    path: &str,
    authorization: Option<&str>,
    limit: Duration,
) -> Result<Reply, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Line::open(stream).await?.get(host, path, authorization, limit).await
}

/// The innermost cause: hyper's own words hide it.
fn words(e: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = e;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.contains("connection closed before message completed") { "EOF".to_owned() } else { text }
}
