//! Ways to a server without a kubeconfig: by its address, and by the service account of a pod.

use super::connect::{client, in_cluster, sendable};
use super::error::{ConnectClass, ConnectError};
use super::{Cluster, Identity, chain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use kube::config::{
    AuthInfo, Cluster as Place, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use std::time::Duration;
use tortie_config::Secret;

/// How long building the client may take; nothing is run for it.
const BUILD: Duration = Duration::from_secs(10);
/// Name of the one cluster, user and context.
const ONE: &str = "server";

/// A server by its address, and who asks. Files are read anew as they change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerAccess {
    /// Address: `http://` or `https://`, perhaps with a path.
    pub url: String,
    /// Authorities in PEM that replace those of the system.
    pub ca: Option<Secret>,
    /// File with such authorities.
    pub ca_file: Option<String>,
    /// Certificate of this client in PEM.
    pub cert: Option<Secret>,
    /// File with such a certificate.
    pub cert_file: Option<String>,
    /// Key of the certificate in PEM.
    pub key: Option<Secret>,
    /// File with such a key.
    pub key_file: Option<String>,
    /// Name that the server's certificate must have, when not that of the address.
    pub server_name: Option<String>,
    /// Whether any certificate is taken.
    pub insecure: bool,
    /// User name and password.
    pub basic: Option<(String, Secret)>,
    /// A token.
    pub token: Option<Secret>,
    /// File with a token.
    pub token_file: Option<String>,
    /// The proxy to take.
    pub proxy: Option<Secret>,
    /// Further headers.
    pub headers: Vec<(String, Secret)>,
    /// Whether the server's own words stay out of errors: whoever names it is not to read what it says.
    pub discreet: bool,
}

/// How long connecting and an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) request: Duration,
}

impl Cluster {
    /// Connects to a server by its address, and asks it for its version.
    ///
    /// # Errors
    /// As [`ConnectError`] says; it never holds a credential.
    pub async fn connect_to(
        access: &ServerAccess,
        connect_timeout: Duration,
        request_timeout: Duration,
    ) -> Result<(Cluster, Identity), ConnectError> {
        let choice = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig(access), &choice)
            .await
            .map_err(|e| chain::config_error(&e))?;
        for (name, value) in &access.headers {
            let unsendable = || {
                ConnectError::new(ConnectClass::Other, format!("header {name} cannot be sent"))
                    .hint("look at http_headers of the job")
            };
            let header = HeaderName::try_from(name).map_err(|_| unsendable())?;
            let mut text = HeaderValue::from_str(value.expose()).map_err(|_| unsendable())?;
            text.set_sensitive(true);
            config.headers.push((header, text));
        }
        let user = access.basic.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        let identity = Identity {
            context: String::new(),
            server: access.url.trim_end_matches('/').to_owned(),
            user,
            namespace: "default".to_owned(),
            contexts: 0,
        };
        let limits = Limits { connect: connect_timeout, request: request_timeout };
        finish(config, identity, limits, access.discreet).await
    }

    /// Connects with the service account of this pod, and asks the server for its version.
    ///
    /// # Errors
    /// As [`ConnectError`] says, of class [`ConnectClass::NoKubeconfig`] outside a pod; it never holds a credential.
    pub async fn connect_in_pod(
        connect_timeout: Duration,
        request_timeout: Duration,
    ) -> Result<(Cluster, Identity), ConnectError> {
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
            return Err(ConnectError::new(ConnectClass::NoKubeconfig, "this is no pod of a cluster").hint(
                "outside a cluster name the API server in kubernetes_sd_configs: kubeconfig_file or api_server",
            ));
        }
        let (config, identity) = in_cluster()?;
        let limits = Limits { connect: connect_timeout, request: request_timeout };
        finish(config, identity, limits, false).await
    }
}

async fn finish(
    mut config: kube::Config,
    identity: Identity,
    limits: Limits,
    discreet: bool,
) -> Result<(Cluster, Identity), ConnectError> {
    config.connect_timeout = Some(limits.connect);
    config.default_retry = false;
    sendable(&config.auth_info)?;
    let client = client(config, BUILD, &identity.server).await?;
    let cluster = Cluster::made(client, limits.request, &identity, discreet);
    cluster.probe(&identity, None).await?;
    Ok((cluster, identity))
}

/// The same as a kubeconfig, which is what the client takes.
fn kubeconfig(access: &ServerAccess) -> Kubeconfig {
    let pem = |s: &Option<Secret>| s.as_ref().map(|s| STANDARD.encode(s.expose()));
    let secret = |s: &Secret| secrecy::SecretString::from(s.expose().to_owned());
    let cluster = Place {
        server: Some(access.url.clone()),
        insecure_skip_tls_verify: access.insecure.then_some(true),
        certificate_authority: access.ca_file.clone(),
        certificate_authority_data: pem(&access.ca),
        proxy_url: access.proxy.as_ref().map(|p| p.expose().to_owned()),
        tls_server_name: access.server_name.clone(),
        ..Place::default()
    };
    let auth_info = AuthInfo {
        username: access.basic.as_ref().map(|(name, _)| name.clone()),
        password: access.basic.as_ref().map(|(_, password)| secret(password)),
        token: access.token.as_ref().map(secret),
        token_file: access.token_file.clone(),
        client_certificate: access.cert_file.clone(),
        client_certificate_data: pem(&access.cert),
        client_key: access.key_file.clone(),
        client_key_data: pem(&access.key).map(secrecy::SecretString::from),
        ..AuthInfo::default()
    };
    let context = Context { cluster: ONE.to_owned(), user: Some(ONE.to_owned()), ..Context::default() };
    let name = || ONE.to_owned();
    Kubeconfig {
        clusters: vec![NamedCluster { name: name(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo {
            name: name(),
            auth_info: Some(auth_info),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext { name: name(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(name()),
        ..Kubeconfig::default()
    }
}
