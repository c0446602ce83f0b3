//! Grafana in the cluster: which ConfigMaps its side-car takes as dashboards, and which data sources it knows.

use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{Object, ObjectRef};
use tortie_config::yaml;

/// A side-car that turns labelled ConfigMaps into dashboards.
#[derive(Debug, Clone)]
pub struct SideCar {
    /// The workload it runs in.
    pub workload: ObjectRef,
    /// The label it looks for.
    pub label: String,
    /// The value that the label must have; none takes any.
    pub value: Option<String>,
    /// Namespaces it looks in; none is all.
    pub namespaces: Option<Vec<String>>,
}

impl SideCar {
    /// Whether an object has the label.
    pub fn takes_label(&self, labels: &BTreeMap<String, String>) -> bool {
        match (labels.get(&self.label), &self.value) {
            (Some(have), Some(wanted)) => have == wanted,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether it looks into a namespace.
    pub fn looks_in(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|list| list.iter().any(|n| n == namespace))
    }
}

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Side-cars that take dashboards.
pub fn side_cars(snap: &Snapshot) -> Vec<SideCar> {
    let mut out = Vec::new();
    for object in WORKLOADS.into_iter().flat_map(|kind| snap.of("apps", kind)) {
        for container in containers(object) {
            let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let env = env(container);
            let label = env.get("LABEL").filter(|l| !l.is_empty());
            let folder = env.get("FOLDER").map(String::as_str).unwrap_or_default();
            let dashboards = name.contains("dashboard") || folder.contains("dashboard");
            let Some(label) =
                label.filter(|_| (image.contains("sidecar") || name.contains("-sc-")) && dashboards)
            else {
                continue;
            };
            let namespaces = match env.get("NAMESPACE").map(String::as_str) {
                Some("ALL") => None,
                Some(list) if !list.is_empty() => {
                    Some(list.split(',').map(|n| n.trim().to_owned()).collect())
                }
                _ => Some(vec![object.meta.namespace.clone()]),
            };
            out.push(SideCar {
                workload: object.reference(),
                label: label.clone(),
                value: env.get("LABEL_VALUE").filter(|v| !v.is_empty()).cloned(),
                namespaces,
            });
        }
    }
    out
}

/// Whether some workload of its namespace mounts a ConfigMap, or has it among its projected volumes.
pub fn is_mounted(snap: &Snapshot, config_map: &Object) -> bool {
    let same = |o: &&Arc<Object>| o.meta.namespace == config_map.meta.namespace;
    WORKLOADS.into_iter().flat_map(|kind| snap.of("apps", kind)).filter(same).any(|o| {
        let volumes = o.at("/spec/template/spec/volumes").and_then(Value::as_array);
        volumes.into_iter().flatten().any(|v| names(v, &config_map.meta.name))
    })
}

fn names(volume: &Value, name: &str) -> bool {
    let own = volume.pointer("/configMap/name").and_then(Value::as_str) == Some(name);
    let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
    own || sources
        .into_iter()
        .flatten()
        .any(|s| s.pointer("/configMap/name").and_then(Value::as_str) == Some(name))
}

fn containers(object: &Object) -> impl Iterator<Item = &Value> {
    let list = object.at("/spec/template/spec/containers").and_then(Value::as_array);
    list.into_iter().flatten()
}

fn env(container: &Value) -> BTreeMap<String, String> {
    let list = container.get("env").and_then(Value::as_array);
    let pairs = list.into_iter().flatten();
    pairs
        .filter_map(|e| Some((e.get("name")?.as_str()?.to_owned(), e.get("value")?.as_str()?.to_owned())))
        .collect()
}

/// A data source that Grafana knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSource {
    /// Its uid; empty when the file leaves it to Grafana.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its type: `prometheus`.
    pub kind: String,
}

/// Data sources: what Grafana's API said, else what ConfigMaps provision. None when neither was seen.
pub fn data_sources(snap: &Snapshot) -> Option<Vec<DataSource>> {
    if let Some(grafana) = &snap.grafana {
        let known = grafana.data_sources.iter();
        return Some(
            known
                .map(|d| DataSource { uid: d.uid.clone(), name: d.name.clone(), kind: d.kind.clone() })
                .collect(),
        );
    }
    let mut out = Vec::new();
    for object in snap.of("", "ConfigMap") {
        let data = object.at("/data").and_then(Value::as_object);
        for text in
            data.into_iter().flatten().filter_map(|(_, v)| v.as_str()).filter(|t| t.contains("datasources:"))
        {
            out.extend(provisioned(text));
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Reads Grafana's provisioning file (JSON is YAML too).
fn provisioned(text: &str) -> Vec<DataSource> {
    let Ok(root) = yaml::parse(text) else { return Vec::new() };
    let Some(yaml::Value::Seq(list)) = child(&root, "datasources").map(|n| &n.value) else {
        return Vec::new();
    };
    let word = |n: &yaml::Node, key: &str| match child(n, key).map(|n| &n.value) {
        Some(yaml::Value::Scalar { text, .. }) => text.clone(),
        _ => String::new(),
    };
    list.iter()
        .map(|n| {
            let name = word(n, "name");
            let uid = word(n, "uid");
            // Without a uid Grafana derives one from the name; it cannot be known for sure across its versions.
            DataSource { uid, name, kind: word(n, "type") }
        })
        .collect()
}

fn child<'n>(node: &'n yaml::Node, key: &str) -> Option<&'n yaml::Node> {
    match &node.value {
        yaml::Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v.as_ref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::snapshot;
    use tortie_sim::installs::Options;

    #[test]
    fn side_car_and_provisioning_are_read() {
        let snap = snapshot(&Options::default(), |_| {});
        let found = side_cars(&snap);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].label.as_str(), found[0].value.as_deref()), ("grafana_dashboard", Some("1")));
        assert!(found[0].namespaces.is_none());
        let text = "apiVersion: 1\ndatasources:\n- name: \"Prometheus\"\n  type: prometheus\n  uid: prometheus\n  url: http://x\n";
        assert_eq!(
            provisioned(text),
            [DataSource { uid: "prometheus".into(), name: "Prometheus".into(), kind: "prometheus".into() }]
        );
        assert_eq!(provisioned("datasources: 3"), []);
    }
}
