//! The objects of a watch, and whoever wants to know which have changed.

use super::Watched;
use super::health::Health;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use tokio::sync::Notify;

/// Namespace and name of an object with a slash between; the name alone for objects of the whole cluster.
pub type Key = Arc<str>;

/// The key of an object.
pub fn key(namespace: &str, name: &str) -> Key {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

/// All objects of a selection.
pub struct Store<T> {
    objects: RwLock<Objects<T>>,
    listeners: Mutex<Vec<Weak<Shared>>>,
    health: Mutex<Health>,
}

struct Objects<T> {
    by_key: BTreeMap<Key, Arc<T>>,
    /// What [`Watched::filed_under`] says, with the namespace before it.
    filed: HashMap<Key, BTreeSet<Key>>,
    /// Objects that went last, with the version in which they went: what comes late does not bring them back.
    gone: VecDeque<(Key, u64)>,
}

/// Most objects whose going is remembered.
const MOST_GONE: usize = 256;

/// What a listener was not told yet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Objects that are new, other or gone.
    pub keys: HashSet<Key>,
    /// Whether the first list came in meanwhile.
    pub synced: bool,
}

struct Shared {
    changes: Mutex<Changes>,
    wake: Arc<Notify>,
}

/// Learns of the changes of one store.
pub struct Listener(Arc<Shared>);

impl Listener {
    /// What has changed since this was asked last.
    pub fn take(&self) -> Changes {
        std::mem::take(&mut lock(&self.0.changes))
    }
}

impl<T: Watched> Store<T> {
    pub(crate) fn new() -> Store<T> {
        Store { objects: RwLock::new(Objects::new()), listeners: Mutex::default(), health: Mutex::default() }
    }

    /// An object.
    pub fn get(&self, key: &str) -> Option<Arc<T>> {
        self.read().by_key.get(key).cloned()
    }

    /// All objects, ascending by key.
    pub fn all(&self) -> Vec<(Key, Arc<T>)> {
        self.read().by_key.iter().map(|(k, o)| (Arc::clone(k), Arc::clone(o))).collect()
    }

    /// The objects of a namespace, ascending by name.
    pub fn in_namespace(&self, namespace: &str) -> Vec<(Key, Arc<T>)> {
        let prefix = format!("{namespace}/");
        let objects = self.read();
        let from = objects.by_key.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.take_while(|(k, _)| k.starts_with(&prefix))
            .map(|(k, o)| (Arc::clone(k), Arc::clone(o)))
            .collect()
    }

    /// The objects that say they belong to the object `key` ([`Watched::filed_under`]), ascending by key.
    pub fn filed_under(&self, key: &str) -> Vec<Arc<T>> {
        let objects = self.read();
        let keys = objects.filed.get(key).into_iter().flatten();
        keys.filter_map(|k| objects.by_key.get(k).cloned()).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.read().by_key.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was listed at least once: before that what is not here may well be there.
    pub fn synced(&self) -> bool {
        lock(&self.health).synced
    }

    /// How the watch does.
    pub fn health(&self) -> Health {
        lock(&self.health).clone()
    }

    /// Tells of all changes from now on by waking `wake`, which many listeners may share. What is in the store already
    /// counts as changed.
    pub fn listen(&self, wake: &Arc<Notify>) -> Listener {
        let objects = self.read();
        let changes = Changes { keys: objects.by_key.keys().cloned().collect(), synced: self.synced() };
        let at_once = changes != Changes::default();
        let shared = Arc::new(Shared { changes: Mutex::new(changes), wake: Arc::clone(wake) });
        lock(&self.listeners).push(Arc::downgrade(&shared));
        drop(objects);
        if at_once {
            wake.notify_one();
        }
        Listener(shared)
    }

    /// Takes a whole list in place of all that was there. Objects that are the same in both count as unchanged.
    pub(crate) fn replace(&self, list: Vec<T>) {
        let mut new = Objects::new();
        for object in list {
            new.put(object);
        }
        let mut objects = self.write();
        let mut changed: Vec<Key> = Vec::new();
        for (k, o) in &new.by_key {
            if objects.by_key.get(k).is_none_or(|old| **old != **o) {
                changed.push(Arc::clone(k));
            }
        }
        changed.extend(objects.by_key.keys().filter(|k| !new.by_key.contains_key(&***k)).cloned());
        *objects = new;
        let first = !std::mem::replace(&mut lock(&self.health).synced, true);
        self.tell(&changed, first);
    }

    /// Takes an object that is new or other. One that is older than what is here is not taken.
    pub(crate) fn put(&self, object: T) {
        let mut objects = self.write();
        let at = key(&object.meta().namespace, &object.meta().name);
        let old = objects.by_key.get(&at);
        if old.is_some_and(|old| older(object.meta(), old.meta())) || objects.went_after(&at, object.meta()) {
            return;
        }
        let same = old.is_some_and(|old| **old == object);
        objects.put(object);
        if !same {
            self.tell(&[at], false);
        }
    }

    /// Forgets an object, unless `object` is older than what is here.
    pub(crate) fn remove(&self, object: &T) {
        let mut objects = self.write();
        let at = key(&object.meta().namespace, &object.meta().name);
        let Some(old) = objects.by_key.get(&at) else { return };
        if older(object.meta(), old.meta()) {
            return;
        }
        objects.remove(&at);
        objects.note_gone(&at, object.meta());
        self.tell(&[at], false);
    }

    /// Changes what is known of the watch.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Health)) {
        change(&mut lock(&self.health));
    }

    /// Called with the objects locked, so that whoever is told finds them.
    fn tell(&self, keys: &[Key], synced: bool) {
        if keys.is_empty() && !synced {
            return;
        }
        lock(&self.listeners).retain(|listener| {
            let Some(shared) = listener.upgrade() else { return false };
            let mut changes = lock(&shared.changes);
            changes.keys.extend(keys.iter().cloned());
            changes.synced |= synced;
            drop(changes);
            shared.wake.notify_one();
            true
        });
    }

    fn read(&self) -> RwLockReadGuard<'_, Objects<T>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects<T>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Objects<T> {
    fn new() -> Objects<T> {
        Objects { by_key: BTreeMap::new(), filed: HashMap::new(), gone: VecDeque::new() }
    }

    fn note_gone(&mut self, at: &Key, last: &super::Meta) {
        let Ok(version) = last.version.parse::<u64>() else { return };
        if self.gone.len() >= MOST_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back((Arc::clone(at), version));
    }

    /// Whether an object of this name went in a version after that of `meta`.
    fn went_after(&self, at: &Key, meta: &super::Meta) -> bool {
        let Ok(version) = meta.version.parse::<u64>() else { return false };
        self.gone.iter().any(|(key, gone)| key == at && *gone > version)
    }
}

impl<T: Watched> Objects<T> {
    fn put(&mut self, object: T) {
        let at = key(&object.meta().namespace, &object.meta().name);
        self.remove(&at);
        if let Some(name) = object.filed_under() {
            let under = key(&object.meta().namespace, name);
            self.filed.entry(under).or_default().insert(Arc::clone(&at));
        }
        self.by_key.insert(at, Arc::new(object));
    }

    fn remove(&mut self, at: &Key) {
        let Some(old) = self.by_key.remove(at) else { return };
        let Some(name) = old.filed_under() else { return };
        let under = key(&old.meta().namespace, name);
        if let Some(keys) = self.filed.get_mut(&under) {
            keys.remove(at);
            if keys.is_empty() {
                self.filed.remove(&under);
            }
        }
    }
}

/// Whether the version of `a` is older than that of `b`, where both are numbers, as those of every API server are.
fn older(a: &super::Meta, b: &super::Meta) -> bool {
    match (a.version.parse::<u64>(), b.version.parse::<u64>()) {
        (Ok(a), Ok(b)) => a < b,
        _ => false,
    }
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{EndpointSlice, Meta, Namespace};
    use super::*;

    fn named(name: &str, version: &str, label: &str) -> Namespace {
        let labels = [("l", label)].into_iter().collect();
        Namespace { meta: Meta { name: name.into(), version: version.into(), labels, ..Meta::default() } }
    }

    fn taken(listener: &Listener) -> Vec<String> {
        let mut keys: Vec<String> = listener.take().keys.iter().map(|k| k.to_string()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn listeners_are_told_of_what_differs() {
        let store = Store::new();
        store.put(named("old", "1", ""));
        let wake = Arc::new(Notify::new());
        let listener = store.listen(&wake);
        assert_eq!(taken(&listener), ["old"], "what was there");
        store.replace(vec![named("a", "1", "x"), named("b", "1", "x")]);
        let changes = listener.take();
        assert!(changes.synced && changes.keys.len() == 3, "{changes:?}");
        store.put(named("a", "2", "x"));
        assert_eq!(taken(&listener), [] as [&str; 0], "only its version is other");
        store.put(named("a", "3", "y"));
        store.put(named("c", "3", "y"));
        assert_eq!(taken(&listener), ["a", "c"]);
        store.replace(vec![named("a", "9", "y"), named("b", "9", "z")]);
        assert_eq!(taken(&listener), ["b", "c"]);
        store.remove(&named("b", "10", ""));
        assert_eq!(taken(&listener), ["b"]);
        assert_eq!(store.all().len(), 1);
    }

    #[test]
    fn what_comes_late_is_not_taken() {
        let store = Store::new();
        store.put(named("a", "10", "new"));
        store.put(named("a", "9", "old"));
        store.remove(&named("a", "8", "old"));
        assert_eq!(store.get("a").unwrap().meta.labels.get("l"), Some("new"));
        store.put(named("a", "opaque", "taken"));
        assert_eq!(store.get("a").unwrap().meta.labels.get("l"), Some("taken"));
        store.put(named("b", "20", ""));
        store.remove(&named("b", "21", ""));
        store.put(named("b", "19", "ghost"));
        assert!(store.get("b").is_none(), "what went does not come back by an event from before");
        store.put(named("b", "22", "again"));
        assert!(store.get("b").is_some());
        for i in 0..1000 {
            let name = i.to_string();
            store.put(named(&name, "30", ""));
            store.remove(&named(&name, "31", ""));
        }
        assert_eq!(store.read().gone.len(), MOST_GONE);
    }

    #[test]
    fn slices_are_found_by_their_service() {
        let slice = |name: &str, service: &str| EndpointSlice {
            meta: Meta {
                namespace: "n".into(),
                name: name.into(),
                labels: [("kubernetes.io/service-name", service)].into_iter().collect(),
                ..Meta::default()
            },
            ..EndpointSlice::default()
        };
        let store = Store::new();
        store.put(slice("s1", "a"));
        store.put(slice("s2", "a"));
        let names = |service: &str| -> Vec<String> {
            store.filed_under(service).iter().map(|s| s.meta.name.to_string()).collect()
        };
        assert_eq!(names("n/a"), ["s1", "s2"]);
        store.put(slice("s1", "b"));
        store.remove(&slice("s2", "a"));
        assert_eq!((names("n/a").len(), names("n/b").as_slice()), (0, &["s1".to_owned()][..]));
        assert_eq!(store.in_namespace("n").len(), 1);
        assert!(store.in_namespace("").is_empty());
    }
}
