//! The objects, in the order in which they are applied.

use super::Options;
use crate::setup::rights;
use serde_json::{Value, json};

/// Name of every object.
pub(super) const NAME: &str = "tortie";
/// Port of the page and the API.
const PORT: u16 = 9090;
/// Where the volume is mounted.
const DATA: &str = "/data";
/// `nobody`: the image has no users of its own.
const USER: u32 = 65534;
/// Name of the role and its binding.
const ROLE: &str = "tortie-run";

/// All of them: Namespace, ServiceAccount, ClusterRole and its binding, Service, NetworkPolicy, StatefulSet.
pub fn objects(options: &Options) -> Vec<Value> {
    let n = options.namespace.as_str();
    vec![
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": n, "labels": {
                "app.kubernetes.io/name": NAME,
                "pod-security.kubernetes.io/enforce": "restricted",
            }},
        }),
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(n),
            // The pod alone mounts its token.
            "automountServiceAccountToken": false,
        }),
        rights::run_role(),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            // Two of them may live in one cluster.
            "metadata": {"name": format!("{ROLE}-{n}"), "labels": labels()},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": n}],
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": meta(n),
            "spec": {
                "selector": labels(),
                "ports": [{"name": "http", "port": PORT, "protocol": "TCP", "targetPort": "http"}],
            },
        }),
        network_policy(n),
        stateful_set(options),
    ]
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": NAME})
}

fn meta(namespace: &str) -> Value {
    json!({"name": NAME, "namespace": namespace, "labels": labels()})
}

/// In: the page and the API, from the namespace alone (a port-forward comes past it). Out: everything, because targets,
/// the API server, DNS and Alertmanagers are anywhere.
fn network_policy(namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(namespace),
        "spec": {
            "podSelector": {"matchLabels": labels()},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": PORT, "protocol": "TCP"}]}],
            "egress": [{}],
        },
    })
}

fn stateful_set(options: &Options) -> Value {
    let mut claim = json!({
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": options.storage}}},
    });
    if !options.storage_class.is_empty() {
        claim["spec"]["storageClassName"] = json!(options.storage_class);
    }
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta(&options.namespace),
        "spec": {
            // Two would scrape, and alert, twice.
            "replicas": 1,
            "serviceName": NAME,
            "selector": {"matchLabels": labels()},
            "template": {"metadata": {"labels": labels()}, "spec": pod(options)},
            "volumeClaimTemplates": [claim],
        },
    })
}

fn pod(options: &Options) -> Value {
    let mut arguments = vec![
        "run".to_owned(),
        format!("--storage.tsdb.path={DATA}"),
        format!("--storage.tsdb.retention.time={}", options.retention),
    ];
    arguments.extend(options.arguments.iter().cloned());
    let probe = |path: &str| json!({"path": path, "port": "http"});
    json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        // It ends within ten seconds; the log of what it holds is on disk before.
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": NAME,
            "image": options.image,
            "args": arguments,
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            // Reading the log back after a crash may take minutes: a quarter of an hour before anybody ends it.
            "startupProbe": {"httpGet": probe("/-/ready"), "periodSeconds": 5, "failureThreshold": 180, "timeoutSeconds": 3},
            "readinessProbe": {"httpGet": probe("/-/ready"), "periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": 3},
            "livenessProbe": {"httpGet": probe("/-/healthy"), "periodSeconds": 10, "failureThreshold": 6, "timeoutSeconds": 5},
            // No limit on processor time: scrapes come in beats, and a throttled one is late.
            "resources": {
                "requests": {"cpu": options.cpu, "memory": options.memory},
                "limits": {"memory": options.memory},
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "data", "mountPath": DATA}],
        }],
    })
}
