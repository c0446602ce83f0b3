//! One listening address and its connections.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::behaviour::Behaviour;

/// A listening address. Dropping it closes it and its connections.
#[derive(Debug)]
pub(super) struct Listener {
    task: AbortHandle,
    closed: std::sync::mpsc::Receiver<()>,
}

impl Listener {
    /// Answers at `socket`. `certificate` names the files of certificate and key.
    pub(super) fn start(
        runtime: &Runtime,
        socket: TcpListener,
        behaviour: Behaviour,
        certificate: &(PathBuf, PathBuf),
    ) -> anyhow::Result<Listener> {
        let tls = match behaviour {
            Behaviour::Tls(_) | Behaviour::Expired(_) => Some(server_config(certificate)?),
            _ => None,
        };
        socket.set_nonblocking(true)?;
        let _inside = runtime.enter();
        let socket = tokio::net::TcpListener::from_std(socket)?;
        let (send, closed) = std::sync::mpsc::channel();
        let task = runtime.spawn(async move {
            // Locals go in the reverse of this order, and before what was only captured: the word comes last.
            let _told_when_gone = send;
            let socket = socket;
            // Goes with this task, and with it all connections.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = socket.accept().await {
                let (behaviour, tls) = (behaviour.clone(), tls.clone());
                connections.spawn(async move { behaviour.answer(stream, tls).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Listener { task: task.abort_handle(), closed })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
        // The address is free only when the task is gone: its sender goes last.
        let _ = self.closed.recv_timeout(std::time::Duration::from_secs(5));
    }
}

fn server_config((certificate, key): &(PathBuf, PathBuf)) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow::anyhow!("{}: {e}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| anyhow::anyhow!("{}: {e}", key.display()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate cannot be used")?;
    Ok(Arc::new(config))
}
