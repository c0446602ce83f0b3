//! The configuration of the demo: what prometheus-operator would make of the cluster's monitors, as a prometheus.yml.

use std::fmt::Write;
use std::net::SocketAddr;
use tortie_sim::SimTarget;

/// Time between scrapes, as Calico's documentation has it in its examples.
pub(super) const INTERVAL_MS: i64 = 15_000;

/// A scrape pool.
pub(super) struct Job<'t> {
    /// `serviceMonitor/NAMESPACE/NAME/INDEX`.
    pub(super) name: String,
    /// What it scrapes.
    pub(super) scraped: Vec<Scraped<'t>>,
}

/// A target with the labels that its monitor gives it.
pub(super) struct Scraped<'t> {
    pub(super) target: &'t SimTarget,
    /// Labels that take the place of the fleet's own.
    pub(super) labels: Vec<(&'static str, String)>,
}

/// One job for each monitor, one group for each target; alerts go to `alertmanager` when there is one.
pub(super) fn yaml(jobs: &[Job<'_>], alertmanager: Option<SocketAddr>) -> String {
    let mut out = format!(
        "global:\n  scrape_interval: {}s\n  scrape_timeout: 10s\n  evaluation_interval: {}s\n",
        INTERVAL_MS / 1000,
        INTERVAL_MS / 1000,
    );
    // Writing to a String cannot fail.
    if let Some(at) = alertmanager {
        let _ = writeln!(out, "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: [\"{at}\"]");
    }
    let _ = writeln!(out, "scrape_configs:{}", if jobs.is_empty() { " []" } else { "" });
    for job in jobs {
        let none = if job.scraped.is_empty() { " []" } else { "" };
        let _ = writeln!(out, "- job_name: {:?}\n  static_configs:{none}", job.name);
        for s in &job.scraped {
            let _ = writeln!(out, "  - targets: [\"{}\"]\n    labels:", s.target.address);
            for (k, v) in &s.target.labels {
                let own = s.labels.iter().find(|(n, _)| n == k).map_or(v, |(_, own)| own);
                let _ = writeln!(out, "      {k}: {own:?}");
            }
        }
    }
    out
}
