//! The prometheus-operators of a cluster: which objects each keeps and which namespaces it sees, by its arguments.
//!
//! Source: prometheus-operator cmd/operator/main.go and pkg/operator/config.go.

use crate::snapshot::Snapshot;
use serde_json::Value;
use std::sync::Arc;
use tortie_cluster::object::{Object, Selector};

/// One prometheus-operator.
#[derive(Debug, Clone)]
pub struct Operator<'a> {
    /// Its Deployment.
    pub object: &'a Arc<Object>,
    /// Index of its container.
    container: usize,
    /// Its arguments.
    args: Vec<&'a str>,
}

/// Finds them by the image or the usual label. A Deployment scaled to nothing counts: its own check says so.
pub fn operators(snap: &Snapshot) -> Vec<Operator<'_>> {
    snap.of("apps", "Deployment").filter_map(operator).collect()
}

fn operator(object: &Arc<Object>) -> Option<Operator<'_>> {
    let labelled =
        object.meta.labels.get("app.kubernetes.io/name").is_some_and(|v| v == "prometheus-operator");
    let containers = object.list("/spec/template/spec/containers");
    let image = |c: &Value| {
        c["image"]
            .as_str()
            .is_some_and(|i| i.contains("/prometheus-operator:") || i.contains("/prometheus-operator@"))
    };
    let container = containers.iter().position(image).or(labelled.then_some(0))?;
    let list = |key: &str| containers.get(container).and_then(|c| c.get(key)).and_then(Value::as_array);
    let args = list("args").into_iter().chain(list("command")).flatten().filter_map(Value::as_str).collect();
    Some(Operator { object, container, args })
}

impl Operator<'_> {
    /// The values of a list argument; nothing when it is not set.
    fn values(&self, name: &str) -> Option<Vec<&str>> {
        let set = self.args.iter().enumerate().find_map(|(i, a)| {
            let rest = a.trim_start_matches('-').strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => self.args.get(i + 1).copied(),
                None => None,
            }
        })?;
        let list: Vec<&str> = set.split(',').map(str::trim).filter(|s| !s.is_empty()).collect();
        (!list.is_empty()).then_some(list)
    }

    /// Whether it sees monitors and rules of a namespace.
    pub fn watches(&self, namespace: &str) -> bool {
        let allowed = self.values("namespaces").is_none_or(|l| l.contains(&namespace));
        let denied = self.values("deny-namespaces").is_some_and(|l| l.contains(&namespace));
        allowed && !denied
    }

    /// Whether it keeps a Prometheus object.
    pub fn keeps(&self, prometheus: &Object) -> bool {
        let instances = self.values("prometheus-instance-namespaces").or_else(|| self.values("namespaces"));
        let namespace = prometheus.meta.namespace.as_str();
        let in_scope = instances.is_none_or(|l| l.contains(&namespace));
        let denied = self.values("deny-namespaces").is_some_and(|l| l.contains(&namespace))
            && self.values("prometheus-instance-namespaces").is_none();
        let own = self.text("controller-id");
        let wanted = prometheus
            .meta
            .annotations
            .get("operator.prometheus.io/controller-id")
            .map(String::as_str)
            .unwrap_or_default();
        let selector = self.text("prometheus-instance-selector");
        let selected = Selector::parse_query(selector).map_or(true, |s| s.matches(&prometheus.meta.labels));
        in_scope && !denied && own == wanted && selected
    }

    fn text(&self, name: &str) -> &str {
        let prefix = format!("{name}=");
        self.args.iter().find_map(|a| a.trim_start_matches('-').strip_prefix(&prefix)).unwrap_or_default()
    }

    /// What it watches, in words.
    pub fn scope(&self) -> String {
        match (self.values("namespaces"), self.values("deny-namespaces")) {
            (Some(list), _) => list.join(", "),
            (None, Some(list)) => format!("all but {}", list.join(", ")),
            (None, None) => "all namespaces".to_owned(),
        }
    }

    /// JSON pointer and text of the argument that bounds it.
    pub fn argument(&self) -> (String, String) {
        let bounds =
            |a: &&str| a.trim_start_matches('-').split('=').next().is_some_and(|n| n.ends_with("namespaces"));
        let base = format!("/spec/template/spec/containers/{}/args", self.container);
        match self.args.iter().position(bounds) {
            Some(i) => (format!("{base}/{i}"), self.args.get(i).copied().unwrap_or_default().to_owned()),
            None => (base, self.args.join(" ")),
        }
    }

    /// How many of its pods are ready, when its status says so, and how many there should be.
    pub fn ready(&self) -> (Option<u64>, u64) {
        let number = |p: &str| self.object.at(p).and_then(Value::as_u64);
        // A status without readyReplicas that a controller wrote means none is ready.
        let looked_at = self.object.at("/status/observedGeneration").is_some();
        let ready = number("/status/readyReplicas").or(looked_at.then_some(0));
        (ready, number("/spec/replicas").unwrap_or(1))
    }
}
