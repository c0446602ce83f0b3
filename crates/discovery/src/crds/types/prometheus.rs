//! Prometheus: what it selects, what it enforces, and the settings of all jobs.

use super::Meta;
use super::shared::{
    AttachMetadata, Authorization, BasicAuth, IntOrString, KeyRef, LabelSelector, Limits, Proxy, Relabel, Tls,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A Prometheus object.
#[derive(Debug, Clone, PartialEq)]
pub struct Prometheus {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: PrometheusSpec,
    /// Fields that it sets and that have no effect here, by name.
    pub unread: Vec<&'static str>,
}

/// `spec` of a Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrometheusSpec {
    /// Which ServiceMonitors; null selects none.
    pub service_monitor_selector: Option<LabelSelector>,
    /// In which namespaces; null is the own one.
    pub service_monitor_namespace_selector: Option<LabelSelector>,
    /// Which PodMonitors.
    pub pod_monitor_selector: Option<LabelSelector>,
    /// In which namespaces.
    pub pod_monitor_namespace_selector: Option<LabelSelector>,
    /// Which Probes.
    pub probe_selector: Option<LabelSelector>,
    /// In which namespaces.
    pub probe_namespace_selector: Option<LabelSelector>,
    /// Which ScrapeConfigs.
    pub scrape_config_selector: Option<LabelSelector>,
    /// In which namespaces.
    pub scrape_config_namespace_selector: Option<LabelSelector>,
    /// Which PrometheusRules.
    pub rule_selector: Option<LabelSelector>,
    /// In which namespaces.
    pub rule_namespace_selector: Option<LabelSelector>,
    /// Version whose fields may be used.
    pub version: String,
    /// How many share the targets.
    pub shards: Option<i32>,
    /// How they share them.
    pub sharding_strategy: Option<Sharding>,
    /// Name of the external label with the pod's name; empty for none.
    pub replica_external_label_name: Option<String>,
    /// Name of the external label with the object's name; empty for none.
    pub prometheus_external_label_name: Option<String>,
    /// Time between scrapes.
    pub scrape_interval: String,
    /// Most time of one.
    pub scrape_timeout: String,
    /// Formats to ask for.
    pub scrape_protocols: Vec<String>,
    /// Labels for whoever reads from it.
    pub external_labels: BTreeMap<String, String>,
    /// Jobs as text, in a Secret.
    pub additional_scrape_configs: Option<KeyRef>,
    /// Another API server than the own one.
    pub apiserver_config: Option<ApiServer>,
    /// Whether ServiceMonitors may name files.
    #[serde(rename = "arbitraryFSAccessThroughSMs")]
    pub arbitrary_fs_access_through_sms: FileAccess,
    /// `honor_labels` is always false.
    pub override_honor_labels: bool,
    /// `honor_timestamps` is always false.
    pub override_honor_timestamps: bool,
    /// Monitors look in their own namespace only.
    pub ignore_namespace_selectors: bool,
    /// Label that always holds the monitor's namespace.
    pub enforced_namespace_label: String,
    /// Most samples of any job.
    pub enforced_sample_limit: Option<i64>,
    /// Most targets of any job.
    pub enforced_target_limit: Option<i64>,
    /// Most labels of any sample.
    pub enforced_label_limit: Option<i64>,
    /// Longest name of any label.
    pub enforced_label_name_length_limit: Option<i64>,
    /// Longest value of any label.
    pub enforced_label_value_length_limit: Option<i64>,
    /// Most dropped targets remembered.
    pub enforced_keep_dropped_targets: Option<i64>,
    /// Most bytes of any body.
    pub enforced_body_size_limit: String,
    /// Which names are valid.
    pub name_validation_scheme: Option<String>,
    /// How targets are asked to escape names.
    pub name_escaping_scheme: Option<String>,
    /// Whether classic histograms become native ones with custom buckets.
    #[serde(rename = "convertClassicHistogramsToNHCB")]
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    /// Whether native histograms are scraped.
    pub scrape_native_histograms: Option<bool>,
    /// Whether classic ones are scraped beside.
    pub scrape_classic_histograms: Option<bool>,
    /// Objects that nothing is enforced on.
    pub excluded_from_enforcement: Vec<ObjectReference>,
    /// Labels of pods that go onto all targets.
    pub pod_target_labels: Vec<String>,
    /// Most bytes of a body.
    pub body_size_limit: Option<String>,
    /// Limits of jobs that name none.
    #[serde(flatten)]
    pub limits: Limits,
    /// Settings that monitors may refer to.
    pub scrape_classes: Vec<ScrapeClass>,
    /// `Endpoints` or `EndpointSlice`.
    pub service_discovery_role: Option<String>,
    /// The database.
    pub tsdb: Option<Tsdb>,
    /// File for failed scrapes.
    pub scrape_failure_log_file: Option<String>,
    /// Settings of Go's runtime.
    pub runtime: Option<Runtime>,
    /// Feature flags.
    pub enable_features: Vec<String>,
    /// How long samples are kept.
    pub retention: String,
    /// Most bytes kept.
    pub retention_size: String,
    /// Where alerts go.
    pub alerting: Option<Alerting>,
    /// Rules for alerts as text, in a Secret.
    pub additional_alert_relabel_configs: Option<KeyRef>,
    /// Alertmanagers as text, in a Secret.
    pub additional_alert_manager_configs: Option<KeyRef>,
    /// File for queries.
    pub query_log_file: String,
    /// Exemplars.
    pub exemplars: Option<Exemplars>,
    /// Time between evaluations.
    pub evaluation_interval: String,
    /// How far in the past rules are evaluated.
    pub rule_query_offset: Option<String>,
    /// Settings of alerts, which are flags of the process.
    pub rules: Option<RuleSettings>,
    /// PrometheusRules that nothing is enforced on (deprecated).
    pub prometheus_rules_excluded_from_enforce: Vec<RuleReference>,
}

/// How several share the targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Sharding {
    /// `Classic` or `Topology`.
    pub mode: Option<String>,
    /// By zones.
    pub topology: Option<Topology>,
}

/// Sharing by zones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Topology {
    /// Name of the external label with the zone; empty for none.
    pub external_label_name: Option<String>,
    /// The zones.
    pub values: Vec<String>,
}

/// An API server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiServer {
    /// Its address.
    pub host: String,
    /// User name and password.
    pub basic_auth: Option<BasicAuth>,
    /// A file with a token (deprecated).
    pub bearer_token_file: String,
    /// TLS.
    pub tls_config: Option<Tls>,
    /// A scheme and its credentials.
    pub authorization: Option<Authorization>,
    /// A token (deprecated).
    pub bearer_token: String,
    /// Proxy.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// Whether monitors may name files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FileAccess {
    /// They may not.
    pub deny: bool,
}

/// Names one object or all of a kind in a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ObjectReference {
    /// Group.
    pub group: String,
    /// Plural name of the kind.
    pub resource: String,
    /// Namespace.
    pub namespace: String,
    /// Name; empty for all.
    pub name: String,
}

impl ObjectReference {
    /// Whether it names an object of prometheus-operator's group, by the plural of its kind.
    pub fn names(&self, resource: &str, meta: &Meta) -> bool {
        self.namespace == meta.namespace
            && (self.group.is_empty() || self.group == "monitoring.coreos.com")
            && self.resource == resource
            && (self.name.is_empty() || self.name == meta.name)
    }
}

/// Names a PrometheusRule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleReference {
    /// Its namespace.
    pub rule_namespace: String,
    /// Its name.
    pub rule_name: String,
}

/// Settings of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RuleSettings {
    /// Those of alerts.
    pub alert: AlertSettings,
}

/// Settings of alerts, durations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertSettings {
    /// Longest outage after which alerts go on waiting where they were.
    pub for_outage_tolerance: String,
    /// Least wait of a restored alert.
    pub for_grace_period: String,
    /// Least time between two notices of a firing alert.
    pub resend_delay: String,
}

/// Settings that monitors may refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScrapeClass {
    /// Its name.
    pub name: String,
    /// Whether it counts for monitors that name none.
    pub default: Option<bool>,
    /// Format of answers that name none.
    pub fallback_scrape_protocol: Option<String>,
    /// TLS.
    pub tls_config: Option<Tls>,
    /// A scheme and its credentials.
    pub authorization: Option<Authorization>,
    /// Rules for targets.
    pub relabelings: Vec<Relabel>,
    /// Rules for samples.
    pub metric_relabelings: Vec<Relabel>,
    /// More about the object behind a target.
    pub attach_metadata: Option<AttachMetadata>,
}

/// The database.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tsdb {
    /// How late samples may come.
    pub out_of_order_time_window: Option<String>,
    /// A quantity.
    pub stale_series_compaction_threshold: Option<serde_json::Value>,
    /// Encoding of chunks.
    pub chunk_encoding: Option<serde_json::Value>,
}

/// Settings of Go's runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// Percentage of the garbage collector.
    #[serde(rename = "goGC")]
    pub go_gc: Option<i32>,
}

/// Exemplars.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exemplars {
    /// How many are kept.
    pub max_size: Option<i64>,
}

/// Where alerts go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Alerting {
    /// The Alertmanagers.
    pub alertmanagers: Vec<AlertmanagerEndpoints>,
}

/// Alertmanagers behind one Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertmanagerEndpoints {
    /// Namespace; null is the own one.
    pub namespace: Option<String>,
    /// Name of the Service (a regular expression).
    pub name: String,
    /// Name or number of its port.
    pub port: IntOrString,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Before all paths.
    pub path_prefix: Option<String>,
    /// TLS.
    pub tls_config: Option<Tls>,
    /// User name and password.
    pub basic_auth: Option<BasicAuth>,
    /// A file with a token (deprecated).
    pub bearer_token_file: String,
    /// A scheme and its credentials.
    pub authorization: Option<Authorization>,
    /// Signed requests of a cloud; tortie reads its presence only.
    pub sigv4: Option<Sigv4>,
    /// Proxy.
    #[serde(flatten)]
    pub proxy: Proxy,
    /// `v1` or `v2`.
    pub api_version: Option<String>,
    /// Most time of a request.
    pub timeout: Option<String>,
    /// Whether HTTP/2 may be spoken.
    pub enable_http2: Option<bool>,
    /// Rules for the Alertmanagers.
    pub relabelings: Vec<Relabel>,
    /// Rules for alerts.
    pub alert_relabelings: Vec<Relabel>,
}

/// Signed requests of a cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sigv4 {
    /// Region.
    pub region: String,
    /// Key.
    pub access_key: Option<KeyRef>,
    /// Its secret.
    pub secret_key: Option<KeyRef>,
    /// Profile.
    pub profile: String,
    /// Role.
    pub role_arn: String,
    /// External identity.
    pub external_id: String,
    /// Whether FIPS endpoints are asked.
    #[serde(rename = "useFIPSSTSEndpoint")]
    pub use_fips_sts_endpoint: Option<bool>,
}
