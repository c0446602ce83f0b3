//! Faults of rules and of the way to a person.

use super::change::{to, unset};
use super::symptom::Symptom;
use super::{Change, Entry, PROMETHEUS, Seen, fault};
use crate::installs::object;
use serde_json::{Value, json};

/// Name of the Alertmanager object of the usual cluster.
const ALERTMANAGER: &str = "prometheus-kube-prometheus-alertmanager";
const DOWN: &str = "up{job=\"tortie-felix-metrics\"} == 0";

pub(super) fn faults() -> Vec<Entry> {
    let taken = |expr: &str| Change::Add(rule(json!({"release": "prometheus"}), expr));
    let loaded = |group: Value| vec![Symptom::Rules(json!({"groups": [group]}))];
    vec![
        fault(
            "rule-label",
            "T901",
            "the PrometheusRule lacks the label that Prometheus takes",
            vec![Change::Add(rule(json!({}), DOWN))],
        ),
        fault(
            "rule-selector-null",
            "T901",
            "ruleSelector is null, which takes no rule",
            vec![unset("Prometheus", PROMETHEUS, "/spec/ruleSelector"), taken(DOWN)],
        )
        .edit(),
        fault(
            "rule-namespace",
            "T901",
            "Prometheus takes rules from its own namespace only, and the rule is beside Calico",
            vec![
                unset("Prometheus", PROMETHEUS, "/spec/ruleNamespaceSelector"),
                Change::Add(moved(rule(json!({"release": "prometheus"}), DOWN), "calico-system")),
            ],
        )
        .edit(),
        fault(
            "rule-syntax",
            "T902",
            "a rule of the PrometheusRule does not parse",
            vec![taken("sum(rate(felix_resyncs_started[5m])")],
        )
        .outside(),
        fault(
            "rule-refused",
            "T902",
            "the operator refuses the PrometheusRule: a template in an annotation is wrong",
            vec![
                Change::Add(annotated(rule(json!({"release": "prometheus"}), DOWN))),
                Change::Add(refusal("failed to parse group \"calico\": rule 0, \"FelixDown\": annotation \"summary\": template: function \"nosuch\" not defined")),
            ],
        )
        .outside(),
        fault("rule-fails", "T903", "a rule is loaded and fails at each evaluation", vec![taken("felix_host * on () up")])
            .outside()
            .shows(
                Seen::Prometheus,
                loaded(json!({"name": "calico", "interval": 30, "evaluationTime": 0.01, "rules": [
                    {"name": "FelixDown", "type": "alerting", "query": "felix_host * on () up", "health": "err", "state": "unknown",
                     "lastError": "found duplicate series for the match group {} on the right hand-side of the operation"}]})),
            ),
        fault(
            "rule-total",
            "T904",
            "an alert from the net asks for felix_int_dataplane_failures_total, which Calico does not have",
            vec![taken("increase(felix_int_dataplane_failures_total[5m]) > 0")],
        ),
        fault("rule-job", "T904", "an alert asks for the job of Calico's manual", vec![taken("up{job=\"felix_metrics\"} == 0")])
            .outside()
            .shows(Seen::Prometheus, vec![]),
        fault("rule-job-on-paper", "T516", "an alert asks for the job of Calico's manual, the monitor will give another", vec![
            taken("up{job=\"felix_metrics\"} == 0"),
        ])
        .outside()
        .by(Seen::Paper),
        fault("rules-slow", "T905", "a group of rules takes longer than its interval", vec![Change::Add(slow(rule(json!({"release": "prometheus"}), DOWN)))])
            .outside()
            .shows(
                Seen::Prometheus,
                loaded(json!({"name": "calico", "interval": 30, "evaluationTime": 41.0, "rules": [
                    {"name": "FelixDown", "type": "alerting", "query": DOWN, "health": "ok", "state": "inactive"}]})),
            ),
        fault(
            "no-alertmanager",
            "T906",
            "the Prometheus object names no Alertmanager",
            vec![unset("Prometheus", PROMETHEUS, "/spec/alerting"), taken(DOWN)],
        )
        .outside(),
        fault(
            "alertmanager-port",
            "T906",
            "the Alertmanager is named with a port that its Service does not have",
            vec![to("Prometheus", PROMETHEUS, "/spec/alerting/alertmanagers/0/port", json!("web")), taken(DOWN)],
        )
        .outside()
        .shows(Seen::Prometheus, vec![Symptom::NoAlertmanager]),
        fault(
            "alertmanager-down",
            "T906",
            "the Alertmanager was scaled to nothing",
            vec![to("Alertmanager", ALERTMANAGER, "/spec/replicas", json!(0)), taken(DOWN)],
        )
        .outside(),
        fault("watchdog-silent", "T907", "the alert that should always fire does not: somebody gave it a condition", vec![taken(DOWN), Change::Add(watchdog())])
            .outside()
            .shows(
                Seen::Prometheus,
                loaded(json!({"name": "general.rules", "interval": 30, "evaluationTime": 0.01, "rules": [
                    {"name": "Watchdog", "type": "alerting", "query": "vector(1)", "health": "unknown", "state": "inactive"}]})),
            ),
    ]
}

pub(super) fn rule(labels: Value, expr: &str) -> Value {
    let spec = json!({"groups": [{"name": "calico", "rules": [
        {"alert": "FelixDown", "expr": expr, "for": "5m", "labels": {"severity": "critical"}},
        {"alert": "FelixGone", "expr": "absent(up{job=\"tortie-felix-metrics\"})", "for": "5m", "labels": {"severity": "critical"}},
    ]}]});
    let mut o = object("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "calico", spec);
    o["metadata"]["labels"] = labels;
    o
}

/// With a template that the operator cannot parse and the API server takes.
fn annotated(mut rule: Value) -> Value {
    rule["spec"]["groups"][0]["rules"][0]["annotations"] = json!({"summary": "{{ $value | nosuch }}"});
    rule
}

/// Beside a rule that works for seconds, every second.
fn slow(mut rule: Value) -> Value {
    let group = &mut rule["spec"]["groups"][0];
    group["interval"] = json!("1s");
    if let Some(rules) = group["rules"].as_array_mut() {
        rules.push(json!({"record": "slow", "expr": "count_over_time(vector(1)[6h:1ms])"}));
    }
    rule
}

fn watchdog() -> Value {
    let mut o = rule(json!({"release": "prometheus"}), "vector(1) == 2");
    o["metadata"]["name"] = json!("general");
    o["spec"] = json!({"groups": [{"name": "general.rules", "rules": [{"alert": "Watchdog", "expr": "vector(1) == 2", "labels": {"severity": "none"}}]}]});
    o
}

fn moved(mut rule: Value, namespace: &str) -> Value {
    rule["metadata"]["namespace"] = json!(namespace);
    rule
}

/// The only trace that the operator leaves of a refusal.
fn refusal(message: &str) -> Value {
    let mut o = object("v1", "Event", "monitoring", "calico.17a", Value::Null);
    o["involvedObject"] = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "namespace": "monitoring", "name": "calico"});
    o["reason"] = json!("InvalidConfiguration");
    o["type"] = json!("Warning");
    o["message"] = json!(message);
    o["lastTimestamp"] = json!("2026-01-07T08:00:00Z");
    o
}
