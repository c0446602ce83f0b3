//! The objects that the operator of a version wants, as far as metrics depend on them.

use serde_json::{Value, json};

use crate::installs::{Version, account, image, namespace};

const NAMESPACE: &str = "calico-system";

/// What decides.
pub(super) struct Input<'a> {
    pub(super) version: Version,
    pub(super) nodes: usize,
    pub(super) installation: &'a Value,
    /// KubeControllersConfiguration `default`.
    pub(super) controllers: &'a Value,
    /// API group and version of Calico's own kinds.
    pub(super) group: &'a str,
}

/// All objects, in the order in which they are made.
pub(super) fn objects(input: &Input<'_>) -> Vec<Value> {
    let mut out = vec![namespace(NAMESPACE)];
    for name in ["calico-node", "calico-typha", "calico-kube-controllers"] {
        out.push(owned(input, account(NAMESPACE, name), false));
    }
    out.push(service(input, "calico-typha", "calico-typha", &json!({
        "selector": { "k8s-app": "calico-typha" },
        "ports": [{ "name": "calico-typha", "port": 5473, "protocol": "TCP", "targetPort": "calico-typha" }],
    })));
    out.push(typha(input));
    // Since operator 1.34; the field alone switches Typha's metrics on also before.
    if let Some(port) = typha_port(input)
        && input.version.1 >= 28
    {
        out.push(service(input, "calico-typha-metrics", "calico-typha-metrics", &json!({
            "selector": { "k8s-app": "calico-typha" },
            "ports": [{ "name": "calico-typha-metrics", "port": port, "protocol": "TCP", "targetPort": port }],
        })));
    }
    out.push(node(input));
    out.push(kube_controllers(input));
    if let Some(port) = controllers_port(input.controllers) {
        let mut metrics = service(
            input,
            "calico-kube-controllers-metrics",
            "calico-kube-controllers",
            &json!({
                "clusterIP": "None", "selector": { "k8s-app": "calico-kube-controllers" },
                "ports": [{ "name": "metrics-port", "port": port, "protocol": "TCP", "targetPort": port }],
            }),
        );
        metrics["metadata"]["annotations"] = scraped(port);
        out.push(metrics);
    }
    if input.version.1 >= 32 {
        out.extend(policies(input));
    }
    out
}

/// Port of kube-controllers' metrics; none when they are off.
pub(super) fn controllers_port(controllers: &Value) -> Option<u64> {
    controllers["spec"]["prometheusMetricsPort"].as_u64().filter(|p| *p != 0)
}

fn typha_port(input: &Input<'_>) -> Option<u64> {
    input.installation["spec"]["typhaMetricsPort"].as_u64()
}

fn scraped(port: u64) -> Value {
    json!({ "prometheus.io/scrape": "true", "prometheus.io/port": port.to_string() })
}

/// FelixConfiguration `default` as the operator makes it.
pub(super) fn felix(version: Version, group: &str) -> Value {
    let mut object = json!({
        "apiVersion": group, "kind": "FelixConfiguration", "metadata": { "name": "default" },
        "spec": { "healthPort": 9099, "vxlanVNI": 4096 },
    });
    let spec = &mut object["spec"];
    if version.1 < 32 {
        spec["bpfLogLevel"] = json!("");
    }
    if version.1 >= 28 {
        spec["bpfEnabled"] = json!(false);
    }
    if version.1 >= 29 {
        spec["nftablesMode"] = json!("Disabled");
    }
    if version.1 >= 32 {
        spec["vxlanPort"] = json!(4789);
    }
    if version.1 >= 28 {
        object["metadata"]["annotations"] = json!({ "operator.tigera.io/bpfEnabled": "false" });
    }
    object
}

/// Names the Installation as the controller. `labelled` objects carry the operator's labels from 3.32 on.
fn owned(input: &Input<'_>, mut object: Value, labelled: bool) -> Value {
    let meta = &input.installation["metadata"];
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": meta["name"], "uid": meta["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    if labelled && input.version.1 >= 32 {
        let name = object["metadata"]["labels"]["k8s-app"].clone();
        object["metadata"]["labels"] = labels(input.version, name.as_str().unwrap_or_default());
    }
    object
}

fn labels(version: Version, app: &str) -> Value {
    if version.1 >= 32 {
        return json!({
            "app.kubernetes.io/component": "Installation.operator.tigera.io", "app.kubernetes.io/instance": "default",
            "app.kubernetes.io/managed-by": "tigera-operator", "app.kubernetes.io/name": app,
            "app.kubernetes.io/part-of": "Calico", "k8s-app": app,
        });
    }
    json!({ "app.kubernetes.io/name": app, "k8s-app": app })
}

fn service(input: &Input<'_>, name: &str, app: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["type"] = json!("ClusterIP");
    owned(
        input,
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": name, "namespace": NAMESPACE, "labels": { "k8s-app": app } }, "spec": spec,
        }),
        true,
    )
}

fn variable(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn workload(input: &Input<'_>, kind: &str, name: &str, spec: &Value, annotations: &Value) -> Value {
    let labels = labels(input.version, name);
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "selector": { "matchLabels": { "k8s-app": name } },
            "template": { "metadata": { "labels": labels, "annotations": annotations }, "spec": spec },
        },
    });
    if kind == "Deployment" || input.version.1 >= 32 {
        object["metadata"]["labels"] = labels;
    }
    owned(input, object, false)
}

/// Annotations of a pod template: the operator's hashes, and where to scrape.
fn annotations(certificates: &[&str], port: Option<u64>) -> Value {
    let mut out = port.map_or_else(|| json!({}), scraped);
    out["hash.operator.tigera.io/system"] = json!("b98a43188b590a26a53c816c2d3f871f8caba424");
    for name in certificates {
        out[format!("tigera-operator.hash.operator.tigera.io/{name}")] =
            json!("9a0002b2baf161c21aa34a8a3decd4c513d81208");
    }
    out
}

fn typha(input: &Input<'_>) -> Value {
    let mut env = vec![
        variable("TYPHA_LOGSEVERITYSCREEN", "info"),
        variable("TYPHA_LOGFILEPATH", "none"),
        variable("TYPHA_LOGSEVERITYSYS", "none"),
        variable("TYPHA_CONNECTIONREBALANCINGMODE", "kubernetes"),
        variable("TYPHA_DATASTORETYPE", "kubernetes"),
        variable("TYPHA_HEALTHENABLED", "true"),
        variable("TYPHA_HEALTHPORT", "9098"),
        variable("TYPHA_K8SNAMESPACE", NAMESPACE),
        variable("TYPHA_CAFILE", "/etc/pki/tls/certs/tigera-ca-bundle.crt"),
        variable("TYPHA_SERVERCERTFILE", "/typha-certs/tls.crt"),
        variable("TYPHA_SERVERKEYFILE", "/typha-certs/tls.key"),
    ];
    if input.version.1 < 30 {
        env.push(variable("TYPHA_FIPSMODEENABLED", "false"));
    }
    env.push(variable("TYPHA_SHUTDOWNTIMEOUTSECS", "300"));
    env.push(variable("TYPHA_CLIENTCN", "typha-client"));
    env.push(variable("KUBERNETES_SERVICE_HOST", crate::bed::HOST));
    env.push(variable("KUBERNETES_SERVICE_PORT", &crate::bed::API_PORT.to_string()));
    if let Some(port) = typha_port(input) {
        env.push(variable("TYPHA_PROMETHEUSMETRICSENABLED", "true"));
        env.push(variable("TYPHA_PROMETHEUSMETRICSPORT", &port.to_string()));
    }
    let spec = json!({
        "hostNetwork": true, "serviceAccountName": "calico-typha", "terminationGracePeriodSeconds": 300,
        "tolerations": [{ "key": "CriticalAddonsOnly", "operator": "Exists" }, { "effect": "NoSchedule", "operator": "Exists" }, { "effect": "NoExecute", "operator": "Exists" }],
        "containers": [{
            "name": "calico-typha", "image": image(input.version, "typha"), "env": env,
            "ports": [{ "containerPort": 5473, "name": "calico-typha", "protocol": "TCP" }],
        }],
    });
    let hashes = annotations(&["tigera-ca-private", "typha-certs"], typha_port(input));
    let mut object = workload(input, "Deployment", "calico-typha", &spec, &hashes);
    // One for 200 nodes, one more, and a spare; fewer in tiny clusters.
    object["spec"]["replicas"] = json!(match input.nodes {
        0..=2 => 1,
        3..=4 => 2,
        n => (n / 200 + 2).max(3),
    });
    object["spec"]["revisionHistoryLimit"] = json!(2);
    object["spec"]["strategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "100%", "maxUnavailable": 1 } });
    object
}

fn node(input: &Input<'_>) -> Value {
    let mut env = vec![
        variable("DATASTORE_TYPE", "kubernetes"),
        variable("WAIT_FOR_DATASTORE", "true"),
        variable("CLUSTER_TYPE", "k8s,operator,bgp"),
        variable("FELIX_DEFAULTENDPOINTTOHOSTACTION", "ACCEPT"),
        variable("FELIX_HEALTHENABLED", "true"),
        json!({ "name": "NODENAME", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "spec.nodeName" } } }),
        json!({ "name": "NAMESPACE", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } } }),
        variable("FELIX_TYPHAK8SNAMESPACE", NAMESPACE),
        variable("FELIX_TYPHAK8SSERVICENAME", "calico-typha"),
    ];
    let port = input.installation["spec"]["nodeMetricsPort"].as_u64();
    if let Some(port) = port {
        env.push(variable("FELIX_PROMETHEUSMETRICSENABLED", "true"));
        env.push(variable("FELIX_PROMETHEUSMETRICSPORT", &port.to_string()));
    }
    let spec = json!({
        "hostNetwork": true, "serviceAccountName": "calico-node", "nodeSelector": { "kubernetes.io/os": "linux" },
        "tolerations": [{ "key": "CriticalAddonsOnly", "operator": "Exists" }, { "effect": "NoSchedule", "operator": "Exists" }, { "effect": "NoExecute", "operator": "Exists" }],
        "containers": [{ "name": "calico-node", "image": image(input.version, "node"), "env": env }],
    });
    let mut hashes = annotations(&["tigera-ca-private"], port);
    hashes["hash.operator.tigera.io/cni-config"] = json!("9f0a12f24028943de2936f7b1d0a0d3ed2c4cdbe");
    let mut object = workload(input, "DaemonSet", "calico-node", &spec, &hashes);
    object["spec"]["updateStrategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } });
    object
}

fn kube_controllers(input: &Input<'_>) -> Value {
    let spec = json!({
        "serviceAccountName": "calico-kube-controllers",
        "containers": [{
            "name": "calico-kube-controllers", "image": image(input.version, "kube-controllers"),
            "env": [variable("DATASTORE_TYPE", "kubernetes"), variable("ENABLED_CONTROLLERS", if input.version.1 >= 30 { "node,loadbalancer" } else { "node" })],
        }],
    });
    let mut object = workload(
        input,
        "Deployment",
        "calico-kube-controllers",
        &spec,
        &annotations(&["tigera-ca-private"], None),
    );
    object["spec"]["replicas"] = json!(1);
    object["spec"]["strategy"] = json!({ "type": "Recreate" });
    object
}

/// From operator 1.42: a tier of order 100 whose policies admit nobody but the operator's own Prometheus.
fn policies(input: &Input<'_>) -> Vec<Value> {
    let port = controllers_port(input.controllers).unwrap_or(9094);
    let object = |kind: &str, name: &str, spec: Value| {
        let mut out =
            json!({ "apiVersion": input.group, "kind": kind, "metadata": { "name": name }, "spec": spec });
        if kind != "Tier" {
            out["metadata"]["namespace"] = json!(NAMESPACE);
        }
        owned(input, out, false)
    };
    let mut tier = object("Tier", "calico-system", json!({ "order": 100 }));
    tier["metadata"]["labels"] = json!({ "projectcalico.org/system-tier": "true" });
    vec![
        tier,
        object(
            "NetworkPolicy",
            "calico-system.default-deny",
            json!({
                "tier": "calico-system", "order": 10000, "selector": "!(k8s-app in {'calico-apiserver'})", "types": ["Ingress", "Egress"],
            }),
        ),
        object(
            "NetworkPolicy",
            "calico-system.kube-controller-access",
            json!({
                "tier": "calico-system", "order": 1, "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress", "Egress"],
                "ingress": [{
                    "action": "Allow", "protocol": "TCP", "destination": { "ports": [port] },
                    "source": { "selector": "k8s-app == 'tigera-prometheus'", "namespaceSelector": "name == 'tigera-prometheus'" },
                }],
                "egress": [{ "action": "Allow" }],
            }),
        ),
    ]
}
