//! Accounts that the doctor is asked as: with the rights that `tortie rbac doctor` prints, but one.

use super::by_hand::Done;
use super::cluster::Cluster;
use serde_json::{Value, json};
use std::process::Stdio;

/// The printed role without some of its rights, for user `limited`.
fn without(cluster: &Cluster, what: &str, keep: impl Fn(&str, &str) -> bool) -> Done {
    let mut printed = cluster.bed.command(env!("CARGO_BIN_EXE_tortie"));
    let printed = printed.args(["rbac", "doctor"]).stdin(Stdio::null()).output().unwrap().stdout;
    cluster.bed.apply(&String::from_utf8_lossy(&printed)).unwrap();
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/tortie-doctor";
    let role = cluster.bed.api().get(path).unwrap();
    let texts = |v: &Value| {
        v.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut rules = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                if keep(&group, &resource) {
                    let mut left = rule.clone();
                    left["apiGroups"] = json!([group]);
                    left["resources"] = json!([resource]);
                    rules.push(left);
                }
            }
        }
    }
    let group = "rbac.authorization.k8s.io/v1";
    let name = format!("limited-{what}");
    cluster
        .bed
        .apply_objects(&[
            json!({"apiVersion": group, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}),
            json!({"apiVersion": group, "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]}),
        ])
        .unwrap();
    let said = cluster.bed.kubectl(&["get", what, "kube-system", "--as", &name]).unwrap();
    let line = said.stderr.lines().last().unwrap_or_default().to_owned();
    Done {
        ask: vec!["--as".to_owned(), name],
        shown: vec![format!("kubectl get {what}: {line}")],
        ..Done::default()
    }
}

pub(super) fn without_policies(cluster: &Cluster) -> Done {
    without(cluster, "globalnetworkpolicies", |_, resource| resource != "globalnetworkpolicies")
}

pub(super) fn without_namespaces(cluster: &Cluster) -> Done {
    without(cluster, "namespaces", |group, resource| (group, resource) != ("", "namespaces"))
}

/// What kube-prometheus' manifests give their Prometheus in a namespace, for calico-system.
pub(super) fn fourth_namespace() -> Vec<Value> {
    let group = "rbac.authorization.k8s.io/v1";
    let meta = json!({"name": "prometheus-k8s", "namespace": "calico-system"});
    let read = |group: &str, resources: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]});
    vec![
        json!({"apiVersion": group, "kind": "Role", "metadata": meta, "rules": [read("", &["services", "endpoints", "pods"]),
            read("discovery.k8s.io", &["endpointslices"]), read("networking.k8s.io", &["ingresses"])]}),
        json!({"apiVersion": group, "kind": "RoleBinding", "metadata": meta,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "prometheus-k8s"},
            "subjects": [{"kind": "ServiceAccount", "name": "prometheus-k8s", "namespace": "monitoring"}]}),
    ]
}
