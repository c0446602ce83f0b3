//! Section `alerting`: which Alertmanagers are told of alerts, and how.

use crate::dns::DnsSdConfig;
use crate::http_client::HttpClientConfig;
use crate::kubernetes::KubernetesSdConfig;
use crate::scrape::{FileSdConfig, StaticConfig};
use tortie_model::relabel::Rule;

/// Section `alerting`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertingConfig {
    /// Rules for alerts, whoever gets them.
    pub alert_relabel: Vec<Rule>,
    /// Sets of Alertmanagers; each alert goes to all of them.
    pub alertmanagers: Vec<AlertmanagerConfig>,
}

/// One element of `alertmanagers`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// `http` or `https`, which relabelling may change.
    pub scheme: String,
    /// Path before `/api/v2/alerts`.
    pub path_prefix: String,
    /// Longest time for one request, milliseconds.
    pub timeout_ms: i64,
    /// Credentials and connection.
    pub http: HttpClientConfig,
    /// Rules for the Alertmanagers that were discovered.
    pub relabel: Vec<Rule>,
    /// Rules for alerts to these Alertmanagers.
    pub alert_relabel: Vec<Rule>,
    /// Addresses written into the configuration.
    pub static_configs: Vec<StaticConfig>,
    /// Addresses that DNS knows.
    pub dns_sd_configs: Vec<DnsSdConfig>,
    /// Addresses in files.
    pub file_sd_configs: Vec<FileSdConfig>,
    /// Addresses that an API server knows.
    pub kubernetes_sd_configs: Vec<KubernetesSdConfig>,
}
