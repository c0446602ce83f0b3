//! The effective settings of each component's metrics endpoint, and which layer each came from.
//!
//! Felix takes, high to low: environment, per-node resource, per-selector resource (3.32 on), the resource `default`
//! (felix/config/config_params.go). Typha takes its environment alone. kube-controllers takes its resource, of which the
//! status shows what runs.

use crate::component::Component;
use crate::facts::install::Install;
use crate::facts::workload::Workload;
use crate::snapshot::{Snapshot, Source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::Object;

/// Where a value came from.
#[derive(Debug, Clone)]
pub enum Layer<'a> {
    /// The component's own default.
    BuiltIn,
    /// An environment variable of the workload.
    Env(String),
    /// A field (JSON pointer) of an object.
    Field(&'a Arc<Object>, &'static str),
}

/// A value and its layer.
#[derive(Debug, Clone)]
pub struct Set<'a, T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub from: Layer<'a>,
}

/// The endpoint of one component on one node.
#[derive(Debug, Clone)]
pub struct Endpoint<'a> {
    /// Whether it listens.
    pub enabled: Set<'a, bool>,
    /// On which port.
    pub port: Set<'a, u16>,
    /// On which address; empty is all.
    pub host: Set<'a, String>,
    /// Whether it speaks TLS (a key or a certificate is set).
    pub tls: bool,
    /// Whether only one of key and certificate is set: then it starts no server at all.
    pub tls_half: bool,
    /// Whether it asks for client certificates.
    pub client_auth: bool,
}

/// Effective settings of all.
pub struct Settings<'a> {
    /// Felix, by node. Where no node is known there is one entry with an empty name.
    pub felix: BTreeMap<String, Endpoint<'a>>,
    /// The FelixConfiguration `default`.
    pub felix_default: Option<&'a Arc<Object>>,
    /// FelixConfigurations that override it on some nodes.
    pub felix_overrides: Vec<&'a Arc<Object>>,
    /// Typha, when it is installed.
    pub typha: Option<Endpoint<'a>>,
    /// kube-controllers, when installed.
    pub kube_controllers: Option<Endpoint<'a>>,
    /// The KubeControllersConfiguration `default`.
    pub kube_controllers_object: Option<&'a Arc<Object>>,
    /// `Installation` objects: `default`, then `overlay`.
    pub installations: Vec<&'a Arc<Object>>,
    /// `Installation.spec.typhaMetricsPort`, the overlay winning.
    pub typha_metrics_port: Option<u16>,
    /// `Installation.spec.nodeMetricsPort`, the overlay winning.
    pub node_metrics_port: Option<u16>,
}

impl<'a> Settings<'a> {
    /// Works them out.
    pub fn of(
        snap: &'a Snapshot,
        install: &Install,
        workloads: &BTreeMap<Component, Workload<'a>>,
    ) -> Settings<'a> {
        let configurations: Vec<&Arc<Object>> =
            snap.objects.iter().filter(|o| o.gvk.is(&install.api.0, "FelixConfiguration")).collect();
        // One cluster may show the same settings through both groups; the served one counts.
        let configurations = if configurations.is_empty() {
            snap.objects.iter().filter(|o| o.gvk.kind == "FelixConfiguration").collect()
        } else {
            configurations
        };
        let felix_default = configurations.iter().copied().find(|o| o.meta.name == "default");
        let felix_overrides: Vec<_> =
            configurations.into_iter().filter(|o| o.meta.name != "default").collect();
        let mut installations: Vec<&Arc<Object>> = snap.of("operator.tigera.io", "Installation").collect();
        installations.sort_by_key(|i| i.meta.name != "default");
        let kube_controllers_object = snap
            .objects
            .iter()
            .find(|o| o.gvk.kind == "KubeControllersConfiguration" && o.meta.name == "default");
        let mut felix = felix(snap, workloads.get(&Component::Felix), felix_default, &felix_overrides);
        let mut typha = workloads.get(&Component::Typha).map(typha);
        // What is not in the cluster yet: the operator will set the environment as the Installation says, whatever a file says.
        if matches!(snap.source, Source::Files | Source::Overlay) {
            will_be(felix.values_mut(), &installations, "/spec/nodeMetricsPort");
            will_be(typha.iter_mut(), &installations, "/spec/typhaMetricsPort");
        }
        Settings {
            felix,
            felix_default,
            felix_overrides,
            typha,
            kube_controllers: workloads
                .contains_key(&Component::KubeControllers)
                .then(|| kube_controllers(kube_controllers_object)),
            kube_controllers_object,
            typha_metrics_port: overlaid(&installations, "/spec/typhaMetricsPort"),
            node_metrics_port: overlaid(&installations, "/spec/nodeMetricsPort"),
            installations,
        }
    }

    /// The endpoint of a component: for Felix the one of most nodes.
    pub fn of_component(&self, component: Component) -> Option<&Endpoint<'a>> {
        match component {
            Component::Felix => self.felix_mostly(),
            Component::Typha => self.typha.as_ref(),
            Component::KubeControllers => self.kube_controllers.as_ref(),
        }
    }

    /// The port on which a component listens or, when it is off, would listen.
    pub fn port(&self, component: Component) -> u16 {
        self.of_component(component).map_or(component.default_port(), |e| e.port.value)
    }

    /// Felix' endpoint on a node.
    pub fn felix_on(&self, node: &str) -> Option<&Endpoint<'a>> {
        self.felix.get(node).or_else(|| self.felix_mostly())
    }

    fn felix_mostly(&self) -> Option<&Endpoint<'a>> {
        let mut counts: BTreeMap<(bool, u16), usize> = BTreeMap::new();
        for e in self.felix.values() {
            *counts.entry((e.enabled.value, e.port.value)).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, n)| *n)?.0;
        self.felix.values().find(|e| (e.enabled.value, e.port.value) == most)
    }
}

/// Endpoints as the operator will make them of a field of the Installation.
fn will_be<'a: 'e, 'e>(
    endpoints: impl Iterator<Item = &'e mut Endpoint<'a>>,
    installations: &[&'a Arc<Object>],
    pointer: &'static str,
) {
    let keeper = installations.iter().rev().find(|i| i.at(pointer).is_some_and(|v| !v.is_null()));
    let (Some(keeper), Some(port)) = (keeper, overlaid(installations, pointer)) else { return };
    for endpoint in endpoints {
        let from = Layer::Field(keeper, pointer);
        endpoint.enabled = Set { value: true, from: from.clone() };
        endpoint.port = Set { value: port, from };
    }
}

fn overlaid(installations: &[&Arc<Object>], pointer: &str) -> Option<u16> {
    let value = installations.iter().rev().find_map(|i| i.at(pointer)?.as_u64());
    value.and_then(|v| u16::try_from(v).ok())
}

const ENABLED: &str = "/spec/prometheusMetricsEnabled";
const PORT: &str = "/spec/prometheusMetricsPort";
const HOST: &str = "/spec/prometheusMetricsHost";
const TLS: [&str; 2] = ["/spec/prometheusMetricsKeyFile", "/spec/prometheusMetricsCertFile"];
const CLIENT_AUTH: &str = "/spec/prometheusMetricsClientAuth";

fn felix<'a>(
    snap: &'a Snapshot,
    workload: Option<&Workload<'a>>,
    default: Option<&'a Arc<Object>>,
    overrides: &[&'a Arc<Object>],
) -> BTreeMap<String, Endpoint<'a>> {
    let Some(workload) = workload else { return BTreeMap::new() };
    let mut nodes: Vec<String> = workload.nodes().iter().map(|n| (*n).to_owned()).collect();
    if nodes.is_empty() {
        nodes.push(String::new());
    }
    let mut out = BTreeMap::new();
    for node in nodes {
        let named = overrides.iter().copied().find(|o| o.meta.name == format!("node.{node}"));
        let selected = overrides.iter().copied().find(|o| selects(snap, o, &node));
        let layers: Vec<&Arc<Object>> = [named, selected, default].into_iter().flatten().collect();
        out.insert(node, layered(&workload.env, "FELIX", Component::Felix, &layers));
    }
    out
}

/// Whether a FelixConfiguration with `nodeSelector` (3.32 on) covers a node. Calico's selectors are read in their usual
/// forms: `key == 'value'`, `has(key)`, `all()`, joined by `&&`.
fn selects(snap: &Snapshot, object: &Object, node: &str) -> bool {
    let Some(selector) = object.at("/spec/nodeSelector").and_then(Value::as_str) else { return false };
    let Some(labels) = snap.nodes.iter().find(|n| n.meta.name == node).map(|n| &n.meta.labels) else {
        return false;
    };
    crate::facts::calico_selector::matches(selector, labels).unwrap_or(false)
}

fn layered<'a>(
    env: &BTreeMap<String, String>,
    prefix: &str,
    component: Component,
    layers: &[&'a Arc<Object>],
) -> Endpoint<'a> {
    let name = |field: &str| format!("{prefix}_PROMETHEUSMETRICS{field}");
    let from_env = |field: &str| env.get(&name(field)).map(|v| (v.clone(), Layer::Env(name(field))));
    let from_field = |pointer: &'static str| -> Option<(Value, Layer<'a>)> {
        layers.iter().find_map(|o| {
            let v = o.at(pointer)?;
            (!v.is_null()).then(|| (v.clone(), Layer::Field(o, pointer)))
        })
    };
    let enabled = from_env("ENABLED")
        .map(|(v, from)| Set { value: truthy(&v), from })
        .or_else(|| from_field(ENABLED).map(|(v, from)| Set { value: v.as_bool().unwrap_or(false), from }))
        .unwrap_or(Set { value: false, from: Layer::BuiltIn });
    let port = from_env("PORT")
        .and_then(|(v, from)| Some(Set { value: v.parse().ok()?, from }))
        .or_else(|| {
            let (v, from) = from_field(PORT)?;
            Some(Set { value: u16::try_from(v.as_u64()?).ok()?, from })
        })
        .unwrap_or(Set { value: component.default_port(), from: Layer::BuiltIn });
    let host = from_env("HOST")
        .map(|(value, from)| Set { value, from })
        .or_else(|| {
            from_field(HOST).map(|(v, from)| Set { value: v.as_str().unwrap_or_default().to_owned(), from })
        })
        .unwrap_or(Set { value: String::new(), from: Layer::BuiltIn });
    let filled = |v: &str| !v.is_empty() && v != "none";
    let file = |variable: &str, pointer: &'static str| match env.get(&name(variable)) {
        Some(v) => filled(v),
        None => from_field(pointer).is_some_and(|(v, _)| v.as_str().is_some_and(filled)),
    };
    let (key, certificate) = (file("KEYFILE", TLS[0]), file("CERTFILE", TLS[1]));
    let client_auth = from_env("CLIENTAUTH")
        .map(|(v, _)| v)
        .or_else(|| from_field(CLIENT_AUTH).and_then(|(v, _)| Some(v.as_str()?.to_owned())))
        .is_some_and(|v| v.starts_with("Require"));
    Endpoint { enabled, port, host, tls: key || certificate, tls_half: key != certificate, client_auth }
}

fn typha<'a>(workload: &Workload<'a>) -> Endpoint<'a> {
    layered(&workload.env, "TYPHA", Component::Typha, &[])
}

/// `status.runningConfig` is what runs; without it the specification counts. Without the object kube-controllers makes it
/// with 9094; an object without the field runs with 0, which is off (libcalico-go fills it only through its own client).
fn kube_controllers(object: Option<&Arc<Object>>) -> Endpoint<'_> {
    const RUNNING: &str = "/status/runningConfig/prometheusMetricsPort";
    const SPEC: &str = "/spec/prometheusMetricsPort";
    let set = object.and_then(|o| {
        let spec = o.at(SPEC).filter(|v| !v.is_null());
        let running = o.at(RUNNING).filter(|v| !v.is_null());
        let (value, pointer) = match (spec, running) {
            (Some(v), _) => (v, SPEC),
            (None, Some(v)) => (v, RUNNING),
            (None, None) => return None,
        };
        Some((u16::try_from(value.as_u64()?).ok()?, Layer::Field(o, pointer)))
    });
    let (port, from) = match (set, object) {
        (Some((port, from)), _) => (port, from),
        (None, Some(o)) => (0, Layer::Field(o, SPEC)),
        (None, None) => (Component::KubeControllers.default_port(), Layer::BuiltIn),
    };
    let shown = if port == 0 { Component::KubeControllers.default_port() } else { port };
    Endpoint {
        enabled: Set { value: port != 0, from: from.clone() },
        port: Set { value: shown, from },
        host: Set { value: String::new(), from: Layer::BuiltIn },
        tls: false,
        tls_half: false,
        client_auth: false,
    }
}

/// How Calico reads a boolean of its environment (felix/config/param_types.go).
fn truthy(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "y" | "t" | "enabled" | "on")
}
