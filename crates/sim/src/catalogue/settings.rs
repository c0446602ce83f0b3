//! Faults in Calico's own settings.

use super::change::{gone, to, unset};
use super::symptom::{Live, Process};
use super::{Change, Entry, fault, manifest, usual};
use crate::installs::{Options, object};
use crate::inventory::Component::Felix;
use serde_json::{Value, json};

pub(super) fn faults() -> Vec<Entry> {
    let felix = |pointer, value| to("FelixConfiguration", "default", pointer, value);
    let mut all = vec![
        fault("felix-off", "T203", "nobody turned Felix' metrics on", vec![unset("FelixConfiguration", "default", "/spec/prometheusMetricsEnabled")]),
        fault("felix-off-false", "T203", "prometheusMetricsEnabled was set to false", vec![felix("/spec/prometheusMetricsEnabled", json!(false))]),
        fault("felix-node-override", "T204", "a FelixConfiguration of one node turns its metrics off", vec![per_node("node.n3", json!({"prometheusMetricsEnabled": false}))]),
        fault("felix-bind-localhost", "T206", "Felix was told to listen on 127.0.0.1 alone", vec![felix("/spec/prometheusMetricsHost", json!("127.0.0.1"))]),
        fault("felix-env-off", "T205", "an environment variable of a manifest's DaemonSet turns off what the FelixConfiguration turns on", vec![
            env("DaemonSet", "calico-node", json!([{"name": "FELIX_PROMETHEUSMETRICSENABLED", "value": "false"}])),
        ])
        .in_cluster(manifest()),
        fault("felix-tls", "T207", "Felix' metrics were put behind TLS and the monitor still asks by http", vec![
            felix("/spec/prometheusMetricsCertFile", json!("/certs/tls.crt")),
            felix("/spec/prometheusMetricsKeyFile", json!("/certs/tls.key")),
        ])
        .edit()
        .in_cluster(Options { calico: 33, ..usual() }),
        fault("kube-controllers-port-zero", "T213", "prometheusMetricsPort of kube-controllers is 0, so the operator took its Service away", vec![
            to("KubeControllersConfiguration", "default", "/spec/prometheusMetricsPort", json!(0)),
            to("KubeControllersConfiguration", "default", "/status/runningConfig/prometheusMetricsPort", json!(0)),
            gone("Service", "calico-kube-controllers-metrics"),
            gone("EndpointSlice", "calico-kube-controllers-metrics-dv25j"),
        ]),
        fault("kube-controllers-port-absent", "T213", "the KubeControllersConfiguration was made with kubectl, without a port", vec![
            unset("KubeControllersConfiguration", "default", "/spec/prometheusMetricsPort"),
            unset("KubeControllersConfiguration", "default", "/status"),
            gone("Service", "calico-kube-controllers-metrics"),
            gone("EndpointSlice", "calico-kube-controllers-metrics-dv25j"),
        ]),
        fault("typha-off-manifest", "T209", "Typha of a manifest install has no metrics environment", vec![typha_env_gone(), typha_pods_env_gone()]).in_cluster(manifest()),
        fault("operator-ignores-typha", "T214", "somebody told the operator to leave Typha's Deployment alone", vec![
            to("Deployment", "calico-typha", "/metadata/annotations/unsupported.operator.tigera.io~1ignore", json!("true")),
        ]),
        fault("operator-down-with-change", "T215", "the operator is down while the Installation was changed", vec![
            to("Deployment", "tigera-operator", "/status/readyReplicas", json!(0)),
            to("Deployment", "tigera-operator", "/status/availableReplicas", json!(0)),
            to("Installation", "default", "/metadata/generation", json!(7)),
            typha_env_gone(),
            typha_pods_env_gone(),
        ])
.live(Live::Hand("tigera-operator is scaled to nothing, and the Installation changed after that"))
        .outside(),
        fault("no-calico", "T201", "the context is that of another cluster: no Calico in it", vec![
            gone("DaemonSet", "calico-node"),
            gone("Deployment", "calico-typha"),
            gone("Deployment", "calico-kube-controllers"),
            Change::SetAll { kind: "Pod", prefix: "calico-", pointer: "/metadata/labels/k8s-app", value: json!("other") },
        ])
        .in_cluster(manifest())
        .outside(),
        fault("felix-pods-not-ready", "T202", "calico-node is not ready on any node", vec![
            to("DaemonSet", "calico-node", "/status/numberReady", json!(0)),
            Change::SetAll { kind: "Pod", prefix: "calico-node-", pointer: "/status/conditions/0/status", value: json!("False") },
            to("EndpointSlice", "tortie-felix-metrics-dv25j", "/endpoints/0/conditions/ready", json!(false)),
            to("EndpointSlice", "tortie-felix-metrics-dv25j", "/endpoints/1/conditions/ready", json!(false)),
            to("EndpointSlice", "tortie-felix-metrics-dv25j", "/endpoints/2/conditions/ready", json!(false)),
        ])
.live(Live::Hand("Felix does not listen, and the kubelets report that calico-node is not ready"))
        .outside(),
    ];
    all.push(typha_env_reverted());
    all.push(typha_off());
    all.push(write_up_typha());
    all.push(same_port());
    all.push(host_port_taken());
    all
}

fn env(kind: &'static str, name: &'static str, env: Value) -> Change {
    to(kind, name, "/spec/template/spec/containers/0/env", env)
}

fn typha_env_gone() -> Change {
    env("Deployment", "calico-typha", json!([{"name": "TYPHA_DATASTORETYPE", "value": "kubernetes"}]))
}

fn typha_pods_env_gone() -> Change {
    Change::SetAll {
        kind: "Pod",
        prefix: "calico-typha-",
        pointer: "/spec/containers/0/env",
        value: json!([{"name": "TYPHA_DATASTORETYPE", "value": "kubernetes"}]),
    }
}

fn per_node(name: &str, spec: Value) -> Change {
    Change::Add(object("projectcalico.org/v3", "FelixConfiguration", "", name, spec))
}

/// As of an operator that never was told a port: no environment, and no Service of its own.
fn typha_off() -> Entry {
    fault(
        "typha-off",
        "T209",
        "nobody set typhaMetricsPort",
        vec![
            unset("Installation", "default", "/spec/typhaMetricsPort"),
            typha_env_gone(),
            typha_pods_env_gone(),
            gone("Service", "calico-typha-metrics"),
            gone("EndpointSlice", "calico-typha-metrics-dv25j"),
        ],
    )
}

/// The write-up's way: the environment was set on the Deployment, and the operator took it away. The older ReplicaSet
/// still has it.
fn typha_env_reverted() -> Entry {
    let template = |env: Value| json!({"metadata": {"labels": {"k8s-app": "calico-typha"}}, "spec": {"containers": [{"name": "calico-typha", "env": env}]}});
    let replica_set = |name: &str, revision: &str, replicas: u32, env: Value| {
        let spec = json!({"replicas": replicas, "selector": {"matchLabels": {"k8s-app": "calico-typha"}}, "template": template(env)});
        let mut o = object("apps/v1", "ReplicaSet", "calico-system", name, spec);
        o["metadata"]["labels"] = json!({"k8s-app": "calico-typha"});
        o["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": revision});
        Change::Add(crate::installs::controller(o, "apps/v1", "Deployment", "calico-typha"))
    };
    let wanted = json!([{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9093"}]);
    fault(
        "typha-env-reverted",
        "T210",
        "Typha's metrics were set by environment on its Deployment, and the operator set it back",
        vec![
            unset("Installation", "default", "/spec/typhaMetricsPort"),
            typha_env_gone(),
            typha_pods_env_gone(),
            gone("Service", "calico-typha-metrics"),
            gone("EndpointSlice", "calico-typha-metrics-dv25j"),
            replica_set(
                "calico-typha-bdcc4dd69",
                "3",
                2,
                json!([{"name": "TYPHA_DATASTORETYPE", "value": "kubernetes"}]),
            ),
            replica_set("calico-typha-bc4cdc6cb", "2", 0, wanted),
        ],
    )
    .live(Live::Hand("kubectl set env on Typha's Deployment, which the operator takes back"))
}

/// The chart's commented values: Typha on Felix' port. Both use the host's network.
fn same_port() -> Entry {
    let wanted = json!([{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9091"}]);
    fault(
        "typha-on-felix-port",
        "T211",
        "typhaMetricsPort is 9091, which is Felix' port",
        vec![
            to("Installation", "default", "/spec/typhaMetricsPort", json!(9091)),
            env("Deployment", "calico-typha", wanted.clone()),
            Change::SetAll {
                kind: "Pod",
                prefix: "calico-typha-",
                pointer: "/spec/containers/0/env",
                value: wanted,
            },
            to("Service", "calico-typha-metrics", "/spec/ports/0/port", json!(9091)),
            to("Service", "calico-typha-metrics", "/spec/ports/0/targetPort", json!(9091)),
            to("EndpointSlice", "calico-typha-metrics-dv25j", "/ports/0/port", json!(9091)),
        ],
    )
}

fn host_port_taken() -> Entry {
    let spec = json!({"nodeName": "n2", "hostNetwork": true, "containers": [{"name": "pushgateway", "image": "prom/pushgateway:v1.11.0",
        "ports": [{"name": "http", "containerPort": 9091, "hostPort": 9091, "protocol": "TCP"}]}]});
    let mut pod = object("v1", "Pod", "default", "pushgateway", spec);
    pod["metadata"]["labels"] = json!({"app": "pushgateway"});
    pod["status"] = json!({"phase": "Running", "podIP": Options::node_ip(1), "podIPs": [{"ip": Options::node_ip(1)}], "hostIP": Options::node_ip(1),
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "pushgateway", "ready": true, "restartCount": 0, "state": {"running": {}}}]});
    fault("host-port-taken", "T212", "a Pushgateway holds Felix' port on one node", vec![Change::Add(pod)])
        .live(Live::Process(
            Felix,
            Some("n2"),
            Process::Text("pushgateway_build_info{version=\"1.11.0\"} 1\n"),
        ))
        .outside()
}

/// The write-up whole: one's own Service under the name that the operator will want, the environment taken back.
fn write_up_typha() -> Entry {
    let mut entry = typha_env_reverted();
    let spec = json!({"selector": {"k8s-app": "calico-typha"}, "clusterIP": "10.96.216.2", "type": "ClusterIP", "ipFamilies": ["IPv4"],
        "ports": [{"name": "typha-metrics", "port": 9093, "protocol": "TCP", "targetPort": 9093}]});
    let mut service = object("v1", "Service", "calico-system", "calico-typha-metrics", spec);
    service["metadata"]["labels"] = json!({"k8s-app": "calico-typha-metrics"});
    entry.changes.retain(|c| !matches!(c, Change::Remove { kind: "EndpointSlice", .. }));
    entry.changes.push(Change::Add(service));
    entry.changes.push(to(
        "EndpointSlice",
        "calico-typha-metrics-dv25j",
        "/ports/0/name",
        json!("typha-metrics"),
    ));
    entry.changes.push(to(
        "ServiceMonitor",
        "calico-typha",
        "/spec/endpoints/0/port",
        json!("typha-metrics"),
    ));
    entry.name = "typha-write-up";
    entry.says = "as the write-up has it: Typha's environment on its Deployment, and an own Service under the name that the operator will want";
    entry.next(&["T407"])
}
