//! What rollouts of setup leave on the workloads that they roll, so that undo takes it away too.
//!
//! A Deployment keeps the ReplicaSets of its earlier templates, a DaemonSet its ControllerRevisions, and Tigera's operator
//! keeps annotations of a template that it no longer asks for, as it keeps those of others (its `mergeState`): without the
//! port `prometheus.io/scrape` and `prometheus.io/port` stay.

use super::apply::{SetupError, TYPHA_PORT};
use super::hand::Hand;
use super::journal::{Entry, History};
use super::step::{Step, Target};
use crate::facts::workload::env_of;
use serde_json::{Value, json};
use std::time::Duration;
use tortie_cluster::client::{ListOptions, ReadError};
use tortie_cluster::object::{Gvk, Object};
use tortie_cluster::writer::Mode;

/// The field of an Installation that turns Felix' metrics on.
const NODE_PORT: &str = "/spec/nodeMetricsPort";
/// Annotations by which pods ask to be scraped.
const SCRAPE: &str = "prometheus.io/scrape";
const PORT_NOTE: &str = "prometheus.io/port";
/// By which a DaemonSet's pods and revisions belong together.
const HASH: &str = "controller-revision-hash";
/// How long undo waits for an operator and a rollout to follow.
const FOLLOW: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });
/// How long an operator that was told a moment ago may take before it writes what it read.
const ANSWER: Duration = Duration::from_secs(5);
/// Until then, in milliseconds, a step was made a moment ago.
const RECENT: i64 = 60_000;
/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);

/// A workload that is rolled because a metrics port comes or goes.
pub(super) struct Rollout {
    /// The workload.
    pub(super) workload: Target,
    /// Of its variables: `TYPHA` or `FELIX`.
    prefix: &'static str,
    /// The port as its environment says it.
    port: String,
}

/// The rollout that a field brings.
fn rollout(target: &Target, pointer: &str, after: &Value) -> Option<Rollout> {
    let system = |kind, name| Target::new("apps/v1", kind, "calico-system", name);
    let (workload, prefix) = match pointer {
        TYPHA_PORT => (system("Deployment", "calico-typha"), "TYPHA"),
        NODE_PORT => (system("DaemonSet", "calico-node"), "FELIX"),
        p if target.kind == "Deployment" && p.contains("TYPHA_PROMETHEUSMETRICSPORT") => {
            (target.clone(), "TYPHA")
        }
        _ => return None,
    };
    let port = after.as_str().map_or_else(|| after.to_string(), str::to_owned);
    Some(Rollout { workload, prefix, port })
}

/// The rollouts of a step.
pub(super) fn of_step(step: &Step) -> impl Iterator<Item = Rollout> + '_ {
    step.changes.iter().filter_map(|c| rollout(&step.target, &c.pointer, &c.after))
}

/// The rollouts of a step that was made.
fn of_entry(entry: &Entry) -> impl Iterator<Item = Rollout> + '_ {
    entry.fields.iter().filter_map(|f| rollout(&entry.target, &f.pointer, &f.after))
}

impl Rollout {
    /// The kind in which the workload keeps its earlier templates.
    pub(super) fn revisions(&self) -> &'static str {
        if self.workload.kind == "DaemonSet" { "ControllerRevision" } else { "ReplicaSet" }
    }

    /// Whether a workload or one of its revisions has the environment that comes with the port.
    fn carries(&self, object: &Object) -> bool {
        let env = env_of(body(object));
        let variable = |field: &str| env.get(&format!("{}_PROMETHEUSMETRICS{field}", self.prefix));
        variable("ENABLED").is_some() && variable("PORT") == Some(&self.port)
    }

    /// Whether it asks to be scraped at the port.
    fn notes(&self, object: &Object) -> bool {
        body(object).pointer(&place(PORT_NOTE)).and_then(Value::as_str) == Some(&self.port)
    }

    /// Its revisions; none when they may not be read.
    async fn kept(&self, hand: &Hand<'_>) -> Result<Option<Vec<Object>>, SetupError> {
        self.listed(hand, self.revisions()).await.map(|list| {
            let own = |o: &Object| {
                let controller = o.meta.controller();
                controller.is_some_and(|c| c.kind == self.workload.kind && c.name == self.workload.name)
            };
            list.map(|l| l.into_iter().filter(own).collect())
        })
    }

    async fn listed(&self, hand: &Hand<'_>, kind: &str) -> Result<Option<Vec<Object>>, SetupError> {
        let cluster = hand.writer.cluster();
        let group = if kind == "Pod" { "" } else { "apps" };
        let listed = match cluster.resource(&Gvk::new(group, "v1", kind)).await {
            Ok(resource) => {
                let options = ListOptions::labelled(&format!("k8s-app={}", self.workload.name));
                cluster.list(&resource, Some(&self.workload.namespace), &options).await
            }
            Err(e) => Err(e),
        };
        match listed {
            Ok(list) => Ok(Some(list)),
            Err(ReadError::Forbidden { .. } | ReadError::NotFound { .. }) => Ok(None),
            Err(e) => {
                Err(SetupError::Read { what: format!("{kind}s of {}", self.workload.reference()), source: e })
            }
        }
    }

    /// Whether the workload carries the port now; none when it may not be read, as a plan of an earlier version did not ask
    /// for that right.
    async fn carried(&self, hand: &Hand<'_>) -> Result<Option<bool>, SetupError> {
        match hand.get(&self.workload.reference()).await {
            Ok(there) => Ok(Some(there.is_some_and(|o| self.carries(&o)))),
            Err(SetupError::Read { source: ReadError::Forbidden { .. }, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Waits until the workload carries the port, or no more, at most so long.
    async fn awaits(&self, hand: &Hand<'_>, carried: bool, limit: Duration) -> Result<(), SetupError> {
        let mut waited = Duration::ZERO;
        while waited < limit && self.carried(hand).await? == Some(!carried) {
            tokio::time::sleep(EVERY).await;
            waited += EVERY;
        }
        Ok(())
    }
}

/// How a workload stood before a rollout; none when it may not be read.
pub(super) async fn before(hand: &Hand<'_>, rollout: &Rollout) -> Result<Option<History>, SetupError> {
    let Some(kept) = rollout.kept(hand).await? else { return Ok(None) };
    let there = hand.get(&rollout.workload.reference()).await?;
    Ok(Some(History {
        workload: rollout.workload.clone(),
        revisions: kept.into_iter().map(|s| s.meta.uid).collect(),
        annotated: there.is_some_and(|o| o.at(&place(SCRAPE)).is_some()),
    }))
}

/// Whether an operator that was told a moment ago has not come to it yet: what it read then, it may still write.
pub(super) async fn unanswered(hand: &Hand<'_>, entry: &Entry, now: i64) -> Result<bool, SetupError> {
    if now.saturating_sub(entry.at) > RECENT || entry.target.kind != "Installation" {
        return Ok(false);
    }
    for rollout in of_entry(entry) {
        if rollout.carried(hand).await? == Some(false) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits until the operator has taken the environment back, at most [`FOLLOW`]: what it makes of an Installation that it
/// read before would else come again after it was deleted. One that has not answered is first given [`ANSWER`].
pub(super) async fn followed(hand: &Hand<'_>, entry: &Entry, unanswered: bool) -> Result<(), SetupError> {
    for rollout in of_entry(entry) {
        if unanswered {
            rollout.awaits(hand, true, ANSWER).await?;
        }
        rollout.awaits(hand, false, FOLLOW).await?;
    }
    Ok(())
}

/// Takes the annotations away that the operator left on templates, if they are those of our ports.
pub(super) async fn unannotate(hand: &Hand<'_>, entry: &Entry) -> Result<(), SetupError> {
    for rollout in of_entry(entry) {
        let known = entry.rollouts.iter().find(|h| h.workload == rollout.workload);
        let reference = rollout.workload.reference();
        if known.is_none_or(|h| h.annotated) {
            continue;
        }
        let Some(there) = hand.get(&reference).await? else { continue };
        if !rollout.notes(&there) || rollout.carries(&there) {
            continue;
        }
        let mut operations = Vec::new();
        for pointer in [place(SCRAPE), place(PORT_NOTE)] {
            if let Some(value) = there.at(&pointer) {
                operations.push(json!({"op": "test", "path": pointer, "value": value}));
                operations.push(json!({"op": "remove", "path": pointer}));
            }
        }
        match hand.patch(&reference, &operations, Mode::Real).await {
            Ok(_) => {}
            // Changed at this moment, or no right to: it changes nothing that is scraped, and the status tells nothing of it.
            Err(SetupError::Write(e)) if !e.is_open() => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Deletes the revisions that came with the entry and have no pods any more. Gives the names of those that are still in
/// use when [`FOLLOW`] is over.
pub(super) async fn forget(hand: &Hand<'_>, entry: &Entry) -> Result<Vec<String>, SetupError> {
    let mut left = Vec::new();
    for rollout in of_entry(entry) {
        let Some(history) = entry.rollouts.iter().find(|h| h.workload == rollout.workload) else { continue };
        let mut waited = Duration::ZERO;
        loop {
            let in_use = forget_once(hand, &rollout, history).await?;
            if in_use.is_empty() || waited >= FOLLOW {
                left.extend(in_use);
                break;
            }
            tokio::time::sleep(EVERY).await;
            waited += EVERY;
        }
    }
    Ok(left)
}

async fn forget_once(
    hand: &Hand<'_>,
    rollout: &Rollout,
    history: &History,
) -> Result<Vec<String>, SetupError> {
    let Some(kept) = rollout.kept(hand).await? else { return Ok(Vec::new()) };
    let ours = |s: &Object| rollout.carries(s) || (!history.annotated && rollout.notes(s));
    let new = |s: &Object| !history.revisions.contains(&s.meta.uid);
    let came: Vec<Object> = kept.into_iter().filter(|s| new(s) && ours(s)).collect();
    let pods = match rollout.revisions() {
        "ControllerRevision" if !came.is_empty() => rollout.listed(hand, "Pod").await?.unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut in_use = Vec::new();
    for set in came {
        let name = set.reference();
        if used(&set, &pods) {
            in_use.push(name.to_string());
            continue;
        }
        match hand.delete(&name, &set.meta.uid).await {
            Ok(_) => {}
            Err(SetupError::Write(e)) if !e.is_open() => in_use.push(name.to_string()),
            Err(e) => return Err(e),
        }
    }
    Ok(in_use)
}

/// Whether a ReplicaSet has or wants pods, or pods are of a ControllerRevision.
fn used(set: &Object, pods: &[Object]) -> bool {
    let number = |pointer: &str| set.at(pointer).and_then(Value::as_u64).unwrap_or(0);
    let hash = set.meta.labels.get(HASH);
    number("/spec/replicas").max(number("/status/replicas")) > 0
        || hash.is_some() && pods.iter().any(|p| p.meta.labels.get(HASH) == hash)
}

/// Where a workload's fields stand; a ControllerRevision keeps those of its DaemonSet as data.
fn body(object: &Object) -> &Value {
    match object.gvk.kind.as_str() {
        "ControllerRevision" => &object.body["data"],
        _ => &object.body,
    }
}

/// Pointer of an annotation of the pod template.
fn place(annotation: &str) -> String {
    format!("/spec/template/metadata/annotations/{}", annotation.replace('/', "~1"))
}
