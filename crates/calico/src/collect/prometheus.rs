//! Ways to a Prometheus: a port-forward to its pod, the API server's proxy, or an address with credentials and TLS.

use crate::collect::http::{self, Form, Line, Reply};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tortie_cluster::client::{Cluster, ReadError, pod_proxy_path};
use tortie_config::Secret;

/// A Prometheus, or another server that speaks HTTP, given by its address.
#[derive(Debug, Clone)]
pub struct PrometheusAddress {
    /// `http://host:9090/prefix`, or https.
    pub url: String,
    /// User and password of basic authentication.
    pub basic: Option<(String, Secret)>,
    /// A bearer token.
    pub bearer: Option<Secret>,
    /// PEM of authorities to trust beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// Whether any certificate is taken.
    pub insecure: bool,
}

impl PrometheusAddress {
    /// The address without what stands before the `@`.
    pub(super) fn shown(&self) -> String {
        without_user(&self.url)
    }
}

/// The right that a way lacks, once it was tried.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<std::sync::Mutex<Option<ReadError>>>);

impl Refused {
    /// The words of an error, kept when it is a refusal of rights.
    fn said(&self, e: &ReadError) -> String {
        if e.missing_right().is_some() {
            *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(e.clone());
        }
        e.to_string().lines().next().unwrap_or_default().to_owned()
    }
}

/// A way that works, or is to be tried.
#[derive(Clone)]
pub(super) enum Way {
    /// Into the pod through the kubelet: no policy is in the way.
    Forward {
        cluster: Cluster,
        namespace: String,
        pod: String,
        port: u16,
        prefix: String,
        /// The forward in use. One carries all requests: each costs the kubelet a process or a connection, and the server
        /// behind it one of those that it takes at once.
        line: Arc<Mutex<Option<Line>>>,
        refused: Refused,
    },
    /// From the API server to the pod's address.
    Proxy { cluster: Cluster, namespace: String, pod: String, port: u16, prefix: String, refused: Refused },
    /// An address.
    Address(Arc<PrometheusAddress>),
}

impl Way {
    /// The words in the report.
    pub(super) fn words(&self) -> String {
        match self {
            Way::Forward { .. } => "port-forward".to_owned(),
            Way::Proxy { .. } => "API server's proxy".to_owned(),
            Way::Address(a) => without_user(&a.url),
        }
    }

    /// The right that it lacks, when it was tried and refused.
    pub(super) fn refused(&self) -> Option<ReadError> {
        match self {
            Way::Forward { refused, .. } | Way::Proxy { refused, .. } => {
                refused.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
            }
            Way::Address(_) => None,
        }
    }

    /// Asks for a path (`/api/v1/...`).
    ///
    /// # Errors
    /// Why there is no answer, in words; a refusal of rights names the right.
    pub(super) async fn get(&self, path: &str, limit: Duration) -> Result<Reply, String> {
        match self {
            Way::Forward { cluster, namespace, pod, port, prefix, line, refused } => {
                let (host, path) = (format!("localhost:{port}"), format!("{prefix}{path}"));
                let mut line = line.lock().await;
                if let Some(mut open) = line.take() {
                    // A forward that was idle may have ended; then a new one is made.
                    if let Ok(reply) = open.get(&host, &path, None, Form::Packed, limit).await {
                        *line = Some(open);
                        return Ok(reply);
                    }
                }
                let stream =
                    cluster.port_forward(namespace, pod, *port).await.map_err(|e| refused.said(&e))?;
                let mut open = Line::open(stream).await?;
                let reply = open.get(&host, &path, None, Form::Packed, limit).await?;
                *line = Some(open);
                Ok(reply)
            }
            Way::Proxy { cluster, namespace, pod, port, prefix, refused } => {
                let at = pod_proxy_path(namespace, pod, *port, &format!("{prefix}{path}"));
                let answer = cluster.proxy_get(&at).await.map_err(|e| refused.said(&e))?;
                Ok(Reply::plain(answer.status, answer.content_type, answer.body))
            }
            Way::Address(address) => ask(address, path, limit).await,
        }
    }
}

/// An address without what stands before the `@`.
fn without_user(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
            let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
            if path.is_empty() { format!("{scheme}://{host}") } else { format!("{scheme}://{host}/{path}") }
        }
        None => url.to_owned(),
    }
}

/// Asks an address.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn ask(address: &PrometheusAddress, path: &str, limit: Duration) -> Result<Reply, String> {
    let uri: hyper::Uri = address.url.parse().map_err(|e| format!("{}: {e}", without_user(&address.url)))?;
    let host = uri.host().ok_or_else(|| format!("{}: no host", without_user(&address.url)))?.to_owned();
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        other => return Err(format!("scheme {} is not http or https", other.unwrap_or("(none)"))),
    };
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let at = format!("{}{path}", uri.path().trim_end_matches('/'));
    let authorization = authorization(address);
    let connect = tokio::time::timeout(limit, TcpStream::connect((bare, port)));
    let tcp = connect.await.map_err(|_| format!("no answer within {} s", limit.as_secs()))?;
    let tcp = tcp.map_err(|e| e.to_string())?;
    let name = format!("{host}:{port}");
    if !https {
        return http::get(tcp, &name, &at, authorization.as_deref(), Form::Packed, limit).await;
    }
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls(address)?));
    let server = ServerName::try_from(bare.to_owned()).map_err(|e| e.to_string())?;
    let handshake = tokio::time::timeout(limit, connector.connect(server, tcp)).await;
    let stream = handshake.map_err(|_| format!("no TLS answer within {} s", limit.as_secs()))?;
    http::get(stream.map_err(|e| e.to_string())?, &name, &at, authorization.as_deref(), Form::Packed, limit)
        .await
}

fn authorization(address: &PrometheusAddress) -> Option<String> {
    use base64::Engine;
    if let Some((user, password)) = &address.basic {
        let pair = format!("{user}:{}", password.expose());
        return Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)));
    }
    address.bearer.as_ref().map(|t| format!("Bearer {}", t.expose()))
}

fn tls(address: &PrometheusAddress) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    if address.insecure {
        let verifier = Arc::new(AnyCertificate(provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &address.authorities {
        for cert in CertificateDer::pem_slice_iter(pem) {
            let cert = cert.map_err(|e| format!("the certificate authorities cannot be read: {e}"))?;
            roots.add(cert).map_err(|e| e.to_string())?;
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// For `--prom-insecure`: any certificate is taken, signatures are still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn credentials_in_an_address_are_not_shown() {
        #[track_caller]
        fn check(url: &str, expect: &str) {
            assert_eq!(without_user(url), expect);
        }
        check("https://u:secret@prom.example:9090/x", "https://prom.example:9090/x");
        check("http://prom:9090", "http://prom:9090");
    }
}
