//! The demo's cluster: an API server in this process that holds what an operator's Calico and kube-prometheus-stack leave
//! behind, under the names and addresses of the simulated fleet. Faults of the catalogue are changes to it.

use super::names::Names;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tortie_host::{Clock, Fs, RealFs};
use tortie_sim::SimTarget;
use tortie_sim::catalogue::{self, Change, Entry, Seen};
use tortie_sim::installs::{Kind, Objects, Options, Stack, object};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

/// The context of the demo's kubeconfig.
pub(super) const CONTEXT: &str = "tortie-demo";
/// Calico's version in the demo, as (major, minor).
pub(super) const CALICO: (u16, u16) = (3, 30);
/// The catalogue speaks of a cluster of so many nodes.
const NODES: usize = 3;

/// Faults that the doctor does not tell while samples arrive, as they do in the demo.
const UNTOLD: &[&str] = &["second-service"];

/// The name of an object: kind, namespace, name.
pub(super) type Key = (String, String, String);

/// The cluster.
pub(super) struct DemoCluster {
    pub(super) kube: KubeServer,
    /// Where its Alertmanager listens.
    pub(super) alertmanager: SocketAddr,
    names: Names,
    options: Options,
    faults: Vec<Entry>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    on: BTreeSet<&'static str>,
    /// `spec` of every object as it was put there by the demo; what differs was written by somebody else.
    placed: BTreeMap<Key, Value>,
}

impl DemoCluster {
    /// Starts the API server and fills it.
    ///
    /// # Errors
    /// When no port can be had.
    pub(super) async fn start(
        targets: &[SimTarget],
        nodes: usize,
        alertmanager: SocketAddr,
        clock: Arc<dyn Clock>,
    ) -> Result<DemoCluster, String> {
        let kube = KubeServer::start(KubeOptions {
            clock,
            // kubectl sends no token over plain HTTP, and this cluster is nobody's.
            anonymous: Some(User::administrator("demo")),
            ..KubeOptions::monitored(CalicoApi::Aggregated)
        })
        .await
        .map_err(|e| e.to_string())?;
        let options = Options { calico: u32::from(CALICO.1), nodes, ..Options::default() };
        let names = Names::of(&options, targets);
        let offered = |e: &Entry| nodes == NODES && e.seen == Seen::Objects && same(&e.cluster, &options);
        let shown = |e: &Entry| !e.changes.is_empty() && !UNTOLD.contains(&e.name);
        let faults = catalogue::all().into_iter().filter(|e| offered(e) && shown(e)).collect();
        let cluster = DemoCluster { kube, alertmanager, names, options, faults, state: Mutex::default() };
        let objects = cluster.model(&BTreeSet::new())?;
        cluster.put(&mut cluster.state(), objects.values());
        Ok(cluster)
    }

    /// Writes a kubeconfig for it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write_kubeconfig(&self, file: &Path) -> Result<(), String> {
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": {"server": self.kube.url()}}],
            "users": [{"name": CONTEXT, "user": {}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        });
        let written = file.parent().map_or(Ok(()), |dir| RealFs.create_dir_all(dir));
        written
            .and_then(|()| RealFs.write_atomic(file, format!("{text:#}\n").as_bytes()))
            .map_err(|e| format!("{}: {e}", file.display()))
    }

    /// The faults of the catalogue that can be put into this cluster, and whether each is in force.
    pub(super) fn faults(&self) -> Vec<(&Entry, bool)> {
        let state = self.state();
        self.faults.iter().map(|e| (e, state.on.contains(e.name))).collect()
    }

    /// Why the list of faults has none of the catalogue, when that is so.
    pub(super) fn why_no_faults(&self) -> Option<String> {
        self.faults
            .is_empty()
            .then(|| format!("faults in the cluster's objects are there with --nodes {NODES} only"))
    }

    /// Puts a fault in or takes it away; false when there is none of this name.
    ///
    /// # Errors
    /// When it does not go together with those that are in force.
    pub(super) fn switch(&self, name: &str, on: bool) -> Result<bool, String> {
        let Some(entry) = self.faults.iter().find(|e| e.name == name) else { return Ok(false) };
        let mut state = self.state();
        let before = state.on.clone();
        let mut after = before.clone();
        if on {
            after.insert(entry.name)
        } else {
            after.remove(entry.name)
        };
        if before == after && !(on || before.is_empty()) {
            return Ok(true);
        }
        let (old, new) = (self.model(&before)?, self.model(&after)?);
        // What was mended by hand meanwhile is put right as well: the fault's own objects are written in any case.
        let own = self.model(&BTreeSet::from([entry.name]))?;
        let healthy = self.model(&BTreeSet::new())?;
        let touched = |k: &Key| old.get(k) != new.get(k) || own.get(k) != healthy.get(k);
        let gone: Vec<&Value> = old
            .iter()
            .chain(&own)
            .filter(|(k, _)| touched(k) && !new.contains_key(*k))
            .map(|(_, v)| v)
            .collect();
        for object in gone {
            self.kube.remove(object);
            state.placed.remove(&key(object));
        }
        self.put(&mut state, new.iter().filter(|(k, _)| touched(k)).map(|(_, v)| v));
        state.on = after;
        Ok(true)
    }

    /// Takes faults off the list whose objects somebody else has changed since: they are mended, or something else by now.
    pub(super) fn forget_mended(&self) {
        let healthy = self.healthy();
        let live: BTreeMap<Key, Value> = self.kube.everything().into_iter().map(|o| (key(&o), o)).collect();
        let mut state = self.state();
        let State { on, placed } = &mut *state;
        on.retain(|name| {
            let Ok(broken) = self.model(&BTreeSet::from([*name])) else { return true };
            let as_broken = |k: &Key| match (placed.get(k), live.get(k)) {
                (Some(spec), Some(object)) => *spec == object["spec"],
                (None, None) => true,
                _ => false,
            };
            let own = broken.keys().chain(healthy.keys()).filter(|k| broken.get(*k) != healthy.get(*k));
            own.into_iter().all(as_broken)
        });
    }

    /// The objects of the healthy cluster, by name.
    pub(super) fn healthy(&self) -> BTreeMap<Key, Value> {
        self.model(&BTreeSet::new()).unwrap_or_default()
    }

    /// Whether somebody else wrote this object's specification since the demo put it there, or made the object.
    pub(super) fn changed_by_others(&self, object: &Value) -> bool {
        self.state().placed.get(&key(object)).is_none_or(|spec| *spec != object["spec"])
    }

    /// Puts objects there in the name of those that keep them.
    pub(super) fn place(&self, object: &Value) {
        self.kube.place(object);
    }

    fn put<'a>(&self, state: &mut State, objects: impl Iterator<Item = &'a Value>) {
        for object in objects {
            if !self.kube.place(object) {
                tracing::error!(component = "demo", kind = %object["kind"], "BUG: a kind that the demo's API server does not serve");
            }
            state.placed.insert(key(object), object["spec"].clone());
        }
    }

    /// The cluster with these faults in it.
    fn model(&self, on: &BTreeSet<&'static str>) -> Result<BTreeMap<Key, Value>, String> {
        let mut objects = Objects::of(&self.options);
        // The cluster has EndpointSlices and no Endpoints, as clusters will have; its Prometheus looks there.
        for prometheus in objects.0.iter_mut().filter(|o| o["kind"] == "Prometheus") {
            prometheus["spec"]["serviceDiscoveryRole"] = json!("EndpointSlice");
        }
        for entry in self.faults.iter().filter(|e| on.contains(e.name)) {
            let fits = entry.changes.iter().all(|c| stands(c, &objects))
                && catch_unwind(AssertUnwindSafe(|| entry.changes.iter().for_each(|c| c.make(&mut objects))))
                    .is_ok();
            if !fits {
                return Err(format!(
                    "{} does not go together with what is broken already\nhint: `tortie demo heal` what `tortie demo faults` marks",
                    entry.name
                ));
            }
        }
        let mut out = BTreeMap::new();
        objects.0.extend(dashboards());
        for mut object in self.names.renamed(objects.0) {
            disown(&mut object);
            out.insert(key(&object), object);
        }
        Ok(out)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bundled dashboards, where the stack's Grafana takes them from.
fn dashboards() -> Vec<Value> {
    let one = |d: &tortie_calico::dashboards::Dashboard| {
        let name = d.uid.trim_start_matches("tortie-");
        let mut o = object("v1", "ConfigMap", "monitoring", &format!("calico-dashboard-{name}"), Value::Null);
        o["metadata"]["labels"] = json!({"grafana_dashboard": "1"});
        o["data"] = json!({format!("{name}.json"): d.json});
        o
    };
    tortie_calico::dashboards::all().iter().map(one).collect()
}

/// Takes fields that are not there from those that were said to keep them, as the API server does when a field goes.
fn disown(object: &mut Value) {
    let there: BTreeSet<String> =
        object["spec"].as_object().into_iter().flatten().map(|(k, _)| format!("f:{k}")).collect();
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        if let Some(fields) = entry.pointer_mut("/fieldsV1/f:spec").and_then(Value::as_object_mut) {
            fields.retain(|k, _| there.contains(k));
        }
    }
}

/// Whether what a change speaks of is there.
fn stands(change: &Change, objects: &Objects) -> bool {
    let there =
        |kind: &str, name: &str| objects.0.iter().any(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    match change {
        Change::Set { kind, name, .. } | Change::Remove { kind, name } => there(kind, name),
        _ => true,
    }
}

/// Whether a fault of the catalogue happens in a cluster like the demo's.
fn same(a: &Options, b: &Options) -> bool {
    let stack = |o: &Options| match &o.stack {
        Stack::KubePrometheusStack { release } => release.clone(),
        other => format!("{other:?}"),
    };
    a.calico == b.calico
        && a.kind == Kind::Operator
        && a.nodes == b.nodes
        && a.chain == b.chain
        && a.has_typha() == b.has_typha()
        && stack(a) == stack(b)
}

/// The name of an object.
pub(super) fn key(object: &Value) -> Key {
    let text = |p: &str| object.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    // The same kind may be written in two groups (projectcalico.org); it is one object.
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}
