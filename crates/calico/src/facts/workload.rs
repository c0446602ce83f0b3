//! The workloads that run the components, and their pods.

use crate::component::Component;
use crate::facts::install::{Install, is_pod_of, workload};
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{Object, Pod};

/// One component as it runs.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// The DaemonSet or Deployment; absent when only its pods are known.
    pub object: Option<&'a Arc<Object>>,
    /// Namespace of its pods.
    pub namespace: String,
    /// Labels of its pods, from the template or from a pod.
    pub labels: BTreeMap<String, String>,
    /// Its pods.
    pub pods: Vec<&'a Pod>,
    /// Pods it should have, when the object says so.
    pub desired: Option<u64>,
    /// Plain environment of its main container.
    pub env: BTreeMap<String, String>,
}

impl Workload<'_> {
    /// Whether Tigera's operator keeps it: then editing it is in vain.
    pub fn kept_by_operator(&self) -> bool {
        self.object.is_some_and(|o| o.meta.controller().is_some_and(|c| c.kind == "Installation"))
    }

    /// The nodes its pods run on.
    pub fn nodes(&self) -> Vec<&str> {
        self.pods.iter().map(|p| p.node.as_str()).filter(|n| !n.is_empty()).collect()
    }
}

/// Finds them. A component whose workload and pods are both absent is not installed.
pub fn of<'a>(snap: &'a Snapshot, install: &Install) -> BTreeMap<Component, Workload<'a>> {
    let mut out = BTreeMap::new();
    for component in Component::ALL {
        let object = workload(snap, component);
        let pods: Vec<&Pod> = snap.pods.iter().filter(|p| is_pod_of(p, component)).collect();
        if object.is_none() && pods.is_empty() {
            continue;
        }
        let template = object.and_then(|o| o.at("/spec/template/metadata/labels"));
        let labels = match template.and_then(|l| l.as_object()) {
            Some(map) => map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect(),
            None => pods.first().map(|p| p.meta.labels.clone()).unwrap_or_default(),
        };
        let namespace = object
            .map(|o| o.meta.namespace.clone())
            .or_else(|| pods.first().map(|p| p.meta.namespace.clone()))
            .unwrap_or_else(|| install.namespace.clone());
        let desired = object.and_then(|o| {
            let field = if component == Component::Felix {
                "/status/desiredNumberScheduled"
            } else {
                "/spec/replicas"
            };
            o.at(field).and_then(serde_json::Value::as_u64)
        });
        let env = object.map(|o| env_of(&o.body)).unwrap_or_default();
        out.insert(component, Workload { object, namespace, labels, pods, desired, env });
    }
    out
}

/// Plain environment entries of all containers of a workload (metrics settings have one owner: the main container).
pub fn env_of(workload: &serde_json::Value) -> BTreeMap<String, String> {
    let containers = workload.pointer("/spec/template/spec/containers").and_then(|c| c.as_array());
    containers
        .into_iter()
        .flatten()
        .filter_map(|c| c.get("env")?.as_array())
        .flatten()
        .filter_map(|e| Some((e.get("name")?.as_str()?.to_owned(), e.get("value")?.as_str()?.to_owned())))
        .collect()
}

/// JSON pointer of the value of an environment variable of a workload.
pub fn env_pointer(workload: &Object, name: &str) -> Option<String> {
    let containers = workload.list("/spec/template/spec/containers");
    containers.iter().enumerate().find_map(|(i, c)| {
        let env = c.get("env")?.as_array()?;
        let j = env.iter().position(|e| e.get("name").and_then(|n| n.as_str()) == Some(name))?;
        Some(format!("/spec/template/spec/containers/{i}/env/{j}/value"))
    })
}
