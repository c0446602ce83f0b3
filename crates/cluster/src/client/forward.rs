//! Port-forwarding: a connection to a port of a pod, made by its kubelet, so that no network policy stands in its way.

use super::error::ReadError;
use super::{Cluster, chain};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::timeout;

/// A connection to a port of a pod. It ends when it is dropped.
///
/// The protocol below does not tell that the pod closed its side: a reader must know from the content where an answer ends,
/// as HTTP does, and bound its wait. What the kubelet says when it cannot go on, such as that nothing listens on the port,
/// ends a read with these words.
pub struct Forward {
    stream: DuplexStream,
    forwarder: Portforwarder,
    /// The kubelet's words; gone when they came, or when none will.
    words: Option<BoxFuture<'static, Option<String>>>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl AsyncRead for Forward {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // What was sent before comes first.
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            return Poll::Ready(read);
        }
        let Some(words) = &mut this.words else { return Poll::Pending };
        match words.poll_unpin(cx) {
            Poll::Ready(said) => {
                this.words = None;
                match said {
                    Some(text) => Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, text))),
                    // The connection as a whole is over: the stream ends by itself.
                    None => Poll::Pending,
                }
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Forward {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Cluster {
    /// Opens a connection to a port of a pod. Needs `get` and `create` on `pods/portforward`.
    ///
    /// # Errors
    /// As [`ReadError`] says. That nothing listens on the port is known only when the connection is used.
    pub async fn port_forward(&self, namespace: &str, pod: &str, port: u16) -> Result<Forward, ReadError> {
        let limit = self.inner.request_timeout;
        let what = || format!("port-forward to pod {namespace}/{pod}");
        let api: Api<Pod> = Api::namespaced(self.inner.client.clone(), namespace);
        let forwarder = timeout(limit, api.portforward(pod, &[port])).await;
        let mut forwarder = match forwarder {
            Err(_) => return Err(ReadError::Timeout { what: what(), after: limit }),
            Ok(Err(e)) => return Err(self.refused(e, namespace, pod)),
            Ok(Ok(forwarder)) => forwarder,
        };
        let words = forwarder.take_error(port).map(FutureExt::boxed);
        match forwarder.take_stream(port) {
            Some(stream) => Ok(Forward { stream, forwarder, words }),
            None => Err(ReadError::Malformed { what: what(), message: "it has no stream".to_owned() }),
        }
    }

    fn refused(&self, e: kube::Error, namespace: &str, pod: &str) -> ReadError {
        use kube::client::UpgradeConnectionError::ProtocolSwitch;
        let by_status = |status: u16, message: String| match status {
            401 => ReadError::Unauthorized,
            403 => {
                let verb = if message.contains(" cannot create ") { "create" } else { "get" };
                ReadError::Forbidden {
                    verb: verb.to_owned(),
                    resource: "pods/portforward".to_owned(),
                    namespace: Some(namespace.to_owned()),
                    user: String::new(),
                }
            }
            404 => ReadError::NotFound { what: format!("pod {namespace}/{pod}"), served: true },
            _ => ReadError::Other { status, message },
        };
        match e {
            kube::Error::Api(status) => by_status(status.code, status.message.clone()),
            kube::Error::UpgradeConnection(ProtocolSwitch(code)) => {
                by_status(code.as_u16(), "the server does not forward ports over WebSocket".to_owned())
            }
            e => ReadError::Unreachable(chain::connect_error(&e, &self.inner.server)),
        }
    }
}
