//! Objects that no Prometheus takes, and why: the one condition of its selectors that an object fails, in words with both
//! sides, so that the label to add or the selector to widen can be read off.

use super::objects::Objects;
use super::types::{Expression, LabelSelector, Meta, Prometheus};
use std::collections::BTreeMap;

/// An object that no selector of any Prometheus takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unselected {
    /// Its kind.
    pub kind: &'static str,
    /// `namespace/name`.
    pub key: String,
    /// A sentence for each Prometheus object: what it misses here.
    pub why: Vec<String>,
}

/// The two selectors of a Prometheus object for one kind, and the names of their fields.
#[derive(Clone, Copy)]
struct Selectors<'a> {
    /// Field of the selector of objects, such as `serviceMonitorSelector`.
    field: &'static str,
    /// The selector of objects; `None` takes nothing.
    objects: Option<&'a LabelSelector>,
    /// Field of the selector of namespaces, such as `serviceMonitorNamespaceSelector`.
    namespace_field: &'static str,
    /// The selector of namespaces; `None` takes that of the Prometheus object.
    namespaces: Option<&'a LabelSelector>,
}

fn service_monitors(p: &Prometheus) -> Selectors<'_> {
    Selectors {
        field: "serviceMonitorSelector",
        objects: p.spec.service_monitor_selector.as_ref(),
        namespace_field: "serviceMonitorNamespaceSelector",
        namespaces: p.spec.service_monitor_namespace_selector.as_ref(),
    }
}

fn pod_monitors(p: &Prometheus) -> Selectors<'_> {
    Selectors {
        field: "podMonitorSelector",
        objects: p.spec.pod_monitor_selector.as_ref(),
        namespace_field: "podMonitorNamespaceSelector",
        namespaces: p.spec.pod_monitor_namespace_selector.as_ref(),
    }
}

fn probes(p: &Prometheus) -> Selectors<'_> {
    Selectors {
        field: "probeSelector",
        objects: p.spec.probe_selector.as_ref(),
        namespace_field: "probeNamespaceSelector",
        namespaces: p.spec.probe_namespace_selector.as_ref(),
    }
}

fn scrape_configs(p: &Prometheus) -> Selectors<'_> {
    Selectors {
        field: "scrapeConfigSelector",
        objects: p.spec.scrape_config_selector.as_ref(),
        namespace_field: "scrapeConfigNamespaceSelector",
        namespaces: p.spec.scrape_config_namespace_selector.as_ref(),
    }
}

fn rules(p: &Prometheus) -> Selectors<'_> {
    Selectors {
        field: "ruleSelector",
        objects: p.spec.rule_selector.as_ref(),
        namespace_field: "ruleNamespaceSelector",
        namespaces: p.spec.rule_namespace_selector.as_ref(),
    }
}

/// Objects that no selector of any Prometheus takes.
pub fn unselected(objects: &Objects) -> Vec<Unselected> {
    let mut out = Vec::new();
    let mut look = |kind, meta: &Meta, of: fn(&Prometheus) -> Selectors<'_>| {
        let miss = |p| why_not(objects, p, of(p), &meta.namespace, &meta.labels);
        let why: Option<Vec<String>> = objects.prometheuses.values().map(|p| miss(p)).collect();
        out.extend(why.map(|why| Unselected { kind, key: meta.key(), why }));
    };
    objects.service_monitors.values().for_each(|m| look("ServiceMonitor", &m.meta, service_monitors));
    objects.pod_monitors.values().for_each(|m| look("PodMonitor", &m.meta, pod_monitors));
    objects.probes.values().for_each(|p| look("Probe", &p.meta, probes));
    objects.scrape_configs.values().for_each(|s| look("ScrapeConfig", &s.meta, scrape_configs));
    objects.rules.values().for_each(|r| look("PrometheusRule", &r.meta, rules));
    out
}

/// The first condition that an object with these labels in this namespace fails; `None` when it is taken.
fn why_not(
    known: &Objects,
    prometheus: &Prometheus,
    selectors: Selectors<'_>,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Option<String> {
    let who = prometheus.meta.key();
    let Some(selector) = selectors.objects else {
        return Some(format!("{who} takes none: its {} is not set", selectors.field));
    };
    if let Some(why) = unmet(selector, labels) {
        return Some(format!("{why} ({} of {who})", selectors.field));
    }
    let field = selectors.namespace_field;
    match selectors.namespaces {
        None if namespace != prometheus.meta.namespace => Some(format!(
            "{who} looks into its own namespace {} alone: its {field} is not set",
            prometheus.meta.namespace
        )),
        None => None,
        Some(s) => match known.namespaces.get(namespace) {
            None => Some(format!("namespace {namespace} is not known")),
            Some(l) => unmet(s, l).map(|why| format!("namespace {namespace}: {why} ({field} of {who})")),
        },
    }
}

/// The first condition of a selector that labels do not meet.
fn unmet(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> Option<String> {
    let have = |key: &str| match labels.get(key) {
        None => format!("label {key} is missing"),
        Some(v) => format!("label {key} is {v:?}"),
    };
    for (key, value) in &selector.match_labels {
        if labels.get(key) != Some(value) {
            return Some(format!("{}, wanted is {key}={value}", have(key)));
        }
    }
    let failed = selector.match_expressions.iter().find(|e| !single(e).matches(labels))?;
    Some(format!("{}, wanted is {}", have(&failed.key), single(failed).to_query()))
}

/// A selector of one condition.
fn single(expression: &Expression) -> LabelSelector {
    LabelSelector { match_expressions: vec![expression.clone()], ..LabelSelector::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A Prometheus in `monitoring`, a monitor in `shop` with the labels `app=cart`; namespace `shop` has `team=a`.
    fn check(spec: Value, want: Option<&str>) {
        let meta = Meta { name: "k8s".to_owned(), namespace: "monitoring".to_owned(), ..Meta::default() };
        let prometheus = Prometheus { meta, spec: serde_json::from_value(spec).unwrap(), unread: Vec::new() };
        let mut known = Objects::default();
        known.namespaces.insert("shop".to_owned(), [("team".to_owned(), "a".to_owned())].into());
        let labels = [("app".to_owned(), "cart".to_owned())].into();
        let selectors = service_monitors(&prometheus);
        assert_eq!(why_not(&known, &prometheus, selectors, "shop", &labels).as_deref(), want);
    }

    #[test]
    fn the_condition_that_fails_is_named_with_both_sides() {
        check(json!({}), Some("monitoring/k8s takes none: its serviceMonitorSelector is not set"));
        check(
            json!({"serviceMonitorSelector": {"matchLabels": {"release": "prometheus"}}}),
            Some(
                "label release is missing, wanted is release=prometheus (serviceMonitorSelector of monitoring/k8s)",
            ),
        );
        check(
            json!({"serviceMonitorSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["b", "a"]}]}}),
            Some("label app is \"cart\", wanted is app in (a,b) (serviceMonitorSelector of monitoring/k8s)"),
        );
        check(
            json!({"serviceMonitorSelector": {"matchLabels": {"app": "cart"}}}),
            Some(
                "monitoring/k8s looks into its own namespace monitoring alone: its serviceMonitorNamespaceSelector is not set",
            ),
        );
        check(
            json!({"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "b"}}}),
            Some(
                "namespace shop: label team is \"a\", wanted is team=b (serviceMonitorNamespaceSelector of monitoring/k8s)",
            ),
        );
        check(json!({"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}), None);
    }
}
