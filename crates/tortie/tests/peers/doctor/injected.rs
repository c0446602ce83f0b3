//! A fault of the catalogue made on a real cluster as a person or a process makes it, and everything brought back.

use super::cluster::Cluster;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;
use tortie_sim::catalogue::{Change, Entry, Live, Process, Seen};
use tortie_sim::installs::{Kind, Objects, Options, Stack, set};
use tortie_testbed::{Fault, Where, binary};

/// The two clusters on which faults are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Calico 3.30 of an operator under kube-prometheus-stack.
    Operator,
    /// The same from `calico-typha.yaml`.
    Manifest,
}

/// Faults that a bed would show as something else, with the reason.
const NOT_HERE: &[(&str, &str)] = &[
    ("typha-env-reverted", "made by the write-up's own test, with the older ReplicaSet that it needs"),
    ("operator-namespaces", "the operator's process of a bed does not take its flags from the Deployment"),
    (
        "operator-denies-namespace",
        "the operator's process of a bed does not take its flags from the Deployment",
    ),
    ("no-calico", "a bed without Calico is another cluster"),
    ("enforced-limit-hit", "a Typha of 3.30 sends fewer samples than that"),
    ("felix-slow", "a slow process of a bed is slow once a connection, and Prometheus keeps connections"),
    ("node-label-hidden", "the kube-controllers of a bed shows no blocks of addresses"),
    ("host-port-taken", "pods of a bed bring no process of their own, so nobody takes the port"),
];

/// Where a fault can be made, or why it cannot.
pub(super) fn place(entry: &Entry) -> Result<Place, String> {
    if let Some((_, why)) = NOT_HERE.iter().find(|(name, _)| *name == entry.name) {
        return Err((*why).to_owned());
    }
    if entry.seen == Seen::Paper {
        return Err("told only while no Prometheus can be asked".to_owned());
    }
    if ["T308", "T309"].contains(&entry.check) {
        return Err(
            "policies of a bed act on Calico's pods only, not on nodes and not on Prometheus".to_owned()
        );
    }
    match &entry.live {
        Live::Hand(how) => return Err(format!("not made in this run: {how}")),
        Live::Model(why) => return Err((*why).to_owned()),
        Live::Changes | Live::Process(..) => {}
    }
    let usual = |kind: Kind| {
        let wanted = Options { calico: 30, kind, ..Options::default() };
        let own = &entry.cluster;
        (own.calico, own.kind, &own.stack, own.typha, own.nodes, own.chain)
            == (wanted.calico, wanted.kind, &wanted.stack, wanted.typha, wanted.nodes, wanted.chain)
    };
    let place = if usual(Kind::Operator) {
        Place::Operator
    } else if usual(Kind::Manifest) {
        Place::Manifest
    } else {
        let stack = if matches!(entry.cluster.stack, Stack::KubePrometheusStack { .. }) {
            ""
        } else {
            ", another stack"
        };
        return Err(format!(
            "needs a cluster of its own: Calico 3.{}, {:?}{stack}",
            entry.cluster.calico, entry.cluster.kind
        ));
    };
    let by_hand = entry.by_hand().next().is_some();
    let process = matches!(entry.live, Live::Process(..));
    if !by_hand && !process {
        return Err("all of it follows from something that cannot be made here".to_owned());
    }
    Ok(place)
}

/// What undoes a fault.
#[derive(Debug, Default)]
pub(super) struct Undo {
    before: Vec<Value>,
    added: Vec<Value>,
    process: Option<Where>,
}

/// Makes a fault.
pub(super) fn make(cluster: &Cluster, entry: &Entry) -> Undo {
    let mut undo = Undo::default();
    let model = Objects::of(&entry.cluster);
    for change in entry.by_hand() {
        match change {
            Change::Set { kind, name, pointer, value } => {
                let now = read(cluster, &model, kind, name);
                let mut changed = now.clone();
                undo.before.push(bare(&now));
                set(&mut changed, pointer, of_the_bed(value));
                kubectl(cluster, &["replace", "-f", "-"], &changed);
            }
            Change::Remove { kind, name } => {
                let now = read(cluster, &model, kind, name);
                undo.before.push(bare(&now));
                delete(cluster, &now);
            }
            Change::Add(object) => {
                let mut o = bare(object);
                rename(&mut o);
                faster(&mut o);
                cluster.bed.apply_objects(std::slice::from_ref(&o)).unwrap();
                undo.added.push(o);
            }
            Change::SetAll { kind, prefix, pointer, value } => {
                for object in model.0.iter().filter(|o| o["kind"] == *kind) {
                    let Some(name) = object["metadata"]["name"].as_str().filter(|n| n.starts_with(prefix))
                    else {
                        continue;
                    };
                    let now = read(cluster, &model, kind, name);
                    let mut changed = now.clone();
                    undo.before.push(bare(&now));
                    set(&mut changed, pointer, value.clone());
                    kubectl(cluster, &["replace", "-f", "-"], &changed);
                }
            }
        }
    }
    if let Live::Process(component, node, process) = &entry.live {
        let at = match node {
            Some(node) => Where::Node(*component, format!("node{}", node.trim_start_matches('n'))),
            None => Where::All(*component),
        };
        // The kernel gives an address back a moment after its socket was closed.
        let made =
            cluster.bed.wait("the fault", |_| cluster.fleet.inject(at.clone(), fault(process)).map(Some));
        made.unwrap();
        undo.process = Some(at);
    }
    undo
}

impl Undo {
    /// Makes the process well again and deletes what was added.
    pub(super) fn heal(&self, cluster: &Cluster) {
        if let Some(at) = &self.process {
            let healed = cluster.bed.wait("the fault gone", |_| cluster.fleet.heal(at).map(Some));
            healed.unwrap();
        }
        for object in &self.added {
            delete(cluster, object);
        }
    }

    /// Brings everything back by hand.
    pub(super) fn restore(&self, cluster: &Cluster) {
        self.heal(cluster);
        for object in self.before.iter().rev() {
            delete(cluster, object);
            let made = cluster.bed.apply_objects(std::slice::from_ref(object));
            assert!(made.is_ok(), "{made:?}");
        }
    }
}

fn fault(process: &Process) -> Fault {
    match process {
        Process::Down => Fault::Down,
        Process::Silent => Fault::Silent,
        // Beds scrape ten times as often as the models.
        Process::Late(seconds) => Fault::Slow(Duration::from_millis(seconds * 95)),
        Process::Status(status) => Fault::Status(*status),
        Process::Text(text) => Fault::Text((*text).to_owned()),
        Process::Half => Fault::Half,
        Process::Tls => Fault::Tls,
    }
}

/// What a person writes: without what a server gives.
pub(super) fn bare(object: &Value) -> Value {
    let mut o = object.clone();
    if let Some(meta) = o["metadata"].as_object_mut() {
        for key in
            ["uid", "creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion"]
        {
            meta.remove(key);
        }
    }
    if let Some(all) = o.as_object_mut() {
        all.remove("status");
    }
    o
}

/// A value that names a node by the model's name.
fn of_the_bed(value: &Value) -> Value {
    match value.as_str() {
        _ if value.is_null() => Value::Null,
        None => serde_json::from_str(&value.to_string().replace("\"n2\"", "\"node2\"")).unwrap(),
        Some(_) => value.clone(),
    }
}

/// A bed's nodes are called otherwise than the model's, and it serves the storage's API.
fn rename(o: &mut Value) {
    if let Some(node) = o["metadata"]["name"].as_str().and_then(|n| n.strip_prefix("node.n")) {
        o["metadata"]["name"] = json!(format!("node.node{node}"));
    }
    if let Some(node) = o["spec"]["nodeName"].as_str().and_then(|n| n.strip_prefix('n')) {
        o["spec"]["nodeName"] = json!(format!("node{node}"));
    }
    if o["apiVersion"] == "projectcalico.org/v3" {
        o["apiVersion"] = json!("crd.projectcalico.org/v1");
    }
}

/// Beds scrape every second.
pub(super) fn faster(o: &mut Value) {
    for list in ["endpoints", "podMetricsEndpoints"] {
        if o["spec"][list][0]["interval"] == "15s" {
            o["spec"][list][0]["interval"] = json!("1s");
        }
    }
}

/// `kind.version.group` of an object, as kubectl takes it without a doubt.
fn full_name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    match object["apiVersion"].as_str().unwrap_or_default().split_once('/') {
        Some((group, version)) => format!("{kind}.{version}.{group}"),
        None => kind.to_owned(),
    }
}

fn read(cluster: &Cluster, model: &Objects, kind: &str, name: &str) -> Value {
    let known = model.0.iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    let mut known = known.unwrap_or_else(|| panic!("no {kind} {name} in the model")).clone();
    rename(&mut known);
    let resource = full_name(&known);
    let mut arguments = vec!["get", &resource, name, "-o", "json"];
    if let Some(namespace) = known["metadata"]["namespace"].as_str() {
        arguments.extend(["-n", namespace]);
    }
    serde_json::from_str(&cluster.bed.kubectl_ok(&arguments).unwrap()).unwrap()
}

pub(super) fn kubectl(cluster: &Cluster, arguments: &[&str], object: &Value) {
    let mut command = cluster.bed.command(binary("kubectl").unwrap());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "kubectl {arguments:?}: {said}\n{object}");
}

fn delete(cluster: &Cluster, object: &Value) {
    kubectl(cluster, &["delete", "--ignore-not-found", "--wait=true", "-f", "-"], object);
}

/// Lists of what faults change and what printed commands make or change: path, apiVersion, kind.
const KEPT: [(&str, &str, &str); 9] = [
    ("/apis/monitoring.coreos.com/v1/servicemonitors", "monitoring.coreos.com/v1", "ServiceMonitor"),
    ("/apis/monitoring.coreos.com/v1/podmonitors", "monitoring.coreos.com/v1", "PodMonitor"),
    ("/apis/monitoring.coreos.com/v1/prometheusrules", "monitoring.coreos.com/v1", "PrometheusRule"),
    ("/apis/monitoring.coreos.com/v1/prometheuses", "monitoring.coreos.com/v1", "Prometheus"),
    ("/apis/crd.projectcalico.org/v1/felixconfigurations", "crd.projectcalico.org/v1", "FelixConfiguration"),
    (
        "/apis/crd.projectcalico.org/v1/kubecontrollersconfigurations",
        "crd.projectcalico.org/v1",
        "KubeControllersConfiguration",
    ),
    ("/apis/operator.tigera.io/v1/installations", "operator.tigera.io/v1", "Installation"),
    ("/api/v1/services", "v1", "Service"),
    ("/api/v1/configmaps", "v1", "ConfigMap"),
];

/// The objects of those lists as a person would write them, without those that a controller keeps.
pub(super) fn kept(cluster: &Cluster) -> Vec<Value> {
    let lists = KEPT.iter().flat_map(|(path, version, kind)| {
        let list = cluster.bed.api().list(path).unwrap_or_default();
        list.into_iter().map(move |mut o| {
            o["apiVersion"] = json!(version);
            o["kind"] = json!(kind);
            o
        })
    });
    lists.filter(|o| o["metadata"]["ownerReferences"].is_null()).map(|o| bare(&o)).collect()
}

/// Gives a cluster the objects that it had: what mends a fault need not be what was there before.
pub(super) fn put_back(cluster: &Cluster, before: &[Value]) {
    let key =
        |o: &Value| (o["kind"].clone(), o["metadata"]["namespace"].clone(), o["metadata"]["name"].clone());
    let now = kept(cluster);
    for object in now.iter().filter(|o| !before.iter().any(|b| key(b) == key(o))) {
        delete(cluster, object);
    }
    for old in before {
        match now.iter().find(|o| key(o) == key(old)) {
            Some(same) if same == old => {}
            // Without a resource version it takes the place of whatever is there.
            Some(_) => kubectl(cluster, &["replace", "-f", "-"], old),
            None => drop(cluster.bed.apply_objects(std::slice::from_ref(old)).unwrap()),
        }
    }
}
