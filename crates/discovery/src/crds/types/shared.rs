//! What several kinds have in common: references, credentials, selectors, rules, limits.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// A key of a Secret or ConfigMap in the namespace of whoever names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KeyRef {
    /// Name of the object.
    pub name: String,
    /// Key in it.
    pub key: String,
    /// Whether it may be absent.
    pub optional: Option<bool>,
}

/// A value in a Secret or a ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretOrConfigMap {
    /// In a Secret.
    pub secret: Option<KeyRef>,
    /// In a ConfigMap.
    pub config_map: Option<KeyRef>,
}

impl SecretOrConfigMap {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.secret.is_none() && self.config_map.is_none()
    }
}

impl fmt::Display for SecretOrConfigMap {
    /// As the operator's messages name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.secret, &self.config_map) {
            (Some(r), _) => write!(f, "<secret={},key={}>", r.name, r.key),
            (None, Some(r)) => write!(f, "<configmap={},key={}>", r.name, r.key),
            (None, None) => f.write_str("<empty>"),
        }
    }
}

/// User name and password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BasicAuth {
    /// Where the user name is.
    pub username: KeyRef,
    /// Where the password is.
    pub password: KeyRef,
}

/// A scheme and its credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorization {
    /// `Bearer` when empty.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the credentials are.
    pub credentials: Option<KeyRef>,
    /// A file of the Prometheus pod; only scrape classes and the API server's section have it.
    pub credentials_file: String,
}

/// Settings of TLS. Files are paths in the Prometheus pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tls {
    /// Certificate of the authority.
    pub ca: SecretOrConfigMap,
    /// Client certificate.
    pub cert: SecretOrConfigMap,
    /// Key of the client certificate.
    pub key_secret: Option<KeyRef>,
    /// Name to check the server's certificate for.
    pub server_name: Option<String>,
    /// Whether the certificate is not checked.
    pub insecure_skip_verify: Option<bool>,
    /// Least version.
    pub min_version: Option<String>,
    /// Highest version.
    pub max_version: Option<String>,
    /// File with the authority's certificate.
    pub ca_file: String,
    /// File with the client certificate.
    pub cert_file: String,
    /// File with the key.
    pub key_file: String,
}

impl Tls {
    /// The same without files, for the kinds that have no fields for files.
    pub fn without_files(&self) -> Tls {
        Tls { ca_file: String::new(), cert_file: String::new(), key_file: String::new(), ..self.clone() }
    }
}

/// Client credentials of OAuth 2.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OAuth2 {
    /// Identity of the client.
    pub client_id: SecretOrConfigMap,
    /// Its secret.
    pub client_secret: KeyRef,
    /// Where tokens are given.
    pub token_url: String,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// More parameters of the request.
    pub endpoint_params: BTreeMap<String, String>,
    /// TLS of the token's server.
    pub tls_config: Option<Tls>,
    /// Proxy to it.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// A proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Proxy {
    /// Its URL.
    pub proxy_url: Option<String>,
    /// Hosts that are reached without it.
    pub no_proxy: Option<String>,
    /// Whether the environment names it.
    pub proxy_from_environment: Option<bool>,
    /// Headers of CONNECT, from Secrets.
    pub proxy_connect_header: Option<BTreeMap<String, Vec<KeyRef>>>,
}

/// Credentials and connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// A scheme and its credentials.
    pub authorization: Option<Authorization>,
    /// User name and password.
    pub basic_auth: Option<BasicAuth>,
    /// OAuth 2.
    pub oauth2: Option<OAuth2>,
    /// A bearer token (deprecated).
    pub bearer_token_secret: Option<KeyRef>,
    /// Whether redirects are followed.
    pub follow_redirects: Option<bool>,
    /// Whether HTTP/2 may be spoken.
    #[serde(alias = "enableHTTP2")]
    pub enable_http2: Option<bool>,
    /// TLS.
    pub tls_config: Option<Tls>,
    /// Proxy.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

impl Default for IntOrString {
    fn default() -> IntOrString {
        IntOrString::Int(0)
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IntOrString::Int(n) => write!(f, "{n}"),
            IntOrString::Text(t) => f.write_str(t),
        }
    }
}

/// A label selector. Where one may be null it stands in an `Option`: null selects nothing, the empty one everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels with their values.
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    pub match_expressions: Vec<Expression>,
}

/// One condition of a label selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Expression {
    /// Name of the label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Values, for the first two.
    pub values: Vec<String>,
}

/// Namespaces in which a monitor looks for targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceSelector {
    /// All of them.
    pub any: bool,
    /// These; the monitor's own when empty.
    pub match_names: Vec<String>,
}

/// A relabelling rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Relabel {
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What stands between them.
    pub separator: Option<String>,
    /// Label that is written.
    pub target_label: String,
    /// What must match.
    pub regex: String,
    /// Divisor of `hashmod`.
    pub modulus: i64,
    /// New value.
    pub replacement: Option<String>,
    /// What to do; any case.
    pub action: String,
}

/// What is known of the object behind a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AttachMetadata {
    /// The node's labels too.
    pub node: Option<bool>,
}

/// Limits of a job; 0 counts as none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Samples of a scrape.
    pub sample_limit: Option<i64>,
    /// Targets.
    pub target_limit: Option<i64>,
    /// Labels of a sample.
    pub label_limit: Option<i64>,
    /// Length of a label's name.
    pub label_name_length_limit: Option<i64>,
    /// Length of a label's value.
    pub label_value_length_limit: Option<i64>,
    /// Dropped targets that are remembered.
    pub keep_dropped_targets: Option<i64>,
}

/// Settings for histograms.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NativeHistograms {
    /// Whether native ones are scraped.
    pub scrape_native_histograms: Option<bool>,
    /// Whether classic ones are scraped beside.
    pub scrape_classic_histograms: Option<bool>,
    /// Most buckets.
    pub native_histogram_bucket_limit: Option<i64>,
    /// Least growth factor, a quantity.
    pub native_histogram_min_bucket_factor: Option<serde_json::Value>,
    /// Whether classic ones become native ones with custom buckets.
    #[serde(rename = "convertClassicHistogramsToNHCB")]
    pub convert_classic_histograms_to_nhcb: Option<bool>,
}
