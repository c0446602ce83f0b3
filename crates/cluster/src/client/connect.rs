//! From a kubeconfig, or the service account of a pod, to a client.

use super::chain;
use super::error::{ConnectClass, ConnectError, ReadError};
use super::request::Call;
use super::{Cluster, Inner, expiry, oidc, proxy};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tortie_host::{Clock, SystemClock};

/// Which cluster, as whom. The default is what kubectl would take: `KUBECONFIG` or `~/.kube/config` with its current
/// context, and in a pod without either its service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The kubeconfig; `None` for `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context; `None` for the current one.
    pub context: Option<String>,
    /// Another cluster than the context's.
    pub cluster: Option<String>,
    /// Another user than the context's.
    pub user: Option<String>,
    /// Act as this user (`--as`).
    pub impersonate: Option<String>,
    /// Act with these groups (`--as-group`).
    pub groups: Vec<String>,
    /// How long an answer may take to begin.
    pub request_timeout: Duration,
    /// How long a connection may take; `None` for as long as an answer.
    pub connect_timeout: Option<Duration>,
    /// How long the program that gives the credentials may take; it may ask somebody to log in.
    pub exec_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> ConnectOptions {
        ConnectOptions {
            kubeconfig: None,
            context: None,
            cluster: None,
            user: None,
            impersonate: None,
            groups: Vec::new(),
            request_timeout: Duration::from_secs(5),
            connect_timeout: None,
            exec_timeout: Duration::from_secs(60),
        }
    }
}

/// Where one is connected, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The context's name; empty in a pod.
    pub context: String,
    /// The server's address.
    pub server: String,
    /// The user's name in the kubeconfig, or the one that is acted as; empty when there is none.
    pub user: String,
    /// The namespace of the context; `default` when it names none.
    pub namespace: String,
    /// How many contexts the kubeconfig has; 0 in a pod.
    pub contexts: usize,
}

impl Cluster {
    /// Connects: reads the kubeconfig, gets the credentials, and asks the server for its version.
    ///
    /// # Errors
    /// As [`ConnectError`] says; it never holds a credential.
    pub async fn connect(options: &ConnectOptions) -> Result<(Cluster, Identity), ConnectError> {
        Cluster::connected(options).await.map_err(ConnectError::hinted)
    }

    async fn connected(options: &ConnectOptions) -> Result<(Cluster, Identity), ConnectError> {
        let (mut config, identity) = configuration(options).await?;
        config.connect_timeout = Some(options.connect_timeout.unwrap_or(options.request_timeout));
        // Its own retries wait without a bound that a caller could set; those of `request` have one.
        config.default_retry = false;
        if let Some(user) = &options.impersonate {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !options.groups.is_empty() {
            config.auth_info.impersonate_groups = Some(options.groups.clone());
        }
        let now = jiff::Timestamp::from_millisecond(SystemClock::new().now_ms()).unwrap_or_default();
        oidc::renew(&mut config.auth_info, now, options.request_timeout, environment_proxy).await?;
        sendable(&config.auth_info)?;
        let over = expiry::over(&config.auth_info, now);
        let client = client(config, options.exec_timeout, &identity.server).await?;
        let cluster = Cluster::over(client, options.request_timeout, &identity);
        cluster.probe(&identity, over.as_deref()).await?;
        Ok((cluster, identity))
    }

    pub(crate) fn over(client: kube::Client, request_timeout: Duration, identity: &Identity) -> Cluster {
        Cluster::made(client, request_timeout, identity, false)
    }

    /// As [`Cluster::over`]; `discreet` keeps the server's own words out of errors.
    pub(super) fn made(
        client: kube::Client,
        request_timeout: Duration,
        identity: &Identity,
        discreet: bool,
    ) -> Cluster {
        let (server, groups) = (identity.server.clone(), Mutex::new(BTreeMap::new()));
        Cluster { inner: Arc::new(Inner { client, request_timeout, server, discreet, groups }) }
    }

    /// Asks for the version, which every user may read, so that a wrong address or credential shows at once. `over` says
    /// which credential is over by its own words.
    pub(super) async fn probe(&self, identity: &Identity, over: Option<&str>) -> Result<(), ConnectError> {
        let server = &identity.server;
        let other = |message: String| ConnectError::new(ConnectClass::Other, message);
        match self.call(Call::get("/version")).await {
            Ok(answer) => match answer.json::<serde_json::Value>() {
                Ok(v) if v.get("gitVersion").is_some() => Ok(()),
                _ => Err(not_kubernetes(server)),
            },
            // Closed to the unauthenticated is no reason to give up.
            // Servers from 1.35 on may say `impersonate-on:user-info:get`.
            Err(ReadError::Forbidden { verb, user, .. }) if verb.starts_with("impersonate") => {
                Err(other(format!("{user} has no right to act as {}", identity.user)))
            }
            Err(ReadError::Forbidden { .. }) => Ok(()),
            Err(ReadError::Unauthorized) => {
                let who = if identity.user.is_empty() { "no user" } else { identity.user.as_str() };
                let why = over.map(|o| format!(": {o}")).unwrap_or_default();
                let message = format!("{server} does not accept the credentials of {who}{why}");
                Err(ConnectError::new(ConnectClass::Unauthorized, message)
                    .hint("log in again, or choose another context: kubectl config get-contexts"))
            }
            Err(ReadError::Timeout { .. }) => Err(chain::silent(server)),
            Err(ReadError::Unreachable(e)) => Err(e),
            Err(ReadError::NotFound { .. } | ReadError::Malformed { .. }) => Err(not_kubernetes(server)),
            Err(e) => Err(other(format!("{server}: {e}"))),
        }
    }
}

fn not_kubernetes(server: &str) -> ConnectError {
    ConnectError::new(
        ConnectClass::NotKubernetes,
        format!("what answers at {server} is no Kubernetes API server"),
    )
    .hint("look at the server of the context: kubectl config view --minify")
}

/// The configuration and what it says about itself.
async fn configuration(options: &ConnectOptions) -> Result<(kube::Config, Identity), ConnectError> {
    let chosen = options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    let read = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(e) => {
            let e = with_its_file(chain::config_error(&e), options);
            let may_be_a_pod =
                options.kubeconfig.is_none() && !chosen && e.class == ConnectClass::NoKubeconfig;
            return if may_be_a_pod && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
                in_cluster()
            } else {
                Err(e)
            };
        }
    };
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let named = kubeconfig.contexts.iter().find(|c| c.name == context).and_then(|c| c.context.as_ref());
    let cluster = options.cluster.as_ref().or_else(|| named.map(|c| &c.cluster));
    let own_proxy = kubeconfig
        .clusters
        .iter()
        .find(|c| Some(&c.name) == cluster)
        .and_then(|c| c.cluster.as_ref())
        .and_then(|c| c.proxy_url.as_deref())
        .is_some_and(|p| !p.is_empty());
    let user = options
        .impersonate
        .clone()
        .or_else(|| options.user.clone())
        .or_else(|| named.and_then(|c| c.user.clone()))
        .unwrap_or_default();
    if let Some(wanted) = &options.user
        && !kubeconfig.auth_infos.iter().any(|a| &a.name == wanted)
    {
        let message = format!("the kubeconfig has no user {wanted:?}");
        return Err(ConnectError::new(ConnectClass::NoContext, message)
            .hint("the users there are: kubectl config get-users"));
    }
    if let Some(wanted) = &options.context
        && named.is_none()
    {
        let there: Vec<&str> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
        let hint = match there.len() {
            0 => "it has no contexts; give another: --kubeconfig FILE, or KUBECONFIG".to_owned(),
            n if n <= MOST_CONTEXTS => format!("its contexts are: {}", there.join(", ")),
            n => format!("it has {n} contexts: kubectl config get-contexts"),
        };
        let message = format!("the kubeconfig has no context {wanted:?}");
        return Err(ConnectError::new(ConnectClass::NoContext, message).hint(hint));
    }
    let contexts = kubeconfig.contexts.len();
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &choice)
        .await
        .map_err(|e| chain::config_error(&e))?;
    if !own_proxy {
        // kube compares NO_PROXY with the proxy instead of the server.
        config.proxy_url = environment_proxy(&config.cluster_url)?;
    }
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = config.default_namespace.clone();
    Ok((config, Identity { context, server, user, namespace, contexts }))
}

/// Contexts that are listed by name.
const MOST_CONTEXTS: usize = 10;

/// A damaged kubeconfig by its name: the parser does not know it.
fn with_its_file(mut e: ConnectError, options: &ConnectOptions) -> ConnectError {
    if e.class == ConnectClass::BadKubeconfig {
        let environment = || std::env::var("KUBECONFIG").ok().filter(|v| !v.is_empty());
        let file = options.kubeconfig.as_ref().map(|f| f.display().to_string()).or_else(environment);
        let file = file.unwrap_or_else(|| "~/.kube/config".to_owned());
        e.message = e.message.replacen("the kubeconfig is", &format!("the kubeconfig {file} is"), 1);
    }
    e
}

/// The service account that a pod has.
pub(super) fn in_cluster() -> Result<(kube::Config, Identity), ConnectError> {
    let mut config = kube::Config::incluster().map_err(|e| {
        ConnectError::new(
            ConnectClass::Credentials,
            format!("the service account of this pod cannot be used: {e}"),
        )
        .hint("set automountServiceAccountToken of the pod, or give --kubeconfig FILE")
    })?;
    config.proxy_url = environment_proxy(&config.cluster_url)?;
    let identity = Identity {
        context: String::new(),
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        user: "service account".to_owned(),
        namespace: config.default_namespace.clone(),
        contexts: 0,
    };
    Ok((config, identity))
}

fn environment_proxy(server: &http::Uri) -> Result<Option<http::Uri>, ConnectError> {
    let https = server.scheme_str() != Some("http");
    let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
    match proxy::from_env(https, server.host().unwrap_or(""), port, |name| std::env::var(name).ok()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            ConnectError::new(ConnectClass::Proxy, "HTTPS_PROXY is no address of a proxy")
                .hint("it must be like http://host:3128")
        }),
    }
}

/// Complains about a token that no header can carry: kube panics on it.
pub(super) fn sendable(auth: &AuthInfo) -> Result<(), ConnectError> {
    let token = auth.token.as_ref().map(ExposeSecret::expose_secret).unwrap_or("");
    if http::HeaderValue::from_str(token).is_ok() {
        return Ok(());
    }
    Err(unsendable())
}

fn unsendable() -> ConnectError {
    ConnectError::new(ConnectClass::Credentials, "the token has characters that cannot be sent")
        .hint("a token is one line of letters, digits and a few signs")
}

/// Builds the client. This may run a program that gives the credentials, which may hang: it has a thread of its own, which
/// does not keep the process from ending.
pub(super) async fn client(
    config: kube::Config,
    limit: Duration,
    server: &str,
) -> Result<kube::Client, ConnectError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("credentials".to_owned()).spawn(move || {
        let _runtime = runtime.enter();
        // Nobody listens any more once the time is over.
        let _ = send.send(kube::Client::try_from(config));
    });
    if let Err(e) = thread {
        return Err(ConnectError::new(ConnectClass::Other, format!("no thread can be started: {e}")));
    }
    match tokio::time::timeout(limit, receive).await {
        Ok(Ok(Ok(client))) => Ok(client),
        Ok(Ok(Err(e))) => Err(chain::connect_error(&e, server)),
        // The thread panicked, which it does on such a token of a program.
        Ok(Err(_)) => Err(unsendable()),
        Err(_) => Err(ConnectError::new(
            ConnectClass::ExecPlugin,
            format!("the program that gives the credentials took longer than {} s", limit.as_secs()),
        )
        .hint("log in with it by hand first")),
    }
}
