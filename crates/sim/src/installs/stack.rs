//! Monitoring stacks: kube-prometheus-stack's and kube-prometheus' objects, as far as the chain touches them.

use super::object::{controller, managed, object};
use super::{Options, Stack};
use serde_json::{Value, json};

const NS: &str = "monitoring";

pub(super) fn stack(options: &Options) -> Vec<Value> {
    match &options.stack {
        Stack::None => Vec::new(),
        Stack::KubePrometheusStack { release } => kube_prometheus_stack(release),
        Stack::KubePrometheus => kube_prometheus(),
    }
}

fn kube_prometheus_stack(release: &str) -> Vec<Value> {
    let name = format!("{release}-kube-prometheus-prometheus");
    let account = name.clone();
    let selector = json!({"matchLabels": {"release": release}});
    let spec = json!({
        "replicas": 1, "shards": 1, "portName": "web", "scrapeInterval": "30s", "evaluationInterval": "30s", "serviceAccountName": account,
        "version": "v3.14.0", "paused": false, "routePrefix": "/", "retention": "10d",
        "serviceMonitorSelector": selector, "serviceMonitorNamespaceSelector": {},
        "podMonitorSelector": selector, "podMonitorNamespaceSelector": {},
        "probeSelector": selector, "probeNamespaceSelector": {},
        "scrapeConfigSelector": selector, "scrapeConfigNamespaceSelector": {},
        "ruleSelector": selector, "ruleNamespaceSelector": {},
        "alerting": {"alertmanagers": [{"namespace": NS, "name": format!("{release}-kube-prometheus-alertmanager"), "port": "http-web", "apiVersion": "v2"}]},
    });
    let mut all = vec![prometheus(&name, spec, release)];
    all.extend(pods(&name, &account, 1));
    all.push(operator(&format!("{release}-kube-prometheus-operator"), release));
    let rules = json!([
        {"apiGroups": [""], "resources": ["nodes", "nodes/metrics", "services", "endpoints", "pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "watch"]},
        {"nonResourceURLs": ["/metrics", "/metrics/cadvisor"], "verbs": ["get"]},
    ]);
    let mut role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "", &name, Value::Null);
    role["rules"] = rules;
    all.push(role);
    all.push(binding("ClusterRoleBinding", "", &name, "ClusterRole", &name, &account));
    all.push(alertmanager(&format!("{release}-kube-prometheus-alertmanager"), release));
    all.push(grafana(&format!("{release}-grafana"), release));
    all.push(data_source(&format!("{release}-kube-prometheus-grafana-datasource"), release));
    all
}

fn kube_prometheus() -> Vec<Value> {
    let spec = json!({
        "replicas": 2, "shards": 1, "portName": "web", "scrapeInterval": "30s", "evaluationInterval": "30s", "serviceAccountName": "prometheus-k8s",
        "version": "3.13.2", "serviceDiscoveryRole": "EndpointSlice",
        "serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "podMonitorSelector": {}, "podMonitorNamespaceSelector": {},
        "probeSelector": {}, "probeNamespaceSelector": {}, "scrapeConfigSelector": {}, "scrapeConfigNamespaceSelector": {},
        "ruleSelector": {}, "ruleNamespaceSelector": {},
    });
    let mut all = vec![prometheus("k8s", spec, "k8s")];
    all.extend(pods("k8s", "prometheus-k8s", 2));
    all.push(operator("prometheus-operator", "prometheus-operator"));
    let mut cluster =
        object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "prometheus-k8s", Value::Null);
    cluster["rules"] = json!([{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}, {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]);
    all.push(cluster);
    all.push(binding(
        "ClusterRoleBinding",
        "",
        "prometheus-k8s",
        "ClusterRole",
        "prometheus-k8s",
        "prometheus-k8s",
    ));
    for ns in ["default", "kube-system", NS] {
        let mut role = object("rbac.authorization.k8s.io/v1", "Role", ns, "prometheus-k8s", Value::Null);
        role["rules"] = json!([
            {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
        ]);
        all.push(role);
        all.push(binding("RoleBinding", ns, "prometheus-k8s", "Role", "prometheus-k8s", "prometheus-k8s"));
    }
    all
}

fn prometheus(name: &str, spec: Value, release: &str) -> Value {
    let replicas = spec["replicas"].clone();
    let mut o = object("monitoring.coreos.com/v1", "Prometheus", NS, name, spec);
    o["metadata"]["labels"] = json!({"release": release, "app.kubernetes.io/managed-by": "Helm"});
    o["status"] = json!({"paused": false, "replicas": replicas, "availableReplicas": replicas, "updatedReplicas": replicas, "conditions": [
        {"type": "Available", "status": "True", "reason": "", "observedGeneration": 1},
        {"type": "Reconciled", "status": "True", "reason": "", "observedGeneration": 1}]});
    managed(&mut o, "helm", "Update", "2026-01-05T10:00:00Z", json!({"f:spec": {}}));
    o
}

fn pods(prometheus: &str, account: &str, replicas: usize) -> Vec<Value> {
    let labels = json!({"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/instance": prometheus, "app.kubernetes.io/managed-by": "prometheus-operator",
        "operator.prometheus.io/name": prometheus, "prometheus": prometheus});
    let sts_name = format!("prometheus-{prometheus}");
    let spec = json!({"replicas": replicas, "selector": {"matchLabels": labels}, "serviceName": "prometheus-operated"});
    let mut sts = object("apps/v1", "StatefulSet", NS, &sts_name, spec);
    sts["status"] = json!({"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1});
    let sts = controller(sts, "monitoring.coreos.com/v1", "Prometheus", prometheus);
    let mut all = vec![sts];
    for i in 0..replicas {
        let node = i % 2;
        let spec = json!({"nodeName": Options::node_name(node), "serviceAccountName": account, "containers": [
            {"name": "prometheus", "image": "prometheus/prometheus:v3.14.0", "ports": [{"name": "web", "containerPort": 9090, "protocol": "TCP"}]},
            {"name": "config-reloader", "image": "prometheus-operator/prometheus-config-reloader:v0.93.1"}]});
        let mut pod = object("v1", "Pod", NS, &format!("{sts_name}-{i}"), spec);
        let ip = format!("10.99.64.{}", 20 + i);
        pod["metadata"]["labels"] = labels.clone();
        pod["status"] = json!({"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": Options::node_ip(node),
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "prometheus", "ready": true, "restartCount": 0, "state": {"running": {}}}, {"name": "config-reloader", "ready": true, "restartCount": 0, "state": {"running": {}}}]});
        all.push(controller(pod, "apps/v1", "StatefulSet", &sts_name));
    }
    all
}

fn operator(name: &str, release: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": "prometheus-operator", "release": release});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [
        {"name": "kube-prometheus-stack", "image": "prometheus-operator/prometheus-operator:v0.93.1", "args": ["--kubelet-service=kube-system/kubelet"]}]}}});
    let mut o = object("apps/v1", "Deployment", NS, name, spec);
    o["metadata"]["labels"] = json!({"app.kubernetes.io/name": "prometheus-operator", "release": release});
    o["status"] = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
    o
}

fn alertmanager(name: &str, release: &str) -> Value {
    let mut o = object(
        "monitoring.coreos.com/v1",
        "Alertmanager",
        NS,
        name,
        json!({"replicas": 1, "portName": "http-web", "version": "v0.34.0"}),
    );
    o["metadata"]["labels"] = json!({"release": release});
    o["status"] = json!({"replicas": 1, "availableReplicas": 1, "conditions": [{"type": "Available", "status": "True"}]});
    o
}

/// Grafana with its side-car, which tells label, value and namespace of dashboards.
fn grafana(name: &str, release: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": "grafana", "app.kubernetes.io/instance": release});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [
        {"name": "grafana-sc-dashboard", "image": "kiwigrid/k8s-sidecar:1.30.0", "env": [
            {"name": "LABEL", "value": "grafana_dashboard"}, {"name": "LABEL_VALUE", "value": "1"}, {"name": "NAMESPACE", "value": "ALL"}, {"name": "FOLDER", "value": "/tmp/dashboards"}]},
        {"name": "grafana", "image": "grafana/grafana:13.0.0", "ports": [{"name": "grafana", "containerPort": 3000}]}]}}});
    let mut o = object("apps/v1", "Deployment", NS, name, spec);
    o["metadata"]["labels"] = labels;
    o["status"] = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
    o
}

/// The ConfigMap by which the chart gives Grafana its data source.
fn data_source(name: &str, release: &str) -> Value {
    let text = format!(
        "apiVersion: 1\ndatasources:\n- name: \"Prometheus\"\n  type: prometheus\n  uid: prometheus\n  url: http://{release}-kube-prometheus-prometheus.{NS}:9090/\n  access: proxy\n  isDefault: true\n"
    );
    let mut o = object("v1", "ConfigMap", NS, name, Value::Null);
    o["metadata"]["labels"] = json!({"grafana_datasource": "1", "release": release});
    o["data"] = json!({"datasource.yaml": text});
    o
}

fn binding(kind: &str, namespace: &str, name: &str, role_kind: &str, role: &str, account: &str) -> Value {
    let mut o = object("rbac.authorization.k8s.io/v1", kind, namespace, name, Value::Null);
    o["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role});
    o["subjects"] = json!([{"kind": "ServiceAccount", "name": account, "namespace": NS}]);
    o
}
