//! Which objects a Prometheus takes, and what holds for all of them.

use super::Section;
use super::view::{View, has_expression, is};
use serde_json::{Value, json};

const KINDS: [(&str, &str); 4] = [
    ("ServiceMonitor", "serviceMonitor"),
    ("PodMonitor", "podMonitor"),
    ("Probe", "probe"),
    ("ScrapeConfig", "scrapeConfig"),
];

/// Whether a selector of a kind of which there are objects is so.
fn selector(v: &View<'_>, suffix: &str, holds: impl Fn(&Value) -> bool) -> bool {
    KINDS
        .iter()
        .any(|(kind, field)| v.of_kind(kind).next().is_some() && holds(v.spec(&format!("/{field}{suffix}"))))
}

/// Whether, for a kind whose objects are looked for, the selector of namespaces is so and there is one elsewhere.
fn namespaces(v: &View<'_>, holds: impl Fn(&Value) -> bool) -> bool {
    KINDS.iter().any(|(kind, field)| {
        let elsewhere = v
            .of_kind(kind)
            .any(|o| !o["metadata"]["namespace"].as_str().unwrap_or("").ends_with("monitoring"));
        elsewhere
            && !v.spec(&format!("/{field}Selector")).is_null()
            && holds(v.spec(&format!("/{field}NamespaceSelector")))
    })
}

pub(super) fn rows() -> Section {
    let kinds = |v: &View<'_>| KINDS.iter().filter(|(k, _)| v.accepted(k).next().is_some()).count();
    let rule = |o: &Value, holds: fn(&Value) -> bool| -> bool {
        o["spec"]["endpoints"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|e| e["relabelings"].as_array().into_iter().flatten().any(holds))
    };
    Section::new("1.1")
        .row("selector-null", |v| selector(v, "Selector", Value::is_null))
        .row("selector-empty", |v| selector(v, "Selector", |s| *s == json!({})))
        .row("selector-labels", |v| selector(v, "Selector", |s| is(&s["matchLabels"])))
        .row("selector-expressions", |v| selector(v, "Selector", |s| is(&s["matchExpressions"])))
        .row("selector-not", |v| selector(v, "Selector", |s| has_expression(s, "DoesNotExist")))
        .row("selector-wrong", |v| {
            v.fails("is not a valid label selector operator") || v.fails("Invalid value")
        })
        .row("namespaces-null", |v| namespaces(v, Value::is_null))
        .row("namespaces-empty", |v| namespaces(v, |s| *s == json!({})))
        .row("namespaces-labels", |v| namespaces(v, |s| is(&s["matchLabels"]) || is(&s["matchExpressions"])))
        .row("unmanaged", |v| KINDS.iter().all(|(_, f)| v.spec(&format!("/{f}Selector")).is_null()))
        .row("order-of-kinds", move |v| kinds(v) >= 3)
        .row("a-job-an-endpoint", |v| {
            v.any("ServiceMonitor", |s| s["endpoints"].as_array().is_some_and(|e| e.len() > 1))
        })
        .row("default-action", move |v| {
            v.accepted("ServiceMonitor").any(|o| rule(o, |r| r["action"].is_null()))
        })
        .row("action-in-capitals", move |v| {
            v.written("action: keep")
                && v.accepted("ServiceMonitor").any(|o| rule(o, |r| r["action"] == "Keep"))
        })
        .row("default-interval", |v| v.made() && !v.has("/scrapeInterval"))
        .row("default-prober-path", |v| v.any("Probe", |s| s["prober"]["path"].is_null()))
        .row("version-default", |v| v.made() && !v.has("/version"))
        .row("version-2", |v| {
            v.made()
                && v.spec("/version").as_str().is_some_and(|s| s.trim_start_matches('v').starts_with("2."))
        })
        .row("version-with-suffix", |v| {
            v.made() && v.spec("/version").as_str().is_some_and(|s| s.contains('-'))
        })
        .row("version-wrong", |v| v.fails("ersion"))
}
