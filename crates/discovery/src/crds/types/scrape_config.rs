//! ScrapeConfig. Its kinds of discovery that tortie has are decoded; the others are kept as names, to be refused by name.

use super::Meta;
use super::shared::{Http, Limits, NativeHistograms, Relabel};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A ScrapeConfig.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeConfig {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: ScrapeConfigSpec,
    /// Kinds of discovery that tortie does not have and this names, such as `consulSDConfigs`.
    pub foreign: Vec<String>,
}

/// `spec` of a ScrapeConfig.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScrapeConfigSpec {
    /// Value of `job`.
    pub job_name: Option<String>,
    /// Targets in the object.
    pub static_configs: Vec<StaticTargets>,
    /// Targets in files.
    #[serde(rename = "fileSDConfigs")]
    pub file_sd_configs: Vec<FileSd>,
    /// Targets over HTTP.
    #[serde(rename = "httpSDConfigs")]
    pub http_sd_configs: Vec<HttpSd>,
    /// Targets of the cluster.
    #[serde(rename = "kubernetesSDConfigs")]
    pub kubernetes_sd_configs: Vec<KubernetesSd>,
    /// Targets in the domain name system.
    #[serde(rename = "dnsSDConfigs")]
    pub dns_sd_configs: Vec<DnsSd>,
    /// Rules for targets.
    pub relabelings: Vec<Relabel>,
    /// Path of the metrics.
    pub metrics_path: Option<String>,
    /// Time between scrapes.
    pub scrape_interval: Option<String>,
    /// Most time of one.
    pub scrape_timeout: Option<String>,
    /// Formats to ask for.
    pub scrape_protocols: Vec<String>,
    /// Format of answers that name none.
    pub fallback_scrape_protocol: Option<String>,
    /// Whether timestamps of the body count.
    pub honor_timestamps: Option<bool>,
    /// Whether series with timestamps get stale markers.
    pub track_timestamps_staleness: Option<bool>,
    /// Whether labels of the body win.
    pub honor_labels: Option<bool>,
    /// URL parameters.
    pub params: BTreeMap<String, Vec<String>>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Whether gzip is asked for.
    pub enable_compression: Option<bool>,
    /// Limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// Most bytes of a body.
    pub body_size_limit: Option<String>,
    /// Histograms.
    #[serde(flatten)]
    pub histograms: NativeHistograms,
    /// Rules for samples.
    pub metric_relabelings: Vec<Relabel>,
    /// Which names are valid.
    pub name_validation_scheme: Option<String>,
    /// How targets are asked to escape names.
    pub name_escaping_scheme: Option<String>,
    /// Name of a scrape class.
    pub scrape_class: Option<String>,
    /// Credentials and connection.
    #[serde(flatten)]
    pub http: Http,
}

/// Targets in the object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StaticTargets {
    /// `host:port` each.
    pub targets: Vec<String>,
    /// Labels of all of them.
    pub labels: BTreeMap<String, String>,
}

/// Targets in files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileSd {
    /// Paths.
    pub files: Vec<String>,
    /// Time between looks.
    pub refresh_interval: Option<String>,
}

/// Targets over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpSd {
    /// Where.
    pub url: String,
    /// Time between requests.
    pub refresh_interval: Option<String>,
    /// Credentials and connection.
    #[serde(flatten)]
    pub http: Http,
}

/// Targets of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesSd {
    /// Another API server than the own one.
    #[serde(rename = "apiServer")]
    pub api_server: Option<String>,
    /// What becomes a target.
    pub role: String,
    /// In which namespaces.
    pub namespaces: Option<NamespaceDiscovery>,
    /// More about the object behind a target.
    pub attach_metadata: Option<super::AttachMetadata>,
    /// Which objects are watched.
    pub selectors: Vec<SdSelector>,
    /// Credentials and connection.
    #[serde(flatten)]
    pub http: Http,
}

/// Namespaces to look in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NamespaceDiscovery {
    /// Whether the own one is among them.
    #[serde(rename = "ownNamespace")]
    pub own_namespace: Option<bool>,
    /// Their names.
    pub names: Vec<String>,
}

/// Which objects are watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SdSelector {
    /// Kind of the objects.
    pub role: String,
    /// By labels.
    pub label: Option<String>,
    /// By fields.
    pub field: Option<String>,
}

/// Targets in the domain name system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DnsSd {
    /// Names to ask for.
    pub names: Vec<String>,
    /// Time between questions.
    pub refresh_interval: Option<String>,
    /// Kind of record.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Port of all targets.
    pub port: Option<i32>,
}
