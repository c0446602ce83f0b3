//! `metadata.managedFields`: who owns which fields.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Set;
use crate::kube::clock::rfc3339;

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    /// As JSON has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

/// What tells one entry from another. An applier is the same whatever version it applies, so `api_version` is empty
/// there and kept beside its set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ManagerId {
    /// The manager's name.
    pub manager: String,
    /// How it wrote.
    pub operation: Operation,
    /// Version of an update, empty for an apply.
    pub api_version: String,
    /// Subresource, mostly empty.
    pub subresource: String,
}

impl ManagerId {
    /// As messages of conflicts show it.
    pub(crate) fn shown(&self) -> String {
        let mut out = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            out.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            out.push_str(&format!(" using {}", self.api_version));
        }
        out
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    set: Set,
    api_version: String,
    /// Seconds since the Unix epoch.
    time: Option<i64>,
}

/// The entries of one object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managed {
    entries: BTreeMap<ManagerId, Entry>,
}

/// More managers that update than this are put together as `ancient-changes`.
const MAX_UPDATERS: usize = 10;
const ANCIENT: &str = "ancient-changes";

impl Managed {
    /// Whether there are no entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads `metadata.managedFields`; `None` when an entry is malformed.
    pub(crate) fn decode(entries: &[Value]) -> Option<Managed> {
        let mut out = Managed::default();
        for e in entries {
            let text = |name: &str| e.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let operation = match &*text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let api_version = text("apiVersion");
            let id = ManagerId {
                manager: text("manager"),
                operation,
                api_version: if operation == Operation::Apply { String::new() } else { api_version.clone() },
                subresource: text("subresource"),
            };
            let set = match e.get("fieldsV1") {
                Some(v) => Set::decode(v)?,
                None => Set::default(),
            };
            let time = e.get("time").and_then(Value::as_str).and_then(crate::kube::clock::parse_rfc3339);
            out.entries.insert(id, Entry { set, api_version, time });
        }
        Some(out)
    }

    /// As `metadata.managedFields`, in the server's order.
    pub(crate) fn encode(&self) -> Vec<Value> {
        let mut all: Vec<(&ManagerId, &Entry)> = self.entries.iter().collect();
        all.sort_by_key(|(id, e)| {
            (id.operation, e.time.unwrap_or(0), &id.manager, &e.api_version, &id.subresource)
        });
        let one = |(id, e): (&ManagerId, &Entry)| {
            let mut v = json!({"manager": id.manager, "operation": id.operation.as_str(), "apiVersion": e.api_version});
            if let Some(t) = e.time {
                v["time"] = rfc3339(t).into();
            }
            v["fieldsType"] = "FieldsV1".into();
            v["fieldsV1"] = e.set.encode();
            if !id.subresource.is_empty() {
                v["subresource"] = id.subresource.clone().into();
            }
            v
        };
        all.into_iter().map(one).collect()
    }

    /// The set of a manager.
    pub(crate) fn get(&self, id: &ManagerId) -> Option<&Set> {
        self.entries.get(id).map(|e| &e.set)
    }

    /// Sets the fields of a manager and keeps its time; an empty set takes the entry away.
    pub(crate) fn put(&mut self, id: &ManagerId, api_version: &str, set: Set) {
        if set.is_empty() {
            self.entries.remove(id);
            return;
        }
        let time = self.entries.get(id).and_then(|e| e.time);
        self.entries.insert(id.clone(), Entry { set, api_version: api_version.to_owned(), time });
    }

    /// Says when a manager wrote last.
    pub(crate) fn touch(&mut self, id: &ManagerId, time: i64) {
        if let Some(e) = self.entries.get_mut(id) {
            e.time = Some(time);
        }
    }

    /// All entries but one.
    pub(crate) fn others<'a>(&'a self, id: &'a ManagerId) -> impl Iterator<Item = (&'a ManagerId, &'a Set)> {
        self.entries.iter().filter(move |(k, _)| *k != id).map(|(k, e)| (k, &e.set))
    }

    /// All sets together.
    pub(crate) fn all(&self) -> Set {
        self.entries.values().fold(Set::default(), |all, e| all.union(&e.set))
    }

    /// Changes each set but that of `id`; those that end empty go.
    pub(crate) fn change_others(&mut self, id: &ManagerId, f: impl Fn(&Set) -> Set) {
        for (k, e) in &mut self.entries {
            if k != id {
                e.set = f(&e.set);
            }
        }
        self.entries.retain(|k, e| k == id || !e.set.is_empty());
    }

    /// Changes every set; those that end empty go.
    pub(crate) fn change_all(&mut self, f: impl Fn(&Set) -> Set) {
        for e in self.entries.values_mut() {
            e.set = f(&e.set);
        }
        self.entries.retain(|_, e| !e.set.is_empty());
    }

    /// Puts the oldest updaters together when there are too many.
    pub(crate) fn cap(&mut self) {
        let mut updaters: Vec<(i64, ManagerId)> = self
            .entries
            .iter()
            .filter(|(id, _)| id.operation == Operation::Update)
            .map(|(id, e)| (e.time.unwrap_or(0), id.clone()))
            .collect();
        if updaters.len() <= MAX_UPDATERS {
            return;
        }
        updaters.sort();
        let surplus = updaters.len() - MAX_UPDATERS;
        let mut into: BTreeMap<String, (ManagerId, Set, Option<i64>)> = BTreeMap::new();
        for (_, id) in updaters.into_iter().take(surplus + 1) {
            let Some(e) = self.entries.remove(&id) else { continue };
            let bucket = ManagerId {
                manager: ANCIENT.into(),
                operation: Operation::Update,
                api_version: id.api_version.clone(),
                subresource: String::new(),
            };
            let slot = into.entry(id.api_version).or_insert((bucket, Set::default(), None));
            slot.1 = slot.1.union(&e.set);
            slot.2 = slot.2.max(e.time);
        }
        for (api_version, (id, set, time)) in into {
            self.entries.insert(id, Entry { set, api_version, time });
        }
    }
}
