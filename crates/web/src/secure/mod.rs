//! `--web.config.file`: TLS, users and headers of this server, read anew for each connection and request, as
//! Prometheus' exporter-toolkit does.

mod client_cert;
mod handshake;
mod limiter;
mod users;

use crate::reply::{self, Body};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use limiter::Limiter;
use rustls::ServerConfig;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tortie_config::web::WebConfig;
use tortie_host::{Clock, Fs};
use users::Users;

/// The file and what was made of it.
pub struct Secure {
    file: PathBuf,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    /// Whether the listeners speak TLS; as the file said at the start.
    speaks_tls: bool,
    read: Mutex<Option<Read>>,
    made: Mutex<Option<handshake::Made>>,
    limiter: Option<Limiter>,
    users: Users,
}

/// The last content and what it says.
struct Read {
    bytes: Vec<u8>,
    config: Arc<WebConfig>,
}

impl Secure {
    /// Reads and checks the file, certificates included.
    ///
    /// # Errors
    /// What is wrong with it, with places.
    pub fn open(file: PathBuf, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Result<Secure, String> {
        let mut secure = Secure {
            file,
            fs,
            clock,
            speaks_tls: false,
            read: Mutex::default(),
            made: Mutex::default(),
            limiter: None,
            users: Users::default(),
        };
        let config = secure.config()?;
        secure.speaks_tls = config.tls.is_some();
        secure.limiter = config.rate_limit.map(|(burst, every_ns)| Limiter::new(burst, every_ns));
        if secure.speaks_tls {
            secure.tls()?;
        }
        Ok(secure)
    }

    /// Whether the listeners speak TLS.
    pub fn speaks_tls(&self) -> bool {
        self.speaks_tls
    }

    /// What the file says now.
    fn config(&self) -> Result<Arc<WebConfig>, String> {
        let name = self.file.display().to_string();
        let bytes = self
            .fs
            .read(&self.file)
            .map_err(|e| format!("{name}: {e}\nhint: name another file with --web.config.file"))?;
        let mut read = lock(&self.read);
        if let Some(r) = read.as_ref().filter(|r| r.bytes == bytes) {
            return Ok(Arc::clone(&r.config));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| format!("{name}: not UTF-8 at byte {}", e.valid_up_to()))?;
        let config = Arc::new(WebConfig::load(text, &name).map_err(|d| d.to_string())?);
        *read = Some(Read { bytes, config: Arc::clone(&config) });
        Ok(config)
    }

    /// What the next handshake needs.
    ///
    /// # Errors
    /// When the file or a certificate cannot be used any more.
    pub(crate) fn tls(&self) -> Result<Arc<ServerConfig>, String> {
        let config = self.config()?;
        let Some(tls) = &config.tls else { return Err("TLS config is not present".to_owned()) };
        handshake::current(tls, &*self.fs, &self.clock, &mut lock(&self.made))
    }

    /// Judges a request by its headers: what its answer carries besides, or the answer that refuses it.
    pub(crate) async fn admit(
        &self,
        headers: &HeaderMap,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Response<Body>> {
        let config = match self.config() {
            Ok(config) => config,
            Err(e) => {
                tracing::error!(component = "web", err = e, "Unable to parse configuration");
                return Err(plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"));
            }
        };
        if self.limiter.as_ref().is_some_and(|l| !l.allows(self.clock.monotonic_ns())) {
            return Err(plain(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n"));
        }
        let extra: Vec<(HeaderName, HeaderValue)> =
            config.headers.iter().filter_map(|(n, v)| Some((n.parse().ok()?, v.parse().ok()?))).collect();
        if config.users.is_empty() {
            return Ok(extra);
        }
        let shown = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        if let Some((user, password)) = shown.and_then(users::of_header)
            && self.users.knows(&config.users, &user, &password).await
        {
            return Ok(extra);
        }
        let mut refused = plain(StatusCode::UNAUTHORIZED, "Unauthorized\n");
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        refused.headers_mut().extend(extra);
        Err(refused)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    reply::text(status, text)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
