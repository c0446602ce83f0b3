//! Prometheus objects: what each takes, and why it does not take a monitor or a rule.
//!
//! Semantics: prometheus-operator 0.93, pkg/prometheus/resource_selector.go. A null object selector takes nothing, an empty
//! one all; a null namespace selector means the object's own namespace.

use crate::snapshot::Snapshot;
use serde_json::Value;
use std::sync::Arc;
use tortie_cluster::object::{Miss, Object, Selector};

/// The kinds that a Prometheus object selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selected {
    /// ServiceMonitors.
    ServiceMonitor,
    /// PodMonitors.
    PodMonitor,
    /// Probes.
    Probe,
    /// ScrapeConfigs.
    ScrapeConfig,
    /// PrometheusRules.
    Rule,
}

impl Selected {
    /// By kind of the object.
    pub fn of_kind(kind: &str) -> Option<Selected> {
        Some(match kind {
            "ServiceMonitor" => Selected::ServiceMonitor,
            "PodMonitor" => Selected::PodMonitor,
            "Probe" => Selected::Probe,
            "ScrapeConfig" => Selected::ScrapeConfig,
            "PrometheusRule" => Selected::Rule,
            _ => return None,
        })
    }

    /// JSON pointer of the object selector in the Prometheus object.
    pub fn selector(self) -> &'static str {
        match self {
            Selected::ServiceMonitor => "/spec/serviceMonitorSelector",
            Selected::PodMonitor => "/spec/podMonitorSelector",
            Selected::Probe => "/spec/probeSelector",
            Selected::ScrapeConfig => "/spec/scrapeConfigSelector",
            Selected::Rule => "/spec/ruleSelector",
        }
    }

    /// JSON pointer of the namespace selector.
    pub fn namespace_selector(self) -> &'static str {
        match self {
            Selected::ServiceMonitor => "/spec/serviceMonitorNamespaceSelector",
            Selected::PodMonitor => "/spec/podMonitorNamespaceSelector",
            Selected::Probe => "/spec/probeNamespaceSelector",
            Selected::ScrapeConfig => "/spec/scrapeConfigNamespaceSelector",
            Selected::Rule => "/spec/ruleNamespaceSelector",
        }
    }
}

/// Whether a Prometheus object takes an object, and if not, all that is in the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// The object selector is null: it takes nothing at all.
    pub selector_null: bool,
    /// Labels that the object selector asks for and the object has not.
    pub labels: Vec<Miss>,
    /// The namespace selector is null and the object stands in another namespace.
    pub other_namespace: bool,
    /// Labels that the namespace selector asks for and the namespace has not.
    pub namespace_labels: Vec<Miss>,
}

impl Taken {
    /// Whether it takes it.
    pub fn yes(&self) -> bool {
        *self == Taken::default()
    }

    /// How many things are in the way.
    pub fn obstacles(&self) -> usize {
        usize::from(self.selector_null)
            + self.labels.len()
            + usize::from(self.other_namespace)
            + self.namespace_labels.len()
    }
}

/// One Prometheus object.
#[derive(Debug, Clone)]
pub struct Prometheus<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
    /// `namespace/name`.
    pub name: String,
}

impl Prometheus<'_> {
    /// The selector of a kind: `None` takes nothing. A malformed one counts as null; its own check speaks of it.
    pub fn selector(&self, kind: Selected) -> Option<Selector> {
        parsed(self.object, kind.selector())
    }

    /// Whether the four monitor selectors are all null: the operator then writes no configuration.
    pub fn unmanaged(&self) -> bool {
        use Selected::{PodMonitor, Probe, ScrapeConfig, ServiceMonitor};
        [ServiceMonitor, PodMonitor, Probe, ScrapeConfig].iter().all(|k| self.selector(*k).is_none())
    }

    /// Judges one object.
    pub fn takes(&self, kind: Selected, object: &Object, snap: &Snapshot) -> Taken {
        let mut taken = Taken::default();
        match self.selector(kind) {
            None => taken.selector_null = true,
            Some(selector) => taken.labels = selector.misses(&object.meta.labels),
        }
        match parsed(self.object, kind.namespace_selector()) {
            None => taken.other_namespace = object.meta.namespace != self.object.meta.namespace,
            Some(selector) => {
                taken.namespace_labels = selector.misses(&snap.namespace_labels(&object.meta.namespace));
            }
        }
        taken
    }

    /// Plural name of its resource.
    pub fn plural(&self) -> &'static str {
        if self.object.gvk.kind == "PrometheusAgent" { "prometheusagents" } else { "prometheuses" }
    }

    /// The ServiceAccount its pods run as.
    pub fn account(&self) -> &str {
        self.object.text("/spec/serviceAccountName").filter(|s| !s.is_empty()).unwrap_or("default")
    }

    /// How many shards it has.
    pub fn shards(&self) -> u64 {
        self.object.at("/spec/shards").and_then(Value::as_u64).unwrap_or(1)
    }

    /// The condition of a type: status, reason, message, observed generation.
    pub fn condition(&self, kind: &str) -> Option<Condition<'_>> {
        let found = self.object.list("/status/conditions").iter().find(|c| c["type"] == kind)?;
        let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(Condition {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            seen: found.get("observedGeneration").and_then(Value::as_i64),
        })
    }

    /// Through which role the operator lets it discover the Services of a monitor: the monitor's own word, else that of
    /// the Prometheus object, else Endpoints, on any Kubernetes (promcfg.go).
    pub fn role(&self, monitor: &Object) -> Role {
        let own = monitor.text("/spec/serviceDiscoveryRole");
        match own.or_else(|| self.object.text("/spec/serviceDiscoveryRole")) {
            Some("EndpointSlice") => Role::EndpointSlice,
            _ => Role::Endpoints,
        }
    }

    /// A duration field in seconds, when set.
    pub fn seconds(&self, pointer: &str) -> Option<f64> {
        self.object.at(pointer)?.as_str().and_then(seconds)
    }
}

/// A condition of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition<'a> {
    /// `True`, `False`, `Degraded` or `Unknown`.
    pub status: &'a str,
    /// One word.
    pub reason: &'a str,
    /// A sentence; may be empty.
    pub message: &'a str,
    /// The generation that its writer had seen.
    pub seen: Option<i64>,
}

/// What Prometheus lists to discover the targets of a ServiceMonitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Endpoints objects.
    Endpoints,
    /// EndpointSlices.
    EndpointSlice,
}

/// A duration as the resources write it (`15s`, `1m30s`), in seconds.
pub fn seconds(text: &str) -> Option<f64> {
    tortie_model::duration::parse(text).ok().map(|ms| ms as f64 / 1000.0)
}

fn parsed(object: &Object, pointer: &str) -> Option<Selector> {
    let value = object.at(pointer).unwrap_or(&Value::Null);
    Selector::parse(value).ok().flatten()
}

/// All Prometheus objects (and agents), by name.
pub fn of(snap: &Snapshot) -> Vec<Prometheus<'_>> {
    let mut all: Vec<Prometheus<'_>> = ["Prometheus", "PrometheusAgent"]
        .into_iter()
        .flat_map(|kind| snap.of("monitoring.coreos.com", kind))
        .map(|object| Prometheus { object, name: format!("{}/{}", object.meta.namespace, object.meta.name) })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
