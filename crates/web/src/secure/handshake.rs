//! `tls_server_config` to what a handshake needs, made anew when the file or what it names changes.

use super::client_cert::ClientVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::path::Path;
use std::sync::Arc;
use tortie_client::server_side::{Time, certified};
use tortie_config::http_client::{Source, TlsVersion};
use tortie_config::web::{ClientAuth, WebTls};
use tortie_host::{Clock, Fs};

/// What was made, and of what.
pub(super) struct Made {
    tls: WebTls,
    texts: [String; 3],
    config: Arc<ServerConfig>,
}

/// What the next handshake needs; the last one's when nothing has changed.
///
/// # Errors
/// When a file cannot be read, or what it holds cannot be used.
pub(super) fn current(
    tls: &WebTls,
    fs: &dyn Fs,
    clock: &Arc<dyn Clock>,
    made: &mut Option<Made>,
) -> Result<Arc<ServerConfig>, String> {
    let texts =
        [text("cert", &tls.cert, fs)?, text("key", &tls.key, fs)?, text("client_ca", &tls.client_ca, fs)?];
    if let Some(m) = made.as_ref().filter(|m| m.tls == *tls && m.texts == texts) {
        return Ok(Arc::clone(&m.config));
    }
    let config = Arc::new(build(tls, &texts, clock)?);
    *made = Some(Made { tls: tls.clone(), texts, config: Arc::clone(&config) });
    Ok(config)
}

fn text(key: &str, source: &Source, fs: &dyn Fs) -> Result<String, String> {
    match source {
        Source::Empty => Ok(String::new()),
        Source::Inline(secret) => Ok(secret.expose().to_owned()),
        Source::File(path) => match fs.read(Path::new(path)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => {
                Err(format!("failed to read {key}_file ({path}): {}", tortie_client::open_text(path, &e)))
            }
        },
    }
}

fn build(tls: &WebTls, texts: &[String; 3], clock: &Arc<dyn Clock>) -> Result<ServerConfig, String> {
    let [cert, key, client_ca] = texts;
    let pair = certified(cert, key).map_err(|e| format!("failed to load X509KeyPair: {e}"))?;
    let provider = Arc::new(provider(tls));
    let builder = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(Time::new(clock)))
        .with_protocol_versions(&versions(tls)?)
        .map_err(|e| e.to_string())?;
    let builder = match tls.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        auth => {
            let verifier = ClientVerifier::new(auth, client_ca, tls.client_allowed_sans.clone(), provider)?;
            builder.with_client_cert_verifier(Arc::new(verifier))
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would keep what was judged by files that have changed since.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The cryptography less what the file leaves out. Suites of TLS 1.3 are always there, as in Go.
fn provider(tls: &WebTls) -> CryptoProvider {
    let mut p = (*tortie_client::crypto_provider()).clone();
    if !tls.cipher_suites.is_empty() {
        p.cipher_suites.retain(|s| {
            let name = format!("{:?}", s.suite());
            name.starts_with("TLS13_") || tls.cipher_suites.contains(&name)
        });
    }
    if !tls.curves.is_empty() {
        p.kx_groups.retain(|g| {
            let name = match g.name() {
                rustls::NamedGroup::X25519 => "X25519",
                rustls::NamedGroup::secp256r1 => "CurveP256",
                rustls::NamedGroup::secp384r1 => "CurveP384",
                _ => "",
            };
            tls.curves.iter().any(|c| c == name)
        });
    }
    p
}

fn versions(tls: &WebTls) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let range = tls.min_version.unwrap_or(TlsVersion::Tls12)..=tls.max_version.unwrap_or(TlsVersion::Tls13);
    let spoken = [(TlsVersion::Tls12, &rustls::version::TLS12), (TlsVersion::Tls13, &rustls::version::TLS13)];
    let wanted: Vec<_> = spoken.iter().filter(|(v, _)| range.contains(v)).map(|(_, s)| *s).collect();
    if wanted.is_empty() {
        return Err("tls_server_config: no version from min_version to max_version is spoken here; hint: TLS12 and TLS13 are".to_owned());
    }
    Ok(wanted)
}
