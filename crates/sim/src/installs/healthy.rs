//! Clusters in which nothing is broken, each built otherwise: the doctor must be silent on all of them.

use super::object::{object, set};
use super::{Kind, Objects, Options, Stack};
use serde_json::{Value, json};

const RELEASED: &str = "prometheus-kube-prometheus-prometheus";

/// One healthy cluster.
#[derive(Debug, Clone)]
pub struct Healthy {
    /// Its name.
    pub name: &'static str,
    /// Its objects.
    pub objects: Objects,
    /// Whether only what scrapes tells that it is healthy: no monitor stands in it.
    pub scraped: bool,
}

/// All of them.
pub fn healthy() -> Vec<Healthy> {
    let mut all = plain();
    all.extend(scraping_otherwise());
    all.extend(settings());
    all.extend(nodes());
    all
}

fn of(name: &'static str, options: &Options, change: impl FnOnce(&mut Objects)) -> Healthy {
    let mut objects = Objects::of(options);
    change(&mut objects);
    Healthy { name, objects, scraped: false }
}

fn kps() -> Options {
    Options { calico: 30, ..Options::default() }
}

fn manifest() -> Options {
    Options { calico: 30, kind: Kind::Manifest, ..Options::default() }
}

/// As the installers leave them.
fn plain() -> Vec<Healthy> {
    let none = |_: &mut Objects| {};
    let kube_prometheus = Options { stack: Stack::KubePrometheus, ..manifest() };
    vec![
        of("operator, Calico 3.27", &Options { calico: 27, ..kps() }, none),
        of("operator, Calico 3.30", &kps(), none),
        of("operator, Calico 3.32 with its policies", &Options { calico: 32, ..kps() }, none),
        of("operator, Calico 3.33", &Options { calico: 33, ..kps() }, none),
        of("Helm", &Options { kind: Kind::Helm, ..kps() }, none),
        of("manifest with Typha", &manifest(), none),
        of("manifest without Typha", &Options { typha: false, ..manifest() }, none),
        of("manifest, native v3 resources", &Options { calico: 32, ..manifest() }, native),
        of("Canal", &Options { kind: Kind::Canal, typha: false, ..manifest() }, none),
        of("one node", &Options { nodes: 1, ..kps() }, none),
        of("two hundred nodes", &Options { nodes: 200, ..kps() }, none),
        of(
            "release of another name",
            &Options { stack: Stack::KubePrometheusStack { release: "mon".to_owned() }, ..kps() },
            none,
        ),
        of("kube-prometheus, Calico in kube-system", &kube_prometheus, none),
        of(
            "kube-prometheus with rights in calico-system",
            &Options { kind: Kind::Operator, stack: Stack::KubePrometheus, ..kube_prometheus },
            rights_of_kube_prometheus,
        ),
    ]
}

/// Other ways from the processes into a Prometheus.
fn scraping_otherwise() -> Vec<Healthy> {
    let scraped = |healthy: Healthy| Healthy { scraped: true, ..healthy };
    let without_monitors = |o: &mut Objects| o.0.retain(|o| o["kind"] != "ServiceMonitor");
    vec![
        of("PodMonitors", &kps(), pod_monitors),
        scraped(of("additionalScrapeConfigs", &kps(), |o| {
            without_monitors(o);
            set(
                o.get("Prometheus", RELEASED),
                "/spec/additionalScrapeConfigs",
                json!({"name": "calico-jobs", "key": "jobs.yaml"}),
            );
        })),
        of("two Prometheus, one for the apps", &kps(), |o| {
            let mut other = o.get("Prometheus", RELEASED).clone();
            set(&mut other, "/metadata/name", json!("apps"));
            set(&mut other, "/spec/serviceMonitorSelector", json!({"matchLabels": {"team": "apps"}}));
            set(
                &mut other,
                "/spec/serviceMonitorNamespaceSelector",
                json!({"matchLabels": {"team": "apps"}}),
            );
            o.add(other);
        }),
        of("two shards", &kps(), sharded),
        of("Prometheus in agent mode", &kps(), agent),
        scraped(of("Prometheus without an operator", &Options { stack: Stack::None, ..kps() }, |o| {
            o.add(scraper("prometheus", "prometheus", "prom/prometheus:v3.14.0"));
        })),
        scraped(of("tortie alone", &Options { stack: Stack::None, ..kps() }, |o| {
            o.add(scraper("tortie", "tortie", "tortie:0.1.0"));
        })),
        of("monitors beside Calico", &kps(), |o| {
            for monitor in o.0.iter_mut().filter(|o| o["kind"] == "ServiceMonitor") {
                set(monitor, "/metadata/namespace", json!("calico-system"));
                set(monitor, "/spec/namespaceSelector", Value::Null);
            }
        }),
        of("EndpointSlices instead of Endpoints", &kps(), |o| {
            set(o.get("Prometheus", RELEASED), "/spec/serviceDiscoveryRole", json!("EndpointSlice"));
        }),
        of("egress of Prometheus admitted by address and port", &kps(), |o| {
            let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [
                {"to": [{"ipBlock": {"cidr": "10.99.1.0/24"}}], "ports": [{"port": 9091, "protocol": "TCP"}, {"port": 9093, "protocol": "TCP"}]},
                {"to": [{"namespaceSelector": {}}]}]});
            o.add(object("networking.k8s.io/v1", "NetworkPolicy", "monitoring", "egress", spec));
        }),
    ]
}

/// Other settings of Calico.
fn settings() -> Vec<Healthy> {
    vec![
        of("metrics behind TLS", &Options { calico: 33, ..kps() }, behind_tls),
        of("ports of one's own", &kps(), |o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsPort", json!(9191));
            to_port(o, "tortie-felix-metrics", 9191);
        }),
        of("nodeMetricsPort instead of FelixConfiguration", &kps(), |o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsEnabled", Value::Null);
            set(o.get("Installation", "default"), "/spec/nodeMetricsPort", json!(9091));
            let env = json!([{"name": "FELIX_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "FELIX_PROMETHEUSMETRICSPORT", "value": "9091"}]);
            set(o.get("DaemonSet", "calico-node"), "/spec/template/spec/containers/0/env", env.clone());
            for pod in o.0.iter_mut().filter(|o| is_pod(o, "calico-node")) {
                set(pod, "/spec/containers/0/env", env.clone());
            }
        }),
        // Nobody is told of alerts, which is how the stack comes and no break of Calico's monitoring.
        of("the stack's null receiver", &kps(), |o| {
            let name = "alertmanager-prometheus-kube-prometheus-alertmanager";
            let mut secret = object("v1", "Secret", "monitoring", name, Value::Null);
            // route: {receiver: "null"}, receivers: [{name: "null"}]
            secret["data"] = json!({"alertmanager.yaml": "cm91dGU6CiAgcmVjZWl2ZXI6ICJudWxsIgpyZWNlaXZlcnM6Ci0gbmFtZTogIm51bGwiCg=="});
            o.add(secret);
        }),
        of("nftables", &Options { calico: 33, ..kps() }, |o| {
            set(o.get("Installation", "default"), "/spec/calicoNetwork/linuxDataplane", json!("Nftables"));
            set(o.get("FelixConfiguration", "default"), "/spec/nftablesMode", json!("Enabled"));
        }),
        of("eBPF", &kps(), |o| {
            set(o.get("Installation", "default"), "/spec/calicoNetwork/linuxDataplane", json!("BPF"));
            set(o.get("FelixConfiguration", "default"), "/spec/bpfEnabled", json!(true));
        }),
        of("host endpoints that admit Prometheus", &kps(), |o| {
            for i in 0..3 {
                let spec = json!({"node": Options::node_name(i), "interfaceName": "*", "expectedIPs": [Options::node_ip(i)]});
                let mut endpoint =
                    object("projectcalico.org/v3", "HostEndpoint", "", &format!("n{}-all", i + 1), spec);
                endpoint["metadata"]["labels"] = json!({"role": "worker"});
                o.add(endpoint);
            }
            let spec = json!({"selector": "role == 'worker'", "types": ["Ingress"],
                "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [9091, 9093]}}]});
            o.add(object("projectcalico.org/v3", "GlobalNetworkPolicy", "", "workers", spec));
        }),
        of("rules and dashboards", &kps(), |o| {
            let spec = json!({"groups": [{"name": "calico", "rules": [
                {"alert": "FelixDown", "expr": "up{job=\"tortie-felix-metrics\"} == 0", "for": "5m"},
                {"alert": "FelixGone", "expr": "absent(felix_host)", "for": "5m"},
                {"record": "calico:felix_resyncs:rate5m", "expr": "sum(rate(felix_resyncs_started[5m]))"}]}]});
            let mut rules =
                object("monitoring.coreos.com/v1", "PrometheusRule", "monitoring", "calico", spec);
            rules["metadata"]["labels"] = json!({"release": "prometheus"});
            o.add(rules);
            let panel = |expr: &str| json!({"title": expr, "type": "timeseries", "datasource": {"type": "prometheus", "uid": "prometheus"}, "targets": [{"expr": expr}]});
            let board = json!({"title": "Calico", "uid": "calico", "time": {"from": "now-1h", "to": "now"}, "panels": [
                panel("felix_active_local_endpoints"), panel("rate(typha_connections_accepted[$__rate_interval])"), panel("sum(ipam_blocks)")]});
            let mut map = object("v1", "ConfigMap", "monitoring", "calico-dashboard", Value::Null);
            map["metadata"]["labels"] = json!({"grafana_dashboard": "1"});
            map["data"] = json!({"calico.json": board.to_string()});
            o.add(map);
        }),
    ]
}

/// Other nodes.
fn nodes() -> Vec<Healthy> {
    vec![
        of("Windows nodes", &Options { nodes: 4, ..kps() }, windows),
        of("dual stack", &kps(), dual_stack),
        of("mixed architectures", &kps(), |o| {
            for (i, arch) in ["amd64", "arm64", "amd64"].into_iter().enumerate() {
                let node = o.get("Node", &Options::node_name(i));
                set(node, "/metadata/labels/kubernetes.io~1arch", json!(arch));
                set(node, "/status/nodeInfo/architecture", json!(arch));
            }
        }),
        of("a node that was drained", &kps(), |o| {
            set(o.get("Node", "n3"), "/spec/unschedulable", json!(true));
            set(
                o.get("Node", "n3"),
                "/spec/taints",
                json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
            );
        }),
    ]
}

fn is_pod(object: &Value, app: &str) -> bool {
    object["kind"] == "Pod" && object["metadata"]["labels"]["k8s-app"] == app
}

/// The settings' objects of the group `projectcalico.org/v3`, served natively.
fn native(o: &mut Objects) {
    for object in o.0.iter_mut().filter(|o| o["apiVersion"] == "crd.projectcalico.org/v1") {
        object["apiVersion"] = json!("projectcalico.org/v3");
    }
}

fn rights_of_kube_prometheus(o: &mut Objects) {
    let in_namespace = |o: &Value, kind: &str| {
        o["kind"] == kind
            && o["metadata"]["name"] == "prometheus-k8s"
            && o["metadata"]["namespace"] == "monitoring"
    };
    let more: Vec<Value> =
        o.0.iter()
            .filter(|o| in_namespace(o, "Role") || in_namespace(o, "RoleBinding"))
            .cloned()
            .map(|mut o| {
                o["metadata"]["namespace"] = json!("calico-system");
                o
            })
            .collect();
    o.0.extend(more);
}

/// Pods of Calico declare no metrics port: the address is written by a relabelling.
fn pod_monitors(o: &mut Objects) {
    o.0.retain(|o| o["kind"] != "ServiceMonitor");
    for (name, app, port) in [
        ("felix", "calico-node", 9091),
        ("typha", "calico-typha", 9093),
        ("kube-controllers", "calico-kube-controllers", 9094),
    ] {
        let spec = json!({
            "podMetricsEndpoints": [{"interval": "15s", "path": "/metrics", "relabelings": [
                {"sourceLabels": ["__meta_kubernetes_pod_ip"], "regex": "(.+)", "targetLabel": "__address__", "replacement": format!("$1:{port}")}]}],
            "namespaceSelector": {"matchNames": ["calico-system"]}, "selector": {"matchLabels": {"k8s-app": app}}});
        let mut monitor =
            object("monitoring.coreos.com/v1", "PodMonitor", "monitoring", &format!("calico-{name}"), spec);
        monitor["metadata"]["labels"] = json!({"release": "prometheus"});
        o.add(monitor);
    }
}

fn sharded(o: &mut Objects) {
    set(o.get("Prometheus", RELEASED), "/spec/shards", json!(2));
    let first = format!("prometheus-{RELEASED}");
    let second = format!("{first}-shard-1");
    let mut stateful = o.get("StatefulSet", &first).clone();
    set(&mut stateful, "/metadata/name", json!(second));
    let mut pod = o.get("Pod", &format!("{first}-0")).clone();
    set(&mut pod, "/metadata/name", json!(format!("{second}-0")));
    set(&mut pod, "/status/podIP", json!("10.99.64.31"));
    set(&mut pod, "/status/podIPs", json!([{"ip": "10.99.64.31"}]));
    o.add(stateful).add(pod);
}

/// The same object as an agent: it takes no rules, and writes to a store.
fn agent(o: &mut Objects) {
    let mut agent = o.remove("Prometheus", RELEASED);
    agent["kind"] = json!("PrometheusAgent");
    agent["apiVersion"] = json!("monitoring.coreos.com/v1alpha1");
    for field in ["ruleSelector", "ruleNamespaceSelector", "alerting", "evaluationInterval"] {
        set(&mut agent, &format!("/spec/{field}"), Value::Null);
    }
    set(&mut agent, "/spec/remoteWrite", json!([{"url": "http://store.example/api/v1/write"}]));
    o.add(agent);
    for owned in o.0.iter_mut().filter(|o| o["metadata"]["ownerReferences"][0]["kind"] == "Prometheus") {
        owned["metadata"]["ownerReferences"][0]["kind"] = json!("PrometheusAgent");
    }
    for pod in o.0.iter_mut().filter(|o| o["metadata"]["labels"]["operator.prometheus.io/name"] == RELEASED) {
        pod["metadata"]["labels"]["app.kubernetes.io/name"] = json!("prometheus-agent");
    }
}

/// What scrapes without any operator: a Deployment of one pod.
fn scraper(name: &str, container: &str, image: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": name});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [
        {"name": container, "image": image, "ports": [{"name": "web", "containerPort": 9090}]}]}}});
    let mut o = object("apps/v1", "Deployment", "monitoring", name, spec);
    o["metadata"]["labels"] = labels;
    o["status"] = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
    o
}

fn to_port(o: &mut Objects, service: &str, port: u16) {
    set(o.get("Service", service), "/spec/ports/0/port", json!(port));
    set(o.get("Service", service), "/spec/ports/0/targetPort", json!(port));
    set(o.get("EndpointSlice", &format!("{service}-dv25j")), "/ports/0/port", json!(port));
}

/// Felix with a certificate, and a monitor that asks by https with the CA.
fn behind_tls(o: &mut Objects) {
    let felix = o.get("FelixConfiguration", "default");
    set(felix, "/spec/prometheusMetricsCertFile", json!("/certs/tls.crt"));
    set(felix, "/spec/prometheusMetricsKeyFile", json!("/certs/tls.key"));
    let monitor = o.get("ServiceMonitor", "calico-felix");
    set(monitor, "/spec/endpoints/0/scheme", json!("https"));
    let tls = json!({"ca": {"configMap": {"name": "felix-ca", "key": "ca.crt"}}, "serverName": "felix"});
    set(monitor, "/spec/endpoints/0/tlsConfig", tls);
}

/// The last node runs Windows: Felix there has a DaemonSet, pods and a Service of its own.
fn windows(o: &mut Objects) {
    let node = o.get("Node", "n4");
    set(node, "/metadata/labels/kubernetes.io~1os", json!("windows"));
    set(node, "/status/nodeInfo/operatingSystem", json!("windows"));
    for object in o.0.iter_mut() {
        let on = object["spec"]["nodeName"] == "n4";
        if is_pod(object, "calico-node") && on {
            object["metadata"]["labels"] = json!({"k8s-app": "calico-node-windows"});
            object["metadata"]["name"] = json!("calico-node-windows-x2x4k");
            object["metadata"]["ownerReferences"][0]["name"] = json!("calico-node-windows");
        }
    }
    let mut daemons = o.get("DaemonSet", "calico-node").clone();
    set(
        o.get("DaemonSet", "calico-node"),
        "/status",
        json!({"desiredNumberScheduled": 3, "numberReady": 3, "observedGeneration": 1}),
    );
    set(&mut daemons, "/metadata/name", json!("calico-node-windows"));
    set(&mut daemons, "/metadata/labels", json!({"k8s-app": "calico-node-windows"}));
    set(&mut daemons, "/spec/selector/matchLabels/k8s-app", json!("calico-node-windows"));
    set(&mut daemons, "/spec/template/metadata/labels/k8s-app", json!("calico-node-windows"));
    set(
        &mut daemons,
        "/status",
        json!({"desiredNumberScheduled": 1, "numberReady": 1, "observedGeneration": 1}),
    );
    let slice = o.get("EndpointSlice", "tortie-felix-metrics-dv25j");
    let last = slice["endpoints"].as_array_mut().and_then(Vec::pop);
    let mut service = o.get("Service", "tortie-felix-metrics").clone();
    set(&mut service, "/metadata/name", json!("felix-windows-metrics"));
    set(&mut service, "/spec/selector/k8s-app", json!("calico-node-windows"));
    let mut windows = o.get("EndpointSlice", "tortie-felix-metrics-dv25j").clone();
    set(&mut windows, "/metadata/name", json!("felix-windows-metrics-q8m2z"));
    set(&mut windows, "/metadata/labels/kubernetes.io~1service-name", json!("felix-windows-metrics"));
    set(&mut windows, "/endpoints", json!([last]));
    o.add(daemons).add(service).add(windows);
}

/// Nodes, pods and Services with both families, under a Prometheus that takes the first.
fn dual_stack(o: &mut Objects) {
    for i in 0..3 {
        let node = o.get("Node", &Options::node_name(i));
        if let Some(list) = node["status"]["addresses"].as_array_mut() {
            list.push(json!({"type": "InternalIP", "address": format!("fd00::{}", i + 1)}));
        }
    }
    set(o.get("Prometheus", RELEASED), "/spec/serviceDiscoveryRole", json!("EndpointSlice"));
    let service = o.get("Service", "tortie-felix-metrics");
    set(service, "/spec/ipFamilies", json!(["IPv4", "IPv6"]));
    set(service, "/spec/ipFamilyPolicy", json!("PreferDualStack"));
    let mut slice = o.get("EndpointSlice", "tortie-felix-metrics-dv25j").clone();
    set(&mut slice, "/metadata/name", json!("tortie-felix-metrics-v6"));
    set(&mut slice, "/addressType", json!("IPv6"));
    for i in 0..3 {
        set(&mut slice, &format!("/endpoints/{i}/addresses/0"), json!(format!("fd00::{}", i + 1)));
    }
    o.add(slice);
}

#[cfg(test)]
mod tests {
    use super::healthy;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_more_than_twenty_and_each_is_another() {
        let all = healthy();
        let names: BTreeSet<&str> = all.iter().map(|h| h.name).collect();
        let texts: BTreeSet<String> = all.iter().map(|h| format!("{:?}", h.objects.0)).collect();
        assert!(all.len() >= 20);
        assert_eq!((names.len(), texts.len()), (all.len(), all.len()));
    }
}
