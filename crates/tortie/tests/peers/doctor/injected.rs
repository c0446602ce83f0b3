//! A fault of the catalogue made on a real cluster as a person or a process makes it, and everything brought back.

use super::by_hand::{self, Back, When};
use super::cluster::Cluster;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;
use tortie_sim::catalogue::{Change, Entry, Live, Process};
use tortie_sim::installs::{Objects, Stack, set};
use tortie_testbed::{Fault, Where, binary};

/// The clusters on which faults are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Calico 3.30 of an operator under kube-prometheus-stack.
    Operator,
    /// The same from `calico-typha.yaml`.
    Manifest,
    /// Calico 3.33 of an operator, whose own kinds are served natively.
    Newest,
    /// Calico 3.30 of an operator under kube-prometheus.
    KubePrometheus,
}

/// Faults that are made elsewhere than their model is, because they take long or leave no model's objects behind.
const ELSEWHERE: [(&str, Place); 3] = [
    ("left-out-in-silence", Place::Newest),
    ("one-shard-asked", Place::Newest),
    ("reloader-behind", Place::Newest),
];

/// Where a fault can be made, or why it cannot.
pub(super) fn place(entry: &Entry) -> Result<Place, String> {
    if let Live::Model(why) = &entry.live {
        return Err((*why).to_owned());
    }
    if let Some((_, place)) = ELSEWHERE.iter().find(|(name, _)| *name == entry.name) {
        return Ok(*place);
    }
    let own = &entry.cluster;
    match (own.operated(), own.calico, &own.stack) {
        (true, _, Stack::KubePrometheus) => Ok(Place::KubePrometheus),
        (true, 30, Stack::KubePrometheusStack { .. }) => Ok(Place::Operator),
        (true, 33, Stack::KubePrometheusStack { .. }) => Ok(Place::Newest),
        (false, _, Stack::KubePrometheusStack { .. } | Stack::None) => Ok(Place::Manifest),
        _ => Err(format!("no bed has Calico 3.{}, {:?} under {:?}", own.calico, own.kind, own.stack)),
    }
}

/// A fault that was made.
#[derive(Default)]
pub(super) struct Made {
    before: Vec<Value>,
    added: Vec<Value>,
    process: Option<Where>,
    back: Vec<Back>,
    /// Arguments of the doctor that see it.
    pub(super) ask: Vec<String>,
    /// What kubectl shows where the cluster's objects show nothing.
    pub(super) shown: Vec<String>,
}

/// Makes a fault and notes in `made` what takes it back, also when it cannot be made to its end.
pub(super) fn make(cluster: &Cluster, entry: &Entry, made: &mut Made) {
    let hand = by_hand::of(entry.name);
    assert!(
        hand.is_some() || !matches!(entry.live, Live::Hand(_)),
        "{}: nobody says how it is made by hand",
        entry.name
    );
    let when = hand.map(|(when, _)| when);
    let by_hand = |made: &mut Made| {
        let Some((_, hand)) = hand else { return };
        let done = hand(cluster);
        made.back.extend(done.back);
        made.ask.extend(done.ask);
        made.shown.extend(done.shown);
    };
    if when == Some(When::Before) {
        by_hand(made);
    }
    if when != Some(When::Alone) {
        changes(cluster, entry, made);
    }
    if matches!(when, Some(When::After | When::Alone)) {
        by_hand(made);
    }
}

fn changes(cluster: &Cluster, entry: &Entry, made: &mut Made) {
    let model = Objects::of(&entry.cluster);
    for change in entry.by_hand() {
        match change {
            Change::Set { kind, name, pointer, value } => {
                let now = read(cluster, &model, kind, name);
                let mut changed = now.clone();
                made.before.push(bare(&now));
                set(&mut changed, pointer, of_the_bed(value));
                over(cluster, &now, &changed);
            }
            Change::Remove { kind, name } => {
                let now = read(cluster, &model, kind, name);
                made.before.push(bare(&now));
                delete(cluster, &now);
            }
            Change::Add(object) => {
                let mut o = of_the_bed(&bare(object));
                group_of_the_bed(cluster, &mut o);
                faster(&mut o);
                cluster.bed.apply_objects(std::slice::from_ref(&o)).unwrap();
                made.added.push(o);
            }
            Change::SetAll { kind, prefix, pointer, value } => {
                for object in model.0.iter().filter(|o| o["kind"] == *kind) {
                    let Some(name) = object["metadata"]["name"].as_str().filter(|n| n.starts_with(prefix))
                    else {
                        continue;
                    };
                    let now = read(cluster, &model, kind, name);
                    let mut changed = now.clone();
                    made.before.push(bare(&now));
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
        let done =
            cluster.bed.wait("the fault", |_| cluster.fleet.inject(at.clone(), fault(process)).map(Some));
        done.unwrap();
        made.process = Some(at);
    }
}

impl Made {
    /// Makes processes well again, takes back what a hand did, and deletes what was added.
    pub(super) fn heal(&mut self, cluster: &Cluster) {
        if let Some(at) = self.process.take() {
            let healed = cluster.bed.wait("the fault gone", |_| cluster.fleet.heal(&at).map(Some));
            healed.unwrap();
        }
        for back in self.back.drain(..).rev() {
            back(cluster);
        }
        for object in self.added.drain(..) {
            delete(cluster, &object);
        }
    }

    /// Brings everything back by hand.
    pub(super) fn restore(&mut self, cluster: &Cluster) {
        self.heal(cluster);
        for object in self.before.drain(..).rev() {
            replace(cluster, &object);
        }
    }
}

/// Puts an object in the place of the one of its name, which may be gone.
pub(super) fn replace(cluster: &Cluster, object: &Value) {
    match tortie_testbed::path_of(object).and_then(|p| cluster.bed.api().find(&p)).unwrap() {
        // Without a resource version it takes the place of whatever is there.
        Some(now) => over(cluster, &now, object),
        None => drop(cluster.bed.apply_objects(std::slice::from_ref(object)).unwrap()),
    }
}

/// Writes an object over what is there. The address of a Service is for good: it is made anew.
fn over(cluster: &Cluster, now: &Value, object: &Value) {
    if now["spec"]["clusterIP"] == object["spec"]["clusterIP"] {
        // Without a resource version, for operators write beside it.
        let mut same = object.clone();
        if let Some(meta) = same["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
        }
        return kubectl(cluster, &["replace", "-f", "-"], &same);
    }
    let mut anew = bare(object);
    if let Some(spec) = anew["spec"].as_object_mut() {
        spec.remove("clusterIPs");
    }
    kubectl(cluster, &["replace", "--force", "-f", "-"], &anew);
}

fn fault(process: &Process) -> Fault {
    match process {
        Process::Down => Fault::Down,
        Process::Silent => Fault::Silent,
        // The monitor of a slow process scrapes every three seconds here, every ten in the models.
        Process::Late(seconds) => Fault::Slow(Duration::from_millis(seconds * 300)),
        Process::Status(status) => Fault::Status(*status),
        Process::Text(text) => Fault::Text((*text).to_owned()),
        Process::Half => Fault::Half,
        Process::Tls => Fault::Tls,
        Process::Expired => Fault::Expired,
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

/// The same with the nodes called as on a bed: `n2` is `node2`.
fn of_the_bed(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let rest = text.strip_prefix("node.").unwrap_or(text);
            let node =
                rest.strip_prefix('n').filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
            let kept = if rest.len() < text.len() { "node." } else { "" };
            node.map_or_else(|| value.clone(), |digits| json!(format!("{kept}node{digits}")))
        }
        Value::Array(all) => all.iter().map(of_the_bed).collect(),
        Value::Object(all) => all.iter().map(|(k, v)| (k.clone(), of_the_bed(v))).collect(),
        other => other.clone(),
    }
}

/// A bed without the native kinds serves the storage's API alone.
fn group_of_the_bed(cluster: &Cluster, o: &mut Value) {
    if o["apiVersion"] == "projectcalico.org/v3" {
        o["apiVersion"] = json!(cluster.group);
    }
}

/// Beds scrape every second; what holds one sample of fifteen seconds is as short.
pub(super) fn faster(o: &mut Value) {
    if o["kind"] == "ConfigMap" {
        for (_, text) in o["data"].as_object_mut().into_iter().flatten() {
            *text = json!(text.as_str().unwrap_or_default().replace("[15s]", "[1s]"));
        }
    }
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
    group_of_the_bed(cluster, &mut known);
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

/// Lists of what faults change and what printed commands make or change; those of Calico's own group are marked.
const KEPT: [(&str, &str, &str); 17] = [
    ("monitoring.coreos.com/v1", "servicemonitors", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "podmonitors", "PodMonitor"),
    ("monitoring.coreos.com/v1", "prometheusrules", "PrometheusRule"),
    ("monitoring.coreos.com/v1", "prometheuses", "Prometheus"),
    ("monitoring.coreos.com/v1", "alertmanagers", "Alertmanager"),
    ("calico", "felixconfigurations", "FelixConfiguration"),
    ("calico", "kubecontrollersconfigurations", "KubeControllersConfiguration"),
    ("calico", "networkpolicies", "NetworkPolicy"),
    ("calico", "tiers", "Tier"),
    ("operator.tigera.io/v1", "installations", "Installation"),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "roles", "Role"),
    ("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
    ("v1", "services", "Service"),
    ("v1", "configmaps", "ConfigMap"),
    ("v1", "namespaces", "Namespace"),
];

/// The objects of those lists as a person would write them, without those that a controller keeps or makes.
pub(super) fn kept(cluster: &Cluster) -> Vec<Value> {
    let lists = KEPT.iter().flat_map(|(group, plural, kind)| {
        let version = if *group == "calico" { cluster.group } else { group };
        let root = if version.contains('/') { "apis" } else { "api" };
        let list = cluster.bed.api().list(&format!("/{root}/{version}/{plural}")).unwrap_or_default();
        list.into_iter().map(move |mut o| {
            o["apiVersion"] = json!(version);
            o["kind"] = json!(kind);
            o
        })
    });
    let made = |o: &Value| {
        let name = o["metadata"]["name"].as_str().unwrap_or_default();
        name.starts_with("system:") || name == "kube-root-ca.crt" || name.starts_with("limited-")
    };
    lists.filter(|o| o["metadata"]["ownerReferences"].is_null() && !made(o)).map(|o| bare(&o)).collect()
}

/// Gives a cluster the objects that it had: what mends a fault need not be what was there before. Whether there was
/// something to give.
pub(super) fn put_back(cluster: &Cluster, before: &[Value]) -> bool {
    let key = |o: &Value| {
        (
            o["apiVersion"].clone(),
            o["kind"].clone(),
            o["metadata"]["namespace"].clone(),
            o["metadata"]["name"].clone(),
        )
    };
    let now = kept(cluster);
    let mut given = false;
    for object in now.iter().filter(|o| !before.iter().any(|b| key(b) == key(o))) {
        delete(cluster, object);
        given = true;
    }
    for old in before {
        if now.iter().any(|o| o == old) {
            continue;
        }
        replace(cluster, old);
        given = true;
    }
    given
}
