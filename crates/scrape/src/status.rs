//! What is known of a target: the rows of the Targets page and of `/api/v1/targets`.

use std::sync::Arc;
use tortie_model::Labels;

/// Health of a target as Prometheus names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not scraped so far.
    #[default]
    Unknown,
    /// The last scrape succeeded.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// `up`, `down` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Unknown => "unknown",
            Health::Up => "up",
            Health::Down => "down",
        }
    }
}

/// A snapshot of one active target.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// Name of the scrape pool (the job's name in the configuration).
    pub pool: Arc<str>,
    /// Labels before relabelling, as discovery gave them.
    pub discovered: Labels,
    /// Labels after relabelling, without those that start with `__`.
    pub labels: Labels,
    /// URL with parameters, as it is fetched.
    pub url: String,
    /// Health after the last scrape.
    pub health: Health,
    /// Why the last scrape failed, empty when it did not. Parse errors carry line and column.
    pub last_error: String,
    /// What the last scrape stored but would like to say: duplicates, refused samples. Empty when nothing.
    pub last_warning: String,
    /// What is to be known of how it is asked: an unverified certificate, credentials over plain HTTP.
    pub remarks: Vec<&'static str>,
    /// Start of the last scrape, milliseconds since the epoch, 0 when there was none.
    pub last_scrape_ms: i64,
    /// Duration of the last scrape in seconds.
    pub last_duration: f64,
    /// Samples in the last body, before metric relabelling.
    pub samples: u64,
    /// Series that the last scrape added.
    pub series_added: u64,
    /// Bytes of the last body, uncompressed.
    pub body_bytes: u64,
    /// Scrape interval in milliseconds.
    pub interval_ms: i64,
    /// Scrape timeout in milliseconds.
    pub timeout_ms: i64,
    /// Health of the last 20 scrapes, oldest first (`true` is up).
    pub history: Vec<bool>,
    /// Since when the health is what it is, milliseconds since the epoch.
    pub since_ms: i64,
}

/// A target that relabelling dropped.
#[derive(Debug, Clone)]
pub struct DroppedTarget {
    /// Name of the scrape pool.
    pub pool: Arc<str>,
    /// Labels before relabelling.
    pub discovered: Labels,
}

/// Metadata of a metric of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricMetadata {
    /// Name of the metric family.
    pub metric: String,
    /// `counter`, `gauge`, `histogram`, `summary`, `unknown`, ...
    pub kind: &'static str,
    /// Help text, unescaped.
    pub help: String,
    /// Unit, often empty.
    pub unit: String,
}
