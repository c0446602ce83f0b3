//! A scripted HTTP server, with or without TLS: says what a test wants and keeps what it was asked.
#![allow(dead_code)] // not every test binary that includes this file needs all of it

use crate::pki::Pair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: String,
    /// Number of its connection.
    pub(crate) connection: usize,
    /// DER of the client's certificate.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Asked {
    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("")
    }

    /// Values of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            let (n, v) = l.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(v)
        })
    }
}

type Script = Arc<dyn Fn(&Asked) -> String + Send + Sync>;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// An answer with a counted body and further header lines.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A redirect.
pub(crate) fn redirect(status: &str, to: &str) -> String {
    answer(status, &format!("Location: {to}\r\n"), "")
}

/// TLS 1.2 and 1.3.
pub(crate) static BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// How a server speaks TLS.
pub(crate) struct TlsServer<'a> {
    pub(crate) pair: &'a Pair,
    /// Authority that must have signed the client's certificate.
    pub(crate) client_ca: Option<&'a str>,
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
}

impl TlsServer<'_> {
    fn config(&self) -> ServerConfig {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(self.pair.cert.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(self.pair.key.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(tortie_client::crypto_provider())
            .with_protocol_versions(self.versions)
            .unwrap();
        let builder = match self.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    tortie_client::crypto_provider(),
                );
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// What accepts TLS before something else.
pub(crate) fn acceptor(tls: &TlsServer<'_>) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(tls.config()))
}

impl Server {
    pub(crate) async fn plain(script: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Server {
        Server::start(None, Arc::new(script)).await
    }

    #[allow(clippy::needless_pass_by_value)] // made for this call
    pub(crate) async fn tls(
        tls: TlsServer<'_>,
        script: impl Fn(&Asked) -> String + Send + Sync + 'static,
    ) -> Server {
        Server::start(Some(acceptor(&tls)), Arc::new(script)).await
    }

    /// Writes the same to everyone at once, whatever is asked, and goes on listening.
    pub(crate) async fn raw(reply: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // What was asked is read first: closing before would reset the connection.
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(reply.as_bytes()).await;
                });
            }
        });
        Server { addr, asked: Arc::default() }
    }

    async fn start(tls: Option<TlsAcceptor>, script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            for connection in 1.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (tls, kept, script) = (tls.clone(), Arc::clone(&kept), Arc::clone(&script));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, connection, None, kept, script).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let shown = stream.get_ref().1.peer_certificates();
                            let certificate = shown.and_then(|c| c.first()).map(|c| c.to_vec());
                            serve(stream, connection, certificate, kept, script).await;
                        }
                    }
                });
            }
        });
        Server { addr, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.addr)
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    certificate: Option<Vec<u8>>,
    kept: Arc<Mutex<Vec<Asked>>>,
    script: Script,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(b) => head.push(b),
                Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut asked = Asked { head, body: String::new(), connection, certificate: certificate.clone() };
        let len = asked.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        let mut body = vec![0; len];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        asked.body = String::from_utf8_lossy(&body).into_owned();
        let reply = script(&asked);
        kept.lock().unwrap().push(asked);
        if stream.write_all(reply.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if reply.contains("Connection: close") {
            return;
        }
    }
}
