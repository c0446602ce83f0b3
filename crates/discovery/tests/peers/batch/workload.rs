//! What runs in a cluster, as objects for a real API server: a base that every cluster has, and some by dice. Services have
//! no selector: their Endpoints and EndpointSlices are written here, in every state that endpoints can be in.

use super::place::renamed;
use crate::clusters::NAMESPACES;
use crate::clusters::dice::Dice;
use crate::clusters::world::labels;
use serde_json::{Value, json};

/// The objects of one cluster.
#[derive(Default)]
pub(super) struct Workload {
    /// In an order in which they can be made.
    pub(super) objects: Vec<Value>,
    /// Status of pods: path and patch.
    pub(super) statuses: Vec<(String, Value)>,
    prefix: String,
    slot: usize,
    addresses: usize,
}

/// An endpoint of a Service.
struct Backend {
    ip: String,
    target: Option<Value>,
    node: Option<String>,
    ready: bool,
}

impl Workload {
    /// The workload of cluster number `n`, in the place `slot` of its API server.
    pub(super) fn new(n: u64, slot: usize, prefix: &str) -> Workload {
        let mut w = Workload { prefix: prefix.to_owned(), slot, ..Workload::default() };
        for ns in NAMESPACES {
            let name = renamed(ns, prefix);
            w.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
        w.base();
        let mut dice = Dice::new(n ^ 0xbeef);
        for i in 0..4 {
            w.by_dice(&mut dice, i);
        }
        w
    }

    fn base(&mut self) {
        let api = json!({"app": "api", "tier": "front", "k8s-app": "calico.node"});
        let pods = json!({"app": "api", "tier": "front", "app.kubernetes.io/name": "db"});
        let all = [
            self.pod("apps", "api-0", 1, &pods, "Running", true),
            self.pod("apps", "api-1", 2, &pods, "Running", false),
            self.pod("apps", "api-2", 3, &pods, "Failed", true),
            self.pod("apps", "api-3", 1, &json!({"app": "api"}), "Succeeded", true),
        ];
        self.service("apps", "api", &api, &["http", "metrics"], &all);
        let db = [
            self.pod(
                "db",
                "db-0",
                2,
                &json!({"app": "db", "tier": "back", "canary": "yes"}),
                "Running",
                true,
            ),
            Backend {
                ip: "10.99.1.1".to_owned(),
                target: Some(json!({"kind": "Node", "name": "node1"})),
                node: Some("node1".to_owned()),
                ready: true,
            },
        ];
        self.service(
            "db",
            "db",
            &json!({"app": "db", "tier": "back", "app.kubernetes.io/name": "db"}),
            &["http"],
            &db,
        );
        let web = [self.pod(
            "web-1",
            "web-0",
            3,
            &json!({"app": "web", "app.kubernetes.io/name": "db"}),
            "Running",
            true,
        )];
        self.service(
            "web-1",
            "web",
            &json!({"app": "web", "k8s-app": "calico-node", "app.kubernetes.io/name": "x"}),
            &["metrics", "mxtrics"],
            &web,
        );
        let bare = Backend { ip: self.address(), target: None, node: None, ready: true };
        self.service("monitoring", "blackbox", &json!({"tier": ""}), &["http"], &[bare]);
        // What one of the two kinds alone says: the roles differ here, for Prometheus as for us.
        let (one, two) = (self.address(), self.address());
        let alone = |ip: String| [Backend { ip, target: None, node: None, ready: true }];
        self.service("apps", "only-endpoints", &json!({"app": "web"}), &["http"], &alone(one));
        self.objects.pop();
        self.service("apps", "only-slice", &json!({"app": "web"}), &["http"], &alone(two));
        let slice = self.objects.pop();
        self.objects.pop();
        self.objects.extend(slice);
        self.service("kube-system", "nothing", &json!({"app": "api"}), &["http"], &[]);
        self.pod("monitoring", "lone-0", 1, &json!({"app": "api", "tier": ""}), "Running", true);
        self.ingress("apps", "front", &json!({"app": "api"}), true);
        self.ingress("web-1", "site", &json!({"app": "web"}), false);
    }

    fn by_dice(&mut self, dice: &mut Dice, i: usize) {
        let ns = dice.pick(&NAMESPACES);
        let mut backends = Vec::new();
        for p in 0..dice.of(3) {
            let labels = Value::Object(labels(dice));
            let phase = dice.pick(&["Running", "Running", "Succeeded"]);
            backends.push(self.pod(
                ns,
                &format!("pod-{i}-{p}"),
                1 + dice.of(3),
                &labels,
                phase,
                dice.chance(80),
            ));
        }
        let of = Value::Object(labels(dice));
        let ports: &[&str] = if dice.chance(50) { &["http"] } else { &["mxtrics", "metrics"] };
        self.service(ns, &format!("svc-{i}"), &of, ports, &backends);
    }

    fn address(&mut self) -> String {
        self.addresses += 1;
        format!("10.99.{}.{}", 130 + self.slot, self.addresses)
    }

    fn meta(&self, ns: &str, name: &str, labels: &Value) -> Value {
        json!({"name": name, "namespace": renamed(ns, &self.prefix), "labels": labels})
    }

    fn pod(
        &mut self,
        ns: &str,
        name: &str,
        node: usize,
        labels: &Value,
        phase: &str,
        ready: bool,
    ) -> Backend {
        let (ip, node) = (self.address(), format!("node{node}"));
        let mut meta = self.meta(ns, name, labels);
        // The pretended kubelets leave it alone: its status is written here.
        meta["annotations"] = json!({"testbed/state": "pending", "note": "a b"});
        let namespace = meta["namespace"].as_str().unwrap_or("").to_owned();
        let mut containers = vec![json!({"name": "main", "image": "registry.example/main:1", "ports": [
            {"name": "metrics", "containerPort": 8080}, {"name": "http", "containerPort": 80},
        ]})];
        if name.ends_with("-0") {
            containers.push(json!({"name": "sidecar", "image": "side", "ports": [{"containerPort": 9100}]}));
        }
        if name.ends_with("-1") {
            containers.push(json!({"name": "plain", "image": "plain"}));
        }
        self.objects.push(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"nodeName": node, "containers": containers, "terminationGracePeriodSeconds": 0},
        }));
        let condition = if ready { "True" } else { "False" };
        self.statuses.push((
            format!("/api/v1/namespaces/{namespace}/pods/{name}/status"),
            json!({"status": {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": "10.99.1.1", "conditions": [{"type": "Ready", "status": condition}]}}),
        ));
        let target = json!({"kind": "Pod", "name": name, "namespace": namespace});
        Backend { ip, target: Some(target), node: Some(node), ready }
    }

    fn service(&mut self, ns: &str, name: &str, labels: &Value, ports: &[&str], backends: &[Backend]) {
        let number = |port: &str| match port {
            "http" => 80,
            "metrics" => 8080,
            _ => 9999,
        };
        let of_service: Vec<Value> = ports.iter().map(|p| json!({"name": p, "port": number(p)})).collect();
        let meta = self.meta(ns, name, labels);
        self.objects.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": of_service, "clusterIP": "None"}}));
        let mut of_endpoints = labels.clone();
        of_endpoints["endpointslice.kubernetes.io/skip-mirror"] = json!("true");
        let list = |ready: bool| -> Vec<Value> {
            backends.iter().filter(|b| b.ready == ready).map(address).collect()
        };
        let mut subset = json!({"ports": of_service});
        for (key, list) in [("addresses", list(true)), ("notReadyAddresses", list(false))] {
            if !list.is_empty() {
                subset[key] = json!(list);
            }
        }
        let subsets = if backends.is_empty() { json!([]) } else { json!([subset]) };
        self.objects.push(json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": self.meta(ns, name, &of_endpoints), "subsets": subsets}));
        // Large Services have several slices; here those of more than two endpoints have two.
        for (i, part) in backends.chunks(2).enumerate() {
            let of_slice = json!({"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "tests.example"});
            self.objects.push(json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": self.meta(ns, &format!("{name}-{i}"), &of_slice),
                "addressType": "IPv4", "ports": of_service, "endpoints": part.iter().map(endpoint).collect::<Vec<_>>(),
            }));
        }
    }

    fn ingress(&mut self, ns: &str, name: &str, labels: &Value, tls: bool) {
        let host = format!("{name}.example");
        let backend = json!({"service": {"name": "x", "port": {"number": 80}}});
        let path = |path: &str| json!({"path": path, "pathType": "Prefix", "backend": backend});
        let mut spec = json!({"rules": [{"host": host, "http": {"paths": [path("/a"), path("/b")]}}, {"http": {"paths": [path("/")]}}]});
        if tls {
            spec["tls"] = json!([{"hosts": [host]}]);
            spec["ingressClassName"] = json!("own");
        }
        self.objects.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": self.meta(ns, name, labels), "spec": spec}));
    }
}

fn address(b: &Backend) -> Value {
    let mut out = json!({"ip": b.ip});
    if let Some(target) = &b.target {
        out["targetRef"] = target.clone();
    }
    if let Some(node) = &b.node {
        out["nodeName"] = json!(node);
    }
    out
}

fn endpoint(b: &Backend) -> Value {
    let mut out = json!({"addresses": [b.ip], "conditions": {"ready": b.ready, "serving": b.ready, "terminating": false}});
    if let Some(target) = &b.target {
        out["targetRef"] = target.clone();
    }
    if let Some(node) = &b.node {
        out["nodeName"] = json!(node);
        out["zone"] = json!(if node == "node1" { "z1" } else { "z2" });
    }
    out
}
