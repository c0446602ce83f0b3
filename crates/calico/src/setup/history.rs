//! What a rollout of setup leaves on Typha's Deployment, so that undo takes it away too.
//!
//! A Deployment keeps the ReplicaSets of its earlier templates (`revisionHistoryLimit`), and Tigera's operator keeps
//! annotations of the template that it no longer asks for, as it keeps those of others (its `mergeState`): without the port
//! `prometheus.io/scrape` and `prometheus.io/port` stay.

use super::apply::{SetupError, TYPHA_PORT};
use super::hand::Hand;
use super::journal::{Entry, History};
use super::step::{Step, Target};
use crate::facts::workload::env_of;
use serde_json::{Value, json};
use std::time::Duration;
use tortie_cluster::client::{ListOptions, ReadError};
use tortie_cluster::object::{Gvk, Object, ObjectRef};
use tortie_cluster::writer::Mode;

const ENABLED: &str = "TYPHA_PROMETHEUSMETRICSENABLED";
const PORT: &str = "TYPHA_PROMETHEUSMETRICSPORT";
/// Annotations by which pods ask to be scraped.
const SCRAPE: &str = "prometheus.io/scrape";
const PORT_NOTE: &str = "prometheus.io/port";
/// How long undo waits for an operator and a rollout to follow.
const FOLLOW: Duration = Duration::from_secs(60);
/// How often it looks.
const EVERY: Duration = Duration::from_millis(250);

/// Typha's Deployment where Tigera's operator makes it.
fn operated() -> Target {
    Target::new("apps/v1", "Deployment", "calico-system", "calico-typha")
}

/// The Deployment that a step rolls.
pub(super) fn rolled(step: &Step) -> Option<Target> {
    if step.target.kind == "Deployment" {
        return Some(step.target.clone());
    }
    step.changes.iter().any(|c| c.pointer == TYPHA_PORT).then(operated)
}

/// How it stood before a rollout; none when it may not be read.
pub(super) async fn of(hand: &Hand<'_>, deployment: &Target) -> Result<Option<History>, SetupError> {
    let reference = deployment.reference();
    let Some(sets) = sets(hand, &reference).await? else { return Ok(None) };
    let sets = sets.into_iter().map(|s| s.meta.uid).collect();
    let annotated = hand.get(&reference).await?.is_some_and(|o| o.at(&place(SCRAPE)).is_some());
    Ok(Some(History { sets, annotated }))
}

/// Takes the annotations away that the operator left on the template, if they are those of our port.
pub(super) async fn unannotate(hand: &Hand<'_>, entry: &Entry) -> Result<(), SetupError> {
    let (Some(history), Some(port)) = (&entry.history, port(entry)) else { return Ok(()) };
    let reference = operated().reference();
    if history.annotated {
        return Ok(());
    }
    let Some(there) = hand.get(&reference).await? else { return Ok(()) };
    if there.at(&place(PORT_NOTE)).and_then(Value::as_str) != Some(&port) || carries(&there, &port) {
        return Ok(());
    }
    let mut operations = Vec::new();
    for pointer in [place(SCRAPE), place(PORT_NOTE)] {
        if let Some(value) = there.at(&pointer) {
            operations.push(json!({"op": "test", "path": pointer, "value": value}));
            operations.push(json!({"op": "remove", "path": pointer}));
        }
    }
    match hand.patch(&reference, &operations, Mode::Real).await {
        Ok(_) => Ok(()),
        // Changed at this moment, or no right to: it changes nothing that is scraped, and the status tells nothing of it.
        Err(SetupError::Write(e)) if !e.is_open() => Ok(()),
        Err(e) => Err(e),
    }
}

/// Pointer of an annotation of the pod template.
fn place(annotation: &str) -> String {
    format!("/spec/template/metadata/annotations/{}", annotation.replace('/', "~1"))
}

/// Waits until the operator has taken Typha's environment back, at most [`FOLLOW`]: what it makes of an Installation that
/// it read before would else come again after it was deleted.
pub(super) async fn followed(hand: &Hand<'_>, entry: &Entry) -> Result<(), SetupError> {
    let Some(port) = port(entry) else { return Ok(()) };
    let reference = operated().reference();
    let mut waited = Duration::ZERO;
    while waited < FOLLOW {
        let there = match hand.get(&reference).await {
            Ok(there) => there,
            // A plan of an earlier version did not ask for this right.
            Err(SetupError::Read { source: ReadError::Forbidden { .. }, .. }) => return Ok(()),
            Err(e) => return Err(e),
        };
        if !there.is_some_and(|o| carries(&o, &port)) {
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
        waited += EVERY;
    }
    Ok(())
}

/// Deletes the ReplicaSets that came with the entry and have no pods any more. Gives the names of those that are still in
/// use when [`FOLLOW`] is over; the Deployment keeps them.
pub(super) async fn forget(hand: &Hand<'_>, entry: &Entry) -> Result<Vec<String>, SetupError> {
    let (Some(history), Some(port)) = (&entry.history, port(entry)) else { return Ok(Vec::new()) };
    let deployment = if entry.target.kind == "Deployment" { entry.target.clone() } else { operated() };
    let reference = deployment.reference();
    let mut waited = Duration::ZERO;
    loop {
        let Some(sets) = sets(hand, &reference).await? else { return Ok(Vec::new()) };
        let mut in_use = Vec::new();
        let noted = |s: &Object| s.at(&place(PORT_NOTE)).and_then(Value::as_str) == Some(&port);
        let ours = |s: &&Object| carries(s, &port) || (!history.annotated && noted(s));
        for set in sets.iter().filter(|s| !history.sets.contains(&s.meta.uid)).filter(ours) {
            if pods(set) > 0 {
                in_use.push(set.reference().to_string());
                continue;
            }
            match hand.delete(&set.reference(), &set.meta.uid).await {
                Ok(_) => {}
                Err(SetupError::Write(e)) if !e.is_open() => in_use.push(set.reference().to_string()),
                Err(e) => return Err(e),
            }
        }
        if in_use.is_empty() || waited >= FOLLOW {
            return Ok(in_use);
        }
        tokio::time::sleep(EVERY).await;
        waited += EVERY;
    }
}

/// The port that the entry gave Typha, as its environment says it.
fn port(entry: &Entry) -> Option<String> {
    let field = entry.fields.iter().find(|f| f.pointer == TYPHA_PORT || f.pointer.contains(PORT))?;
    Some(field.after.as_str().map_or_else(|| field.after.to_string(), str::to_owned))
}

/// Whether a workload has the environment that comes with the port.
fn carries(workload: &Object, port: &str) -> bool {
    let env = env_of(&workload.body);
    env.contains_key(ENABLED) && env.get(PORT).is_some_and(|p| p == port)
}

/// Pods that a ReplicaSet has or wants.
fn pods(set: &Object) -> u64 {
    let number = |pointer: &str| set.at(pointer).and_then(Value::as_u64).unwrap_or(0);
    number("/spec/replicas").max(number("/status/replicas"))
}

async fn sets(hand: &Hand<'_>, deployment: &ObjectRef) -> Result<Option<Vec<Object>>, SetupError> {
    let cluster = hand.writer.cluster();
    let gvk = Gvk::new("apps", "v1", "ReplicaSet");
    let listed = match cluster.resource(&gvk).await {
        Ok(resource) => {
            let options = ListOptions::labelled("k8s-app=calico-typha");
            cluster.list(&resource, Some(&deployment.namespace), &options).await
        }
        Err(e) => Err(e),
    };
    match listed {
        Ok(list) => {
            let own = |o: &Object| {
                o.meta.controller().is_some_and(|c| c.kind == "Deployment" && c.name == deployment.name)
            };
            Ok(Some(list.into_iter().filter(own).collect()))
        }
        Err(ReadError::Forbidden { .. } | ReadError::NotFound { .. }) => Ok(None),
        Err(e) => Err(SetupError::Read { what: format!("ReplicaSets of {deployment}"), source: e }),
    }
}
