//! Probe.

use super::Meta;
use super::shared::{Http, LabelSelector, Limits, NamespaceSelector, NativeHistograms, Proxy, Relabel};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A Probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: ProbeSpec,
}

/// `spec` of a Probe.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeSpec {
    /// Value of `job`.
    pub job_name: String,
    /// The prober.
    pub prober: Prober,
    /// Its module.
    pub module: String,
    /// What is probed.
    pub targets: ProbeTargets,
    /// Time between probes.
    pub interval: String,
    /// Most time of one.
    pub scrape_timeout: String,
    /// Rules for samples.
    pub metric_relabelings: Vec<Relabel>,
    /// Formats to ask for.
    pub scrape_protocols: Vec<String>,
    /// Format of answers that name none.
    pub fallback_scrape_protocol: Option<String>,
    /// Limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// Histograms.
    #[serde(flatten)]
    pub histograms: NativeHistograms,
    /// Name of a scrape class.
    pub scrape_class: Option<String>,
    /// URL parameters.
    pub params: Vec<Param>,
    /// Credentials and connection; its proxy fields do not exist in the definition.
    #[serde(flatten)]
    pub http: Http,
}

/// A URL parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Param {
    /// Name.
    pub name: String,
    /// Values.
    pub values: Vec<String>,
}

/// The prober.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prober {
    /// `host` or `host:port`.
    pub url: String,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Path of the probe.
    pub path: String,
    /// Proxy to the prober.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// What is probed; `static` wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeTargets {
    /// A list.
    pub static_config: Option<ProbeStatic>,
    /// Ingresses.
    pub ingress: Option<ProbeIngress>,
}

/// A list of what is probed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeStatic {
    /// The list.
    #[serde(rename = "static")]
    pub targets: Vec<String>,
    /// Labels of all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// Rules for targets.
    pub relabeling_configs: Vec<Relabel>,
}

/// Ingresses that are probed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeIngress {
    /// Which ones.
    pub selector: LabelSelector,
    /// In which namespaces.
    pub namespace_selector: NamespaceSelector,
    /// Rules for targets.
    pub relabeling_configs: Vec<Relabel>,
}
