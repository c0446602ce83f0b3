//! An empty monitored cluster, `tortie` beside it, and all that the API server keeps, to be compared.

use crate::doctor::cluster::Cluster;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tortie_testbed::{AuditEvent, Output};

/// Kinds that come and go by themselves, or belong to the bed.
const RESTLESS: [&str; 9] = [
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "pods",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "portforwards.kwok.x-k8s.io",
    "componentstatuses",
    "controllerrevisions.apps",
];

/// Prometheus of the stack.
const PROMETHEUS: &str = "prometheus-kube-prometheus-prometheus";

/// A cluster, of which one runs at a time.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    /// Released last.
    _turn: MutexGuard<'static, ()>,
}

/// Everything that the API server keeps, by kind, namespace and name.
pub(super) type Dump = BTreeMap<String, Value>;

impl Stage {
    /// An empty monitored cluster with Calico `3.minor`, scraped every second; `real` takes Tigera's operator, which is 3.29's.
    pub(super) fn start(minor: u16, real: bool) -> Stage {
        let turn = Stage::turn();
        Stage::of(turn, Cluster::start(minor, real))
    }

    /// The same where Calico comes from a manifest, with Typha.
    pub(super) fn from_manifest(minor: u16) -> Stage {
        let turn = Stage::turn();
        Stage::of(turn, Cluster::from_manifest(minor))
    }

    fn turn() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(turn: MutexGuard<'static, ()>, cluster: Cluster) -> Stage {
        let path = format!("/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/{PROMETHEUS}");
        cluster.bed.api().merge(&path, &json!({"spec": {"scrapeInterval": "1s"}}), "helm").unwrap();
        Stage { cluster, _turn: turn }
    }

    /// tortie as somebody with a kubeconfig of their own.
    fn command(&self, kubeconfig: &str, args: &[&str]) -> Command {
        let bed = &self.cluster.bed;
        let mut command = bed.command(env!("CARGO_BIN_EXE_tortie"));
        command.args(args).env("COLUMNS", "100").stdin(Stdio::null());
        command.env("XDG_STATE_HOME", bed.folder().join("state"));
        command.env("KUBECONFIG", bed.folder().join(format!("{kubeconfig}.kubeconfig")));
        command
    }

    /// Runs tortie as somebody with a kubeconfig of their own.
    pub(super) fn tortie_as(&self, kubeconfig: &str, args: &[&str]) -> Output {
        self.command(kubeconfig, args).output().unwrap().into()
    }

    /// Runs tortie as administrator and does something at each line on standard error, of which all is given.
    #[track_caller]
    pub(super) fn tortie_watched(&self, args: &[&str], exit: i32, act: impl Fn(&str)) -> String {
        let mut child =
            self.command("admin", args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut told = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
            act(&line);
            told.push_str(&line);
            told.push('\n');
        }
        assert_eq!(child.wait().unwrap().code(), Some(exit), "{told}");
        told
    }

    /// Runs tortie as administrator.
    pub(super) fn tortie(&self, args: &[&str]) -> Output {
        self.tortie_as("admin", args)
    }

    /// Runs tortie and gives what it printed when it ended with `exit`.
    #[track_caller]
    pub(super) fn ends_as(&self, kubeconfig: &str, args: &[&str], exit: i32) -> String {
        let out = self.tortie_as(kubeconfig, args);
        assert_eq!(out.status, Some(exit), "{args:?}:\n{}", out.both());
        out.both()
    }

    /// The same as administrator.
    #[track_caller]
    pub(super) fn tortie_ends(&self, args: &[&str], exit: i32) -> String {
        self.ends_as("admin", args, exit)
    }

    /// A file in the bed's folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.cluster.bed.folder().join(name)
    }

    /// Where the real Prometheus answers.
    pub(super) fn prometheus(&self) -> SocketAddr {
        let pod = format!("/api/v1/namespaces/monitoring/pods/prometheus-{PROMETHEUS}-0");
        let pod = self.cluster.bed.api().get(&pod).unwrap();
        format!("{}:9090", pod["status"]["podIP"].as_str().unwrap()).parse().unwrap()
    }

    /// `NAMESPACE/NAME` of the targets that are up in the real Prometheus, counted by scrape pool.
    pub(super) fn up(&self) -> BTreeMap<String, usize> {
        let targets = self.cluster.bed.prometheus(self.prometheus(), "/api/v1/targets?state=active").unwrap();
        let mut out = BTreeMap::new();
        for target in targets["activeTargets"].as_array().unwrap().iter().filter(|t| t["health"] == "up") {
            *out.entry(target["scrapePool"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        out
    }

    /// What the audit log says that `user` wrote since `mark`, dry runs and reviews left out.
    pub(super) fn written_since(&self, user: &str, mark: u64) -> Vec<AuditEvent> {
        let (events, _) = self.cluster.bed.audit_events_since(mark).unwrap();
        let real = |e: &AuditEvent| e.user == user && !e.is_read() && !e.uri.contains("dryRun=All");
        events.into_iter().filter(|e| real(e) && e.resource != "pods/portforward").collect()
    }

    /// The audit log as it is now.
    pub(super) fn mark(&self) -> u64 {
        self.cluster.bed.audit_events_since(0).unwrap().1
    }

    /// Everything, without what each write moves: versions, times, and what controllers report.
    pub(super) fn dump(&self) -> Dump {
        let kinds = self.cluster.bed.kubectl_ok(&["api-resources", "--verbs=list", "-o", "name"]).unwrap();
        let kinds: Vec<&str> = kinds.lines().filter(|k| !RESTLESS.contains(k)).collect();
        self.dump_of(&kinds.join(","))
    }

    /// The same of some kinds.
    pub(super) fn dump_of(&self, kinds: &str) -> Dump {
        let list = ["get", kinds, "-A", "-o", "json", "--show-managed-fields"];
        let list: Value = serde_json::from_str(&self.cluster.bed.kubectl_ok(&list).unwrap()).unwrap();
        let mut out = Dump::new();
        for mut object in list["items"].as_array().unwrap().iter().cloned() {
            let meta = &object["metadata"];
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let (kind, group) = (text(&object["kind"]), text(&object["apiVersion"]));
            let key = format!("{kind} {group} {}/{}", text(&meta["namespace"]), text(&meta["name"]));
            settle(&mut object);
            out.insert(key, object);
        }
        out
    }

    /// Says how long something took.
    pub(super) fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
        let begin = std::time::Instant::now();
        let out = work();
        println!("{what}: {:.1?}", begin.elapsed());
        out
    }

    /// Waits until the cluster is as in `before`, and tells the differences when it does not become so.
    #[track_caller]
    pub(super) fn becomes(&self, before: &Dump) {
        self.settles(before, || self.dump());
    }

    /// The same with a look of one's own.
    #[track_caller]
    pub(super) fn settles(&self, before: &Dump, look: impl Fn() -> Dump) {
        let mut last = Vec::new();
        let ended = self.cluster.bed.wait("the cluster as before", |_| {
            last = differences(before, &look());
            Ok(last.is_empty().then_some(()))
        });
        assert!(ended.is_ok(), "differences:\n{}", last.join("\n"));
    }
}

/// Takes away what every write moves, and what controllers count.
fn settle(object: &mut Value) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let map = object.as_object_mut().unwrap();
    map.remove("status");
    let meta = map["metadata"].as_object_mut().unwrap();
    for key in ["resourceVersion", "generation"] {
        meta.remove(key);
    }
    if let Some(Value::Object(notes)) = meta.get_mut("annotations") {
        // A Deployment and a DaemonSet number their rollouts, also the one back.
        let counts = ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"];
        notes.retain(|k, _| !counts.iter().any(|c| k.starts_with(c)));
        if notes.is_empty() {
            meta.remove("annotations");
        }
    }
    if ["ReplicaSet", "StatefulSet", "DaemonSet"].contains(&kind.as_str()) {
        meta.remove("managedFields");
    }
    let Some(Value::Array(managers)) = meta.get_mut("managedFields") else { return };
    managers.retain(|m| m["subresource"].is_null());
    for manager in managers.iter_mut() {
        manager.as_object_mut().unwrap().remove("time");
        strip_revision(manager);
    }
    managers.sort_by_key(Value::to_string);
}

/// The annotations of [`settle`] among the fields of a manager.
fn strip_revision(fields: &mut Value) {
    if let Value::Object(map) = fields {
        map.retain(|k, _| !k.starts_with("f:deployment.kubernetes.io/revision"));
        map.values_mut().for_each(strip_revision);
    }
}

/// What is more, less or other.
fn differences(before: &Dump, after: &Dump) -> Vec<String> {
    let mut out = Vec::new();
    for (key, was) in before {
        match after.get(key) {
            None => out.push(format!("gone: {key}")),
            Some(is) => {
                places(was, is, "", &mut |place, a, b| out.push(format!("{key} {place}: {a} -> {b}")))
            }
        }
    }
    out.extend(after.keys().filter(|k| !before.contains_key(*k)).map(|k| format!("more: {k}")));
    out
}

fn places(was: &Value, is: &Value, at: &str, told: &mut dyn FnMut(&str, &Value, &Value)) {
    match (was, is) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let of = |m: &Map<String, Value>| m.get(key).cloned().unwrap_or(Value::Null);
                places(&of(a), &of(b), &format!("{at}/{key}"), told);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                places(a, b, &format!("{at}/{i}"), told);
            }
        }
        _ if was == is => {}
        _ => told(at, was, is),
    }
}
