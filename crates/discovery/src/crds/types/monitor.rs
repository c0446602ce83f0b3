//! ServiceMonitor and PodMonitor.

use super::Meta;
use super::shared::{
    AttachMetadata, Http, IntOrString, LabelSelector, Limits, NamespaceSelector, NativeHistograms, Relabel,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A ServiceMonitor.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceMonitor {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: ServiceMonitorSpec,
}

/// `spec` of a ServiceMonitor.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceMonitorSpec {
    /// Label of the Service that gives `job`.
    pub job_label: String,
    /// Labels of the Service that go onto targets.
    pub target_labels: Vec<String>,
    /// Where pods are found: through Endpoints or EndpointSlices.
    pub service_discovery_role: Option<String>,
    /// One job each.
    pub endpoints: Vec<Endpoint>,
    /// What it has in common with a PodMonitor.
    #[serde(flatten)]
    pub common: MonitorCommon,
}

/// A PodMonitor.
#[derive(Debug, Clone, PartialEq)]
pub struct PodMonitor {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: PodMonitorSpec,
}

/// `spec` of a PodMonitor.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodMonitorSpec {
    /// Label of the pod that gives `job`.
    pub job_label: String,
    /// One job each.
    pub pod_metrics_endpoints: Vec<PodEndpoint>,
    /// What it has in common with a ServiceMonitor.
    #[serde(flatten)]
    pub common: MonitorCommon,
}

/// What both monitors say of all their jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorCommon {
    /// Labels of the pod that go onto targets.
    pub pod_target_labels: Vec<String>,
    /// Which Services or pods.
    pub selector: LabelSelector,
    /// `RelabelConfig` or `RoleSelector`.
    pub selector_mechanism: Option<String>,
    /// In which namespaces.
    pub namespace_selector: NamespaceSelector,
    /// Limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// Formats to ask for.
    pub scrape_protocols: Vec<String>,
    /// Format of answers that name none.
    pub fallback_scrape_protocol: Option<String>,
    /// Histograms.
    #[serde(flatten)]
    pub histograms: NativeHistograms,
    /// More about the object behind a target.
    pub attach_metadata: Option<AttachMetadata>,
    /// Name of a scrape class.
    pub scrape_class: Option<String>,
    /// Most bytes of a body.
    pub body_size_limit: Option<String>,
}

/// What the endpoints of both monitors have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointCommon {
    /// Path of the metrics.
    pub path: String,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// URL parameters.
    pub params: Option<BTreeMap<String, Vec<String>>>,
    /// Time between scrapes.
    pub interval: String,
    /// Most time of one.
    pub scrape_timeout: String,
    /// Whether labels of the body win.
    pub honor_labels: bool,
    /// Whether timestamps of the body count.
    pub honor_timestamps: Option<bool>,
    /// Whether series with timestamps get stale markers.
    pub track_timestamps_staleness: Option<bool>,
    /// Rules for samples.
    pub metric_relabelings: Vec<Relabel>,
    /// Rules for targets.
    pub relabelings: Vec<Relabel>,
    /// Whether pods that ended are left out; they are unless this is false.
    pub filter_running: Option<bool>,
    /// Credentials and connection.
    #[serde(flatten)]
    pub http: Http,
}

/// One element of `endpoints`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Name of the Service's port (a regular expression).
    pub port: String,
    /// Name or number of the container's port.
    pub target_port: Option<IntOrString>,
    /// A file with a bearer token (deprecated).
    pub bearer_token_file: String,
    /// What both monitors have.
    #[serde(flatten)]
    pub common: EndpointCommon,
}

/// One element of `podMetricsEndpoints`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodEndpoint {
    /// Name of the container's port (a regular expression).
    pub port: Option<String>,
    /// Number of the container's port.
    pub port_number: Option<i32>,
    /// Name or number of the container's port (deprecated).
    pub target_port: Option<IntOrString>,
    /// What both monitors have.
    #[serde(flatten)]
    pub common: EndpointCommon,
}
