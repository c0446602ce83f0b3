//! How requests are sent: credentials, TLS, proxy, headers. The same keys stand wherever Prometheus talks HTTP.

use crate::secret::Secret;

/// Credentials and connection of a job, of a discovery or of an Alertmanager; what Prometheus calls `HTTPClientConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpClientConfig {
    /// Who asks.
    pub auth: Option<Auth>,
    /// How TLS is spoken.
    pub tls: TlsConfig,
    /// Through which proxy.
    pub proxy: ProxyConfig,
    /// Own headers, ascending by name; `None` when the key is not there.
    pub headers: Option<Vec<Header>>,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Accepted; connections are HTTP/1.1.
    pub enable_http2: bool,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        HttpClientConfig {
            auth: None,
            tls: TlsConfig::default(),
            proxy: ProxyConfig::default(),
            headers: None,
            follow_redirects: true,
            enable_http2: true,
        }
    }
}

/// The Authorization header of each request.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// `Basic`.
    Basic {
        /// User name.
        username: Source,
        /// Password.
        password: Source,
    },
    /// A scheme and its credentials.
    Scheme {
        /// `Bearer` unless the configuration says otherwise.
        kind: String,
        /// What follows it.
        credentials: Source,
    },
    /// A token that another server hands out.
    OAuth2(Box<OAuth2>),
}

/// Where a credential comes from. A file is read anew for each request, as Prometheus does, and trimmed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// Nothing was given.
    #[default]
    Empty,
    /// The text itself.
    Inline(Secret),
    /// A path, resolved against the configuration's folder.
    File(String),
}

impl Source {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        *self == Source::Empty
    }
}

/// Key `oauth2`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OAuth2 {
    /// Name of this client at the token's server.
    pub client_id: String,
    /// Its password (grant type `client_credentials`).
    pub client_secret: Source,
    /// Name of the key (grant type `jwt-bearer`).
    pub client_certificate_key_id: String,
    /// RSA key in PEM (grant type `jwt-bearer`).
    pub client_certificate_key: Source,
    /// `client_credentials` (also when empty or anything else) or [`JWT_BEARER`].
    pub grant_type: String,
    /// `RS256` (also when empty), `RS384` or `RS512`.
    pub signature_algorithm: String,
    /// Claim `iss`; the client's name when empty.
    pub iss: String,
    /// Claim `aud`; the token's URL when empty.
    pub audience: String,
    /// Further claims, ascending by name.
    pub claims: Vec<(String, Claim)>,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// Where tokens are handed out.
    pub token_url: String,
    /// Further parameters of the request for a token, ascending by name.
    pub endpoint_params: Vec<(String, String)>,
    /// TLS to the token's server.
    pub tls: TlsConfig,
    /// Proxy to the token's server.
    pub proxy: ProxyConfig,
}

/// The grant type of RFC 7523.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A value in a token, as YAML gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Claim>),
    /// A mapping, ascending by name.
    Map(Vec<(String, Claim)>),
}

/// Key `tls_config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// Authorities in PEM that replace those of the system.
    pub ca: Source,
    /// Certificate chain of this client in PEM.
    pub cert: Source,
    /// Its key in PEM.
    pub key: Source,
    /// Name that the server's certificate must have, when not that of the address.
    pub server_name: String,
    /// Whether any certificate is taken.
    pub insecure_skip_verify: bool,
    /// Least version.
    pub min_version: Option<TlsVersion>,
    /// Greatest version.
    pub max_version: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.0.
    Tls10,
    /// 1.1.
    Tls11,
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

impl TlsVersion {
    /// All of them with their names.
    pub const ALL: [(&'static str, TlsVersion); 4] = [
        ("TLS10", TlsVersion::Tls10),
        ("TLS11", TlsVersion::Tls11),
        ("TLS12", TlsVersion::Tls12),
        ("TLS13", TlsVersion::Tls13),
    ];

    /// The version of a name (case counts).
    pub fn parse(name: &str) -> Option<TlsVersion> {
        TlsVersion::ALL.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        TlsVersion::ALL.iter().find(|(_, v)| *v == self).map_or("", |(n, _)| n)
    }
}

/// Keys `proxy_url`, `no_proxy`, `proxy_from_environment` and `proxy_connect_header`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyConfig {
    /// The proxy; its password is not printed.
    pub url: Option<ProxyUrl>,
    /// Hosts that are reached without it.
    pub no_proxy: String,
    /// Whether variables of the environment name it.
    pub from_environment: bool,
    /// Headers of CONNECT requests, ascending by name.
    pub connect_header: Vec<(String, Vec<Secret>)>,
}

/// The address of a proxy, perhaps with user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    whole: Secret,
    shown: String,
}

impl ProxyUrl {
    /// Takes an address that Go's URL parser takes.
    ///
    /// # Errors
    /// What is wrong with it, in Go's words (a password in it is left out).
    pub fn parse(text: &str) -> Result<ProxyUrl, String> {
        let shown = redacted(text);
        match crate::url::fault(text) {
            Some(fault) => Err(format!("parse {shown:?}: {fault}")),
            None => Ok(ProxyUrl { whole: Secret::new(text), shown }),
        }
    }

    /// The address with its password, for the one place that connects.
    pub fn expose(&self) -> &str {
        self.whole.expose()
    }

    /// The address with `xxxxx` for a password.
    pub fn redacted(&self) -> &str {
        &self.shown
    }
}

impl std::fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A URL with `xxxxx` in place of a password.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let Some((user, host)) = authority.rsplit_once('@') else { return url.to_owned() };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:xxxxx@{host}{tail}"),
        None => url.to_owned(),
    }
}

/// One of `http_headers`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Its name as written.
    pub name: String,
    /// Values that may be shown.
    pub values: Vec<String>,
    /// Values that may not.
    pub secrets: Vec<Secret>,
    /// Files with a value each, resolved; read for each request.
    pub files: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_proxies_are_not_shown() {
        let p = ProxyUrl::parse("http://u:hunter2@proxy:3128/x").unwrap();
        assert_eq!(
            (p.redacted(), format!("{p:?}").as_str()),
            ("http://u:xxxxx@proxy:3128/x", "http://u:xxxxx@proxy:3128/x")
        );
        assert_eq!(p.expose(), "http://u:hunter2@proxy:3128/x");
        assert!(!ProxyUrl::parse("http://u:hunter2@proxy:a b").unwrap_err().contains("hunter2"));
    }
}
