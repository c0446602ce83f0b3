//! What the flags of `run` (or the demo) decide, as plain values.

use crate::logging::Threshold;
use std::path::PathBuf;

/// Everything the server needs to know before it reads its configuration.
#[derive(Debug, Clone)]
pub(crate) struct ServerOptions {
    pub(crate) config_file: PathBuf,
    /// Whether somebody named the configuration file.
    pub(crate) config_named: bool,
    pub(crate) listen: Vec<String>,
    pub(crate) external_url: String,
    /// TLS and users of the web side.
    pub(crate) web_config: Option<PathBuf>,
    pub(crate) route_prefix: Option<String>,
    pub(crate) lifecycle: bool,
    pub(crate) cors: Option<String>,
    pub(crate) max_connections: usize,
    pub(crate) read_timeout_ms: u64,
    pub(crate) data: PathBuf,
    pub(crate) retention_ms: i64,
    pub(crate) retention_bytes: u64,
    pub(crate) no_lockfile: bool,
    pub(crate) min_block_ms: i64,
    pub(crate) max_block_ms: Option<i64>,
    pub(crate) lookback_ms: i64,
    pub(crate) query_timeout_ms: u64,
    pub(crate) max_concurrency: usize,
    pub(crate) max_samples: u64,
    pub(crate) adjust_timestamps: bool,
    pub(crate) timestamp_tolerance_ms: i64,
    pub(crate) alert_resend_delay_ms: i64,
    pub(crate) alert_outage_tolerance_ms: i64,
    pub(crate) alert_grace_period_ms: i64,
    pub(crate) max_concurrent_evals: usize,
    /// Whether alerts that wait are sent at the end.
    pub(crate) drain_notifications: bool,
    pub(crate) notification_batch: usize,
    pub(crate) notification_capacity: usize,
    pub(crate) features: Vec<String>,
    pub(crate) threads: Option<usize>,
    /// Level of the start, and of a configuration that names none.
    pub(crate) log_level: Threshold,
    pub(crate) log_format: String,
    /// The cluster that the page Doctor judges.
    pub(crate) cluster: Option<ClusterChoice>,
    /// Whether `setup` may be made from the page.
    pub(crate) allow_setup: bool,
    /// The Prometheus object whose configuration is followed, instead of a file.
    pub(crate) from_crds: Option<super::crds::FromCrds>,
    /// Calico's components are found in a cluster; no configuration file is read then.
    pub(crate) calico: Option<super::calico::Follow>,
}

/// A cluster to look at.
#[derive(Debug, Clone)]
pub(crate) struct ClusterChoice {
    pub(crate) kubeconfig: PathBuf,
    /// Context of the kubeconfig; none for its current one.
    pub(crate) context: Option<String>,
    /// What the page says of it.
    pub(crate) from: String,
    /// Whether this very server is the Prometheus of the cluster (the demo); its processes are then not probed either.
    pub(crate) own: bool,
}

/// The external URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct External {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// Host with port.
    pub(crate) host: String,
    /// Path without a trailing slash, may be empty.
    pub(crate) path: String,
}

impl External {
    /// Reads `--web.external-url`: a whole URL, a path alone, or nothing (then this machine's name and the port).
    pub(crate) fn parse(text: &str, hostname: &str, port: u16) -> Result<External, String> {
        let own =
            || External { scheme: "http".into(), host: format!("{hostname}:{port}"), path: String::new() };
        if text.is_empty() {
            return Ok(own());
        }
        if text.starts_with('/') {
            return Ok(External { path: trimmed(text), ..own() });
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            format!(
                "--web.external-url={text}: not a URL\nhint: write it as http://monitoring.example/tortie"
            )
        })?;
        if !matches!(scheme, "http" | "https") || rest.is_empty() {
            return Err(format!("--web.external-url={text}: not an http or https URL"));
        }
        let (host, path) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
        Ok(External { scheme: scheme.into(), host: host.into(), path: trimmed(path) })
    }
}

/// A path with a leading and without a trailing slash; the root is empty.
pub(crate) fn trimmed(path: &str) -> String {
    let inner = path.trim_matches('/');
    if inner.is_empty() { String::new() } else { format!("/{inner}") }
}

impl ServerOptions {
    /// All flags with their values, ascending, as `/api/v1/status/flags` lists them.
    pub(crate) fn flags(&self, external: &External) -> Vec<(String, String)> {
        use tortie_model::duration::format;
        let max_block = self.max_block_ms.unwrap_or_else(|| default_max_block(self.retention_ms));
        let mut flags: Vec<(String, String)> = [
            ("alertmanager.drain-notification-queue-on-shutdown", self.drain_notifications.to_string()),
            ("alertmanager.notification-batch-size", self.notification_batch.to_string()),
            ("alertmanager.notification-queue-capacity", self.notification_capacity.to_string()),
            ("config.file", self.config_file.display().to_string()),
            ("enable-feature", self.features.join(",")),
            ("log.format", self.log_format.clone()),
            ("log.level", self.log_level.name().to_owned()),
            ("query.lookback-delta", format(self.lookback_ms)),
            ("query.max-concurrency", self.max_concurrency.to_string()),
            ("query.max-samples", self.max_samples.to_string()),
            ("query.timeout", format(self.query_timeout_ms as i64)),
            ("rules.alert.for-grace-period", format(self.alert_grace_period_ms)),
            ("rules.alert.for-outage-tolerance", format(self.alert_outage_tolerance_ms)),
            ("rules.alert.resend-delay", format(self.alert_resend_delay_ms)),
            ("rules.max-concurrent-evals", self.max_concurrent_evals.to_string()),
            ("scrape.adjust-timestamps", self.adjust_timestamps.to_string()),
            ("scrape.timestamp-tolerance", format(self.timestamp_tolerance_ms)),
            ("storage.tsdb.max-block-duration", format(max_block)),
            ("storage.tsdb.min-block-duration", format(self.min_block_ms)),
            ("storage.tsdb.no-lockfile", self.no_lockfile.to_string()),
            ("storage.tsdb.path", self.data.display().to_string()),
            ("storage.tsdb.retention.size", format!("{}B", self.retention_bytes)),
            ("storage.tsdb.retention.time", format(self.retention_ms)),
            (
                "web.config.file",
                self.web_config.as_ref().map_or_else(String::new, |p| p.display().to_string()),
            ),
            ("web.cors.origin", self.cors.clone().unwrap_or_default()),
            ("web.enable-lifecycle", self.lifecycle.to_string()),
            ("web.external-url", self.external_url.clone()),
            ("web.listen-address", self.listen.join(",")),
            ("web.max-connections", self.max_connections.to_string()),
            ("web.read-timeout", format(self.read_timeout_ms as i64)),
            ("web.route-prefix", self.route_prefix.clone().unwrap_or_else(|| format!("{}/", external.path))),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v))
        .collect();
        flags.sort();
        flags
    }
}

/// Longest block range: a tenth of the retention, 31 days at most, as Prometheus chooses it.
pub(crate) fn default_max_block(retention_ms: i64) -> i64 {
    const MOST: i64 = 31 * 86_400_000;
    if retention_ms <= 0 { MOST } else { (retention_ms / 10).min(MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_urls() {
        let check = |text: &str, scheme: &str, host: &str, path: &str| {
            let got = External::parse(text, "me", 9090).unwrap();
            assert_eq!(
                (got.scheme.as_str(), got.host.as_str(), got.path.as_str()),
                (scheme, host, path),
                "{text}"
            );
        };
        check("", "http", "me:9090", "");
        check("/a/b/", "http", "me:9090", "/a/b");
        check("https://x/y/tortie/", "https", "x", "/y/tortie");
        check("http://x:80", "http", "x:80", "");
        assert!(External::parse("x.example", "me", 1).is_err());
        assert!(External::parse("ftp://x", "me", 1).is_err());
    }
}
