//! What scraping counts of itself, under Prometheus' names.

use std::sync::atomic::{AtomicU64, Ordering};
use tortie_wire::MetricType;
use tortie_wire::text::Writer;

/// A counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        if n > 0 {
            self.0.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of all scrapes of a manager.
#[derive(Debug, Default)]
pub struct Stats {
    /// Scrapes that ran.
    pub scrapes: Counter,
    /// Samples handed to the head.
    pub samples: Counter,
    /// Scrapes whose lines were those of the last one.
    pub predicted: Counter,
    /// Scrapes whose lines differed.
    pub rebuilt: Counter,
    /// Scrapes with a timestamp off the grid.
    pub off_grid: Counter,
    /// Bodies over `body_size_limit`.
    pub body_size_limit: Counter,
    /// Scrapes over `sample_limit`.
    pub sample_limit: Counter,
    /// Scrapes with a series over a label limit.
    pub label_limits: Counter,
    /// Samples that repeated a series with the same timestamp.
    pub duplicates: Counter,
    /// Samples older than the newest of their series.
    pub out_of_order: Counter,
    /// Samples too old or too far in the future.
    pub out_of_bounds: Counter,
    /// Series refused by the memory budget.
    pub refused_series: Counter,
    /// Batches that were not stored.
    pub failed_commits: Counter,
    /// Panics caught.
    pub panics: Counter,
    /// Pools created.
    pub pools: Counter,
    /// Pools whose configuration changed.
    pub pool_reloads: Counter,
    /// Times that a pool had more targets than `target_limit`.
    pub target_limit: Counter,
}

impl Stats {
    /// Writes all counters.
    pub fn write(&self, w: &mut Writer) {
        let rows: [(&str, &str, &Counter); 17] = [
            (
                "prometheus_target_scrape_pools_total",
                "Total number of scrape pool creation attempts.",
                &self.pools,
            ),
            (
                "prometheus_target_scrape_pool_reloads_total",
                "Total number of scrape pool reloads.",
                &self.pool_reloads,
            ),
            (
                "prometheus_target_scrape_pool_exceeded_target_limit_total",
                "Total number of times scrape pools hit the target limit, during sync or config reload.",
                &self.target_limit,
            ),
            (
                "prometheus_target_scrapes_exceeded_body_size_limit_total",
                "Total number of scrapes that hit the body size limit",
                &self.body_size_limit,
            ),
            (
                "prometheus_target_scrapes_exceeded_sample_limit_total",
                "Total number of scrapes that hit the sample limit and were rejected.",
                &self.sample_limit,
            ),
            (
                "prometheus_target_scrape_pool_exceeded_label_limits_total",
                "Total number of times scrape pools hit the label limits, during sync or config reload.",
                &self.label_limits,
            ),
            (
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "Total number of samples rejected due to duplicate timestamps but different values.",
                &self.duplicates,
            ),
            (
                "prometheus_target_scrapes_sample_out_of_order_total",
                "Total number of samples rejected due to not being out of the expected order.",
                &self.out_of_order,
            ),
            (
                "prometheus_target_scrapes_sample_out_of_bounds_total",
                "Total number of samples rejected due to timestamp falling outside of the time bounds.",
                &self.out_of_bounds,
            ),
            ("tortie_scrapes_total", "Scrapes that ran.", &self.scrapes),
            ("tortie_scrape_samples_total", "Samples handed to the head by scrapes.", &self.samples),
            (
                "tortie_scrapes_predicted_total",
                "Scrapes whose lines were those of the scrape before.",
                &self.predicted,
            ),
            (
                "tortie_scrapes_rebuilt_total",
                "Scrapes whose lines differed from those of the scrape before.",
                &self.rebuilt,
            ),
            (
                "tortie_scrapes_off_grid_total",
                "Scrapes that started too late for a timestamp on the grid of their interval.",
                &self.off_grid,
            ),
            (
                "tortie_scrape_refused_series_total",
                "New series refused by the memory budget of the head.",
                &self.refused_series,
            ),
            (
                "tortie_scrape_failed_commits_total",
                "Scrapes whose samples could not be stored.",
                &self.failed_commits,
            ),
            ("tortie_scrape_panics_total", "Panics caught in scrapes.", &self.panics),
        ];
        for (name, help, counter) in rows {
            w.family(name, MetricType::Counter, help);
            w.sample(name, [], counter.get() as f64);
        }
    }
}
