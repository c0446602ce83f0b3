//! A small OpenID Connect provider inside a bed: its description, its key, and the endpoint that renews tokens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

use crate::bed::Bed;
use crate::openssl::openssl;

/// Where it answers: what [`crate::Options::openid`] takes.
pub const ADDRESS: &str = "https://10.99.0.1:9444";

/// The refresh token that it takes.
pub const REFRESH: &str = "refresh-me";

/// Tokens that it renews are good for so long.
const HOUR: i64 = 3600;

/// A provider. Its tokens are for the client `tortie`; its certificate is signed by [`Bed::client_authority`]. It answers
/// while the process lives.
#[derive(Debug)]
pub struct Issuer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    key: PathBuf,
    modulus: String,
    renewed: AtomicUsize,
    refuses: AtomicBool,
    /// Forms that were sent to the token's endpoint.
    forms: Mutex<Vec<String>>,
}

impl Issuer {
    /// Starts it at [`ADDRESS`] inside `bed`.
    ///
    /// # Errors
    /// When openssl does not make its keys, or the address is taken.
    pub fn start(bed: &Bed) -> anyhow::Result<Issuer> {
        let key = bed.folder().join("openid-sign.key");
        let to = key.display().to_string();
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &to], b"")?;
        let said = openssl(&["rsa", "-in", &to, "-noout", "-modulus"], b"")?;
        let said = String::from_utf8(said)?;
        let hex = said.trim().strip_prefix("Modulus=").context("openssl prints no modulus")?;
        let bytes: Result<Vec<u8>, _> = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2).unwrap_or(""), 16))
            .collect();
        let shared = Arc::new(Shared {
            key,
            modulus: URL_SAFE_NO_PAD.encode(bytes?),
            renewed: AtomicUsize::new(0),
            refuses: AtomicBool::new(false),
            forms: Mutex::default(),
        });
        let (certificate, private) =
            bed.certificate("openid", "/CN=openid", "subjectAltName=IP:10.99.0.1", 1)?;
        let config = tls(&certificate, &private)?;
        let address = ADDRESS.trim_start_matches("https://").parse()?;
        let listener = bed.namespace().listen(address)?;
        let answering = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (shared, config) = (answering.clone(), config.clone());
                // Whoever hangs up in the middle has no answer.
                std::thread::spawn(move || shared.serve(stream, config));
            }
        });
        Ok(Issuer { shared })
    }

    /// A token for user `name`, good for so many seconds from now on.
    ///
    /// # Errors
    /// When openssl does not sign it.
    pub fn token(&self, name: &str, seconds: i64) -> anyhow::Result<String> {
        self.shared.token(name, seconds)
    }

    /// Whether it refuses to renew from now on.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }

    /// How many tokens it renewed.
    pub fn renewed(&self) -> usize {
        self.shared.renewed.load(Ordering::SeqCst)
    }

    /// The forms that were sent to renew tokens, each after its header `Authorization`.
    pub fn forms(&self) -> Vec<String> {
        self.shared.forms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn tls(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate)?],
            PrivateKeyDer::from_pem_file(key)?,
        )?;
    Ok(Arc::new(config))
}

impl Shared {
    fn token(&self, name: &str, seconds: i64) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": "one"});
        let claims = json!({"iss": ADDRESS, "aud": "tortie", "sub": name, "name": name, "iat": now - HOUR, "exp": now + seconds});
        let text = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let signed = format!("{}.{}", text(&head), text(&claims));
        let key = self.key.display().to_string();
        let signature = openssl(&["dgst", "-sha256", "-sign", &key], signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn serve(&self, mut stream: TcpStream, config: Arc<ServerConfig>) -> anyhow::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut connection = ServerConnection::new(config)?;
        let mut stream = Stream::new(&mut connection, &mut stream);
        let mut asked = String::new();
        let mut buffer = [0; 4096];
        loop {
            let n = stream.read(&mut buffer)?;
            asked.push_str(std::str::from_utf8(buffer.get(..n).unwrap_or_default())?);
            if n == 0 || whole(&asked) {
                break;
            }
        }
        let (status, body) = self.answer(&asked)?;
        let text = body.to_string();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )?;
        stream.flush()?;
        connection.send_close_notify();
        Ok(())
    }

    fn answer(&self, asked: &str) -> anyhow::Result<(&'static str, Value)> {
        let path = asked.split(' ').nth(1).unwrap_or_default();
        Ok(match path {
            "/.well-known/openid-configuration" => (
                "200 OK",
                json!({"issuer": ADDRESS, "authorization_endpoint": format!("{ADDRESS}/auth"),
                    "token_endpoint": format!("{ADDRESS}/token"), "jwks_uri": format!("{ADDRESS}/keys"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"]}),
            ),
            "/keys" => (
                "200 OK",
                json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": self.modulus, "e": "AQAB"}]}),
            ),
            "/token" => self.renew(asked)?,
            _ => ("404 Not Found", json!({"error": "not_found"})),
        })
    }

    fn renew(&self, asked: &str) -> anyhow::Result<(&'static str, Value)> {
        let (head, form) = asked.split_once("\r\n\r\n").unwrap_or_default();
        let authorization = head.lines().find(|l| l.to_lowercase().starts_with("authorization:"));
        let line = format!("{} {form}", authorization.unwrap_or("-"));
        self.forms.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        let known = form.split('&').any(|p| p.strip_prefix("refresh_token=") == Some(REFRESH));
        if self.refuses.load(Ordering::SeqCst) || !known {
            let why = json!({"error": "invalid_grant", "error_description": format!("unknown: {form}")});
            return Ok(("400 Bad Request", why));
        }
        self.renewed.fetch_add(1, Ordering::SeqCst);
        let token = self.token("jane", HOUR)?;
        Ok((
            "200 OK",
            json!({"id_token": token, "access_token": "a", "token_type": "Bearer", "expires_in": HOUR}),
        ))
    }
}

/// Whether a request has all of its body.
fn whole(asked: &str) -> bool {
    let Some((head, body)) = asked.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
