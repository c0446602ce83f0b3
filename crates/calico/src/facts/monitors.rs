//! Monitors that aim at a component: what each selects, and through which port.

use crate::component::Component;
use crate::doctor::finding::written;
use crate::facts::prometheus::Selected;
use crate::facts::services::MetricsService;
use crate::facts::workload::Workload;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{Object, Selector};

/// The kind of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Through a Service.
    Service,
    /// Straight to pods.
    Pod,
    /// A ScrapeConfig.
    ScrapeConfig,
}

/// Why a monitor counts as one of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// Its names speak of the component; it selects nothing of it.
    Named,
    /// It selects a Service or pods of the component.
    Selects,
}

/// How an endpoint of a monitor names its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// `port`: the name of a Service's or container's port (in fact a regular expression).
    Name(String),
    /// `targetPort` or `portNumber` as a number: a declared container port.
    Number(u16),
    /// `targetPort` as a name: a declared container port.
    Container(String),
    /// Nothing: all ports.
    Any,
}

/// One endpoint of a monitor, seen from one component.
#[derive(Debug, Clone)]
pub struct Monitor<'a> {
    /// The object.
    pub object: &'a Arc<Object>,
    /// Its kind.
    pub kind: Kind,
    /// Index of the endpoint.
    pub index: usize,
    /// The component it aims at.
    pub component: Component,
    /// Why.
    pub aim: Aim,
    /// Its port.
    pub port: Port,
    /// Its selector; null selects nothing in a ServiceMonitor.
    pub selector: Option<Selector>,
    /// Namespaces it looks in; none is all.
    pub namespaces: Option<Vec<String>>,
}

impl Monitor<'_> {
    /// JSON pointer of a field of this endpoint.
    pub fn pointer(&self, field: &str) -> String {
        let list = match self.kind {
            Kind::Service => "endpoints",
            Kind::Pod => "podMetricsEndpoints",
            Kind::ScrapeConfig => return format!("/spec/{field}"),
        };
        format!("/spec/{list}/{}/{field}", self.index)
    }

    /// A field of this endpoint.
    pub fn field(&self, field: &str) -> Option<&Value> {
        self.object.at(&self.pointer(field)).filter(|v| !v.is_null())
    }

    /// Whether it looks into a namespace.
    pub fn looks_in(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|list| list.iter().any(|n| n == namespace))
    }

    /// Plural name of its resource.
    pub fn plural(&self) -> &'static str {
        match self.kind {
            Kind::Service => "servicemonitors",
            Kind::Pod => "podmonitors",
            Kind::ScrapeConfig => "scrapeconfigs",
        }
    }

    /// What a Prometheus object selects it as.
    pub fn selected_as(&self) -> Selected {
        match self.kind {
            Kind::Service => Selected::ServiceMonitor,
            Kind::Pod => Selected::PodMonitor,
            Kind::ScrapeConfig => Selected::ScrapeConfig,
        }
    }

    /// A text of this endpoint; empty when it is not set.
    pub fn text(&self, field: &str) -> &str {
        self.field(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// How a finding writes a field of this endpoint: `endpoints[0].port`.
    pub fn label(&self, field: &str) -> String {
        written(&self.pointer(field)).trim_start_matches("spec.").to_owned()
    }

    /// Name of the scrape pool that the operator makes of it.
    pub fn pool(&self) -> String {
        let meta = &self.object.meta;
        match self.kind {
            Kind::Service => format!("serviceMonitor/{}/{}/{}", meta.namespace, meta.name, self.index),
            Kind::Pod => format!("podMonitor/{}/{}/{}", meta.namespace, meta.name, self.index),
            Kind::ScrapeConfig => format!("scrapeConfig/{}/{}", meta.namespace, meta.name),
        }
    }
}

/// Finds them.
pub fn of<'a>(
    snap: &'a Snapshot,
    workloads: &BTreeMap<Component, Workload<'a>>,
    services: &BTreeMap<Component, Vec<MetricsService<'a>>>,
) -> Vec<Monitor<'a>> {
    let mut out = Vec::new();
    for object in snap.of("monitoring.coreos.com", "ServiceMonitor") {
        let endpoints = object.at("/spec/endpoints").and_then(Value::as_array);
        for (index, endpoint) in endpoints.into_iter().flatten().enumerate() {
            for component in workloads.keys() {
                let mut monitor = monitor(object, Kind::Service, index, *component, endpoint);
                let own = services.get(component).map(Vec::as_slice).unwrap_or_default();
                let hit = own.iter().filter(|s| s.sends && selects_service(&monitor, s)).collect::<Vec<_>>();
                if !hit.is_empty() && belongs(&monitor, &hit, *component) {
                    monitor.aim = Aim::Selects;
                } else if !named(&monitor, endpoint) {
                    continue;
                }
                out.push(monitor);
            }
        }
    }
    for object in snap.of("monitoring.coreos.com", "PodMonitor") {
        let endpoints = object.at("/spec/podMetricsEndpoints").and_then(Value::as_array);
        for (index, endpoint) in endpoints.into_iter().flatten().enumerate() {
            for (component, workload) in workloads {
                let mut monitor = monitor(object, Kind::Pod, index, *component, endpoint);
                let selects = monitor.selector.as_ref().is_some_and(|s| s.matches(&workload.labels));
                if selects && monitor.looks_in(&workload.namespace) {
                    monitor.aim = Aim::Selects;
                } else if !named(&monitor, endpoint) {
                    continue;
                }
                out.push(monitor);
            }
        }
    }
    for object in snap.of("monitoring.coreos.com", "ScrapeConfig") {
        for component in workloads.keys() {
            let text = object.at("/spec").map(Value::to_string).unwrap_or_default();
            if component.named_in(&object.meta.name) || component.named_in(&text) {
                let spec = object.at("/spec").unwrap_or(&Value::Null);
                let mut monitor = monitor(object, Kind::ScrapeConfig, 0, *component, spec);
                monitor.aim = Aim::Selects;
                out.push(monitor);
            }
        }
    }
    out
}

/// Whether a ServiceMonitor's selector and namespaces take a Service.
pub fn selects_service(monitor: &Monitor<'_>, service: &MetricsService<'_>) -> bool {
    monitor.looks_in(&service.service.meta.namespace)
        && monitor.selector.as_ref().is_some_and(|s| s.matches(&service.service.meta.labels))
}

/// A monitor that selects Services of several components belongs to those whose port it names; one that selects a
/// component's Service and names no port of it belongs to it when nothing else speaks of another.
fn belongs(monitor: &Monitor<'_>, hit: &[&MetricsService<'_>], component: Component) -> bool {
    let named_port = hit.iter().any(|s| s.service.ports.iter().any(|p| names(&monitor.port, &p.name)));
    let metrics = hit.iter().any(|s| s.metrics_port.is_some() || s.meant);
    let others = |word: &str| Component::ALL.into_iter().any(|c| c != component && c.named_in(word));
    let other = others(&monitor.object.meta.name);
    // A selector that is too wide does not make Felix' monitor one of kube-controllers.
    let port = match &monitor.port {
        Port::Name(name) | Port::Container(name) => name.as_str(),
        Port::Number(_) | Port::Any => "",
    };
    let foreign = other && others(port) && !component.named_in(port);
    named_port || (metrics && !foreign) || !other
}

/// Whether a monitor's port names a port. The operator makes an anchored regular expression of it.
pub fn names(port: &Port, name: &str) -> bool {
    match port {
        Port::Name(wanted) if wanted == name => true,
        Port::Name(wanted) => tortie_model::regex::Regex::anchored(wanted).is_ok_and(|r| r.is_match(name)),
        Port::Any => true,
        Port::Number(_) | Port::Container(_) => false,
    }
}

fn monitor<'a>(
    object: &'a Arc<Object>,
    kind: Kind,
    index: usize,
    component: Component,
    endpoint: &Value,
) -> Monitor<'a> {
    let null = Value::Null;
    let selector = object.at("/spec/selector").unwrap_or(&null);
    Monitor {
        object,
        kind,
        index,
        component,
        aim: Aim::Named,
        port: port(endpoint, kind),
        selector: Selector::parse(selector).ok().flatten(),
        namespaces: namespaces(object),
    }
}

fn port(endpoint: &Value, kind: Kind) -> Port {
    let number = |v: &Value| v.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n != 0);
    if let Some(name) = endpoint.get("port").and_then(Value::as_str).filter(|s| !s.is_empty()) {
        return Port::Name(name.to_owned());
    }
    if let Some(n) = endpoint.get("portNumber").and_then(number).filter(|_| kind == Kind::Pod) {
        return Port::Number(n);
    }
    match endpoint.get("targetPort") {
        Some(Value::String(name)) if !name.is_empty() => Port::Container(name.clone()),
        Some(v) => number(v).map_or(Port::Any, Port::Number),
        None => Port::Any,
    }
}

fn namespaces(object: &Object) -> Option<Vec<String>> {
    if object.at("/spec/namespaceSelector/any").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let names = object.at("/spec/namespaceSelector/matchNames").and_then(Value::as_array);
    let names: Vec<String> =
        names.into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)).collect();
    Some(if names.is_empty() { vec![object.meta.namespace.clone()] } else { names })
}

/// Whether a monitor that selects nothing of the component was meant for it: by its own name, its selector's values, or
/// its port's name. The object's name decides when it speaks of any component.
fn named(monitor: &Monitor<'_>, endpoint: &Value) -> bool {
    let component = monitor.component;
    let by_name: Vec<Component> =
        Component::ALL.into_iter().filter(|c| c.named_in(&monitor.object.meta.name)).collect();
    if !by_name.is_empty() {
        return by_name.contains(&component);
    }
    let selector = monitor.object.at("/spec/selector").map(Value::to_string).unwrap_or_default();
    let port = endpoint.get("port").and_then(Value::as_str).unwrap_or_default();
    component.named_in(&selector) || component.named_in(port)
}
