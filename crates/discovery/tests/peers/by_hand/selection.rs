//! Which monitors are taken, and versions.

use super::{Hand, Maker, labelled, object, service};
use serde_json::{Value, json};

/// A monitor of each kind in a namespace, with labels.
fn each(ns: &str, labels: &Value) -> Vec<Value> {
    vec![
        labelled("ServiceMonitor", ns, "s", labels.clone(), json!({"selector": {}, "endpoints": [{}]})),
        labelled("PodMonitor", ns, "p", labels.clone(), json!({"selector": {}, "podMetricsEndpoints": [{}]})),
        labelled(
            "Probe",
            ns,
            "b",
            labels.clone(),
            json!({"prober": {"url": "blackbox:9115"}, "targets": {"staticConfig": {"static": ["a.example"]}}}),
        ),
        labelled("ScrapeConfig", ns, "c", labels.clone(), json!({"staticConfigs": [{"targets": ["a:1"]}]})),
    ]
}

fn everywhere(labels: &Value) -> Vec<Value> {
    ["monitoring", "apps", "db", "web-1"].into_iter().flat_map(|ns| each(ns, labels)).collect()
}

/// The same selector for every kind.
fn selectors(objects: Value, namespaces: Value) -> Value {
    let mut spec = json!({});
    for kind in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig"] {
        spec[format!("{kind}Selector")] = objects.clone();
        spec[format!("{kind}NamespaceSelector")] = namespaces.clone();
    }
    spec
}

pub(super) fn clusters(make: &Maker<'_>) -> Vec<Hand> {
    let (a, b) = (json!({"team": "a"}), json!({"team": "b"}));
    let mut of_both = everywhere(&a);
    of_both.extend(each("kube-system", &b));
    let with = |spec: Value| make.cluster(spec, of_both.clone());
    let version = |v: &str| {
        make.cluster(
            json!({"version": v, "scrapeProtocols": ["PrometheusText1.0.0"], "enforcedSampleLimit": 100}),
            everywhere(&a),
        )
    };
    vec![
        ("all from everywhere", &["1.1/selector-empty", "1.1/namespaces-empty", "1.1/order-of-kinds", "1.1/default-interval"], with(selectors(json!({}), json!({})))),
        ("all from the own namespace", &["1.1/namespaces-null"], with(selectors(json!({}), Value::Null))),
        ("by a label", &["1.1/selector-labels"], with(selectors(json!({"matchLabels": {"team": "b"}}), json!({})))),
        ("by a label that none has", &["1.1/selector-labels"], with(selectors(json!({"matchLabels": {"team": "c"}}), json!({})))),
        ("by an expression", &["1.1/selector-expressions"], with(selectors(json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}), json!({})))),
        ("without a label", &["1.1/selector-not"], with(selectors(json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}), json!({})))),
        ("with a label, whatever it is", &["1.1/selector-expressions"], with(selectors(json!({"matchExpressions": [{"key": "team", "operator": "Exists"}]}), json!({})))),
        ("from namespaces by name", &["1.1/namespaces-labels"], with(selectors(json!({}), json!({"matchLabels": {"kubernetes.io/metadata.name": "db"}})))),
        ("from namespaces by expression", &["1.1/namespaces-labels"], with(selectors(json!({}), json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]})))),
        ("only Probes", &["1.1/selector-null"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "scrapeConfigSelector": null}))),
        ("only ScrapeConfigs", &["1.1/selector-null"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null}))),
        ("nothing, with a version", &["1.1/unmanaged"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null, "scrapeConfigSelector": null, "version": "v3.5.0"}))),
        ("nothing, with shards", &["1.1/unmanaged"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null, "scrapeConfigSelector": null, "shards": 2}))),
        ("nothing, with additional jobs", &["1.1/unmanaged", "1.6/jobs-added"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null, "scrapeConfigSelector": null, "additionalScrapeConfigs": {"name": "creds", "key": "jobs.yaml"}}))),
        ("nothing, with a limit", &["1.1/unmanaged"], with(json!({"serviceMonitorSelector": null, "podMonitorSelector": null, "probeSelector": null, "scrapeConfigSelector": null, "sampleLimit": 5}))),
        ("a selector without values", &["1.1/selector-wrong"], with(json!({"serviceMonitorSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}))),
        ("a selector with a bad key", &["1.1/selector-wrong"], with(json!({"podMonitorSelector": {"matchLabels": {"a b": "c"}}}))),
        ("a selector with a bad value", &["1.1/selector-wrong"], with(json!({"probeSelector": {"matchLabels": {"a": "b c"}}}))),
        ("a selector with values that may not be", &["1.1/selector-wrong"], with(json!({"scrapeConfigSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}))),
        ("many endpoints, names in byte order", &["1.1/a-job-an-endpoint"], make.cluster(json!({}), ["b", "a", "a-b", "a.b", "B1"].iter().map(|n| object("ServiceMonitor", "apps", &n.to_lowercase(), json!({"selector": {}, "endpoints": [{"port": "http"}, {"port": "metrics"}, {}]}))).collect())),
        ("version 2.28", &["1.1/version-2", "1.7/enforced-in-the-job-before-2.45"], version("v2.28.1")),
        ("version 2.30", &["1.1/version-2", "1.7/enforced-in-the-job-before-2.45"], version("2.30.0")),
        ("version 2.44", &["1.1/version-2", "1.7/enforced-in-the-job-before-2.45"], version("v2.44.0")),
        ("version 2.55", &["1.1/version-2"], version("v2.55.1")),
        ("version 3.0", &[], version("v3.0.1")),
        ("version with a suffix", &["1.1/version-with-suffix"], version("v3.14.0-distroless")),
        ("version with a build", &[], version("v3.11.0+x")),
        ("version 4", &["1.1/version-wrong"], version("v4.0.0")),
        ("version of letters", &["1.1/version-wrong"], version("three")),
        ("actions in capitals and by default", &["1.1/default-action", "1.1/action-in-capitals"], make.cluster(json!({}), vec![service(json!({"relabelings": [{"action": "Keep", "sourceLabels": ["namespace"], "regex": ".*apps"}, {"targetLabel": "x", "replacement": "y"}, {"action": "LabelDrop", "regex": "endpoint"}]}))])),
    ]
}
