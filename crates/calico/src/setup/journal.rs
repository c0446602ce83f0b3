//! What setup did, kept in a ConfigMap of the cluster and in a file on this machine, so that it can be taken back.
//!
//! An entry is written before its step is made. Two setups at once do not mix: the ConfigMap is only replaced in the
//! version that was read.

use super::apply::SetupError;
use super::hand::Hand;
use super::own::MANAGED_BY;
use super::step::Target;
use super::{JOURNAL, MANAGER};
use crate::snapshot;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use tortie_cluster::object::Object;
use tortie_cluster::writer::ApplyError;
use tortie_host::Fs;

const SCHEMA: &str = "tortie.setup.journal/v1";
const KEY: &str = "journal.json";

/// All that was done in one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// The form.
    pub schema: String,
    /// The cluster.
    pub cluster_uid: String,
    /// Steps, oldest first.
    pub entries: Vec<Entry>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The object.
    pub target: Target,
    /// Whether setup made it.
    pub own: bool,
    /// uid of the object; empty while it is not known.
    #[serde(default)]
    pub uid: String,
    /// Whether the write was answered. An entry without is one that may or may not have been made.
    pub done: bool,
    /// Fields of a shared object.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// `managedFields` of the object before.
    #[serde(default)]
    pub managers: Value,
    /// Objects that an operator makes or overwrites in consequence.
    #[serde(default)]
    pub beside: Vec<Beside>,
    /// The workloads that are rolled in consequence, as they stood before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<History>,
    /// Whether it was taken back, and stays here only until what its rollouts left has no pods any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// Who: the user as the kubeconfig calls it.
    pub by: String,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its place, as in a plan.
    pub pointer: String,
    /// Its value before; none when it was absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What was written; null took it away.
    pub after: Value,
}

/// An object beside the one that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// The object.
    pub target: Target,
    /// What stood there; none when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
}

/// How a workload stood before a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The workload.
    pub workload: Target,
    /// uids of its ReplicaSets or ControllerRevisions.
    pub revisions: Vec<String>,
    /// Whether its pods asked to be scraped by annotations.
    pub annotated: bool,
}

impl Journal {
    /// An empty one.
    pub fn new(cluster_uid: &str) -> Journal {
        Journal { schema: SCHEMA.to_owned(), cluster_uid: cluster_uid.to_owned(), entries: Vec::new() }
    }

    /// Puts an entry in. What was there before the first write of a field stays known when it is written again.
    pub(super) fn enter(&mut self, entry: Entry) -> usize {
        let same = |e: &Entry| {
            e.target == entry.target
                && e.own == entry.own
                && (e.uid.is_empty() || entry.uid.is_empty() || e.uid == entry.uid)
        };
        let Some(index) = self.entries.iter().position(same) else {
            self.entries.push(entry);
            return self.entries.len() - 1;
        };
        if let Some(old) = self.entries.get_mut(index) {
            for field in entry.fields {
                match old.fields.iter_mut().find(|f| f.pointer == field.pointer) {
                    // Somebody changed it since: theirs is what undo gives back.
                    Some(known) if field.before.as_ref() != Some(&known.after) => *known = field,
                    Some(known) => known.after = field.after,
                    None => old.fields.push(field),
                }
            }
            for beside in entry.beside {
                if !old.beside.iter().any(|b| b.target == beside.target) {
                    old.beside.push(beside);
                }
            }
            // The history before the first rollout of ours stays the one that counts.
            for history in entry.rollouts {
                if !old.rollouts.iter().any(|h| h.workload == history.workload) {
                    old.rollouts.push(history);
                }
            }
            old.undone = false;
            old.at = entry.at;
            if !entry.uid.is_empty() {
                old.uid = entry.uid;
            }
            old.done = false;
        }
        index
    }

    fn read(text: &str) -> Result<Journal, String> {
        let journal: Journal = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if journal.schema != SCHEMA {
            return Err(format!("it is of form {:?}, this version reads {SCHEMA}", journal.schema));
        }
        Ok(journal)
    }

    /// What the doctor looks at.
    pub fn seen(&self) -> snapshot::Journal {
        let mut out = snapshot::Journal::default();
        for entry in self.entries.iter().filter(|e| e.done && !e.undone) {
            let object = entry.target.reference();
            if entry.own {
                out.objects.push(object.clone());
            }
            // A field inside a list item by name is not one that a plain pointer finds.
            out.fields.extend(entry.fields.iter().filter(|f| !f.pointer.contains("/name=")).map(|f| {
                snapshot::Written {
                    object: object.clone(),
                    pointer: f.pointer.clone(),
                    value: f.after.clone(),
                    at: entry.at,
                }
            }));
        }
        out
    }
}

/// The journal among the objects of a snapshot.
///
/// # Errors
/// When one is there and cannot be read.
pub fn of_snapshot(snap: &snapshot::Snapshot) -> Result<Option<Journal>, String> {
    let found = snap.of("", "ConfigMap").find(|o| o.meta.name == JOURNAL);
    let Some(object) = found else { return Ok(None) };
    let text = object.at("/data").and_then(|d| d.get(KEY)).and_then(Value::as_str).unwrap_or_default();
    Journal::read(text)
        .map(Some)
        .map_err(|e| format!("the journal ConfigMap {}/{JOURNAL} cannot be read: {e}", object.meta.namespace))
}

/// Namespace of the journal among the objects of a snapshot.
pub fn namespace_in(snap: &snapshot::Snapshot) -> Option<String> {
    snap.of("", "ConfigMap").find(|o| o.meta.name == JOURNAL).map(|o| o.meta.namespace.clone())
}

/// Where a journal is kept.
pub struct Store<'s> {
    pub(super) namespace: String,
    /// The ConfigMap in the version that was read.
    there: Option<Object>,
    fs: &'s dyn Fs,
    file: Option<PathBuf>,
    /// What is in it.
    pub journal: Journal,
}

impl<'s> Store<'s> {
    /// Reads the journal of a namespace, or begins one. `file` is the copy on this machine.
    pub(super) async fn open(
        hand: &Hand<'_>,
        namespace: &str,
        cluster_uid: &str,
        fs: &'s dyn Fs,
        file: Option<PathBuf>,
    ) -> Result<Store<'s>, SetupError> {
        let target = target(namespace);
        let there = hand.get(&target.reference()).await?;
        let journal = match &there {
            None => Journal::new(cluster_uid),
            Some(object) => {
                let text =
                    object.at("/data").and_then(|d| d.get(KEY)).and_then(Value::as_str).unwrap_or_default();
                Journal::read(text)
                    .map_err(|e| SetupError::Journal(format!("{}: {e}", target.reference())))?
            }
        };
        if journal.cluster_uid != cluster_uid {
            let text = format!(
                "{} is of cluster {}, this is {cluster_uid}",
                target.reference(),
                journal.cluster_uid
            );
            return Err(SetupError::Journal(text));
        }
        Ok(Store { namespace: namespace.to_owned(), there, fs, file, journal })
    }

    /// Whether anything was ever written.
    pub fn is_empty(&self) -> bool {
        self.journal.entries.is_empty()
    }

    /// Writes it: here first, then in the cluster.
    pub(super) async fn save(&mut self, hand: &Hand<'_>) -> Result<(), SetupError> {
        let text = serde_json::to_string_pretty(&self.journal).unwrap_or_default();
        if let Some(file) = &self.file {
            let written = file
                .parent()
                .map_or(Ok(()), |d| self.fs.create_dir_all(d))
                .and_then(|()| self.fs.write_atomic(file, text.as_bytes()));
            written.map_err(|e| {
                SetupError::Journal(format!("{}: {e} (hint: set XDG_STATE_HOME)", file.display()))
            })?;
        }
        let target = target(&self.namespace);
        let mut body = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": JOURNAL, "namespace": self.namespace, "labels": {MANAGED_BY.0: MANAGED_BY.1},
                "annotations": {"tortie/about": format!("what {MANAGER} wrote; tortie setup undo reads it")}},
            "data": {KEY: text},
        });
        if let Some(there) = &self.there {
            body["metadata"]["resourceVersion"] = json!(there.meta.resource_version);
            body["metadata"]["uid"] = json!(there.meta.uid);
        }
        let object = Object::parse(body).map_err(|e| SetupError::Journal(e.to_string()))?;
        let saved = match self.there {
            Some(_) => hand.replace(&object).await,
            None => hand.create(&object).await,
        };
        self.there = Some(saved.map_err(|e| match e {
            SetupError::Write(ApplyError::Changed { .. } | ApplyError::Exists { .. }) => {
                SetupError::Journal(format!(
                    "{} was written by another setup at this moment (hint: run it again)",
                    target.reference()
                ))
            }
            other => other,
        })?);
        Ok(())
    }

    /// Removes it here and there.
    pub(super) async fn remove(&mut self, hand: &Hand<'_>) -> Result<(), SetupError> {
        if let Some(there) = &self.there {
            hand.delete(&target(&self.namespace).reference(), &there.meta.uid).await?;
        }
        self.there = None;
        if let Some(file) = self.file.as_ref().filter(|f| self.fs.kind(f).is_some()) {
            self.fs.remove_file(file).map_err(|e| SetupError::Journal(format!("{}: {e}", file.display())))?;
        }
        Ok(())
    }
}

fn target(namespace: &str) -> Target {
    Target::new("v1", "ConfigMap", namespace, JOURNAL)
}
