//! Clusters by hand: each for rows that it names, which the test finds again in what it is.

mod connections;
mod lookups;
mod others;
mod selection;
mod tenancy;
mod wrong;

use crate::clusters::{self, Pair};
use serde_json::{Value, json};

/// Its name, the rows that it is for, and the cluster.
pub(crate) type Hand = (&'static str, &'static [&'static str], Value);

/// Makes clusters of a Prometheus object and its monitors.
pub(crate) struct Maker<'a> {
    pair: &'a Pair,
}

impl Maker<'_> {
    /// A cluster with Namespaces, Secrets and ConfigMaps as in any of the generated ones.
    fn cluster(&self, spec: Value, monitors: Vec<Value>) -> Value {
        let keep = |o: &Value| matches!(o["kind"].as_str(), Some("Namespace" | "Secret" | "ConfigMap"));
        let mut objects: Vec<Value> = clusters::resources(1, self.pair).into_iter().filter(keep).collect();
        objects.push(prometheus(spec));
        objects.extend(monitors);
        json!({"objects": objects, "inlineTLS": true})
    }

    /// A cluster of one ServiceMonitor.
    fn service(&self, prometheus: Value, spec: Value) -> Value {
        self.cluster(prometheus, vec![object("ServiceMonitor", "apps", "s", spec)])
    }

    /// A cluster of one PodMonitor.
    fn pod(&self, prometheus: Value, spec: Value) -> Value {
        self.cluster(prometheus, vec![object("PodMonitor", "apps", "p", spec)])
    }

    /// A cluster of one Probe.
    fn probe(&self, prometheus: Value, spec: Value) -> Value {
        self.cluster(prometheus, vec![object("Probe", "apps", "b", spec)])
    }

    /// A cluster of one ScrapeConfig.
    fn scrape(&self, prometheus: Value, spec: Value) -> Value {
        self.cluster(prometheus, vec![object("ScrapeConfig", "apps", "c", spec)])
    }
}

fn prometheus(spec: Value) -> Value {
    let mut all = json!({
        "serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "podMonitorSelector": {},
        "podMonitorNamespaceSelector": {}, "probeSelector": {}, "probeNamespaceSelector": {}, "scrapeConfigSelector": {},
        "scrapeConfigNamespaceSelector": {},
    });
    if let (Some(all), Value::Object(spec)) = (all.as_object_mut(), spec) {
        all.extend(spec);
    }
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": all})
}

/// A custom resource.
fn object(kind: &str, ns: &str, name: &str, spec: Value) -> Value {
    let version = if kind == "ScrapeConfig" { "v1alpha1" } else { "v1" };
    json!({"apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind, "metadata": {"name": name, "namespace": ns}, "spec": spec})
}

/// One with labels.
fn labelled(kind: &str, ns: &str, name: &str, labels: Value, spec: Value) -> Value {
    let mut made = object(kind, ns, name, spec);
    made["metadata"]["labels"] = labels;
    made
}

fn service(endpoint: Value) -> Value {
    object(
        "ServiceMonitor",
        "apps",
        "s",
        json!({"selector": {"matchLabels": {"app": "api"}}, "endpoints": [endpoint]}),
    )
}

fn pod(endpoint: Value) -> Value {
    object(
        "PodMonitor",
        "apps",
        "p",
        json!({"selector": {"matchLabels": {"app": "api"}}, "podMetricsEndpoints": [endpoint]}),
    )
}

/// A key of the Secret that every namespace has.
fn key(key: &str) -> Value {
    json!({"name": "creds", "key": key})
}

/// All of them.
pub(crate) fn clusters(pair: &Pair) -> Vec<Hand> {
    let make = Maker { pair };
    let mut all = wrong::clusters(&make);
    all.extend(selection::clusters(&make));
    all.extend(lookups::clusters(&make));
    all.extend(connections::clusters(&make));
    all.extend(others::clusters(&make));
    all.extend(tenancy::clusters(&make));
    all
}
