//! What to look at, as plain values.

use std::path::PathBuf;
use tortie_cluster::ConnectOptions;
use tortie_cluster::client::ServerAccess;
use tortie_cluster::watch::Selection;
use tortie_config::Secret;
use tortie_config::http_client::{Auth, HttpClientConfig, Source};
use tortie_config::kubernetes::{AttachMetadata, KubernetesSdConfig, Role, Selector};
use tortie_host::Fs;

/// Which API server is asked, and as whom.
#[derive(Debug, Clone, PartialEq)]
pub enum Server {
    /// That of the cluster which this process is a pod of, as its service account.
    Pod,
    /// That of the current context of a kubeconfig.
    Kubeconfig(PathBuf),
    /// That which a command line says.
    Asked(Box<ConnectOptions>),
    /// One by its address.
    Address {
        /// The address.
        url: String,
        /// Credentials and connection.
        http: Box<HttpClientConfig>,
        /// Whether whoever names it is not trusted with this machine: [`crate::Manager::within`] says where it may not be.
        foreign: bool,
    },
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Server::Pod => f.write_str("this cluster"),
            Server::Kubeconfig(path) => write!(f, "{}", path.display()),
            Server::Asked(options) => match &options.context {
                Some(context) => write!(f, "context {context}"),
                None => f.write_str("the current context"),
            },
            Server::Address { url, .. } => f.write_str(&tortie_config::http_client::redacted(url)),
        }
    }
}

/// One discovery. Two that are equal are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The API server.
    pub server: Server,
    /// What becomes a target.
    pub role: Role,
    /// Namespaces to look at besides this pod's own; all when there are none and the own one is not looked at.
    pub namespaces: Vec<String>,
    /// Whether the namespace of this pod is looked at.
    pub own_namespace: bool,
    /// Which objects of each role.
    pub selectors: Vec<Selector>,
    /// What is added of other objects.
    pub attach: AttachMetadata,
}

impl Spec {
    /// What a configuration says.
    pub fn from_config(c: &KubernetesSdConfig) -> Spec {
        let server = if !c.kubeconfig_file.is_empty() {
            Server::Kubeconfig(PathBuf::from(&c.kubeconfig_file))
        } else if !c.api_server.is_empty() {
            Server::Address { url: c.api_server.clone(), http: Box::new(c.http.clone()), foreign: false }
        } else {
            Server::Pod
        };
        Spec {
            server,
            role: c.role,
            namespaces: c.namespaces.clone(),
            own_namespace: c.own_namespace,
            selectors: c.selectors.clone(),
            attach: c.attach,
        }
    }

    /// Adds the selectors for a role to a selection.
    pub(super) fn select(&self, role: Role, selection: Selection) -> Selection {
        match self.selectors.iter().find(|s| s.role == role) {
            Some(s) => selection.that(&s.label, &s.field),
            None => selection,
        }
    }
}

/// An address with its credentials, files read.
///
/// # Errors
/// A file that cannot be read, by its name.
pub(super) fn access(url: &str, http: &HttpClientConfig, fs: &dyn Fs) -> Result<ServerAccess, String> {
    let inline = |s: &Source| match s {
        Source::Inline(secret) => Some(secret.clone()),
        _ => None,
    };
    let file = |s: &Source| match s {
        Source::File(path) => Some(path.clone()),
        _ => None,
    };
    let read = |s: &Source| match s {
        Source::Empty => Ok(Secret::default()),
        Source::Inline(secret) => Ok(secret.clone()),
        Source::File(path) => read_text(fs, path).map(|t| Secret::new(t.trim())),
    };
    let mut access = ServerAccess {
        url: url.to_owned(),
        ca: inline(&http.tls.ca),
        ca_file: file(&http.tls.ca),
        cert: inline(&http.tls.cert),
        cert_file: file(&http.tls.cert),
        key: inline(&http.tls.key),
        key_file: file(&http.tls.key),
        server_name: Some(http.tls.server_name.clone()).filter(|n| !n.is_empty()),
        insecure: http.tls.insecure_skip_verify,
        proxy: http.proxy.url.as_ref().map(|p| Secret::new(p.expose())),
        ..ServerAccess::default()
    };
    match &http.auth {
        None => {}
        Some(Auth::Basic { username, password }) => {
            access.basic = Some((read(username)?.expose().to_owned(), read(password)?));
        }
        Some(Auth::Scheme { kind, credentials }) if kind.eq_ignore_ascii_case("bearer") => {
            access.token = inline(credentials);
            access.token_file = file(credentials);
        }
        Some(Auth::Scheme { kind, .. }) => {
            return Err(format!("authorization of type {kind} is not sent to an API server, Bearer is"));
        }
        Some(Auth::OAuth2(_)) => {
            return Err("oauth2 is not used for an API server, authorization is".to_owned());
        }
    }
    for header in http.headers.iter().flatten() {
        let values = header.values.iter().map(|v| Secret::new(v));
        for value in values.chain(header.secrets.iter().cloned()) {
            access.headers.push((header.name.clone(), value));
        }
        for path in &header.files {
            access.headers.push((header.name.clone(), Secret::new(read_text(fs, path)?.trim())));
        }
    }
    Ok(access)
}

/// The text of a file.
pub(super) fn read_text(fs: &dyn Fs, path: &str) -> Result<String, String> {
    let bytes = fs.read(std::path::Path::new(path)).map_err(|e| format!("{path}: {e}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{path}: not UTF-8"))
}
