//! Services and monitors: those that are missing are made; the ones that are there are used.

use super::own;
use super::step::{Step, Target};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::monitors::{Kind, Port};
use crate::facts::prometheus::{Prometheus, Selected};
use crate::facts::service_link::ServiceLink;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_cluster::object::Object;

/// The Service that a component lacks: headless, its port named. Somebody's monitor that waits for one gets the labels
/// and the port name that it asks for.
pub(super) fn service(facts: &Facts<'_>, component: Component) -> Option<Step> {
    if facts.service_link(component) != ServiceLink::Missing {
        return None;
    }
    let workload = facts.workloads.get(&component)?;
    let port = facts.settings.port(component);
    let name = format!("tortie-{component}-metrics");
    let target = Target::new("v1", "Service", &workload.namespace, &name);
    let mut labels: BTreeMap<String, String> = [("k8s-app".to_owned(), name)].into();
    let mut port_name = format!("{component}-metrics");
    let waiting = facts.best(component).filter(|b| b.reach == Reach::Nothing).map(|b| facts.monitor(b));
    let waiting = waiting.filter(|m| m.kind == Kind::Service && m.looks_in(&workload.namespace));
    if let Some(monitor) = waiting {
        labels.extend(monitor.selector.as_ref().and_then(|s| s.solve(&labels)).unwrap_or_default());
        if let Port::Name(wanted) = &monitor.port
            && is_port_name(wanted)
        {
            port_name.clone_from(wanted);
        }
    }
    let app = workload.labels.get("k8s-app")?;
    let spec = json!({
        "clusterIP": "None", "selector": {"k8s-app": app},
        "ports": [{"name": port_name, "port": port, "protocol": "TCP", "targetPort": port}],
    });
    let object = own::object(&target, &own::labels(labels), &[("spec", spec)]);
    Some(own::step(facts.snap, target, object, format!("headless, {port_name} {port}")))
}

/// A Service's port name: letters, digits and dashes, at most 63.
fn is_port_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The monitor that a component lacks, for a Service that is whole.
///
/// # Errors
/// The reason, in words, when no monitor can be one that this Prometheus takes.
pub(super) fn monitor(
    facts: &Facts<'_>,
    component: Component,
    prometheus: &Prometheus<'_>,
) -> Result<Option<Step>, String> {
    let ServiceLink::Whole(index) = facts.service_link(component) else { return Ok(None) };
    let Some(service) = facts.services(component).get(index) else { return Ok(None) };
    let Some(port) = service.metrics_port.and_then(|i| service.service.ports.get(i)) else { return Ok(None) };
    let (namespace, labels) =
        place(facts, prometheus, Selected::ServiceMonitor, &service.service.meta.namespace)?;
    let target =
        Target::new("monitoring.coreos.com/v1", "ServiceMonitor", &namespace, &format!("tortie-{component}"));
    let mut select = service.service.meta.labels.clone();
    if let Some(app) = select.get("k8s-app").cloned() {
        select = [("k8s-app".to_owned(), app)].into();
    }
    let mut endpoint = json!({"port": port.name});
    if facts.settings.of_component(component).is_some_and(|e| e.tls) {
        endpoint["scheme"] = json!("https");
    }
    let spec = json!({
        "endpoints": [endpoint],
        "namespaceSelector": {"matchNames": [service.service.meta.namespace]},
        "selector": {"matchLabels": select},
    });
    let shown = labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(", ");
    let mut remark = format!("Service {}, port {}", service.service.meta.name, port.name);
    if !shown.is_empty() {
        remark.push_str(&format!("; label {shown}"));
    }
    let object = own::object(&target, &own::labels(labels), &[("spec", spec)]);
    Ok(Some(own::step(facts.snap, target, object, remark)))
}

/// Where an object must stand, and with which labels, so that a Prometheus takes it.
///
/// # Errors
/// The reason in words.
pub(super) fn place(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    kind: Selected,
    calico: &str,
) -> Result<(String, BTreeMap<String, String>), String> {
    let name = &prometheus.name;
    let field = kind.selector().trim_start_matches("/spec/");
    let selector = prometheus.selector(kind).ok_or_else(|| {
        format!("Prometheus {name} takes nothing: its {field} is not set (hint: set it to {{}} or to labels)")
    })?;
    let labels = selector
        .solve(&BTreeMap::new())
        .ok_or_else(|| format!("no labels can meet the {field} of Prometheus {name}: {selector}"))?;
    let home = prometheus.object.meta.namespace.clone();
    // These two make a monitor speak for its own namespace alone.
    let bound = prometheus.object.text("/spec/enforcedNamespaceLabel").is_some()
        || prometheus.object.at("/spec/ignoreNamespaceSelectors").and_then(Value::as_bool) == Some(true);
    let mut namespaces = vec![home, calico.to_owned()];
    if bound {
        namespaces.reverse();
    }
    namespaces.extend(facts.snap.namespaces.iter().map(|n| n.meta.name.clone()));
    let fits = |namespace: &String| {
        let probe = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "namespace": namespace, "labels": labels}});
        Object::parse(probe).is_ok_and(|o| prometheus.takes(kind, &o, facts.snap).yes())
    };
    let found = namespaces.into_iter().find(fits).ok_or_else(|| {
        let field = kind.namespace_selector().trim_start_matches("/spec/");
        format!("no namespace meets the {field} of Prometheus {name} (hint: label one of them)")
    })?;
    Ok((found, labels))
}
