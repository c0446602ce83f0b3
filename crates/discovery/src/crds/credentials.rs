//! Secrets and ConfigMaps that monitors refer to: read from the monitor's namespace and nowhere else.

use super::types::{KeyRef, SecretOrConfigMap};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What a Secret or ConfigMap holds, by key.
pub type Contents = Arc<BTreeMap<String, Vec<u8>>>;

/// Why the contents of a Secret or ConfigMap are not here, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// The cluster has none of that name: whoever names it is wrong.
    Missing(String),
    /// It could not be read, for a right that is missing here or an API server that does not answer: that says nothing of
    /// whoever names it.
    Unread(String),
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absent::Missing(why) | Absent::Unread(why) => f.write_str(why),
        }
    }
}

/// Reads Secrets and ConfigMaps.
pub trait Credentials {
    /// The contents of a Secret.
    ///
    /// # Errors
    /// Why there are none.
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, Absent>;

    /// The contents of a ConfigMap.
    ///
    /// # Errors
    /// Why there are none.
    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, Absent>;
}

/// Secrets and ConfigMaps that are already here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Secrets by namespace and name.
    pub secrets: BTreeMap<(String, String), Contents>,
    /// ConfigMaps by namespace and name.
    pub config_maps: BTreeMap<(String, String), Contents>,
}

impl Credentials for Known {
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
        let found = self.secrets.get(&(namespace.to_owned(), name.to_owned()));
        found.cloned().ok_or_else(|| Absent::Missing(format!("secrets {name:?} not found")))
    }

    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
        let found = self.config_maps.get(&(namespace.to_owned(), name.to_owned()));
        found.cloned().ok_or_else(|| Absent::Missing(format!("configmaps {name:?} not found")))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum From {
    Secret,
    ConfigMap,
}

/// Names an object: where from, namespace, name.
type Place = (From, String, String);

/// Credentials of one round: selection loads them, generation takes what was loaded. So the operator does it, and a
/// reference that selection does not look at stays unresolved.
pub(super) struct Store<'a> {
    source: &'a dyn Credentials,
    loaded: RefCell<BTreeMap<Place, Contents>>,
    /// What was asked for, found or not.
    asked: RefCell<BTreeSet<Place>>,
    /// Whether something could not be read since that was asked last.
    unread: Cell<bool>,
}

impl<'a> Store<'a> {
    pub(super) fn new(source: &'a dyn Credentials) -> Store<'a> {
        Store { source, loaded: RefCell::default(), asked: RefCell::default(), unread: Cell::new(false) }
    }

    /// Whether something could not be read since the last time that this was asked.
    pub(super) fn take_unread(&self) -> bool {
        self.unread.take()
    }

    /// The reason in words; that something could not be read is noted.
    fn noted(&self, absent: &Absent) -> String {
        if matches!(absent, Absent::Unread(_)) {
            self.unread.set(true);
        }
        absent.to_string()
    }

    /// A key of a Secret, loaded if need be.
    pub(super) fn load(&self, namespace: &str, key: &KeyRef) -> Result<Vec<u8>, String> {
        self.load_from(From::Secret, namespace, key)
    }

    /// The contents of a Secret, without loading it: what the operator reads beside its store.
    pub(super) fn look(&self, namespace: &str, name: &str) -> Result<Contents, String> {
        self.asked.borrow_mut().insert((From::Secret, namespace.to_owned(), name.to_owned()));
        self.source.secret(namespace, name).map_err(|e| self.noted(&e))
    }

    /// A key of either kind; nothing named gives nothing.
    pub(super) fn load_either(&self, namespace: &str, what: &SecretOrConfigMap) -> Result<Vec<u8>, String> {
        match (&what.secret, &what.config_map) {
            (Some(key), _) => self.load_from(From::Secret, namespace, key),
            (None, Some(key)) => self.load_from(From::ConfigMap, namespace, key),
            (None, None) => Ok(Vec::new()),
        }
    }

    fn load_from(&self, from: From, namespace: &str, key: &KeyRef) -> Result<Vec<u8>, String> {
        let kind = if from == From::Secret { "secret" } else { "configmap" };
        if namespace.is_empty() {
            return Err("namespace cannot be empty".to_owned());
        }
        let place = (from, namespace.to_owned(), key.name.clone());
        self.asked.borrow_mut().insert(place.clone());
        let known = self.loaded.borrow().get(&place).cloned();
        let contents = match known {
            Some(c) => c,
            None => {
                let got = match from {
                    From::Secret => self.source.secret(namespace, &key.name),
                    From::ConfigMap => self.source.config_map(namespace, &key.name),
                };
                let got =
                    got.map_err(|e| format!("unable to get {kind} {:?}: {}", key.name, self.noted(&e)))?;
                self.loaded.borrow_mut().insert(place, Arc::clone(&got));
                got
            }
        };
        let value = contents.get(&key.key);
        value.cloned().ok_or_else(|| format!("key {:?} in {kind} {:?} not found", key.key, key.name))
    }

    /// A key of a Secret that was loaded, as text.
    pub(super) fn take(&self, namespace: &str, key: &KeyRef) -> Option<String> {
        self.take_from(From::Secret, namespace, key)
    }

    /// A key of either kind that was loaded, as text; nothing named is the empty text.
    pub(super) fn take_either(&self, namespace: &str, what: &SecretOrConfigMap) -> Option<String> {
        match (&what.secret, &what.config_map) {
            (Some(key), _) => self.take_from(From::Secret, namespace, key),
            (None, Some(key)) => self.take_from(From::ConfigMap, namespace, key),
            (None, None) => Some(String::new()),
        }
    }

    fn take_from(&self, from: From, namespace: &str, key: &KeyRef) -> Option<String> {
        let loaded = self.loaded.borrow();
        let contents = loaded.get(&(from, namespace.to_owned(), key.name.clone()))?;
        contents.get(&key.key).map(|v| String::from_utf8_lossy(v).into_owned())
    }

    /// All that was asked for: namespace and name, Secrets then ConfigMaps.
    #[allow(clippy::type_complexity)] // two lists of the same
    pub(super) fn asked(&self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let asked = self.asked.borrow();
        let of = |from| asked.iter().filter(|p| p.0 == from).map(|p| (p.1.clone(), p.2.clone())).collect();
        (of(From::Secret), of(From::ConfigMap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, key: &str) -> KeyRef {
        KeyRef { name: name.into(), key: key.into(), optional: None }
    }

    #[test]
    fn only_what_was_loaded_is_taken() {
        let contents = Arc::new(BTreeMap::from([("k".to_owned(), b"v".to_vec())]));
        let known = Known { secrets: [(("ns".into(), "s".into()), contents)].into(), ..Known::default() };
        let store = Store::new(&known);
        assert_eq!(store.take("ns", &key("s", "k")), None);
        assert_eq!(store.load("ns", &key("s", "k")), Ok(b"v".to_vec()));
        assert_eq!(store.take("ns", &key("s", "k")).as_deref(), Some("v"));
        assert_eq!(store.load("ns", &key("s", "x")).unwrap_err(), "key \"x\" in secret \"s\" not found");
        let other = store.load("other", &key("s", "k")).unwrap_err();
        assert_eq!(other, "unable to get secret \"s\": secrets \"s\" not found");
        assert_eq!(store.asked().0, [("ns".into(), "s".into()), ("other".into(), "s".into())]);
        assert!(!store.take_unread());
    }

    struct Forbidden;

    impl Credentials for Forbidden {
        fn secret(&self, _: &str, _: &str) -> Result<Contents, Absent> {
            Err(Absent::Unread("no right".into()))
        }
        fn config_map(&self, _: &str, name: &str) -> Result<Contents, Absent> {
            Err(Absent::Missing(format!("configmaps {name:?} not found")))
        }
    }

    #[test]
    fn what_could_not_be_read_is_told_apart_once() {
        let store = Store::new(&Forbidden);
        assert_eq!(store.load("ns", &key("s", "k")).unwrap_err(), "unable to get secret \"s\": no right");
        assert!(store.take_unread());
        assert!(!store.take_unread());
        let map = SecretOrConfigMap { config_map: Some(key("m", "k")), secret: None };
        store.load_either("ns", &map).unwrap_err();
        assert!(!store.take_unread());
        store.look("ns", "s").unwrap_err();
        assert!(store.take_unread());
    }
}
