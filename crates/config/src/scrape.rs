//! A scrape configuration with everything resolved: globals applied, durations in milliseconds, rules compiled.

use crate::dns::DnsSdConfig;
use crate::http_client::HttpClientConfig;
use crate::kubernetes::KubernetesSdConfig;
use tortie_model::names::NameScheme;
use tortie_model::relabel::Rule;

/// One job of `scrape_configs`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeConfig {
    /// Value of label `job`, unique.
    pub job_name: String,
    /// Whether labels of the target's samples win over the target's own.
    pub honor_labels: bool,
    /// Whether timestamps of the body are kept.
    pub honor_timestamps: bool,
    /// Whether series with explicit timestamps get stale markers.
    pub track_timestamps_staleness: bool,
    /// URL parameters: name and values, ascending by name.
    pub params: Vec<(String, Vec<String>)>,
    /// Time between scrapes, milliseconds.
    pub interval_ms: i64,
    /// Most time for one scrape, milliseconds, at most the interval.
    pub timeout_ms: i64,
    /// Formats to ask for, best first; never empty.
    pub protocols: Vec<ScrapeProtocol>,
    /// Format to assume when the answer names none that is known.
    pub fallback_protocol: Option<ScrapeProtocol>,
    /// Path of the metrics.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Whether to ask for gzip.
    pub enable_compression: bool,
    /// Most bytes of an uncompressed body, 0 for no limit.
    pub body_size_limit: u64,
    /// Most samples after metric relabelling, 0 for no limit.
    pub sample_limit: u64,
    /// Most targets after relabelling, 0 for no limit.
    pub target_limit: u64,
    /// Most labels of a sample, 0 for no limit.
    pub label_limit: u64,
    /// Longest label name in bytes, 0 for no limit.
    pub label_name_length_limit: u64,
    /// Longest label value in bytes, 0 for no limit.
    pub label_value_length_limit: u64,
    /// Most dropped targets to remember, 0 for no limit.
    pub keep_dropped_targets: u64,
    /// Whether to store `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` too.
    pub extra_scrape_metrics: bool,
    /// Which names metrics and labels may have.
    pub name_scheme: NameScheme,
    /// How the target is asked to escape names that are not of the legacy scheme.
    pub name_escaping: NameEscaping,
    /// Credentials and connection.
    pub http: HttpClientConfig,
    /// Rules for targets.
    pub relabel: Vec<Rule>,
    /// Rules for samples.
    pub metric_relabel: Vec<Rule>,
    /// Targets written into the configuration.
    pub static_configs: Vec<StaticConfig>,
    /// Targets that DNS knows.
    pub dns_sd_configs: Vec<DnsSdConfig>,
    /// Targets in files.
    pub file_sd_configs: Vec<FileSdConfig>,
    /// Targets that an API server knows.
    pub kubernetes_sd_configs: Vec<KubernetesSdConfig>,
}

/// A format of exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Delimited protobuf.
    PrometheusProto,
    /// Text 0.0.4.
    PrometheusText004,
    /// Text 1.0.0 (names in quotes).
    PrometheusText100,
    /// OpenMetrics 0.0.1.
    OpenMetricsText001,
    /// OpenMetrics 1.0.0.
    OpenMetricsText100,
    /// OpenMetrics 2.0.0.
    OpenMetricsText200,
}

impl ScrapeProtocol {
    /// All of them with the name in a configuration and the media type, ascending by name.
    pub const ALL: [(&'static str, ScrapeProtocol, &'static str); 6] = [
        (
            "OpenMetricsText0.0.1",
            ScrapeProtocol::OpenMetricsText001,
            "application/openmetrics-text;version=0.0.1",
        ),
        (
            "OpenMetricsText1.0.0",
            ScrapeProtocol::OpenMetricsText100,
            "application/openmetrics-text;version=1.0.0",
        ),
        (
            "OpenMetricsText2.0.0",
            ScrapeProtocol::OpenMetricsText200,
            "application/openmetrics-text;version=2.0.0",
        ),
        (
            "PrometheusProto",
            ScrapeProtocol::PrometheusProto,
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        ),
        ("PrometheusText0.0.4", ScrapeProtocol::PrometheusText004, "text/plain;version=0.0.4"),
        ("PrometheusText1.0.0", ScrapeProtocol::PrometheusText100, "text/plain;version=1.0.0"),
    ];

    /// What Prometheus asks for without native histograms, best first.
    pub const DEFAULT: [ScrapeProtocol; 4] = [
        ScrapeProtocol::OpenMetricsText100,
        ScrapeProtocol::OpenMetricsText001,
        ScrapeProtocol::PrometheusText100,
        ScrapeProtocol::PrometheusText004,
    ];

    /// The protocol of a name (case counts).
    pub fn parse(name: &str) -> Option<ScrapeProtocol> {
        ScrapeProtocol::ALL.iter().find(|(n, ..)| *n == name).map(|(_, p, _)| *p)
    }

    /// The name in a configuration.
    pub fn as_str(self) -> &'static str {
        ScrapeProtocol::ALL.iter().find(|(_, p, _)| *p == self).map_or("", |(n, ..)| n)
    }

    /// The media type for the Accept header, without quality and escaping.
    pub fn media_type(self) -> &'static str {
        ScrapeProtocol::ALL.iter().find(|(_, p, _)| *p == self).map_or("", |(.., m)| m)
    }
}

/// How names beyond the legacy scheme are to be escaped (`escaping=` in the Accept header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameEscaping {
    /// Not at all.
    #[default]
    AllowUtf8,
    /// `_` for each character.
    Underscores,
    /// `_dot_` for dots, `__` for `_`.
    Dots,
    /// `U__` and hexadecimal code points.
    Values,
}

impl NameEscaping {
    /// All of them with their names.
    pub const ALL: [(&'static str, NameEscaping); 4] = [
        ("allow-utf-8", NameEscaping::AllowUtf8),
        ("underscores", NameEscaping::Underscores),
        ("dots", NameEscaping::Dots),
        ("values", NameEscaping::Values),
    ];

    /// The scheme of a name.
    pub fn parse(name: &str) -> Option<NameEscaping> {
        NameEscaping::ALL.iter().find(|(n, _)| *n == name).map(|(_, e)| *e)
    }

    /// The name in a configuration and in the Accept header.
    pub fn as_str(self) -> &'static str {
        NameEscaping::ALL.iter().find(|(_, e)| *e == self).map_or("", |(n, _)| n)
    }
}

/// Targets written into the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaticConfig {
    /// `host:port` each.
    pub targets: Vec<String>,
    /// Labels of all of them, in the order of the file.
    pub labels: Vec<(String, String)>,
}

/// Files with target groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSdConfig {
    /// Paths, resolved; the last part may hold `*`.
    pub files: Vec<String>,
    /// Time between readings without a change, milliseconds.
    pub refresh_interval_ms: i64,
}
