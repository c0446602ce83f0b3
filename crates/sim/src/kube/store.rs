//! The objects that are kept, their versions, and what happened to them.

use std::collections::BTreeMap;

use serde_json::Value;
use tortie_host::Rng;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Added,
    Modified,
    Deleted,
}

/// An entry of the log that watches read.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub version: u64,
    pub group: String,
    pub plural: String,
    pub happened: Happened,
    /// As it is now, or was last.
    pub object: Value,
    /// As it was before, for watches whose selector it left.
    pub before: Option<Value>,
}

type Kept = BTreeMap<(String, String), Value>;

/// All objects, by group and plural.
#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<(String, String), Kept>,
    version: u64,
    log: Vec<Event>,
    /// Events at or before this version are gone.
    forgotten: u64,
    ids: Rng,
}

impl Store {
    pub(crate) fn new(seed: u64) -> Store {
        Store {
            objects: BTreeMap::new(),
            version: 1,
            log: Vec::new(),
            forgotten: 0,
            ids: Rng::new(seed ^ 0x6b75_6265),
        }
    }

    /// The version of the newest write.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// A new UID, the same for the same seed.
    pub(crate) fn uid(&mut self) -> String {
        let (a, b) = (self.ids.next_u64(), self.ids.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0x3fff | 0x8000,
            b & 0xffff_ffff_ffff
        )
    }

    /// Five letters for `generateName`.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5)
            .map(|_| {
                let i = self.ids.below(LETTERS.len() as u64) as usize;
                LETTERS.get(i).copied().map_or('b', char::from)
            })
            .collect()
    }

    pub(crate) fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.kept(group, plural)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    fn kept(&self, group: &str, plural: &str) -> Option<&Kept> {
        self.objects.get(&(group.to_owned(), plural.to_owned()))
    }

    /// All objects of a resource by namespace and name.
    pub(crate) fn all(&self, group: &str, plural: &str) -> impl Iterator<Item = &Value> {
        self.kept(group, plural).into_iter().flat_map(BTreeMap::values)
    }

    /// Every object.
    pub(crate) fn everything(&self) -> impl Iterator<Item = &Value> {
        self.objects.values().flat_map(BTreeMap::values)
    }

    /// Every object in a namespace: group, plural and name.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        for ((group, plural), kept) in &self.objects {
            for (ns, name) in kept.keys().filter(|(ns, _)| ns == namespace) {
                debug_assert_eq!(ns, namespace);
                out.push((group.clone(), plural.clone(), name.clone()));
            }
        }
        out
    }

    /// Keeps an object under a new version, which is written into it.
    pub(crate) fn put(&mut self, group: &str, plural: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let key = key(&object);
        let kept = self.objects.entry((group.to_owned(), plural.to_owned())).or_default();
        let before = kept.insert(key, object.clone());
        let happened = if before.is_some() { Happened::Modified } else { Happened::Added };
        self.log(group, plural, happened, object.clone(), before);
        object
    }

    /// Takes an object away.
    pub(crate) fn take(&mut self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let kept = self.objects.get_mut(&(group.to_owned(), plural.to_owned()))?;
        let before = kept.remove(&(namespace.to_owned(), name.to_owned()))?;
        self.version += 1;
        let mut object = before.clone();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.log(group, plural, Happened::Deleted, object.clone(), Some(before));
        Some(object)
    }

    fn log(&mut self, group: &str, plural: &str, happened: Happened, object: Value, before: Option<Value>) {
        let version = self.version;
        self.log.push(Event {
            version,
            group: group.to_owned(),
            plural: plural.to_owned(),
            happened,
            object,
            before,
        });
    }

    /// What happened after `version`; `None` when that is no longer known.
    pub(crate) fn since(&self, version: u64) -> Option<&[Event]> {
        if version < self.forgotten {
            return None;
        }
        let from = self.log.partition_point(|e| e.version <= version);
        Some(self.log.get(from..).unwrap_or_default())
    }

    /// Where the store is now, to come back to it.
    pub(crate) fn mark(&self) -> (u64, usize) {
        (self.version, self.log.len())
    }

    /// Keeps an object without an event and without a new version.
    pub(crate) fn lend(&mut self, group: &str, plural: &str, object: Value) {
        let kept = self.objects.entry((group.to_owned(), plural.to_owned())).or_default();
        kept.insert(key(&object), object);
    }

    /// Comes back to a mark; all objects of the resource go.
    pub(crate) fn back_to(&mut self, mark: (u64, usize), group: &str, plural: &str) {
        self.objects.remove(&(group.to_owned(), plural.to_owned()));
        self.version = mark.0;
        self.log.truncate(mark.1);
    }

    /// Forgets all events, as a compaction does.
    pub(crate) fn compact(&mut self) {
        self.forgotten = self.version;
        self.log.clear();
    }

    /// The version behind which nothing is known.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |p: &str| object.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}
