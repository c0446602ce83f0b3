//! Own metrics of rules, in Prometheus' names for the same things.

use crate::group::Group;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_wire::MetricType::{Counter, Gauge, Histogram, Summary};
use tortie_wire::quantiles::Recent;
use tortie_wire::text::Writer;

/// Upper bounds of durations, seconds.
const BOUNDS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
/// Quantiles of the durations of rules and of ticks.
const OF_RULES: [f64; 3] = [0.5, 0.9, 0.99];
const OF_TICKS: [f64; 5] = [0.01, 0.05, 0.5, 0.9, 0.99];

/// Durations, counted.
#[derive(Debug, Default)]
pub struct Timing {
    count: AtomicU64,
    sum_ns: AtomicU64,
    /// Below each bound, not cumulated.
    buckets: [AtomicU64; BOUNDS.len()],
    recent: Mutex<Recent>,
}

/// A summary, a histogram and what both count.
type Names<'a> = (&'a str, &'a str, &'a str);

impl Timing {
    /// Counts a duration that ended at `now_ns` of the monotonic clock.
    pub(crate) fn observe(&self, now_ns: u64, ns: u64) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).observe(now_ns, ns);
        self.count.fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
        let seconds = ns as f64 / 1e9;
        if let Some(b) = BOUNDS.iter().position(|b| seconds <= *b).and_then(|i| self.buckets.get(i)) {
            b.fetch_add(1, Relaxed);
        }
    }

    fn write(&self, w: &mut Writer, now_ns: u64, quantiles: &[f64], (name, histogram, help): Names<'_>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).quantiles(now_ns, quantiles);
        let (count, sum) = (self.count.load(Relaxed) as f64, self.sum_ns.load(Relaxed) as f64 / 1e9);
        for (name, kind) in [(name, Summary), (histogram, Histogram)] {
            w.family(name, kind, help);
            if kind == Summary {
                for (q, v) in quantiles.iter().zip(&recent) {
                    w.sample(name, [("quantile", q.to_string().as_str())], *v);
                }
            }
            if kind == Histogram {
                let mut below = 0;
                for (bound, n) in BOUNDS.iter().zip(&self.buckets) {
                    below += n.load(Relaxed);
                    w.sample(&format!("{name}_bucket"), [("le", bound.to_string().as_str())], below as f64);
                }
                w.sample(&format!("{name}_bucket"), [("le", "+Inf")], count);
            }
            w.sample(&format!("{name}_sum"), [], sum);
            w.sample(&format!("{name}_count"), [], count);
        }
    }
}

/// Counters over all groups.
#[derive(Debug, Default)]
pub struct Counters {
    /// Durations of rules.
    pub rules: Timing,
    /// Durations of ticks.
    pub ticks: Timing,
    /// Texts of labels and annotations that were expanded.
    expansions: AtomicU64,
    /// Of these, those that failed.
    failed_expansions: AtomicU64,
    panics: AtomicU64,
}

impl Counters {
    /// Counts texts, those that stayed the same among them as Prometheus does.
    pub(crate) fn count_expansions(&self, all: usize, failed: usize) {
        self.expansions.fetch_add(all as u64, Relaxed);
        if failed > 0 {
            self.failed_expansions.fetch_add(failed as u64, Relaxed);
        }
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// Texts of labels and annotations that were expanded, and how many of these failed.
    pub fn expansions(&self) -> (u64, u64) {
        (self.expansions.load(Relaxed), self.failed_expansions.load(Relaxed))
    }

    /// Panics that were caught at the border of a rule.
    pub fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}

/// Writes all metrics of rules.
pub(crate) fn write(w: &mut Writer, now_ns: u64, counters: &Counters, groups: &[Arc<Group>]) {
    let rules = (
        "prometheus_rule_evaluation_duration_seconds",
        "prometheus_rule_evaluation_duration_histogram_seconds",
        "The duration for a rule to execute.",
    );
    counters.rules.write(w, now_ns, &OF_RULES, rules);
    let ticks = (
        "prometheus_rule_group_duration_seconds",
        "prometheus_rule_group_duration_histogram_seconds",
        "The duration of rule group evaluations.",
    );
    counters.ticks.write(w, now_ns, &OF_TICKS, ticks);
    for (name, help, n) in [
        (
            "prometheus_template_text_expansion_failures_total",
            "The total number of template text expansion failures.",
            &counters.failed_expansions,
        ),
        (
            "prometheus_template_text_expansions_total",
            "The total number of template text expansions.",
            &counters.expansions,
        ),
    ] {
        w.family(name, Counter, help);
        w.sample(name, [], n.load(Relaxed) as f64);
    }
    let panics = "tortie_rule_panics_total";
    w.family(panics, Counter, "Panics caught at the border of a rule.");
    w.sample(panics, [], counters.panics() as f64);
    let seconds = |ns: u64| ns as f64 / 1e9;
    type Figure<'a> = &'a dyn Fn(&Group) -> Option<f64>;
    let rows: [(&str, _, &str, Figure<'_>); 11] = [
        ("prometheus_rule_evaluations_total", Counter, "The total number of rule evaluations.", &|g| {
            Some(g.counts.evaluations.load(Relaxed) as f64)
        }),
        (
            "prometheus_rule_evaluation_failures_total",
            Counter,
            "The total number of rule evaluation failures.",
            &|g| Some(g.counts.failures.load(Relaxed) as f64),
        ),
        (
            "prometheus_rule_group_iterations_missed_total",
            Counter,
            "The total number of rule group evaluations missed due to slow rule group evaluation.",
            &|g| Some(g.counts.missed.load(Relaxed) as f64),
        ),
        (
            "prometheus_rule_group_iterations_total",
            Counter,
            "The total number of scheduled rule group evaluations, whether executed or missed.",
            &|g| Some(g.counts.scheduled.load(Relaxed) as f64),
        ),
        ("prometheus_rule_group_interval_seconds", Gauge, "The interval of a rule group.", &|g| {
            Some(g.spec.interval_ms as f64 / 1000.0)
        }),
        (
            "prometheus_rule_group_last_evaluation_timestamp_seconds",
            Gauge,
            "The timestamp of the last rule group evaluation in seconds.",
            &|g| Some(g.state().last_evaluation_ms.unwrap_or(0) as f64 / 1000.0),
        ),
        (
            "prometheus_rule_group_last_duration_seconds",
            Gauge,
            "The duration of the last rule group evaluation.",
            &|g| Some(seconds(g.state().duration_ns)),
        ),
        (
            "prometheus_rule_group_last_rule_duration_sum_seconds",
            Gauge,
            "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
            &|g| Some(seconds(g.state().rules_ns)),
        ),
        (
            "prometheus_rule_group_last_restore_duration_seconds",
            Gauge,
            "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.",
            &|g| g.state().restore_ns.map(seconds),
        ),
        ("prometheus_rule_group_rules", Gauge, "The number of rules.", &|g| Some(g.rules.len() as f64)),
        (
            "prometheus_rule_group_last_evaluation_samples",
            Gauge,
            "The number of samples returned during the last rule group evaluation.",
            &|g| Some(g.state().samples as f64),
        ),
    ];
    for (name, kind, help, figure) in rows {
        let mut values = groups.iter().filter_map(|g| Some((g.spec.key(), figure(g)?))).peekable();
        if values.peek().is_none() {
            continue;
        }
        w.family(name, kind, help);
        for (key, v) in values {
            w.sample(name, [("rule_group", key.as_str())], v);
        }
    }
}
