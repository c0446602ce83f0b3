//! Types of metric families as exposition formats and the API name them.

/// The type that a `# TYPE` line gives a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricType {
    /// Only grows, until its process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
    /// Not told (`untyped` in the text format).
    #[default]
    Unknown,
}

impl MetricType {
    /// The name in Prometheus' API: `counter`, `gauge`, `histogram`, `summary`, `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            MetricType::Summary => "summary",
            MetricType::Unknown => "unknown",
        }
    }

    /// The name in a `# TYPE` line of the text format: as [`MetricType::as_str`], but `untyped`.
    pub fn text_name(self) -> &'static str {
        match self {
            MetricType::Unknown => "untyped",
            other => other.as_str(),
        }
    }

    /// The type that a `# TYPE` line of the text format names; exact bytes only, as Prometheus' parser.
    pub fn from_text(name: &[u8]) -> Option<MetricType> {
        Some(match name {
            b"counter" => MetricType::Counter,
            b"gauge" => MetricType::Gauge,
            b"histogram" => MetricType::Histogram,
            b"summary" => MetricType::Summary,
            b"untyped" => MetricType::Unknown,
            _ => return None,
        })
    }
}
