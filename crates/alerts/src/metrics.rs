//! Own metrics, in Prometheus' names for the same things.

use crate::sender::Sender;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_wire::MetricType::{Counter, Gauge, Histogram, Summary};
use tortie_wire::quantiles::Recent;
use tortie_wire::text::Writer;

/// Upper bounds of latencies, seconds.
const BOUNDS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
/// Quantiles of latencies.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Counters of one Alertmanager.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: AtomicU64,
    errors: AtomicU64,
    requests: AtomicU64,
    sum_ns: AtomicU64,
    /// Below each bound, not cumulated.
    buckets: [AtomicU64; BOUNDS.len()],
    recent: Mutex<Recent>,
}

impl Counters {
    /// Counts a request that ended at `now_ns` of the monotonic clock.
    pub(crate) fn sent(&self, alerts: usize, now_ns: u64, ns: u64) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).observe(now_ns, ns);
        self.sent.fetch_add(alerts as u64, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
        let seconds = ns as f64 / 1e9;
        if let Some(b) = BOUNDS.iter().position(|b| seconds <= *b).and_then(|i| self.buckets.get(i)) {
            b.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn failed(&self, alerts: usize) {
        self.errors.fetch_add(alerts as u64, Relaxed);
    }

    /// Alerts that were sent, and alerts of failed requests.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.sent.load(Relaxed), self.errors.load(Relaxed))
    }
}

/// Writes the metrics of all Alertmanagers.
pub(crate) fn write(
    w: &mut Writer,
    now_ns: u64,
    senders: &[Arc<Sender>],
    discovered: usize,
    capacity: usize,
) {
    let one = |w: &mut Writer, name: &str, kind, help: &str, value: &dyn Fn(&Sender) -> f64| {
        w.family(name, kind, help);
        for s in senders {
            w.sample(name, [("alertmanager", s.url.as_str())], value(s));
        }
    };
    w.family(
        "prometheus_notifications_alertmanagers_discovered",
        Gauge,
        "The number of alertmanagers discovered and active.",
    );
    w.sample("prometheus_notifications_alertmanagers_discovered", [], discovered as f64);
    one(
        w,
        "prometheus_notifications_dropped_total",
        Counter,
        "Total number of alerts dropped due to errors when sending to Alertmanager.",
        &|s| s.queue().dropped() as f64,
    );
    one(
        w,
        "prometheus_notifications_errors_total",
        Counter,
        "Total number of sent alerts affected by errors.",
        &|s| s.counters.errors.load(Relaxed) as f64,
    );
    latency(w, now_ns, senders);
    w.family(
        "prometheus_notifications_queue_capacity",
        Gauge,
        "The capacity of the alert notifications queue.",
    );
    w.sample("prometheus_notifications_queue_capacity", [], capacity as f64);
    one(
        w,
        "prometheus_notifications_queue_length",
        Gauge,
        "The number of alert notifications in the queue.",
        &|s| s.queue().len() as f64,
    );
    one(w, "prometheus_notifications_sent_total", Counter, "Total number of alerts sent.", &|s| {
        s.counters.sent.load(Relaxed) as f64
    });
    one(
        w,
        "tortie_notifications_superseded_total",
        Counter,
        "States of alerts that a newer state replaced before they were sent.",
        &|s| s.queue().superseded() as f64,
    );
}

fn latency(w: &mut Writer, now_ns: u64, senders: &[Arc<Sender>]) {
    const HISTOGRAM: &str = "prometheus_notifications_latency_histogram_seconds";
    const SUMMARY: &str = "prometheus_notifications_latency_seconds";
    let totals = |w: &mut Writer, name: &str, s: &Sender| {
        let label = [("alertmanager", s.url.as_str())];
        w.sample(&format!("{name}_sum"), label, s.counters.sum_ns.load(Relaxed) as f64 / 1e9);
        w.sample(&format!("{name}_count"), label, s.counters.requests.load(Relaxed) as f64);
    };
    // As in Prometheus, whoever was never told anything has no latency.
    let told: Vec<&Arc<Sender>> = senders.iter().filter(|s| s.counters.requests.load(Relaxed) > 0).collect();
    if told.is_empty() {
        return;
    }
    w.family(HISTOGRAM, Histogram, "Latency histogram for sending alert notifications.");
    for s in &told {
        let mut below = 0;
        for (bound, n) in BOUNDS.iter().zip(&s.counters.buckets) {
            below += n.load(Relaxed);
            let le = bound.to_string();
            let labels = [("alertmanager", s.url.as_str()), ("le", le.as_str())];
            w.sample(&format!("{HISTOGRAM}_bucket"), labels, below as f64);
        }
        let labels = [("alertmanager", s.url.as_str()), ("le", "+Inf")];
        w.sample(&format!("{HISTOGRAM}_bucket"), labels, s.counters.requests.load(Relaxed) as f64);
        totals(w, HISTOGRAM, s);
    }
    w.family(SUMMARY, Summary, "Latency quantiles for sending alert notifications.");
    for s in &told {
        let recent = s.counters.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let values = recent.quantiles(now_ns, &QUANTILES);
        drop(recent);
        for (q, v) in QUANTILES.iter().zip(values) {
            let q = q.to_string();
            w.sample(SUMMARY, [("alertmanager", s.url.as_str()), ("quantile", q.as_str())], v);
        }
        totals(w, SUMMARY, s);
    }
}
