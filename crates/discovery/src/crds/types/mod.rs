//! The custom resources with the fields that decide what is scraped and how, decoded from JSON.
//!
//! A field that is not here is either about the pods that the operator makes, or refused by name; `docs/crd-fields.md` has
//! a row for each.

mod alertmanager;
mod monitor;
mod probe;
mod prometheus;
mod rule;
mod scrape_config;
mod shared;

pub use alertmanager::{Alertmanager, AlertmanagerConfig, AlertmanagerSpec, Base};
pub use monitor::{
    Endpoint, EndpointCommon, MonitorCommon, PodEndpoint, PodMonitor, PodMonitorSpec, ServiceMonitor,
    ServiceMonitorSpec,
};
pub use probe::{Param, Probe, ProbeIngress, ProbeSpec, ProbeStatic, ProbeTargets, Prober};
pub use prometheus::{
    AlertSettings, Alerting, AlertmanagerEndpoints, ApiServer, Exemplars, FileAccess, ObjectReference,
    Prometheus, PrometheusSpec, RuleReference, RuleSettings, Runtime, ScrapeClass, Sharding, Sigv4, Topology,
    Tsdb,
};
pub use rule::{PrometheusRule, PrometheusRuleSpec, Rule, RuleGroup};
pub use scrape_config::{
    DnsSd, FileSd, HttpSd, KubernetesSd, NamespaceDiscovery, ScrapeConfig, ScrapeConfigSpec, SdSelector,
    StaticTargets,
};
pub use shared::{
    AttachMetadata, Authorization, BasicAuth, Expression, Http, IntOrString, KeyRef, LabelSelector, Limits,
    NamespaceSelector, NativeHistograms, OAuth2, Proxy, Relabel, SecretOrConfigMap, Tls,
};

/// `metadata` of a resource, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Identity that never comes again.
    pub uid: String,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

impl Meta {
    /// `namespace/name`, by which the operator sorts.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}
