//! What a scrape pool is told: the runtime form of one `scrape_configs` entry, with all defaults filled in.

use std::sync::Arc;
use tortie_config::HttpClientConfig;
use tortie_model::names::NameScheme;
use tortie_model::relabel::Rule;
use tortie_wire::content_type::Protocol;

/// One scrape pool. Limits of 0 are none.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolConfig {
    /// Name of the job and of the pool.
    pub job_name: Arc<str>,
    /// Milliseconds between scrapes, above 0.
    pub interval_ms: i64,
    /// Milliseconds that a scrape may take, at most the interval.
    pub timeout_ms: i64,
    /// Path of the metrics, `/metrics` by default.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// URL parameters.
    pub params: Vec<(String, Vec<String>)>,
    /// Labels of the body win over those of the target.
    pub honor_labels: bool,
    /// Timestamps of the body are used.
    pub honor_timestamps: bool,
    /// Series with explicit timestamps get stale markers too.
    pub track_timestamps_staleness: bool,
    /// Most samples of a scrape after metric relabelling.
    pub sample_limit: u64,
    /// Most labels of a series.
    pub label_limit: u64,
    /// Longest label name in bytes.
    pub label_name_length_limit: u64,
    /// Longest label value in bytes.
    pub label_value_length_limit: u64,
    /// Most targets; above it all of them fail unscraped.
    pub target_limit: u64,
    /// Uncompressed bytes of a body from which on a scrape fails.
    pub body_size_limit: u64,
    /// How many targets dropped by relabelling are remembered.
    pub keep_dropped_targets: u64,
    /// Rules for targets.
    pub relabel: Vec<Rule>,
    /// Rules for series.
    pub metric_relabel: Vec<Rule>,
    /// Whether gzip is asked for.
    pub enable_compression: bool,
    /// Formats asked for, most wanted first.
    pub protocols: Vec<Protocol>,
    /// Format of bodies whose Content-Type says nothing usable.
    pub fallback_protocol: Option<Protocol>,
    /// Escaping asked for in the Accept header: `allow-utf-8`, `underscores`, `dots` or `values`.
    pub escaping: String,
    /// Which names series may have.
    pub name_scheme: NameScheme,
    /// Credentials, TLS, proxy, own headers, redirects.
    pub http: HttpClientConfig,
    /// Whether `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` are stored.
    pub extra_scrape_metrics: bool,
    /// Whether somebody made it who is not trusted with this machine, by a custom resource: then credentials go to the host
    /// that was discovered and to no other, only what [`crate::Options::reach`] allows is reached, and errors show little of
    /// what a body holds.
    pub foreign: bool,
}

impl PoolConfig {
    /// A pool with Prometheus' defaults: one minute, ten seconds, `/metrics`.
    pub fn new(job_name: &str) -> PoolConfig {
        PoolConfig {
            job_name: job_name.into(),
            interval_ms: 60_000,
            timeout_ms: 10_000,
            metrics_path: "/metrics".into(),
            scheme: "http".into(),
            params: Vec::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            sample_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            target_limit: 0,
            body_size_limit: 0,
            keep_dropped_targets: 0,
            relabel: Vec::new(),
            metric_relabel: Vec::new(),
            enable_compression: true,
            protocols: vec![Protocol::Text1, Protocol::Text0],
            fallback_protocol: None,
            escaping: "allow-utf-8".into(),
            name_scheme: NameScheme::Utf8,
            http: HttpClientConfig::default(),
            extra_scrape_metrics: false,
            foreign: false,
        }
    }

    /// Whether series of a body get the same labels under `other`: then what a target has learned stays valid.
    pub(crate) fn maps_as(&self, other: &PoolConfig) -> bool {
        self.honor_labels == other.honor_labels
            && self.metric_relabel == other.metric_relabel
            && self.label_limit == other.label_limit
            && self.label_name_length_limit == other.label_name_length_limit
            && self.label_value_length_limit == other.label_value_length_limit
            && self.name_scheme == other.name_scheme
    }
}
