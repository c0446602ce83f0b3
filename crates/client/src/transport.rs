//! What one configuration makes: connections, and the headers that requests carry.

use crate::credential::{basic, checked, read};
use crate::dial::{self, ByProxy};
use crate::header;
use crate::oauth2::Tokens;
use crate::origin::Origin;
use crate::proxy::Plan;
use crate::reach::Reach;
use crate::stream::Stream;
use crate::tls::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use tortie_config::http_client::{Auth, HttpClientConfig};
use tortie_host::{Clock, Fs};

/// Settings of one configuration, ready to use; shared by all its requests.
pub struct Transport {
    config: HttpClientConfig,
    fs: Arc<dyn Fs>,
    tls: Tls,
    proxy: Plan,
    /// Boxed: it holds a client, which holds a transport.
    tokens: Option<Box<Tokens>>,
    reach: Option<Arc<Reach>>,
}

/// An open connection.
pub struct Connection {
    /// Its bytes.
    pub stream: Stream,
    /// The other side; a proxy's address when there is one.
    pub peer: SocketAddr,
    /// [`Transport::generation`] when it was opened.
    pub generation: u64,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Transport {
    /// Reads what TLS needs once. Files of credentials, certificates and keys are read again when they change.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used; in Prometheus' words. No secret stands in an error.
    pub fn new(
        config: &HttpClientConfig,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Transport, String> {
        let tokens = match &config.auth {
            Some(Auth::OAuth2(o)) => Some(Box::new(Tokens::new(o, Arc::clone(&fs), Arc::clone(&clock))?)),
            _ => None,
        };
        Ok(Transport {
            tls: Tls::new(&config.tls, Arc::clone(&fs), clock)?,
            proxy: Plan::new(&config.proxy, |name| std::env::var(name).ok()),
            config: config.clone(),
            fs,
            tokens,
            reach: None,
        })
    }

    /// The same, that opens connections only to what may be reached: its targets and tokens, and a proxy that its
    /// configuration names.
    #[must_use]
    pub fn within(mut self, reach: Arc<Reach>) -> Transport {
        if let Some(tokens) = &mut self.tokens {
            tokens.within(Arc::clone(&reach));
        }
        self.reach = Some(reach);
        self
    }

    /// What may be reached, when that is bounded.
    pub fn reach(&self) -> Option<&Arc<Reach>> {
        self.reach.as_ref()
    }

    /// The configuration that it was made of.
    pub fn config(&self) -> &HttpClientConfig {
        &self.config
    }

    /// Opens a connection. To an origin that the configuration was not made for (`trusted` false: a redirect led there)
    /// no client certificate is shown.
    ///
    /// # Errors
    /// Why there is none, in Go's words.
    pub async fn connect(&self, to: &Origin, trusted: bool) -> Result<Connection, String> {
        let proxy = self.proxy.before(to);
        if proxy.is_none() && !to.https {
            let (stream, peer) = dial::tcp(&to.host, to.port, self.reach.as_deref()).await?;
            return Ok(Connection { stream: Stream::Plain(stream), peer, generation: 0 });
        }
        // Boxed: few connections take this way, and those that do not should not carry its state.
        Box::pin(self.connect_by_proxy_or_tls(to, trusted)).await
    }

    async fn connect_by_proxy_or_tls(&self, to: &Origin, trusted: bool) -> Result<Connection, String> {
        let handshake = self.tls.current()?;
        let config = if trusted { &handshake.own } else { &handshake.foreign };
        let (stream, peer) = match self.proxy.before(to) {
            Some(proxy) => {
                let by = ByProxy {
                    proxy,
                    headers: &self.config.proxy.connect_header,
                    tls: Arc::clone(config),
                    server_name: self.tls.server_name(),
                    // Those of the environment are this process' own.
                    reach: self.reach.as_deref().filter(|_| matches!(self.proxy, Plan::Fixed(..))),
                };
                dial::by_proxy(&by, to).await?
            }
            None => {
                let (stream, peer) = dial::tcp(&to.host, to.port, self.reach.as_deref()).await?;
                (Stream::Plain(stream), peer)
            }
        };
        if !to.https {
            return Ok(Connection { stream, peer, generation: 0 });
        }
        let name = self.tls.server_name().unwrap_or(&to.host);
        let stream = dial::tls(stream, Arc::clone(config), name).await?;
        Ok(Connection { stream, peer, generation: handshake.generation })
    }

    /// Grows when files of TLS change: kept connections to `https` with another number are to be given up. 0 for plain
    /// connections.
    ///
    /// # Errors
    /// When a file cannot be read or used any more.
    pub fn generation(&self, https: bool) -> Result<u64, String> {
        if https { Ok(self.tls.current()?.generation) } else { Ok(0) }
    }

    /// For a request that a proxy takes whole (its first line then has the whole URL): the value of
    /// Proxy-Authorization, if any. `None` when requests to `to` are not handed to a proxy.
    pub fn forwarded(&self, to: &Origin) -> Option<Option<String>> {
        let proxy = self.proxy.before(to)?;
        proxy.forwards(to).then(|| proxy.authorization())
    }

    /// Whether there is no proxy for any host.
    pub fn is_direct(&self) -> bool {
        matches!(self.proxy, Plan::Direct)
    }

    /// Whether requests carry neither credentials nor own headers.
    pub fn is_bare(&self) -> bool {
        self.config.auth.is_none() && self.config.headers.as_ref().is_none_or(Vec::is_empty)
    }

    /// The headers of a request to the origin that the configuration was made for: Authorization and own ones. To any
    /// other they are not to be sent. Waits only for tokens of another server.
    ///
    /// # Errors
    /// When a credential cannot be read or had.
    pub async fn headers(&self, user_agent: &str) -> Result<Vec<(String, String)>, String> {
        let mut out = match &self.config.headers {
            Some(headers) => header::all(headers, &*self.fs)?,
            None => Vec::new(),
        };
        let fs = &*self.fs;
        let value = match &self.config.auth {
            None => None,
            Some(Auth::Basic { username, password }) => {
                let user =
                    read(username, fs).map_err(|e| format!("unable to read basic auth username: {e}"))?;
                let password =
                    read(password, fs).map_err(|e| format!("unable to read basic auth password: {e}"))?;
                Some(basic(&user, &password))
            }
            Some(Auth::Scheme { kind, credentials }) => {
                let credentials = read(credentials, fs)
                    .map_err(|e| format!("unable to read authorization credentials: {e}"))?;
                Some(format!("{kind} {credentials}"))
            }
            Some(Auth::OAuth2(_)) => match &self.tokens {
                Some(tokens) => Some(Box::pin(tokens.authorization(user_agent)).await?),
                None => None,
            },
        };
        if let Some(value) = value {
            out.push(("Authorization".to_owned(), checked("Authorization", value)?));
        }
        Ok(out)
    }
}
