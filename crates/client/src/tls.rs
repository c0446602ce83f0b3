//! `tls_config` to what a handshake needs, made anew when a file's content changes.

use crate::credential::{description, read};
use crate::provider::crypto_provider;
use crate::roots::Roots;
use crate::verify::Verifier;
use crate::words::tls_error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, SupportedProtocolVersion};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tortie_config::http_client::{Source, TlsConfig, TlsVersion};
use tortie_host::{Clock, Fs};

/// How long what was read of files counts without looking again, nanoseconds.
const LOOK_AGAIN_NS: u64 = 1_000_000_000;

/// The settings of one configuration and what was made of them.
pub(crate) struct Tls {
    config: TlsConfig,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    /// Whether any of it is a file.
    changes: bool,
    /// `None` until it is first needed, where there is nothing to check before: the authorities of the system take
    /// memory, and most configurations speak no TLS.
    made: RwLock<Option<Made>>,
}

/// What a handshake needs.
#[derive(Clone)]
pub(crate) struct Handshake {
    /// With the client's certificate.
    pub(crate) own: Arc<ClientConfig>,
    /// Without it, for hosts that it was not given for.
    pub(crate) foreign: Arc<ClientConfig>,
    /// Grows when files change: connections of before are given up.
    pub(crate) generation: u64,
}

struct Made {
    texts: Texts,
    looked_ns: u64,
    handshake: Handshake,
}

#[derive(PartialEq, Eq, Default)]
struct Texts {
    ca: String,
    cert: String,
    key: String,
}

impl Tls {
    /// Reads all files once.
    ///
    /// # Errors
    /// When a file cannot be read, or what it holds cannot be used; in Go's words.
    pub(crate) fn new(config: &TlsConfig, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Result<Tls, String> {
        versions(config)?;
        let sources = [&config.ca, &config.cert, &config.key];
        let changes = sources.iter().any(|s| matches!(s, Source::File(_)));
        let made = if sources.iter().all(|s| s.is_empty()) {
            None
        } else {
            let texts = texts(config, &*fs)?;
            let handshake = handshake(config, &texts, &clock, 0)?;
            Some(Made { texts, looked_ns: clock.monotonic_ns(), handshake })
        };
        Ok(Tls { config: config.clone(), fs, clock, changes, made: RwLock::new(made) })
    }

    /// What the files say now; they are looked at once a second at most.
    ///
    /// # Errors
    /// As [`Tls::new`].
    pub(crate) fn current(&self) -> Result<Handshake, String> {
        let now = self.clock.monotonic_ns();
        {
            let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(m) = made.as_ref()
                && (!self.changes || now.saturating_sub(m.looked_ns) < LOOK_AGAIN_NS)
            {
                return Ok(m.handshake.clone());
            }
        }
        let texts = texts(&self.config, &*self.fs)?;
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        let generation = made.as_ref().map_or(0, |m| m.handshake.generation + 1);
        match made.as_mut().filter(|m| m.texts == texts) {
            Some(m) => {
                m.looked_ns = now;
                Ok(m.handshake.clone())
            }
            None => {
                let handshake = handshake(&self.config, &texts, &self.clock, generation)?;
                *made = Some(Made { texts, looked_ns: now, handshake: handshake.clone() });
                Ok(handshake)
            }
        }
    }

    /// `server_name`, when it was given.
    pub(crate) fn server_name(&self) -> Option<&str> {
        Some(self.config.server_name.as_str()).filter(|n| !n.is_empty())
    }
}

fn texts(config: &TlsConfig, fs: &dyn Fs) -> Result<Texts, String> {
    let part =
        |source: &Source, what: &str| read(source, fs).map_err(|e| format!("unable to read {what}: {e}"));
    Ok(Texts {
        ca: part(&config.ca, "CA cert")?,
        cert: part(&config.cert, "specified client cert")?,
        key: part(&config.key, "specified client key")?,
    })
}

fn handshake(
    config: &TlsConfig,
    texts: &Texts,
    clock: &Arc<dyn Clock>,
    generation: u64,
) -> Result<Handshake, String> {
    let roots = if config.ca.is_empty() {
        Roots::of_system()
    } else {
        Roots::from_pem(&texts.ca)
            .ok_or_else(|| format!("unable to use specified CA cert {}", description(&config.ca)))?
    };
    let provider = crypto_provider();
    let verifier = Arc::new(Verifier::new(roots, config.insecure_skip_verify, Arc::clone(&provider)));
    let time = Arc::new(Time::new(clock));
    let base = ClientConfig::builder_with_details(Arc::clone(&provider), time)
        .with_protocol_versions(&versions(config)?)
        .map_err(|e| tls_error(&e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let http1 = |mut c: ClientConfig| {
        c.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(c)
    };
    let foreign = http1(base.clone().with_no_client_auth());
    let own = if config.cert.is_empty() {
        Arc::clone(&foreign)
    } else {
        let pair = certified(&texts.cert, &texts.key).map_err(|e| {
            let (cert, key) = (description(&config.cert), description(&config.key));
            format!("unable to use specified client cert ({cert}) & key ({key}): {e}")
        })?;
        http1(base.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair))))
    };
    Ok(Handshake { own, foreign, generation })
}

/// A certificate chain and its key, both in PEM.
///
/// # Errors
/// As Go's `tls.X509KeyPair` says.
pub fn certified(cert: &str, key: &str) -> Result<CertifiedKey, String> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(cert.as_bytes()).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err("tls: failed to find any PEM data in certificate input".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| "tls: failed to find any PEM data in key input".to_owned())?;
    let key = crypto_provider()
        .key_provider
        .load_private_key(key)
        .map_err(|_| "tls: failed to parse private key".to_owned())?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err("tls: private key does not match public key".to_owned())
        }
        Err(e) => Err(tls_error(&e)),
    }
}

fn versions(config: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let (min, max) =
        (config.min_version.unwrap_or(TlsVersion::Tls12), config.max_version.unwrap_or(TlsVersion::Tls13));
    let spoken = [(TlsVersion::Tls12, &rustls::version::TLS12), (TlsVersion::Tls13, &rustls::version::TLS13)];
    let wanted: Vec<_> = spoken.iter().filter(|(v, _)| (min..=max).contains(v)).map(|(_, s)| *s).collect();
    if wanted.is_empty() {
        return Err(format!(
            "tls_config allows no version that is spoken here (from {} to {}); hint: TLS12 and TLS13 are",
            min.as_str(),
            max.as_str()
        ));
    }
    Ok(wanted)
}

/// The time that certificates are judged by.
pub struct Time(Arc<dyn Clock>);

impl Time {
    /// The time of a clock.
    pub fn new(clock: &Arc<dyn Clock>) -> Time {
        Time(Arc::clone(clock))
    }
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

impl rustls::time_provider::TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.now_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}
