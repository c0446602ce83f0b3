//! From a `scrape_configs` entry to a pool: the one place of this crate that knows the configuration's types.

use crate::pool_config::PoolConfig;
use tortie_config::scrape::{ScrapeConfig, ScrapeProtocol};
use tortie_wire::content_type::Protocol;

/// Why an entry cannot be scraped by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// None of the formats asked for can be parsed.
    #[error("scrape_protocols of job {job:?}: none of {asked} can be parsed; hint: add PrometheusText1.0.0")]
    Protocols {
        /// The job.
        job: String,
        /// What was asked for.
        asked: String,
    },
    /// The fallback format cannot be parsed.
    #[error(
        "fallback_scrape_protocol of job {job:?}: {protocol} cannot be parsed; hint: use PrometheusText0.0.4"
    )]
    Fallback {
        /// The job.
        job: String,
        /// The format.
        protocol: &'static str,
    },
}

impl PoolConfig {
    /// The pool of a configuration entry. Of `scrape_protocols` those are asked for that can be parsed.
    ///
    /// # Errors
    /// When the entry asks for something that is not there; the text names it.
    pub fn from_config(c: &ScrapeConfig) -> Result<PoolConfig, Unsupported> {
        let protocols: Vec<Protocol> = c.protocols.iter().filter_map(|p| protocol(*p)).collect();
        if protocols.is_empty() {
            let asked = c.protocols.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Unsupported::Protocols { job: c.job_name.clone(), asked });
        }
        let fallback_protocol = match c.fallback_protocol {
            None => None,
            Some(p) => Some(
                protocol(p)
                    .ok_or_else(|| Unsupported::Fallback { job: c.job_name.clone(), protocol: p.as_str() })?,
            ),
        };
        Ok(PoolConfig {
            job_name: c.job_name.as_str().into(),
            interval_ms: c.interval_ms,
            timeout_ms: c.timeout_ms,
            metrics_path: c.metrics_path.clone(),
            scheme: c.scheme.clone(),
            params: c.params.clone(),
            honor_labels: c.honor_labels,
            honor_timestamps: c.honor_timestamps,
            track_timestamps_staleness: c.track_timestamps_staleness,
            sample_limit: c.sample_limit,
            label_limit: c.label_limit,
            label_name_length_limit: c.label_name_length_limit,
            label_value_length_limit: c.label_value_length_limit,
            target_limit: c.target_limit,
            body_size_limit: c.body_size_limit,
            keep_dropped_targets: c.keep_dropped_targets,
            relabel: c.relabel.clone(),
            metric_relabel: c.metric_relabel.clone(),
            enable_compression: c.enable_compression,
            protocols,
            fallback_protocol,
            escaping: c.name_escaping.as_str().to_owned(),
            name_scheme: c.name_scheme,
            http: c.http.clone(),
            extra_scrape_metrics: c.extra_scrape_metrics,
            foreign: false,
        })
    }
}

fn protocol(p: ScrapeProtocol) -> Option<Protocol> {
    match p {
        ScrapeProtocol::PrometheusText100 => Some(Protocol::Text1),
        ScrapeProtocol::PrometheusText004 => Some(Protocol::Text0),
        _ => None,
    }
}
