//! Port-forwarding: a connection to a port of a pod, made by its kubelet, so that no network policy stands in its way.

use super::error::ReadError;
use super::{Cluster, chain};
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
/// as HTTP does, and bound its wait.
pub struct Forward {
    stream: DuplexStream,
    forwarder: Portforwarder,
    port: u16,
}

impl Forward {
    /// Why the other side ended the connection, such as a port on which nothing listens. To be asked after the
    /// connection has ended; `None` when there is no reason.
    pub async fn failure(&mut self) -> Option<String> {
        self.forwarder.take_error(self.port)?.await
    }
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
        Pin::new(&mut self.stream).poll_read(cx, buf)
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
    /// As [`ReadError`] says. That nothing listens on the port is known only when the connection is used:
    /// [`Forward::failure`].
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
        match forwarder.take_stream(port) {
            Some(stream) => Ok(Forward { stream, forwarder, port }),
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
