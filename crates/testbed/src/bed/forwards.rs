//! `kubectl port-forward` to pods that pretend: kwok answers as their kubelet and is told by an object of its own for
//! each pod where its ports are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Bed;
use crate::api::Api;

/// Ports that are forwarded although no container names them.
const PORTS: &[u64] = &[8080, 9090, 9091, 9093, 9094, 9095, 9098, 9099, 3000];

/// The definitions of kwok's PortForward and Logs, as loose as they can be.
pub(super) fn install(bed: &Bed) -> anyhow::Result<()> {
    for (plural, singular, kind) in [("portforwards", "portforward", "PortForward"), ("logs", "logs", "Logs")]
    {
        define(bed, plural, singular, kind)?;
    }
    Ok(())
}

fn define(bed: &Bed, plural: &str, singular: &str, kind: &str) -> anyhow::Result<()> {
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    bed.api().create(
        &json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.kwok.x-k8s.io") },
            "spec": {
                "group": "kwok.x-k8s.io",
                "scope": "Namespaced",
                "names": { "plural": plural, "singular": singular, "kind": kind, "listKind": format!("{kind}List") },
                "versions": [{
                    "name": "v1alpha1", "served": true, "storage": true,
                    "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": anything, "status": anything } } },
                }],
            },
        }),
        "bed",
    )?;
    bed.wait(&format!("kwok's {kind} served"), |api| {
        Ok(api.find(&format!("/apis/kwok.x-k8s.io/v1alpha1/{plural}"))?.map(drop))
    })
}

impl Bed {
    /// Tells kwok where the ports of all pods are that run now. To be called again when pods came or went.
    ///
    /// # Errors
    /// When the API server refuses, as on a bed without `port_forward`.
    pub fn forward_ports(&self) -> anyhow::Result<()> {
        let have: BTreeSet<(String, String)> =
            self.api().list("/apis/kwok.x-k8s.io/v1alpha1/portforwards")?.iter().map(key).collect();
        for pod in self.api().list("/api/v1/pods")? {
            if !have.contains(&key(&pod)) && pod["status"]["podIP"].is_string() {
                create(self.api(), &pod)?;
            }
        }
        Ok(())
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

fn create(api: &Api, pod: &Value) -> anyhow::Result<()> {
    let named = pod["spec"]["containers"].as_array().into_iter().flatten();
    let named = named.flat_map(|c| c["ports"].as_array().into_iter().flatten());
    let ports: BTreeSet<u64> =
        named.filter_map(|p| p["containerPort"].as_u64()).chain(PORTS.iter().copied()).collect();
    let address = &pod["status"]["podIP"];
    let forwards: Vec<Value> = ports
        .iter()
        .map(|port| json!({ "ports": [port], "target": { "address": address, "port": port } }))
        .collect();
    let owner = json!({ "apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"] });
    api.create(
        &json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "PortForward",
            "metadata": {
                "name": pod["metadata"]["name"],
                "namespace": pod["metadata"]["namespace"],
                "ownerReferences": [owner],
            },
            "spec": { "forwards": forwards },
        }),
        "bed",
    )?;
    Ok(())
}
