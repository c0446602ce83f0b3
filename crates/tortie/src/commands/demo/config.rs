//! The configuration of the demo: what `setup` would make of such a cluster, as a prometheus.yml.

use std::collections::BTreeMap;
use std::fmt::Write;
use tortie_sim::SimTarget;

/// Time between scrapes, as Calico's documentation has it in its examples.
pub(super) const INTERVAL_MS: i64 = 15_000;

/// One job for each Service, one group for each target with the labels that a ServiceMonitor would give it.
pub(super) fn yaml(targets: &[SimTarget]) -> String {
    let mut jobs: BTreeMap<&str, Vec<&SimTarget>> = BTreeMap::new();
    for t in targets {
        jobs.entry(&t.job).or_default().push(t);
    }
    let mut out = format!(
        "global:\n  scrape_interval: {}s\n  scrape_timeout: 10s\nscrape_configs:\n",
        INTERVAL_MS / 1000
    );
    for (job, targets) in jobs {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "- job_name: {job}\n  static_configs:");
        for t in targets {
            let _ = writeln!(out, "  - targets: [\"{}\"]\n    labels:", t.address);
            for (k, v) in t.labels.iter().filter(|(k, _)| k != "job") {
                let _ = writeln!(out, "      {k}: {v:?}");
            }
        }
    }
    out
}
