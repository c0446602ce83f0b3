//! kube's errors as classes, with words that hold no credential.
//!
//! kube's own `Display` may carry what an exec plugin printed or a piece of the kubeconfig, so that nothing of those kinds
//! is ever formatted here.

use super::error::{ConnectClass, ConnectError};
use kube::client::AuthError;
use kube::config::{KubeconfigError, LoadDataError};
use std::error::Error;
use std::io;

/// Says what an error of a request (or of building the client) means for a connection to `server`.
pub(super) fn connect_error(e: &kube::Error, server: &str) -> ConnectError {
    for cause in causes(e) {
        if let Some(auth) = cause.downcast_ref::<AuthError>() {
            return auth_error(auth);
        }
        if let Some(kube::Error::Auth(auth)) = cause.downcast_ref::<kube::Error>() {
            return auth_error(auth);
        }
        if let Some(config) = cause.downcast_ref::<KubeconfigError>() {
            return config_error(config);
        }
    }
    match e {
        kube::Error::RustlsTls(_) => {
            return ConnectError::new(
                ConnectClass::Credentials,
                format!(
                    "the client certificate, its key or the certificate authority for {server} cannot be used"
                ),
            )
            .hint("look at the cluster and the user of the context: kubectl config view --minify");
        }
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            return ConnectError::new(ConnectClass::Proxy, "the proxy's protocol is not supported")
                .hint("HTTPS_PROXY and proxy-url take http://, https:// and socks5://");
        }
        _ => {}
    }
    transport_error(e, server)
}

/// The error and what lies below it.
fn causes<'a>(e: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(e);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source().or_else(|| {
            // An I/O error hides what it wraps.
            let inner = this.downcast_ref::<io::Error>()?.get_ref()?;
            Some(inner as &(dyn Error + 'static))
        });
        Some(this)
    })
    .take(16)
}

fn transport_error(e: &kube::Error, server: &str) -> ConnectError {
    // Service errors hold no credential: connector, TLS and HTTP words alone.
    let words: Vec<String> = causes(e).map(ToString::to_string).collect();
    let last = words.last().map_or("", String::as_str);
    let says = |part: &str| words.iter().any(|w| w.contains(part));
    let kind = causes(e).filter_map(|c| c.downcast_ref::<io::Error>()).map(io::Error::kind).last();
    if says("proxy authorization required") || says("tunnel error") {
        return ConnectError::new(
            ConnectClass::Proxy,
            format!("the proxy does not lead to {server}: {last}"),
        )
        .hint("look at proxy-url of the cluster and at HTTPS_PROXY and NO_PROXY");
    }
    if says("dns error") || says("failed to lookup address") {
        return ConnectError::new(ConnectClass::Dns, format!("{server} has no address: {last}"))
            .hint("look at the server of the context: kubectl config view --minify");
    }
    if says("invalid peer certificate") {
        let hint = if says("UnknownIssuer") {
            "the certificate authority of the context is not the one that signed the server's certificate"
        } else if says("NotValidForName") || says("not valid for name") {
            "set tls-server-name of the cluster to a name that the certificate has"
        } else if says("Expired") || says("expired") {
            "the server's certificate must be renewed, or a clock is wrong"
        } else {
            "look at the cluster of the context: kubectl config view --minify"
        };
        return ConnectError::new(
            ConnectClass::Tls,
            format!("the certificate of {server} is not accepted: {last}"),
        )
        .hint(hint);
    }
    if says("received corrupt message") || says("received fatal alert") {
        return ConnectError::new(ConnectClass::Tls, format!("no TLS connection to {server}: {last}"))
            .hint("look at the server of the context: is it an https address of the API server");
    }
    if kind == Some(io::ErrorKind::TimedOut) || says("timed out") || says("timeout") {
        return silent(server);
    }
    if matches!(
        kind,
        Some(
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    ) {
        return ConnectError::new(ConnectClass::Tcp, format!("{server} cannot be reached: {last}"))
            .hint("is the cluster up, and is this the right context: kubectl config current-context");
    }
    if let Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof) =
        kind
    {
        return ConnectError::new(ConnectClass::Tcp, format!("{server} closed the connection: {last}"));
    }
    ConnectError::new(ConnectClass::Other, format!("the request to {server} failed: {last}"))
}

/// Nothing came back in time.
pub(super) fn silent(server: &str) -> ConnectError {
    ConnectError::new(ConnectClass::Timeout, format!("{server} does not answer"))
        .hint("is the network (VPN) up; a longer wait is --request-timeout")
}

fn auth_error(e: &AuthError) -> ConnectError {
    use ConnectClass::{Credentials, ExecPlugin, Oidc};
    match e {
        AuthError::AuthExecStart(cause) => ConnectError::new(
            ExecPlugin,
            format!("the program that gives the credentials cannot be started: {cause}"),
        )
        .hint("install it, or look at users[].user.exec of the kubeconfig"),
        AuthError::AuthExecRun { cmd, out } => {
            // Only the program's name: its arguments may hold credentials, and so may what it printed.
            let program = cmd.split_whitespace().next().unwrap_or("").trim_matches('"');
            ConnectError::new(
                ExecPlugin,
                format!("{program}, which gives the credentials, failed ({})", out.status),
            )
            .hint(format!(
                "run {program} by hand as users[].user.exec of the kubeconfig says, or log in again"
            ))
        }
        AuthError::ExecPluginFailed
        | AuthError::AuthExecParse(_)
        | AuthError::MalformedTokenExpirationDate(_) => ConnectError::new(
            ExecPlugin,
            "what the program that gives the credentials printed is no ExecCredential",
        )
        .hint("apiVersion of users[].user.exec must be the one that the program speaks"),
        AuthError::MissingCommand | AuthError::ExecMissingClusterInfo | AuthError::AuthExecSerialize(_) => {
            ConnectError::new(ExecPlugin, "users[].user.exec of the kubeconfig is not complete")
        }
        AuthError::AuthExec(_) => {
            ConnectError::new(ExecPlugin, "the program that gives the credentials could not be used")
                .hint("run a kubectl command with the same context once, or log in again")
        }
        AuthError::ReadTokenFile(cause, path) => ConnectError::new(
            Credentials,
            format!("the token file {} cannot be read: {cause}", path.display()),
        ),
        AuthError::Oidc(_) | AuthError::UnrefreshableTokenResponse => {
            ConnectError::new(Oidc, "the OIDC token has expired and could not be renewed")
                .hint("log in again")
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) | AuthError::ParseTokenKey(_) => {
            ConnectError::new(
                Credentials,
                "the token or password of the kubeconfig has characters that cannot be sent",
            )
        }
        _ => ConnectError::new(Credentials, "the credentials of the kubeconfig cannot be used"),
    }
}

/// Says what is wrong with a kubeconfig.
pub(super) fn config_error(e: &KubeconfigError) -> ConnectError {
    use ConnectClass::{BadKubeconfig, Credentials, NoContext, NoKubeconfig, Proxy};
    const LIST: &str = "the contexts there are: kubectl config get-contexts";
    match e {
        KubeconfigError::CurrentContextNotSet => {
            ConnectError::new(NoContext, "the kubeconfig has no current context")
                .hint("choose one: --context NAME")
        }
        KubeconfigError::LoadContext(name) => {
            ConnectError::new(NoContext, format!("the kubeconfig has no context {name:?}")).hint(LIST)
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            ConnectError::new(NoContext, format!("the kubeconfig has no cluster {name:?}")).hint(LIST)
        }
        KubeconfigError::FindPath => ConnectError::new(NoKubeconfig, "there is no kubeconfig")
            .hint("give one: --kubeconfig FILE, or KUBECONFIG"),
        KubeconfigError::ReadConfig(cause, path) => {
            let class = if cause.kind() == io::ErrorKind::NotFound { NoKubeconfig } else { BadKubeconfig };
            ConnectError::new(class, format!("the kubeconfig {} cannot be read: {cause}", path.display()))
                .hint("give another: --kubeconfig FILE, or KUBECONFIG")
        }
        KubeconfigError::Parse(cause) => {
            // The parser's own words may quote the file, and with it a token.
            let place = cause.location().map(|l| format!(" (line {}, column {})", l.line(), l.column()));
            ConnectError::new(
                BadKubeconfig,
                format!("the kubeconfig is damaged{}", place.unwrap_or_default()),
            )
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            ConnectError::new(BadKubeconfig, "the cluster of the context has no valid server address")
        }
        KubeconfigError::ParseProxyUrl(_) | KubeconfigError::ParseNoProxy(_) => {
            ConnectError::new(Proxy, "proxy-url, HTTPS_PROXY or NO_PROXY is not valid")
        }
        KubeconfigError::LoadCertificateAuthority(cause) => {
            ConnectError::new(Credentials, format!("the certificate authority {}", data_error(cause)))
        }
        KubeconfigError::LoadClientCertificate(cause) => {
            ConnectError::new(Credentials, format!("the client certificate {}", data_error(cause)))
        }
        KubeconfigError::LoadClientKey(cause) => {
            ConnectError::new(Credentials, format!("the client key {}", data_error(cause)))
        }
        KubeconfigError::ParseCertificates(_) => {
            ConnectError::new(Credentials, "a certificate of the kubeconfig is no PEM text")
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            ConnectError::new(BadKubeconfig, "the files of KUBECONFIG do not fit together")
        }
    }
}

fn data_error(e: &LoadDataError) -> String {
    match e {
        LoadDataError::ReadFile(cause, path) => format!("{} cannot be read: {cause}", path.display()),
        LoadDataError::DecodeBase64(_) => "is no base64 text".to_owned(),
        LoadDataError::NoBase64DataOrFile => "is missing".to_owned(),
    }
}
