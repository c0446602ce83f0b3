//! Secrets and ConfigMaps that are referred to: fetched one by one by name, so that no right to list them is needed.

use crate::crds::credentials::{Contents, Credentials};
use crate::crds::objects::Name;
use base64::Engine as _;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::client::ReadError;
use tortie_cluster::watch::Watches;
use tortie_cluster::{Cluster, Gvk};

/// What was asked for: Secrets and ConfigMaps.
pub(super) type Asked = (Vec<Name>, Vec<Name>);

/// What is here of each, or why not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Here {
    secrets: BTreeMap<Name, Result<Contents, String>>,
    config_maps: BTreeMap<Name, Result<Contents, String>>,
}

impl Here {
    /// Names of all that is here.
    pub(super) fn names(&self) -> Asked {
        (self.secrets.keys().cloned().collect(), self.config_maps.keys().cloned().collect())
    }
}

/// What is here, with a note of what it is asked for: who gives up in the middle tells no other way what it needed.
pub(super) struct Noted<'a> {
    here: &'a Here,
    asked: RefCell<Asked>,
}

impl<'a> Noted<'a> {
    pub(super) fn new(here: &'a Here) -> Noted<'a> {
        Noted { here, asked: RefCell::default() }
    }

    /// All that is here and all that was asked for.
    pub(super) fn names(&self) -> Asked {
        let (mut secrets, mut maps) = self.here.names();
        let asked = self.asked.borrow();
        for (names, more) in [(&mut secrets, &asked.0), (&mut maps, &asked.1)] {
            names.extend(more.iter().cloned());
            names.sort();
            names.dedup();
        }
        (secrets, maps)
    }
}

impl Credentials for Noted<'_> {
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, String> {
        self.asked.borrow_mut().0.push((namespace.to_owned(), name.to_owned()));
        self.here.secret(namespace, name)
    }

    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, String> {
        self.asked.borrow_mut().1.push((namespace.to_owned(), name.to_owned()));
        self.here.config_map(namespace, name)
    }
}

/// Fetches and keeps.
pub(super) struct Fetched {
    watches: Watches,
    here: Here,
}

impl Credentials for Here {
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, String> {
        let at = (namespace.to_owned(), name.to_owned());
        self.secrets.get(&at).cloned().unwrap_or_else(|| Err(format!("secrets {name:?} was not read yet")))
    }

    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, String> {
        let at = (namespace.to_owned(), name.to_owned());
        let found = self.config_maps.get(&at).cloned();
        found.unwrap_or_else(|| Err(format!("configmaps {name:?} was not read yet")))
    }
}

impl Fetched {
    pub(super) fn new(watches: Watches) -> Fetched {
        Fetched { watches, here: Here::default() }
    }

    pub(super) fn known(&self) -> &Here {
        &self.here
    }

    /// Fetches what is not here yet, and forgets what nobody asks for; whether something new came.
    pub(super) async fn fetch(&mut self, asked: &Asked) -> bool {
        self.here.secrets.retain(|k, _| asked.0.contains(k));
        self.here.config_maps.retain(|k, _| asked.1.contains(k));
        let secrets: Vec<Name> =
            asked.0.iter().filter(|k| !self.here.secrets.contains_key(*k)).cloned().collect();
        let maps: Vec<Name> =
            asked.1.iter().filter(|k| !self.here.config_maps.contains_key(*k)).cloned().collect();
        if secrets.is_empty() && maps.is_empty() {
            return false;
        }
        for name in secrets {
            let got = self.one("Secret", "secrets", &name).await;
            self.here.secrets.insert(name, got);
        }
        for name in maps {
            let got = self.one("ConfigMap", "configmaps", &name).await;
            self.here.config_maps.insert(name, got);
        }
        true
    }

    /// Reads all of them anew; whether one is other than before. What cannot be reached stays as it was.
    pub(super) async fn refresh(&mut self) -> bool {
        let before = self.here.clone();
        for name in before.secrets.keys() {
            let got = self.one("Secret", "secrets", name).await;
            keep_or_take(&mut self.here.secrets, name, got);
        }
        for name in before.config_maps.keys() {
            let got = self.one("ConfigMap", "configmaps", name).await;
            keep_or_take(&mut self.here.config_maps, name, got);
        }
        self.here != before
    }

    async fn one(&self, kind: &str, plural: &str, (namespace, name): &Name) -> Result<Contents, String> {
        let cluster = self.watches.cluster().await.map_err(|e| e.to_string())?;
        match get(&cluster, kind, namespace, name).await {
            Ok(body) => Ok(contents(kind, &body)),
            Err(ReadError::NotFound { .. }) => Err(format!("{plural} {name:?} not found")),
            Err(e @ ReadError::Forbidden { .. }) => Err(format!(
                "{plural} {name:?} is forbidden: {e}\nhint: kubectl -n {namespace} create role tortie-credentials --verb=get --resource={plural} --resource-name={name}, and bind it"
            )),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// Only an answer of the API server replaces what is here.
fn keep_or_take(
    all: &mut BTreeMap<Name, Result<Contents, String>>,
    name: &Name,
    got: Result<Contents, String>,
) {
    let answered = match &got {
        Ok(_) => true,
        Err(e) => e.contains("not found") || e.contains("forbidden"),
    };
    if answered || all.get(name).is_none_or(|old| old.is_err()) {
        all.insert(name.clone(), got);
    }
}

async fn get(cluster: &Cluster, kind: &str, namespace: &str, name: &str) -> Result<Value, ReadError> {
    let resource = cluster.resource(&Gvk::new("", "v1", kind)).await?;
    Ok(cluster.get(&resource, Some(namespace), name).await?.body)
}

fn contents(kind: &str, body: &Value) -> Contents {
    let entries = |field: &str| body.get(field).and_then(Value::as_object).into_iter().flatten();
    let texts = entries("data").filter_map(|(k, v)| Some((k.clone(), v.as_str()?)));
    let all: BTreeMap<String, Vec<u8>> = if kind == "Secret" {
        let engine = base64::engine::general_purpose::STANDARD;
        texts.filter_map(|(k, v)| Some((k, engine.decode(v).ok()?))).collect()
    } else {
        texts.map(|(k, v)| (k, v.as_bytes().to_vec())).collect()
    };
    Arc::new(all)
}
