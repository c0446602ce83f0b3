//! Why a cluster could not be reached or read.

use crate::object::Malformed;
use std::fmt;
use std::time::Duration;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The rights do not allow it (403).
    #[error("no right to {verb} {resource}{}", in_namespace(namespace.as_deref()))]
    Forbidden {
        /// The verb that is missing.
        verb: String,
        /// Resource and group, such as `servicemonitors.monitoring.coreos.com` or `pods/log`.
        resource: String,
        /// The namespace; `None` for the whole cluster.
        namespace: Option<String>,
        /// The name that the server gives to who asked; empty when it does not say.
        user: String,
    },
    /// There is none (404).
    #[error("{what} {}", if *served { "not found" } else { "is not served by this cluster" })]
    NotFound {
        /// What was asked for.
        what: String,
        /// Whether the server knows the kind at all.
        served: bool,
    },
    /// No answer in time.
    #[error("no answer to {what} within {} s", after.as_secs_f64())]
    Timeout {
        /// What was asked for.
        what: String,
        /// How long was waited.
        after: Duration,
    },
    /// The list changed too much while it was read, twice (410).
    #[error("the list of {what} expired while it was read, twice")]
    Gone {
        /// What was asked for.
        what: String,
    },
    /// The server asks to come back later (429 or 503), and did so after the retries too.
    #[error("the server is too busy (asks to wait {} s)", retry_after.as_secs())]
    TooMany {
        /// How long it asks to wait.
        retry_after: Duration,
    },
    /// The credentials are not, or no longer, accepted (401).
    #[error("the credentials are not accepted\nhint: log in again, then: kubectl auth whoami")]
    Unauthorized,
    /// The connection could not be made or broke.
    #[error("{}", .0.message)]
    Unreachable(ConnectError),
    /// The answer is not what it should be.
    #[error("the answer to {what} cannot be read: {message}")]
    Malformed {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// Any other refusal.
    #[error("the server refused with status {status}: {message}")]
    Other {
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
}

impl ReadError {
    pub(crate) fn malformed(e: Malformed) -> ReadError {
        ReadError::Malformed { what: "an object".to_owned(), message: e.message }
    }

    /// Whether the cluster does not know the kind at all.
    pub fn is_not_served(&self) -> bool {
        matches!(self, ReadError::NotFound { served: false, .. })
    }

    /// The right that is missing, as one says it to `kubectl auth can-i`; `None` for any other error.
    pub fn missing_right(&self) -> Option<String> {
        match self {
            ReadError::Forbidden { verb, resource, namespace, .. } => {
                Some(format!("{verb} {resource}{}", in_namespace(namespace.as_deref())))
            }
            _ => None,
        }
    }
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|n| format!(" in namespace {n}")).unwrap_or_default()
}

/// What kind of thing went wrong on the way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectClass {
    /// There is neither a kubeconfig nor a service account.
    NoKubeconfig,
    /// The kubeconfig cannot be read or is damaged.
    BadKubeconfig,
    /// The kubeconfig has no such context, cluster or user.
    NoContext,
    /// The program that gives the credentials failed.
    ExecPlugin,
    /// The OIDC token could not be renewed.
    Oidc,
    /// A token file, client certificate or key cannot be read or used.
    Credentials,
    /// The host name has no address.
    Dns,
    /// The address refuses or has no route.
    Tcp,
    /// Nothing answers.
    Timeout,
    /// The proxy refuses or cannot be reached.
    Proxy,
    /// The certificate is not accepted, or the other side speaks no TLS.
    Tls,
    /// The server does not accept the credentials (401).
    Unauthorized,
    /// What answers is no Kubernetes API server.
    NotKubernetes,
    /// Anything else.
    Other,
}

/// Why a cluster cannot be reached. Never holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    /// What kind of thing went wrong.
    pub class: ConnectClass,
    /// What went wrong, with the server's or file's name.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ConnectError {
    pub(crate) fn new(class: ConnectClass, message: impl Into<String>) -> ConnectError {
        ConnectError { class, message: message.into(), hint: None }
    }

    /// With what can be done about its class, when nothing better is known.
    #[must_use]
    pub(crate) fn hinted(self) -> ConnectError {
        if self.hint.is_some() {
            return self;
        }
        let hint = match self.class {
            ConnectClass::NoKubeconfig | ConnectClass::BadKubeconfig => {
                "mend it, or give another: --kubeconfig FILE, or KUBECONFIG"
            }
            ConnectClass::NoContext => "choose another: --context NAME",
            ConnectClass::Proxy => "look at proxy-url of the cluster and at HTTPS_PROXY and NO_PROXY",
            ConnectClass::ExecPlugin | ConnectClass::Oidc | ConnectClass::Credentials => {
                "look at the user of the context (kubectl config view --minify), or log in again"
            }
            _ => "is the cluster up, and is this the right context: kubectl version says whether it answers",
        };
        self.hint(hint)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> ConnectError {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConnectError {}
