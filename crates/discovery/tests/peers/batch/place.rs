//! A cluster's namespaces under names of their own, so that many clusters have room on one API server.

use crate::clusters::NAMESPACES;
use serde_json::{Map, Value, json};

/// The address of the bed's API server, and the key of the Secret with a token for it.
const SERVER: &str = "https://10.99.0.1:6443";
const TOKEN: &str = "api-token";

/// The cluster with `prefix` before the names of all its namespaces, and with a server that is there where it names one.
pub(super) fn placed(cluster: &Value, prefix: &str) -> Value {
    let mut out = cluster.clone();
    // What Prometheus reads from files of the operator's is in the text itself.
    out["inlineTLS"] = json!(true);
    for object in out["objects"].as_array_mut().into_iter().flatten() {
        if object["kind"] == "Namespace" {
            let name = renamed(object["metadata"]["name"].as_str().unwrap_or(""), prefix);
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
            object["metadata"]["name"] = json!(name);
            continue;
        }
        if object["kind"] == "Prometheus" {
            if object["spec"]["apiserverConfig"]["host"] == "https://k8s" {
                object["spec"]["apiserverConfig"]["host"] = json!(SERVER);
                let credentials = &mut object["spec"]["apiserverConfig"]["authorization"]["credentials"];
                if credentials["key"] == "token" {
                    credentials["key"] = json!(TOKEN);
                }
            }
            // A selector of namespaces by their names.
            for (field, selector) in object["spec"].as_object_mut().into_iter().flatten() {
                if field.ends_with("NamespaceSelector") {
                    let label = selector.pointer_mut("/matchLabels/kubernetes.io~1metadata.name");
                    if let Some(Value::String(name)) = label {
                        *name = renamed(name, prefix);
                    }
                }
            }
        }
        walk(object, prefix);
    }
    out
}

/// The name of a namespace there.
pub(super) fn renamed(name: &str, prefix: &str) -> String {
    if NAMESPACES.contains(&name) { format!("{prefix}{name}") } else { name.to_owned() }
}

fn walk(v: &mut Value, prefix: &str) {
    match v {
        Value::Object(map) => object(map, prefix),
        Value::Array(list) => list.iter_mut().for_each(|v| walk(v, prefix)),
        _ => {}
    }
}

fn object(map: &mut Map<String, Value>, prefix: &str) {
    for (key, value) in map {
        match (key.as_str(), value) {
            ("namespace", Value::String(name)) => *name = renamed(name, prefix),
            ("matchNames" | "names", Value::Array(list)) => {
                for v in list {
                    match v {
                        Value::String(name) => *name = renamed(name, prefix),
                        other => walk(other, prefix),
                    }
                }
            }
            (_, value) => walk(value, prefix),
        }
    }
}
