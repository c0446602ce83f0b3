//! What the server fills in when it reads an object of a built-in kind, and what an object of that kind is when empty.

mod pod;
mod service;
mod workload;

use serde_json::{Map, Value, json};

pub(crate) use service::{Allocator, allocate};

/// Where a DaemonSet counts the changes of its template.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The object that a new one is compared with, to know what the creator set.
pub(crate) fn empty(kind: &str, api_version: &str) -> Value {
    let mut v = match kind {
        "Pod" => json!({"spec": {"containers": null}, "status": {}}),
        "Namespace" => json!({"spec": {}, "status": {}}),
        "Node" => {
            json!({"spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": {
                "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "",
                "containerRuntimeVersion": "", "kubeletVersion": "", "kubeProxyVersion": "", "operatingSystem": "",
                "architecture": "",
            }}})
        }
        "Service" => json!({"spec": {}, "status": {"loadBalancer": {}}}),
        "Deployment" => {
            json!({"spec": {"selector": null, "strategy": {}, "template": workload::template()}, "status": {}})
        }
        "StatefulSet" => json!({
            "spec": {"selector": null, "serviceName": "", "template": workload::template(), "updateStrategy": {}},
            "status": {"replicas": 0, "availableReplicas": 0},
        }),
        "DaemonSet" => json!({
            "spec": {"selector": null, "template": workload::template(), "updateStrategy": {}},
            "status": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
        }),
        "ReplicaSet" => {
            json!({"spec": {"selector": null, "template": {"metadata": {}, "spec": {"containers": null}}}, "status": {"replicas": 0}})
        }
        "NetworkPolicy" => json!({"spec": {"podSelector": {}}}),
        "EndpointSlice" => json!({"addressType": "", "endpoints": null, "ports": null}),
        "RoleBinding" | "ClusterRoleBinding" => json!({"roleRef": {"apiGroup": "", "kind": "", "name": ""}}),
        "Role" | "ClusterRole" => json!({"rules": null}),
        "ControllerRevision" => json!({"revision": 0}),
        "SelfSubjectAccessReview" => json!({"spec": {}, "status": {"allowed": false}}),
        "Event" => json!({
            "involvedObject": {}, "source": {}, "firstTimestamp": null, "lastTimestamp": null, "eventTime": null,
            "reportingComponent": "", "reportingInstance": "",
        }),
        "CustomResourceDefinition" => json!({
            "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": null},
            "status": {"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null},
        }),
        "APIService" => json!({"spec": {"groupPriorityMinimum": 0, "versionPriority": 0}, "status": {}}),
        _ => json!({}),
    };
    v["metadata"] = json!({});
    v["kind"] = kind.into();
    v["apiVersion"] = api_version.into();
    v
}

/// Reads an object of a built-in kind as the server does: nulls and empty maps of metadata go, defaults come.
pub(crate) fn read(kind: &str, v: &mut Value) {
    drop_nulls(v);
    tidy_meta(v);
    match kind {
        "Namespace" => namespace(v),
        "Pod" => {
            if let Some(spec) = v.get_mut("spec") {
                pod::spec(spec);
                pod::alone(spec);
            }
            section(v, "status");
            // Times that are null are shown.
            for c in v.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
                field(c, "lastProbeTime", Value::Null);
                field(c, "lastTransitionTime", Value::Null);
            }
        }
        "SelfSubjectAccessReview" => {
            section(v, "spec");
        }
        "Service" => service::read(v),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => workload::read(kind, v),
        "NetworkPolicy" => network_policy(v),
        "Secret" => secret(v),
        "EndpointSlice" => endpoint_slice(v),
        "RoleBinding" | "ClusterRoleBinding" => binding(v),
        "Role" | "ClusterRole" => {
            field(v, "rules", Value::Null);
        }
        "Node" => {
            section(v, "spec");
            let empty = empty("Node", "v1");
            fill(v, &empty);
            if let Some(capacity) = v.pointer("/status/capacity").cloned() {
                field(&mut v["status"], "allocatable", capacity);
            }
        }
        "CustomResourceDefinition" => {
            if let Some(spec) = section(v, "spec") {
                field(spec, "conversion", json!({"strategy": "None"}));
            }
        }
        "Event" => {
            let empty = empty("Event", "v1");
            fill(v, &empty);
            field(v, "type", Value::Null);
        }
        _ => {}
    }
}

/// Null is the same as absent for built-in kinds.
fn drop_nulls(v: &mut Value) {
    match v {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Metadata is read into a struct, whatever the kind: null and empty maps and lists go.
pub(crate) fn tidy_meta(v: &mut Value) {
    let Some(meta) = v.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    meta.retain(|name, v| match v {
        Value::Null => false,
        Value::Object(m) => !m.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::String(s) => !s.is_empty() || name == "name",
        _ => true,
    });
}

/// Puts `default` at `name` when it is absent.
fn field(v: &mut Value, name: &str, default: Value) {
    if let Some(map) = v.as_object_mut()
        && !map.contains_key(name)
    {
        map.insert(name.to_owned(), default);
    }
}

/// The object at `name`, made when it is absent.
fn section<'a>(v: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let map = v.as_object_mut()?;
    if !map.contains_key(name) {
        map.insert(name.to_owned(), Value::Object(Map::new()));
    }
    map.get_mut(name)
}

/// Puts what `empty` has where `v` has nothing, into structs as well.
fn fill(v: &mut Value, empty: &Value) {
    let (Value::Object(map), Value::Object(empty)) = (v, empty) else { return };
    for (name, e) in empty {
        match map.get_mut(name) {
            Some(have) => fill(have, e),
            None => {
                map.insert(name.clone(), e.clone());
            }
        }
    }
}

fn namespace(v: &mut Value) {
    let name = v.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(labels) = section(v, "metadata").and_then(|m| section(m, "labels")) {
        labels["kubernetes.io/metadata.name"] = name.into();
    }
    section(v, "spec");
    section(v, "status");
}

fn network_policy(v: &mut Value) {
    let Some(spec) = section(v, "spec") else { return };
    field(spec, "podSelector", json!({}));
    let mut types = vec![json!("Ingress")];
    if spec.get("egress").is_some() {
        types.push(json!("Egress"));
    }
    field(spec, "policyTypes", Value::Array(types));
    for direction in ["ingress", "egress"] {
        for rule in spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                field(port, "protocol", "TCP".into());
            }
        }
    }
}

/// `stringData` is only written; it becomes `data`.
fn secret(v: &mut Value) {
    field(v, "type", "Opaque".into());
    let plain = v.as_object_mut().and_then(|m| m.shift_remove("stringData"));
    let Some(Value::Object(plain)) = plain else { return };
    let Some(data) = section(v, "data") else { return };
    for (name, text) in plain {
        data[&*name] = base64(text.as_str().unwrap_or_default().as_bytes()).into();
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let n = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS.get((n >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'A');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn endpoint_slice(v: &mut Value) {
    field(v, "endpoints", Value::Null);
    field(v, "ports", Value::Null);
    for port in v.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        field(port, "name", "".into());
        field(port, "protocol", "TCP".into());
    }
    for endpoint in v.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten() {
        section(endpoint, "conditions");
    }
}

fn binding(v: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if let Some(role) = v.get_mut("roleRef") {
        field(role, "apiGroup", GROUP.into());
    }
    for subject in v.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if matches!(subject.get("kind").and_then(Value::as_str), Some("User" | "Group")) {
            field(subject, "apiGroup", GROUP.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads() {
        for (text, expect) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")]
        {
            assert_eq!(base64(text.as_bytes()), expect);
        }
    }
}
