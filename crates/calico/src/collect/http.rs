//! One HTTP request over any connection: a port-forward, TCP, TLS. Bodies are bounded, time is bounded.

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

/// Sends `GET path` and reads the whole answer.
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
    let exchange = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| words(&e))?;
        let driver = tokio::spawn(connection);
        let mut request =
            Request::get(path).header("host", host).header("user-agent", "tortie").header("accept", "*/*");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
        let answer = sender.send_request(request).await.map_err(|e| words(&e));
        let answer = match answer {
            Ok(a) => a,
            Err(e) => {
                driver.abort();
                return Err(e);
            }
        };
        let status = answer.status().as_u16();
        let header = |name: &str| {
            answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let content_type = header("content-type");
        let body =
            Limited::new(answer.into_body(), MOST).collect().await.map_err(|e| e.to_string())?.to_bytes();
        driver.abort();
        Ok(Reply { status, content_type, body })
    };
    match tokio::time::timeout(limit, exchange).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
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
