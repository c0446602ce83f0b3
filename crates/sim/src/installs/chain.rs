//! A chain that works: metrics on, Services with named ports, monitors that the stack takes.

use super::calico::{kept, slice};
use super::object::{managed, object, set};
use super::{Options, Stack};
use serde_json::{Value, json};

const CHANGED: &str = "2026-01-06T09:00:00Z";

/// Turns the metrics on, where each install keeps the setting.
pub(super) fn turn_on(options: &Options, all: &mut [Value]) {
    for o in all.iter_mut() {
        let (kind, name) = (o["kind"].as_str().unwrap_or_default().to_owned(), o["metadata"]["name"].clone());
        match kind.as_str() {
            "FelixConfiguration" if name == "default" => {
                set(o, "/spec/prometheusMetricsEnabled", json!(true));
                managed(
                    o,
                    "kubectl-patch",
                    "Update",
                    CHANGED,
                    json!({"f:spec": {"f:prometheusMetricsEnabled": {}}}),
                );
            }
            "Installation" if name == "default" && options.has_typha() => {
                set(o, "/spec/typhaMetricsPort", json!(9093));
                managed(o, "kubectl-patch", "Update", CHANGED, json!({"f:spec": {"f:typhaMetricsPort": {}}}));
            }
            "Deployment" if name == "calico-typha" => typha_env(o, "/spec/template/spec/containers/0/env"),
            "Pod" if name.as_str().is_some_and(|n| n.starts_with("calico-typha-")) => {
                typha_env(o, "/spec/containers/0/env")
            }
            _ => {}
        }
    }
}

fn typha_env(o: &mut Value, at: &str) {
    if let Some(env) = o.pointer_mut(at).and_then(Value::as_array_mut) {
        env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}));
        env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9093"}));
    }
}

/// Services, their slices, and monitors.
pub(super) fn services_and_monitors(options: &Options) -> Vec<Value> {
    let mut all = Vec::new();
    let node = options.node_app();
    all.extend(service(options, "tortie-felix-metrics", node, "felix-metrics", 9091, false));
    let mut monitors = vec![("felix", "tortie-felix-metrics".to_owned(), "felix-metrics")];
    if options.has_typha() {
        // From operator 1.34 (Calico 3.28) the operator makes this Service itself, under its own port name.
        let (name, port, own) = if options.operated() && options.calico >= 28 {
            ("calico-typha-metrics", "calico-typha-metrics", true)
        } else {
            ("tortie-typha-metrics", "typha-metrics", false)
        };
        all.extend(service(options, name, "calico-typha", port, 9093, own));
        monitors.push(("typha", name.to_owned(), port));
    }
    if options.operated() {
        monitors.push(("kube-controllers", "calico-kube-controllers".to_owned(), "metrics-port"));
    } else {
        all.extend(service(
            options,
            "tortie-kube-controllers-metrics",
            "calico-kube-controllers",
            "metrics-port",
            9094,
            false,
        ));
        monitors.push(("kube-controllers", "tortie-kube-controllers-metrics".to_owned(), "metrics-port"));
    }
    if options.stack != Stack::None && options.operated() && options.calico >= 32 {
        all.extend(admission());
    }
    if options.stack != Stack::None {
        for (component, app, port) in monitors {
            all.push(monitor(options, component, &app, port));
        }
    }
    all
}

/// From Calico 3.32 on the operator's own policy admits only Tigera's Prometheus; a tier before it admits ours.
fn admission() -> Vec<Value> {
    let api = "projectcalico.org/v3";
    let tier = object(api, "Tier", "", "tortie", json!({"order": 90, "defaultAction": "Pass"}));
    let policy = object(
        api,
        "NetworkPolicy",
        "calico-system",
        "tortie.kube-controllers-metrics",
        json!({
        "tier": "tortie", "order": 10, "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress"],
        "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [9094]},
            "source": {"selector": "app.kubernetes.io/name == 'prometheus'", "namespaceSelector": "kubernetes.io/metadata.name == 'monitoring'"}}]}),
    );
    vec![tier, policy]
}

fn service(options: &Options, name: &str, app: &str, port_name: &str, port: u16, own: bool) -> Vec<Value> {
    let spec = json!({"selector": {"k8s-app": app}, "clusterIP": if own { "10.96.216.2" } else { "None" }, "type": "ClusterIP", "ipFamilies": ["IPv4"],
        "ports": [{"name": port_name, "port": port, "protocol": "TCP", "targetPort": port}]});
    let mut o = object("v1", "Service", options.namespace(), name, spec);
    o["metadata"]["labels"] = json!({"k8s-app": name});
    let o = if own {
        kept(options, o)
    } else {
        managed(&mut o, "kubectl-client-side-apply", "Update", CHANGED, json!({"f:spec": {}}));
        o
    };
    vec![o, slice(options, name, app, port, port_name)]
}

fn monitor(options: &Options, component: &str, app: &str, port: &str) -> Value {
    let spec = json!({
        "endpoints": [{"port": port, "interval": "15s", "path": "/metrics"}],
        "namespaceSelector": {"matchNames": [options.namespace()]},
        "selector": {"matchLabels": {"k8s-app": app}},
    });
    let mut o = object(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        "monitoring",
        &format!("calico-{component}"),
        spec,
    );
    if let Some((key, value)) = options.monitor_label() {
        o["metadata"]["labels"] = json!({key: value});
    }
    managed(&mut o, "kubectl-client-side-apply", "Update", CHANGED, json!({"f:spec": {}}));
    o
}

/// What the operator does when `Installation.spec.typhaMetricsPort` is set: Typha's environment, and from operator 1.34
/// (Calico 3.28) a Service with a port name of its own.
pub fn set_typha_port(options: &Options, objects: &mut super::Objects, port: u64) {
    for o in &mut objects.0 {
        let name = o["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let at = match o["kind"].as_str() {
            Some("Deployment") if name == "calico-typha" => "/spec/template/spec/containers/0/env",
            Some("Pod") if name.starts_with("calico-typha-") => "/spec/containers/0/env",
            _ => continue,
        };
        if let Some(env) = o.pointer_mut(at).and_then(Value::as_array_mut) {
            env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}));
            env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": port.to_string()}));
        }
    }
    if options.calico >= 28 {
        let number = u16::try_from(port).unwrap_or(9093);
        objects.0.extend(service(
            options,
            "calico-typha-metrics",
            "calico-typha",
            "calico-typha-metrics",
            number,
            true,
        ));
    }
}
