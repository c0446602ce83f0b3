//! The targets that Prometheus discovers for a monitor, with the labels they have before the monitor's own relabelling:
//! what `discovery/kubernetes` gives and what the operator's rules before the user's make of it.
//!
//! Source: prometheus discovery/kubernetes/{endpoints,endpointslice,pod}.go and prometheus-operator
//! pkg/prometheus/promcfg.go, generateServiceMonitorConfig and generatePodMonitorConfig.

use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::monitors::{Kind, Monitor, Port, selects_service};
use crate::facts::prometheus::Role;
use crate::facts::services::slices_of;
use serde_json::Value;
use tortie_cluster::object::{Pod, Service, ServicePort};
use tortie_model::LabelsBuilder;
use tortie_model::names::NameScheme;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule};

/// One discovered target.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// Its labels, `__address__` among them.
    pub labels: LabelsBuilder,
    /// The node it is on; may be empty.
    pub node: String,
}

/// The targets of a way that reaches the metrics port, from slices or, without any, from pods.
pub fn targets(facts: &Facts<'_>, branch: &Branch) -> Vec<Discovered> {
    let monitor = facts.monitor(branch);
    let Some(workload) = facts.workloads.get(&branch.component) else { return Vec::new() };
    let found = match (&branch.reach, monitor.kind) {
        (Reach::Metrics(Some(i)), Kind::Service) => {
            let Some(service) = facts.services(branch.component).get(*i) else { return Vec::new() };
            if !selects_service(monitor, service) {
                return Vec::new();
            }
            let port = service.metrics_port.and_then(|j| service.service.ports.get(j));
            let role = facts.prometheus(branch).map_or(Role::Endpoints, |p| p.role(monitor.object));
            port.map(|p| of_service(facts, service.service, p, role)).unwrap_or_default()
        }
        (Reach::Metrics(_), Kind::Pod) => {
            let port = facts.settings.port(branch.component);
            workload.pods.iter().map(|p| of_pod(p, port)).collect()
        }
        _ => Vec::new(),
    };
    found.into_iter().map(|d| operators_own(facts, branch, d)).collect()
}

fn of_service(facts: &Facts<'_>, service: &Service, port: &ServicePort, role: Role) -> Vec<Discovered> {
    let mut out = Vec::new();
    for slice in slices_of(facts.snap, service) {
        let Some(at) = slice.ports.iter().find(|p| p.name == port.name) else { continue };
        for endpoint in &slice.endpoints {
            let Some(address) = endpoint.addresses.first() else { continue };
            let number = at.port.unwrap_or(port.port);
            let mut labels = LabelsBuilder::new();
            let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
            labels.set("__address__", &format!("{host}:{number}"));
            labels.set("__meta_kubernetes_namespace", &service.meta.namespace);
            labels.set("__meta_kubernetes_service_name", &service.meta.name);
            labelled(&mut labels, "service", &service.meta.labels);
            let (kind, prefix) = match role {
                Role::Endpoints => ("endpoint", "__meta_kubernetes_endpoint"),
                Role::EndpointSlice => ("slice", "__meta_kubernetes_endpointslice"),
            };
            let ready = endpoint.ready.to_string();
            labels.set(&format!("{prefix}_port_name"), &at.name);
            labels.set(&format!("{prefix}_port_protocol"), &at.protocol);
            if kind == "endpoint" {
                labels.set("__meta_kubernetes_endpoint_ready", &ready);
                labels.set("__meta_kubernetes_endpoint_node_name", &endpoint.node);
                labels.set("__meta_kubernetes_endpoints_name", &service.meta.name);
            } else {
                labels.set("__meta_kubernetes_endpointslice_endpoint_conditions_ready", &ready);
                labels.set("__meta_kubernetes_endpointslice_endpoint_node_name", &endpoint.node);
                labels.set("__meta_kubernetes_endpointslice_name", &slice.meta.name);
                labels.set("__meta_kubernetes_endpointslice_address_type", &slice.address_type);
            }
            if let Some((target, _, name)) = &endpoint.target {
                labels.set(&format!("{prefix}_address_target_kind"), target);
                labels.set(&format!("{prefix}_address_target_name"), name);
                let pod = facts.snap.pods.iter().find(|p| {
                    target == "Pod" && p.meta.name == *name && p.meta.namespace == service.meta.namespace
                });
                if let Some(pod) = pod {
                    pod_labels(&mut labels, pod);
                    // The container is known only when it declares the port.
                    let container = pod.containers.iter().find(|c| c.ports.iter().any(|p| p.port == number));
                    labels.set("__meta_kubernetes_pod_container_name", container.map_or("", |c| &c.name));
                }
            }
            out.push(Discovered { labels, node: endpoint.node.clone() });
        }
    }
    out
}

fn of_pod(pod: &Pod, port: u16) -> Discovered {
    let mut labels = LabelsBuilder::new();
    labels.set("__address__", &format!("{}:{port}", pod.ip));
    labels.set("__meta_kubernetes_namespace", &pod.meta.namespace);
    pod_labels(&mut labels, pod);
    let container = pod.containers.iter().find(|c| c.ports.iter().any(|p| p.port == port));
    labels.set("__meta_kubernetes_pod_container_name", container.map_or("", |c| &c.name));
    Discovered { labels, node: pod.node.clone() }
}

fn pod_labels(labels: &mut LabelsBuilder, pod: &Pod) {
    labels.set("__meta_kubernetes_pod_name", &pod.meta.name);
    labels.set("__meta_kubernetes_pod_ip", &pod.ip);
    labels.set("__meta_kubernetes_pod_host_ip", &pod.host_ip);
    labels.set("__meta_kubernetes_pod_node_name", &pod.node);
    labels.set("__meta_kubernetes_pod_phase", &pod.phase);
    labels.set("__meta_kubernetes_pod_ready", if pod.ready { "true" } else { "false" });
    labels.set("__meta_kubernetes_pod_uid", &pod.meta.uid);
    if let Some(controller) = pod.meta.controller() {
        labels.set("__meta_kubernetes_pod_controller_kind", &controller.kind);
        labels.set("__meta_kubernetes_pod_controller_name", &controller.name);
    }
    labelled(labels, "pod", &pod.meta.labels);
}

fn labelled(labels: &mut LabelsBuilder, of: &str, set: &std::collections::BTreeMap<String, String>) {
    for (key, value) in set {
        let key = sanitised(key);
        labels.set(&format!("__meta_kubernetes_{of}_label_{key}"), value);
        labels.set(&format!("__meta_kubernetes_{of}_labelpresent_{key}"), "true");
    }
}

/// A label's name as Prometheus writes it.
fn sanitised(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// What the operator's own rules before the user's set.
fn operators_own(facts: &Facts<'_>, branch: &Branch, mut found: Discovered) -> Discovered {
    let monitor = facts.monitor(branch);
    let labels = &mut found.labels;
    let of = |labels: &LabelsBuilder, name: &str| labels.get(name).to_owned();
    labels.set("namespace", &of(labels, "__meta_kubernetes_namespace"));
    labels.set("pod", &of(labels, "__meta_kubernetes_pod_name"));
    labels.set("container", &of(labels, "__meta_kubernetes_pod_container_name"));
    let key = monitor.object.text("/spec/jobLabel").map(sanitised).unwrap_or_default();
    let (kind, own) = if monitor.kind == Kind::Service {
        labels.set("service", &of(labels, "__meta_kubernetes_service_name"));
        ("service", of(labels, "__meta_kubernetes_service_name"))
    } else {
        ("pod", format!("{}/{}", monitor.object.meta.namespace, monitor.object.meta.name))
    };
    let labelled = of(labels, &format!("__meta_kubernetes_{kind}_label_{key}"));
    labels.set("job", if key.is_empty() || labelled.is_empty() { &own } else { &labelled });
    let endpoint = match &monitor.port {
        Port::Name(name) | Port::Container(name) => name.clone(),
        Port::Number(n) => n.to_string(),
        Port::Any => String::new(),
    };
    labels.set("endpoint", &endpoint);
    found
}

/// The rules of `relabelings` or `metricRelabelings`; an error names the rule and what Prometheus says of it.
///
/// # Errors
/// The index of the first rule that is not valid, and why.
pub fn rules(monitor: &Monitor<'_>, field: &str) -> Result<Vec<Rule>, (usize, String)> {
    let list = monitor.field(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().enumerate().map(|(i, v)| rule(v).map_err(|e| (i, e))).collect()
}

fn rule(v: &Value) -> Result<Rule, String> {
    let text = |key: &str| v.get(key).and_then(Value::as_str);
    let mut rule = Rule { scheme: NameScheme::Utf8, ..Rule::default() };
    let sources = v.get("sourceLabels").and_then(Value::as_array).into_iter().flatten();
    rule.source_labels = sources.filter_map(|s| s.as_str().map(str::to_owned)).collect();
    if let Some(separator) = text("separator") {
        rule.separator = separator.to_owned();
    }
    if let Some(pattern) = text("regex") {
        rule.regex = Regex::anchored(pattern).map_err(|e| e.to_string())?;
        rule.regex_given = true;
    }
    if let Some(target) = text("targetLabel") {
        rule.target_label = target.to_owned();
    }
    if let Some(replacement) = text("replacement") {
        rule.replacement = replacement.to_owned();
    }
    rule.modulus = v.get("modulus").and_then(Value::as_u64).unwrap_or(0);
    if let Some(action) = text("action").filter(|a| !a.is_empty()) {
        rule.action = Action::parse(action).ok_or_else(|| format!("{action:?} is no action"))?;
    }
    rule.validate().map_err(|e| e.to_string())?;
    Ok(rule)
}
