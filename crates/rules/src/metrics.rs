//! Own metrics of rules, in Prometheus' names for the same things.

use crate::group::Group;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tortie_wire::MetricType::{Counter, Gauge, Histogram, Summary};
use tortie_wire::text::Writer;

/// Upper bounds of durations, seconds.
const BOUNDS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];

/// Durations, counted.
#[derive(Debug, Default)]
pub struct Timing {
    count: AtomicU64,
    sum_ns: AtomicU64,
    /// Below each bound, not cumulated.
    buckets: [AtomicU64; BOUNDS.len()],
}

impl Timing {
    pub(crate) fn observe(&self, ns: u64) {
        self.count.fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
        let seconds = ns as f64 / 1e9;
        if let Some(b) = BOUNDS.iter().position(|b| seconds <= *b).and_then(|i| self.buckets.get(i)) {
            b.fetch_add(1, Relaxed);
        }
    }

    fn write(&self, w: &mut Writer, name: &str, histogram: &str, help: &str) {
        let (count, sum) = (self.count.load(Relaxed) as f64, self.sum_ns.load(Relaxed) as f64 / 1e9);
        for (name, kind) in [(name, Summary), (histogram, Histogram)] {
            w.family(name, kind, help);
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
    panics: AtomicU64,
}

impl Counters {
    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// Panics that were caught at the border of a rule.
    pub fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}

/// Writes all metrics of rules.
pub(crate) fn write(w: &mut Writer, counters: &Counters, groups: &[Arc<Group>]) {
    counters.rules.write(
        w,
        "prometheus_rule_evaluation_duration_seconds",
        "prometheus_rule_evaluation_duration_histogram_seconds",
        "The duration for a rule to execute.",
    );
    counters.ticks.write(
        w,
        "prometheus_rule_group_duration_seconds",
        "prometheus_rule_group_duration_histogram_seconds",
        "The duration of rule group evaluations.",
    );
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
