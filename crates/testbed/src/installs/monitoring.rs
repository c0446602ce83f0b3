//! The two usual stacks: the chart kube-prometheus-stack, and kube-prometheus' manifests, as far as somebody's metrics
//! depend on them. prometheus-operator makes the rest from these.

use serde_json::{Value, json};

use super::{account, namespace};

/// A stack: what to make, and who makes it.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its objects in the order in which they are made.
    pub objects: Vec<Value>,
    /// Field manager: `helm`, or kubectl's.
    pub manager: &'static str,
    /// Name of the Prometheus object in namespace `monitoring`.
    pub prometheus: String,
    /// Arguments of prometheus-operator.
    pub arguments: Vec<String>,
}

const NAMESPACE: &str = "monitoring";
const MONITORS: &[&str] = &["serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule"];

/// The chart under release name `release`: takes what has label `release`, in every namespace.
pub fn kube_prometheus_stack(release: &str) -> Stack {
    // The chart cuts its names at 26 characters, and leaves the release's name alone when it holds the chart's.
    let mut full = match release.contains("kube-prometheus-stack") {
        true => release.to_owned(),
        false => format!("{release}-kube-prometheus-stack"),
    };
    full.truncate(26);
    let full = full.trim_end_matches('-');
    let (prometheus, alertmanager) = (format!("{full}-prometheus"), format!("{full}-alertmanager"));
    let labels = |part: &str| {
        json!({
            "app": format!("kube-prometheus-stack-{part}"), "release": release, "heritage": "Helm",
            "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": release,
            "app.kubernetes.io/part-of": "kube-prometheus-stack",
        })
    };
    let mut spec = json!({
        "replicas": 1, "shards": 1, "portName": "http-web", "serviceAccountName": prometheus, "retention": "10d",
        "externalUrl": format!("http://{prometheus}.{NAMESPACE}:9090"),
        "alerting": { "alertmanagers": [
            { "namespace": NAMESPACE, "name": alertmanager, "port": "http-web", "apiVersion": "v2" },
        ] },
    });
    for kind in MONITORS {
        spec[format!("{kind}Selector")] = json!({ "matchLabels": { "release": release } });
        spec[format!("{kind}NamespaceSelector")] = json!({});
    }
    let rules = json!([
        reads(&["", "nodes", "nodes/metrics", "services", "endpoints", "pods"]),
        reads(&["discovery.k8s.io", "endpointslices"]),
        reads(&["networking.k8s.io", "ingresses"]),
        { "nonResourceURLs": ["/metrics", "/metrics/cadvisor"], "verbs": ["get"] },
    ]);
    let mut objects = vec![
        namespace(NAMESPACE),
        account(NAMESPACE, &prometheus),
        account(NAMESPACE, &alertmanager),
        cluster_role(&prometheus, &rules),
        binding("ClusterRoleBinding", None, &prometheus, "ClusterRole", &prometheus),
        service(
            &prometheus,
            "http-web",
            9090,
            &json!({ "app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": prometheus }),
        ),
        service(
            &alertmanager,
            "http-web",
            9093,
            &json!({ "app.kubernetes.io/name": "alertmanager", "alertmanager": alertmanager }),
        ),
        deployment(
            &format!("{full}-operator"),
            &operator_container(&[format!("--kubelet-service=kube-system/{full}-kubelet")]),
        ),
        custom("Prometheus", &prometheus, &spec),
        custom(
            "Alertmanager",
            &alertmanager,
            &json!({
                "replicas": 1, "portName": "http-web", "serviceAccountName": alertmanager,
                "alertmanagerConfigSelector": {}, "alertmanagerConfigNamespaceSelector": {},
            }),
        ),
    ];
    // What others select by label keeps its own.
    let others = grafana(release);
    for object in objects.iter_mut().skip(1) {
        let part = object["kind"].as_str().unwrap_or_default().to_lowercase();
        object["metadata"]["labels"] = labels(&part);
        object["metadata"]["annotations"] =
            json!({ "meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": NAMESPACE });
    }
    objects.extend(others);
    let arguments = vec![format!("--kubelet-service=kube-system/{full}-kubelet")];
    Stack { objects, manager: "helm", prometheus, arguments }
}

/// kube-prometheus' manifests: Prometheus `k8s` takes everything, with rights in three namespaces alone and by
/// EndpointSlice.
pub fn kube_prometheus() -> Stack {
    let name = "prometheus-k8s";
    let mut spec = json!({
        "replicas": 2, "portName": "web", "serviceAccountName": name, "serviceDiscoveryRole": "EndpointSlice",
        "resources": { "requests": { "memory": "400Mi" } },
        "alerting": { "alertmanagers": [{ "namespace": NAMESPACE, "name": "alertmanager-main", "port": "web", "apiVersion": "v2" }] },
    });
    for kind in MONITORS {
        spec[format!("{kind}Selector")] = json!({});
        spec[format!("{kind}NamespaceSelector")] = json!({});
    }
    let mut objects = vec![
        namespace(NAMESPACE),
        account(NAMESPACE, name),
        account(NAMESPACE, "alertmanager-main"),
        cluster_role(
            name,
            &json!([
                { "apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"] },
                { "nonResourceURLs": ["/metrics", "/metrics/slis"], "verbs": ["get"] },
            ]),
        ),
        binding("ClusterRoleBinding", None, name, "ClusterRole", name),
    ];
    for ns in ["default", "kube-system", NAMESPACE] {
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": name, "namespace": ns },
            "rules": [reads(&["", "services", "pods"]), reads(&["discovery.k8s.io", "endpointslices"]), reads(&["networking.k8s.io", "ingresses"])],
        }));
        objects.push(binding("RoleBinding", Some(ns), name, "Role", name));
    }
    objects.extend([
        service(name, "web", 9090, &json!({ "app.kubernetes.io/name": "prometheus", "app.kubernetes.io/instance": "k8s" })),
        service("alertmanager-main", "web", 9093, &json!({ "app.kubernetes.io/name": "alertmanager", "app.kubernetes.io/instance": "main" })),
        deployment("prometheus-operator", &operator_container(&[])),
        custom("Prometheus", "k8s", &spec),
        custom("Alertmanager", "main", &json!({
            "replicas": 3, "portName": "web", "serviceAccountName": "alertmanager-main", "alertmanagerConfigSelector": {},
        })),
    ]);
    Stack {
        objects,
        manager: "kubectl-client-side-apply",
        prometheus: "k8s".to_owned(),
        arguments: Vec::new(),
    }
}

/// A rule that reads: the first word is the group.
fn reads(group_and_resources: &[&str]) -> Value {
    let (group, resources) = group_and_resources.split_first().unwrap_or((&"", &[]));
    json!({ "apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"] })
}

fn cluster_role(name: &str, rules: &Value) -> Value {
    json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules })
}

fn binding(kind: &str, namespace: Option<&str>, name: &str, role_kind: &str, role: &str) -> Value {
    let mut object = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role },
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": NAMESPACE }],
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

fn service(name: &str, port: &str, number: u16, selector: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "selector": selector, "ports": [
            { "name": port, "port": number, "targetPort": number },
            { "name": "reloader-web", "port": 8080, "targetPort": "reloader-web" },
        ] },
    })
}

fn custom(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": kind,
        "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec,
    })
}

fn deployment(name: &str, containers: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app.kubernetes.io/instance": name } },
            "template": { "metadata": { "labels": { "app.kubernetes.io/instance": name } }, "spec": { "containers": containers } },
        },
    })
}

fn operator_container(arguments: &[String]) -> Value {
    json!([{ "name": "prometheus-operator", "image": "prometheus-operator/prometheus-operator:v0.93.1", "args": arguments }])
}

/// Grafana with its side-car, and the ConfigMap of its data source, as the models have them.
fn grafana(release: &str) -> Vec<Value> {
    let stack = tortie_sim::installs::Stack::KubePrometheusStack { release: release.to_owned() };
    let options = tortie_sim::installs::Options { stack, ..tortie_sim::installs::Options::default() };
    let own = |o: &Value| {
        o["kind"] == "Deployment" && o["metadata"]["name"] == format!("{release}-grafana")
            || o["metadata"]["labels"]["grafana_datasource"].is_string()
    };
    let mut all: Vec<Value> = tortie_sim::installs::Objects::of(&options).0.into_iter().filter(own).collect();
    for object in &mut all {
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        if let Some(meta) = object["metadata"].as_object_mut() {
            // The rest is the server's to give.
            meta.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(release: &str, expect: &str) {
        assert_eq!(kube_prometheus_stack(release).prometheus, expect);
    }

    #[test]
    fn names_are_cut_as_the_chart_cuts_them() {
        check("prometheus", "prometheus-kube-prometheus-prometheus");
        check("kube-prometheus-stack", "kube-prometheus-stack-prometheus");
        check("kps", "kps-kube-prometheus-stack-prometheus");
    }
}
