//! Faults of rules and of the way to a person.

use super::{Change, Entry, fault};
use crate::installs::object;
use serde_json::{Value, json};

pub(super) fn faults() -> Vec<Entry> {
    vec![
        fault(
            "rule-label",
            "T901",
            "the PrometheusRule lacks the label that Prometheus takes",
            vec![Change::Add(rule(json!({}), "up{job=\"tortie-felix-metrics\"} == 0"))],
        ),
        fault(
            "rule-syntax",
            "T902",
            "a rule of the PrometheusRule does not parse",
            vec![Change::Add(rule(json!({"release": "prometheus"}), "sum(rate(felix_resyncs_started[5m])"))],
        )
        .outside(),
    ]
}

fn rule(labels: Value, expr: &str) -> Value {
    let spec = json!({"groups": [{"name": "calico", "rules": [
        {"alert": "FelixDown", "expr": expr, "for": "5m", "labels": {"severity": "critical"}},
        {"alert": "FelixGone", "expr": "absent(up{job=\"tortie-felix-metrics\"})", "for": "5m", "labels": {"severity": "critical"}},
    ]}]});
    let mut o = object("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "calico", spec);
    o["metadata"]["labels"] = labels;
    o
}
