//! Calico itself, as each kind of install leaves it.

use super::object::{controller, managed, object, set};
use super::{Kind, Options};
use serde_json::{Value, json};

const MADE: &str = "2026-01-05T10:00:00Z";

/// Nodes and namespaces.
pub(super) fn cluster(options: &Options) -> Vec<Value> {
    let mut all = Vec::new();
    for name in ["default", "kube-system", "kube-public", "monitoring"] {
        all.push(namespace(name));
    }
    if options.operated() {
        for name in ["calico-system", "tigera-operator"] {
            all.push(namespace(name));
        }
    }
    for i in 0..options.nodes {
        let name = Options::node_name(i);
        let mut node = object("v1", "Node", "", &name, json!({}));
        node["metadata"]["labels"] = json!({"kubernetes.io/os": "linux", "kubernetes.io/hostname": name});
        node["status"] = json!({
            "addresses": [{"type": "InternalIP", "address": Options::node_ip(i)}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "operatingSystem": "linux"},
        });
        all.push(node);
    }
    all
}

fn namespace(name: &str) -> Value {
    let mut o = object("v1", "Namespace", "", name, json!({"finalizers": ["kubernetes"]}));
    o["metadata"]["labels"] = json!({"kubernetes.io/metadata.name": name, "name": name});
    o["status"] = json!({"phase": "Active"});
    o
}

/// Workloads, their pods, the settings' objects, and the operator's Services.
pub(super) fn calico(options: &Options) -> Vec<Value> {
    let mut all = Vec::new();
    let ns = options.namespace();
    let node = options.node_app();
    all.push(kept(options, workload(options, "DaemonSet", node)));
    for i in 0..options.nodes {
        all.push(pod(options, node, &format!("{node}-{}", suffix(i)), Some(i), "DaemonSet"));
    }
    all.push(kept(options, workload(options, "Deployment", "calico-kube-controllers")));
    all.push(pod(
        options,
        "calico-kube-controllers",
        "calico-kube-controllers-66677d88c4-twmfv",
        None,
        "ReplicaSet",
    ));
    if options.has_typha() {
        all.push(kept(options, workload(options, "Deployment", "calico-typha")));
        for i in typha_nodes(options) {
            let name = format!("calico-typha-bdcc4dd69-{}", suffix(i));
            all.push(pod(options, "calico-typha", &name, Some(i), "ReplicaSet"));
        }
        let spec = json!({"selector": {"k8s-app": "calico-typha"}, "clusterIP": "10.96.158.87", "type": "ClusterIP",
            "ipFamilies": ["IPv4"], "ports": [{"name": "calico-typha", "port": 5473, "protocol": "TCP", "targetPort": "calico-typha"}]});
        let mut service = object("v1", "Service", ns, "calico-typha", spec);
        service["metadata"]["labels"] = json!({"k8s-app": "calico-typha"});
        all.push(kept(options, service));
        all.push(slice(options, "calico-typha", "calico-typha", 5473, "calico-typha"));
    }
    all.extend(settings(options));
    if options.operated() {
        all.extend(operator(options));
    }
    all
}

/// The nodes with a Typha.
pub(super) fn typha_nodes(options: &Options) -> Vec<usize> {
    (0..options.nodes).skip(usize::from(options.nodes > 1)).take(2).collect()
}

/// Five letters as the API server would draw them, others for each number.
fn suffix(i: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let round = |k: usize| match k {
        1 => i / LETTERS.len(),
        2 => i / LETTERS.len().pow(2),
        _ => 0,
    };
    (0..5).map(|k| char::from(LETTERS[(i * 7 + k * 11 + 3 + round(k)) % LETTERS.len()])).collect()
}

/// Adds what shows that the operator keeps an object.
pub(super) fn kept(options: &Options, o: Value) -> Value {
    if !options.operated() {
        let mut o = o;
        managed(&mut o, "kubectl-client-side-apply", "Update", MADE, json!({"f:spec": {}}));
        return o;
    }
    let mut o = controller(o, "operator.tigera.io/v1", "Installation", "default");
    managed(&mut o, "operator", "Update", MADE, json!({"f:spec": {}}));
    o
}

fn workload(options: &Options, kind: &str, app: &str) -> Value {
    let (container, ports) = match app {
        "calico-typha" => {
            ("calico-typha", json!([{"name": "calico-typha", "containerPort": 5473, "protocol": "TCP"}]))
        }
        "calico-kube-controllers" => ("calico-kube-controllers", json!([])),
        _ => ("calico-node", json!([])),
    };
    let env = match app {
        "calico-typha" => {
            json!([{"name": "TYPHA_LOGSEVERITYSCREEN", "value": "info"}, {"name": "TYPHA_DATASTORETYPE", "value": "kubernetes"}])
        }
        "calico-kube-controllers" => json!([{"name": "ENABLED_CONTROLLERS", "value": "node,loadbalancer"}]),
        _ => {
            json!([{"name": "DATASTORE_TYPE", "value": "kubernetes"}, {"name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": "ACCEPT"}])
        }
    };
    let image = format!("calico/{container}:{}", options.version());
    let spec = json!({
        "selector": {"matchLabels": {"k8s-app": app}},
        "replicas": if kind == "Deployment" { json!(if app == "calico-typha" { typha_nodes(options).len() } else { 1 }) } else { Value::Null },
        "template": {
            "metadata": {"labels": {"k8s-app": app}},
            "spec": {"hostNetwork": app != "calico-kube-controllers", "containers": [{"name": container, "image": image, "env": env, "ports": ports}]},
        },
    });
    let mut o = object("apps/v1", kind, options.namespace(), app, spec);
    if kind == "DaemonSet" {
        set(&mut o, "/spec/replicas", Value::Null);
        o["status"] = json!({"desiredNumberScheduled": options.nodes, "numberReady": options.nodes, "observedGeneration": 1});
    } else {
        let n = o["spec"]["replicas"].clone();
        o["status"] =
            json!({"replicas": n, "readyReplicas": n, "availableReplicas": n, "observedGeneration": 1});
    }
    o["metadata"]["labels"] = json!({"k8s-app": app});
    o
}

fn pod(options: &Options, app: &str, name: &str, node: Option<usize>, owner: &str) -> Value {
    let host = node.is_some();
    let on = node.unwrap_or(0);
    let ip = if host { Options::node_ip(on) } else { "10.99.64.4".to_owned() };
    let template = workload(options, "Deployment", app)["spec"]["template"]["spec"].clone();
    let mut spec = template;
    spec["nodeName"] = json!(Options::node_name(on));
    spec["serviceAccountName"] = json!(app);
    let mut o = object("v1", "Pod", options.namespace(), name, spec);
    o["metadata"]["labels"] = json!({"k8s-app": app});
    o["status"] = json!({
        "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": Options::node_ip(on),
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": o["spec"]["containers"][0]["name"], "ready": true, "restartCount": 0, "state": {"running": {}}}],
    });
    let owner_name = if owner == "DaemonSet" {
        app.to_owned()
    } else {
        name.rsplit_once('-').map_or(name, |p| p.0).to_owned()
    };
    controller(o, "apps/v1", owner, &owner_name)
}

/// A slice of a Service over the pods of an app.
pub(super) fn slice(options: &Options, service: &str, app: &str, port: u16, port_name: &str) -> Value {
    let nodes: Vec<usize> = match app {
        "calico-kube-controllers" => vec![0],
        "calico-typha" => typha_nodes(options),
        _ => (0..options.nodes).collect(),
    };
    let pods: Vec<Value> = calico_pods(options, app);
    let endpoints: Vec<Value> = nodes
        .iter()
        .zip(&pods)
        .map(|(i, p)| {
            json!({
                "addresses": [p["status"]["podIP"]], "nodeName": Options::node_name(*i),
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": options.namespace(), "name": p["metadata"]["name"]},
            })
        })
        .collect();
    let mut o = object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        options.namespace(),
        &format!("{service}-dv25j"),
        Value::Null,
    );
    o["addressType"] = json!("IPv4");
    o["endpoints"] = json!(endpoints);
    o["ports"] = json!([{"name": port_name, "port": port, "protocol": "TCP"}]);
    o["metadata"]["labels"] = json!({"kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"});
    controller(o, "v1", "Service", service)
}

fn calico_pods(options: &Options, app: &str) -> Vec<Value> {
    match app {
        "calico-kube-controllers" => {
            vec![pod(options, app, "calico-kube-controllers-66677d88c4-twmfv", None, "ReplicaSet")]
        }
        "calico-typha" => typha_nodes(options)
            .into_iter()
            .map(|i| {
                pod(options, app, &format!("calico-typha-bdcc4dd69-{}", suffix(i)), Some(i), "ReplicaSet")
            })
            .collect(),
        _ => (0..options.nodes)
            .map(|i| pod(options, app, &format!("{app}-{}", suffix(i)), Some(i), "DaemonSet"))
            .collect(),
    }
}

fn settings(options: &Options) -> Vec<Value> {
    let api = settings_api(options);
    let mut felix =
        object(api, "FelixConfiguration", "", "default", json!({"bpfEnabled": false, "healthPort": 9099}));
    let by = if options.operated() { "operator" } else { "calico-node" };
    managed(&mut felix, by, "Update", MADE, json!({"f:spec": {"f:bpfEnabled": {}, "f:healthPort": {}}}));
    let spec = json!({"controllers": {"node": {"reconcilerPeriod": "5m", "syncLabels": "Enabled"}}, "prometheusMetricsPort": 9094});
    let mut controllers = object(api, "KubeControllersConfiguration", "", "default", spec);
    controllers["status"] = json!({"runningConfig": {"prometheusMetricsPort": 9094}});
    managed(
        &mut controllers,
        "kube-controllers",
        "Update",
        MADE,
        json!({"f:spec": {"f:prometheusMetricsPort": {}}}),
    );
    vec![felix, controllers]
}

/// Native v3 resources from 3.33 on; before that the operator's aggregated server shows the same objects as v3, and plain
/// manifests have the storage group alone.
pub(super) fn settings_api(options: &Options) -> &'static str {
    if options.calico >= 33 || options.operated() {
        "projectcalico.org/v3"
    } else {
        "crd.projectcalico.org/v1"
    }
}

fn operator(options: &Options) -> Vec<Value> {
    let ns = options.namespace();
    let mut installation = object(
        "operator.tigera.io/v1",
        "Installation",
        "",
        "default",
        json!({"variant": "Calico", "calicoNetwork": {"linuxDataplane": "Iptables"}, "cni": {"type": "Calico"}}),
    );
    installation["status"] = json!({"calicoVersion": options.version(), "variant": "Calico",
        "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]});
    if options.kind == Kind::Helm {
        installation["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
        installation["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "calico", "meta.helm.sh/release-namespace": "tigera-operator"});
        managed(&mut installation, "helm", "Update", MADE, json!({"f:spec": {}}));
    } else {
        managed(&mut installation, "kubectl-client-side-apply", "Update", MADE, json!({"f:spec": {}}));
    }
    let mut status = object("operator.tigera.io/v1", "TigeraStatus", "", "calico", json!({}));
    status["status"] = json!({"conditions": [
        {"type": "Available", "status": "True", "reason": "AllObjectsAvailable", "observedGeneration": 1},
        {"type": "Degraded", "status": "False", "reason": "AllObjectsAvailable", "observedGeneration": 1},
        {"type": "Progressing", "status": "False", "reason": "AllObjectsAvailable", "observedGeneration": 1},
    ]});
    let template = json!({"metadata": {"labels": {"name": "tigera-operator", "k8s-app": "tigera-operator"}},
        "spec": {"containers": [{"name": "tigera-operator", "image": "tigera/operator:v1.42.4"}]}});
    let mut deployment = object(
        "apps/v1",
        "Deployment",
        "tigera-operator",
        "tigera-operator",
        json!({"replicas": 1, "selector": {"matchLabels": {"name": "tigera-operator"}}, "template": template}),
    );
    deployment["status"] =
        json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
    let spec = json!({"clusterIP": "None", "type": "ClusterIP", "selector": {"k8s-app": "calico-kube-controllers"}, "ipFamilies": ["IPv4"],
        "ports": [{"name": "metrics-port", "port": 9094, "protocol": "TCP", "targetPort": 9094}]});
    let mut service = object("v1", "Service", ns, "calico-kube-controllers-metrics", spec);
    service["metadata"]["labels"] = json!({"k8s-app": "calico-kube-controllers"});
    service["metadata"]["annotations"] =
        json!({"prometheus.io/scrape": "true", "prometheus.io/port": "9094"});
    let mut all = vec![installation, status, deployment, kept(options, service)];
    all.push(slice(
        options,
        "calico-kube-controllers-metrics",
        "calico-kube-controllers",
        9094,
        "metrics-port",
    ));
    if options.calico >= 32 {
        all.extend(policies(options));
    }
    all
}

/// What the operator brings from Calico 3.32 on (operator 1.42): a tier of order 100 and policies that admit only its own
/// Prometheus to kube-controllers' metrics.
fn policies(options: &Options) -> Vec<Value> {
    let api = "projectcalico.org/v3";
    let mut tier = object(api, "Tier", "", "calico-system", json!({"order": 100}));
    tier["metadata"]["labels"] = json!({"projectcalico.org/system-tier": "true"});
    let deny = object(
        api,
        "NetworkPolicy",
        "calico-system",
        "calico-system.default-deny",
        json!({"tier": "calico-system", "selector": "!(k8s-app in {'calico-apiserver'})", "types": ["Ingress", "Egress"]}),
    );
    let access = object(
        api,
        "NetworkPolicy",
        "calico-system",
        "calico-system.kube-controller-access",
        json!({
        "tier": "calico-system", "order": 1, "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress", "Egress"],
        "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [9094]},
            "source": {"selector": "k8s-app == 'tigera-prometheus'", "namespaceSelector": "name == 'tigera-prometheus'"}}],
        "egress": [{"action": "Allow"}]}),
    );
    vec![kept(options, tier), kept(options, deny), kept(options, access)]
}
