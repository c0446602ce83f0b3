//! Calico's three ways to be installed.

use serde_json::{Value, json};

use super::{Version, account, image, namespace};

/// Version of Tigera's operator that belongs to a version of Calico.
fn operator_version(version: Version) -> &'static str {
    match version.1 {
        ..=21 => "v1.23.11",
        22..=27 => "v1.32.13",
        28 => "v1.34.14",
        29 => "v1.36.16",
        30 => "v1.38.16",
        31 => "v1.40.4",
        _ => "v1.42.4",
    }
}

/// What applying `tigera-operator.yaml` leaves: its namespace and its Deployment. To be made as
/// `kubectl-create`.
pub fn operator(version: Version) -> Vec<Value> {
    let labels = json!({ "name": "tigera-operator", "k8s-app": "tigera-operator" });
    vec![
        namespace("tigera-operator"),
        account("tigera-operator", "tigera-operator"),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "tigera-operator", "namespace": "tigera-operator", "labels": { "k8s-app": "tigera-operator" } },
            "spec": {
                "replicas": 1, "selector": { "matchLabels": { "name": "tigera-operator" } },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "hostNetwork": true, "serviceAccountName": "tigera-operator",
                        "tolerations": [{ "effect": "NoExecute", "operator": "Exists" }, { "effect": "NoSchedule", "operator": "Exists" }],
                        "containers": [{ "name": "tigera-operator", "image": format!("tigera/operator:{}", operator_version(version)), "command": ["operator"] }],
                    },
                },
            },
        }),
    ]
}

/// The Installation that a person applies. To be made as `kubectl-client-side-apply`, or with `kubectl apply`.
pub fn installation() -> Value {
    json!({
        "apiVersion": "operator.tigera.io/v1", "kind": "Installation", "metadata": { "name": "default" },
        "spec": { "calicoNetwork": { "ipPools": [{
            "blockSize": 26, "cidr": "10.99.64.0/18", "encapsulation": "None", "natOutgoing": "Enabled", "nodeSelector": "all()",
        }] } },
    })
}

/// KubeControllersConfiguration `default` of API `group` (with its version), which the process kube-controllers makes
/// itself when it starts. To be made as `kube-controllers`.
pub fn kube_controllers_configuration(group: &str) -> Value {
    json!({
        "apiVersion": group, "kind": "KubeControllersConfiguration", "metadata": { "name": "default" },
        "spec": {
            "controllers": { "node": { "reconcilerPeriod": "5m", "syncLabels": "Enabled" } },
            "prometheusMetricsPort": 9094,
        },
    })
}

/// What the chart tigera-operator leaves; its Installation belongs to the chart. To be made as `helm`.
pub fn chart(version: Version) -> Vec<Value> {
    let mut objects = operator(version);
    objects.push(installation());
    for object in &mut objects {
        object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        object["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "calico", "meta.helm.sh/release-namespace": "tigera-operator" });
    }
    objects
}

/// Which manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manifest {
    /// `calico.yaml`: no Typha.
    Calico,
    /// `calico-typha.yaml`.
    Typha,
    /// `canal.yaml`: the DaemonSet is called `canal`.
    Canal,
}

/// What a manifest leaves in kube-system, without any Service for metrics. To be made as
/// `kubectl-client-side-apply`, but for the two configurations, which the processes make themselves.
pub fn manifest(version: Version, which: Manifest) -> Vec<Value> {
    let node = if which == Manifest::Canal { "canal" } else { "calico-node" };
    let mut env = vec![
        json!({ "name": "DATASTORE_TYPE", "value": "kubernetes" }),
        json!({ "name": "WAIT_FOR_DATASTORE", "value": "true" }),
        json!({ "name": "NODENAME", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }),
        json!({ "name": "CLUSTER_TYPE", "value": "k8s,bgp" }),
        json!({ "name": "CALICO_DISABLE_FILE_LOGGING", "value": "true" }),
        json!({ "name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": "ACCEPT" }),
        json!({ "name": "FELIX_HEALTHENABLED", "value": "true" }),
    ];
    if which == Manifest::Typha {
        env.push(json!({ "name": "FELIX_TYPHAK8SSERVICENAME", "value": "calico-typha" }));
    }
    let mut objects = vec![
        account("kube-system", node),
        account("kube-system", "calico-kube-controllers"),
        workload(
            "DaemonSet",
            node,
            true,
            &json!({ "name": "calico-node", "image": image(version, "node"), "env": env }),
        ),
        workload(
            "Deployment",
            "calico-kube-controllers",
            false,
            &json!({
                "name": "calico-kube-controllers", "image": image(version, "kube-controllers"),
                "env": [{ "name": "ENABLED_CONTROLLERS", "value": "node" }, { "name": "DATASTORE_TYPE", "value": "kubernetes" }],
            }),
        ),
    ];
    if which == Manifest::Typha {
        objects.push(workload("Deployment", "calico-typha", true, &json!({
            "name": "calico-typha", "image": image(version, "typha"),
            "ports": [{ "containerPort": 5473, "name": "calico-typha", "protocol": "TCP" }],
            "env": [
                { "name": "TYPHA_LOGSEVERITYSCREEN", "value": "info" }, { "name": "TYPHA_LOGFILEPATH", "value": "none" },
                { "name": "TYPHA_DATASTORETYPE", "value": "kubernetes" }, { "name": "TYPHA_HEALTHENABLED", "value": "true" },
            ],
        })));
        objects.push(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "calico-typha", "namespace": "kube-system", "labels": { "k8s-app": "calico-typha" } },
            "spec": { "selector": { "k8s-app": "calico-typha" }, "ports": [{ "name": "calico-typha", "port": 5473, "protocol": "TCP", "targetPort": "calico-typha" }] },
        }));
    }
    objects
}

fn workload(kind: &str, name: &str, host: bool, container: &Value) -> Value {
    let labels = json!({ "k8s-app": name });
    let account = if name == "calico-typha" { "calico-node" } else { name };
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": name, "namespace": "kube-system", "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": {
                "hostNetwork": host, "serviceAccountName": account,
                "tolerations": [{ "operator": "Exists" }], "containers": [container],
            } },
        },
    });
    if kind == "Deployment" {
        object["spec"]["replicas"] = json!(1);
    }
    object
}
