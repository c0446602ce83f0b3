//! What runs in a cluster: Services, their Endpoints and EndpointSlices, pods, nodes, Ingresses.

use super::dice::Dice;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::watch::{
    EndpointSlice, Endpoints, Ingress, Job, Namespace, Node, Pod, ReplicaSet, Service,
};
use tortie_discovery::TargetGroup;
use tortie_discovery::kubernetes::groups::{self, Around, AttachMetadata};

/// The objects of a cluster as discovery reads them.
#[derive(Default)]
pub(crate) struct World {
    services: BTreeMap<String, Arc<Service>>,
    pods: BTreeMap<String, Arc<Pod>>,
    nodes: BTreeMap<String, Arc<Node>>,
    endpoints: Vec<Endpoints>,
    slices: Vec<EndpointSlice>,
    ingresses: Vec<Ingress>,
}

fn read<T: DeserializeOwned>(v: Value) -> T {
    serde_json::from_value(v).unwrap()
}

impl World {
    /// The cluster of number `n` with so many Services.
    pub(crate) fn new(n: u64, services: usize) -> World {
        let mut dice = Dice::new(n ^ 0xabcd);
        let mut world = World::default();
        for i in 0..4 {
            let zone = dice.pick(&["z1", "z2"]);
            let node = json!({
                "metadata": {"name": format!("node-{i}"), "labels": {"topology.kubernetes.io/zone": zone}},
                "status": {"addresses": [{"type": "InternalIP", "address": format!("10.0.0.{i}")}]},
            });
            world.nodes.insert(format!("node-{i}"), Arc::new(read(node)));
        }
        for i in 0..services {
            world.add(&mut dice, i);
        }
        world
    }

    fn add(&mut self, dice: &mut Dice, i: usize) {
        let ns = dice.pick(&super::NAMESPACES);
        let name = format!("svc-{i}");
        let labels = labels(dice);
        let ports = json!([
            {"name": dice.pick(&["http", "metrics", "mXtrics"]), "port": 80, "protocol": "TCP"},
            {"name": "dns", "port": 53, "protocol": "UDP"},
        ]);
        let service = json!({"metadata": {"name": name, "namespace": ns, "labels": labels}, "spec": {"ports": ports, "type": "ClusterIP", "clusterIP": "10.1.1.1"}});
        let mut endpoints = Vec::new();
        let mut addresses = Vec::new();
        for p in 0..dice.of(4) {
            let pod = format!("pod-{i}-{p}");
            let node = format!("node-{}", dice.of(4));
            let ip = format!("10.2.{}.{}", i % 250, p + 10 * (i / 250));
            self.pods.insert(format!("{ns}/{pod}"), Arc::new(read(pod_json(dice, ns, &pod, &node, &ip))));
            let target = json!({"kind": "Pod", "name": pod, "namespace": ns});
            endpoints.push(json!({"addresses": [ip], "conditions": {"ready": dice.chance(80)}, "nodeName": node, "zone": "z1", "targetRef": target}));
            addresses.push(json!({"ip": ip, "nodeName": node, "targetRef": target}));
        }
        if dice.chance(10) {
            endpoints
                .push(json!({"addresses": ["10.0.0.1"], "targetRef": {"kind": "Node", "name": "node-1"}}));
            addresses.push(json!({"ip": "10.0.0.1", "targetRef": {"kind": "Node", "name": "node-1"}}));
        }
        let of_service = json!({"kubernetes.io/service-name": name});
        self.slices.push(read(json!({"metadata": {"name": format!("{name}-abc"), "namespace": ns, "labels": of_service}, "addressType": "IPv4", "ports": ports, "endpoints": endpoints})));
        self.endpoints.push(read(json!({"metadata": {"name": name, "namespace": ns}, "subsets": [{"ports": ports, "addresses": addresses}]})));
        // Some Endpoints have no Service.
        if !dice.chance(5) {
            self.services.insert(format!("{ns}/{name}"), Arc::new(read(service)));
        }
        if dice.chance(20) {
            self.ingresses.push(read(json!({
                "metadata": {"name": name, "namespace": ns, "labels": labels},
                "spec": {"rules": [{"host": format!("{name}.example"), "http": {"paths": [{"path": "/a"}, {"path": "/b"}]}}]},
            })));
        }
    }

    /// All groups of a role.
    pub(crate) fn groups(&self, role: &str, node: bool) -> Vec<TargetGroup> {
        let attach = AttachMetadata { node, ..AttachMetadata::default() };
        match role {
            "endpoints" => self.endpoints.iter().map(|e| groups::endpoints(e, self, attach)).collect(),
            "endpointslice" => self.slices.iter().map(|s| groups::slice(s, self, attach)).collect(),
            "pod" => self.pods.values().map(|p| groups::pod(p, self, attach)).collect(),
            "ingress" => self.ingresses.iter().map(|i| groups::ingress(i, self, attach)).collect(),
            "service" => self.services.values().map(|s| groups::service(s, self, attach)).collect(),
            "node" => self.nodes.values().filter_map(|n| groups::node(n)).collect(),
            other => panic!("role {other}"),
        }
    }
}

impl Around for World {
    fn service(&self, key: &str) -> Option<Arc<Service>> {
        self.services.get(key).cloned()
    }
    fn pod(&self, key: &str) -> Option<Arc<Pod>> {
        self.pods.get(key).cloned()
    }
    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.nodes.get(name).cloned()
    }
    fn namespace(&self, _: &str) -> Option<Arc<Namespace>> {
        None
    }
    fn replica_set(&self, _: &str) -> Option<Arc<ReplicaSet>> {
        None
    }
    fn job(&self, _: &str) -> Option<Arc<Job>> {
        None
    }
}

/// Labels of a Service, a pod or an Ingress, among them those that monitors select.
pub(crate) fn labels(dice: &mut Dice) -> Map<String, Value> {
    let mut out = Map::new();
    dice.maybe(80, &mut out, "app", |d| json!(d.pick(&["api", "web", "db", "abc"])));
    dice.maybe(60, &mut out, "tier", |d| json!(d.pick(&["front", "back", ""])));
    dice.maybe(40, &mut out, "app.kubernetes.io/name", |d| json!(d.pick(&["db", "x"])));
    dice.maybe(30, &mut out, "k8s-app", |d| json!(d.pick(&["calico.node", "calico-node"])));
    dice.maybe(10, &mut out, "canary", |_| json!("yes"));
    out
}

fn pod_json(dice: &mut Dice, ns: &str, name: &str, node: &str, ip: &str) -> Value {
    let mut containers = vec![json!({
        "name": "main",
        "ports": [{"name": "metrics", "containerPort": 8080, "protocol": "TCP"}, {"name": "http", "containerPort": 80}],
    })];
    if dice.chance(40) {
        containers.push(json!({"name": "sidecar", "ports": [{"containerPort": 9100}]}));
    }
    if dice.chance(20) {
        containers.push(json!({"name": "plain"}));
    }
    json!({
        "metadata": {"name": name, "namespace": ns, "labels": labels(dice), "uid": name},
        "spec": {"nodeName": node, "containers": containers},
        "status": {"phase": dice.pick(&["Running", "Running", "Running", "Succeeded", "Failed"]), "podIP": ip, "hostIP": "10.0.0.9"},
    })
}
