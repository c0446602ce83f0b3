//! The configuration of the demo: what prometheus-operator would make of the cluster's monitors, as a prometheus.yml.

use std::fmt::Write;
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

/// One job for each monitor, one group for each target.
pub(super) fn yaml(jobs: &[Job<'_>]) -> String {
    let mut out = format!(
        "global:\n  scrape_interval: {}s\n  scrape_timeout: 10s\n  evaluation_interval: {}s\nscrape_configs:{}\n",
        INTERVAL_MS / 1000,
        INTERVAL_MS / 1000,
        if jobs.is_empty() { " []" } else { "" }
    );
    for job in jobs {
        // Writing to a String cannot fail.
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
