//! Secrets and ConfigMaps that are referred to: fetched one by one by name, so that no right to list them is needed.

use crate::crds::credentials::{Absent, Contents, Credentials};
use crate::crds::objects::Name;
use base64::Engine as _;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::client::ReadError;
use tortie_cluster::watch::Watches;
use tortie_cluster::{Cluster, Gvk};

/// How many are read at the same time, of each kind.
const AT_A_TIME: usize = 8;

/// What was asked for: Secrets and ConfigMaps.
pub(super) type Asked = (Vec<Name>, Vec<Name>);

/// What is here of each, or why not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Here {
    secrets: BTreeMap<Name, Result<Contents, Absent>>,
    config_maps: BTreeMap<Name, Result<Contents, Absent>>,
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
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
        self.asked.borrow_mut().0.push((namespace.to_owned(), name.to_owned()));
        self.here.secret(namespace, name)
    }

    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
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
    fn secret(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
        let at = (namespace.to_owned(), name.to_owned());
        self.secrets
            .get(&at)
            .cloned()
            .unwrap_or_else(|| Err(Absent::Unread(format!("secrets {name:?} was not read yet"))))
    }

    fn config_map(&self, namespace: &str, name: &str) -> Result<Contents, Absent> {
        let at = (namespace.to_owned(), name.to_owned());
        let found = self.config_maps.get(&at).cloned();
        found.unwrap_or_else(|| Err(Absent::Unread(format!("configmaps {name:?} was not read yet"))))
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
        let (secrets, maps) =
            (self.all("Secret", "secrets", secrets), self.all("ConfigMap", "configmaps", maps));
        let (secrets, maps) = tokio::join!(secrets, maps);
        self.here.secrets.extend(secrets);
        self.here.config_maps.extend(maps);
        true
    }

    /// Reads all of them anew; whether one is other than before. What cannot be reached stays as it was.
    pub(super) async fn refresh(&mut self) -> bool {
        let before = self.here.clone();
        let (secrets, maps) = before.names();
        let (secrets, maps) =
            (self.all("Secret", "secrets", secrets), self.all("ConfigMap", "configmaps", maps));
        let (secrets, maps) = tokio::join!(secrets, maps);
        for (name, got) in secrets {
            keep_or_take(&mut self.here.secrets, &name, got);
        }
        for (name, got) in maps {
            keep_or_take(&mut self.here.config_maps, &name, got);
        }
        self.here != before
    }

    /// These, some at a time: one that is slow does not hold up the others.
    async fn all(&self, kind: &str, plural: &str, names: Vec<Name>) -> Vec<(Name, Result<Contents, Absent>)> {
        let one = |name: Name| async move {
            let got = self.one(kind, plural, &name).await;
            (name, got)
        };
        stream::iter(names.into_iter().map(one)).buffer_unordered(AT_A_TIME).collect().await
    }

    async fn one(&self, kind: &str, plural: &str, (namespace, name): &Name) -> Result<Contents, Absent> {
        let cluster = self.watches.cluster().await.map_err(|e| Absent::Unread(e.to_string()))?;
        match get(&cluster, kind, namespace, name).await {
            Ok(body) => Ok(contents(kind, &body)),
            Err(ReadError::NotFound { .. }) => Err(Absent::Missing(format!("{plural} {name:?} not found"))),
            Err(e @ ReadError::Forbidden { .. }) => Err(Absent::Unread(format!(
                "{plural} {name:?} is forbidden: {e}\nhint: kubectl -n {namespace} create role tortie-credentials --verb=get --resource={plural} --resource-name={name}, and bind it"
            ))),
            Err(e) => Err(Absent::Unread(e.to_string())),
        }
    }
}

/// Only an answer of the API server replaces what is here.
fn keep_or_take(
    all: &mut BTreeMap<Name, Result<Contents, Absent>>,
    name: &Name,
    got: Result<Contents, Absent>,
) {
    let answered = match &got {
        Ok(_) | Err(Absent::Missing(_)) => true,
        Err(Absent::Unread(e)) => e.contains("forbidden"),
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
