//! Pods.

use super::raw::{RawMeta, meta_json, or_default, put};
use crate::object::{Malformed, Meta, Object};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A pod.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "RawPod")]
pub struct Pod {
    /// Its metadata, slim.
    pub meta: Meta,
    /// The node it runs on; empty while it is not scheduled.
    pub node: String,
    /// Whether it shares the node's network.
    pub host_network: bool,
    /// Its address; empty while it has none.
    pub ip: String,
    /// All its addresses.
    pub ips: Vec<String>,
    /// The node's address.
    pub host_ip: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Why it is in that phase, such as `Evicted`; mostly empty.
    pub reason: String,
    /// Whether its condition `Ready` holds.
    pub ready: bool,
    /// The service account it runs as.
    pub service_account: String,
    /// Its containers, without those that run before them.
    pub containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The ports that it declares.
    pub ports: Vec<ContainerPort>,
    /// Environment variables whose value is written in the pod; those taken from elsewhere are not here.
    pub env: BTreeMap<String, String>,
    /// How often it was started anew.
    pub restarts: u32,
    /// Why it waits, such as `CrashLoopBackOff`.
    pub waiting: Option<String>,
    /// How it ended the last time, such as `OOMKilled`.
    pub ended: Option<String>,
}

/// A declared port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "RawPort")]
pub struct ContainerPort {
    /// Its name; may be empty.
    pub name: String,
    /// Its number.
    pub port: u16,
    /// The port of the node that leads to it; 0 for none.
    pub host_port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

impl Pod {
    /// Decodes a Pod.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn from_object(object: &Object) -> Result<Pod, Malformed> {
        super::decode(object)
    }

    /// The form that [`Pod::from_object`] reads back as the same.
    pub fn to_json(&self) -> Value {
        let mut spec = Map::new();
        put(&mut spec, "nodeName", &self.node);
        put(&mut spec, "serviceAccountName", &self.service_account);
        if self.host_network {
            put(&mut spec, "hostNetwork", &true);
        }
        let containers: Vec<Value> = self.containers.iter().map(Container::spec).collect();
        spec.insert("containers".to_owned(), Value::Array(containers));
        let mut status = Map::new();
        put(&mut status, "phase", &self.phase);
        put(&mut status, "reason", &self.reason);
        put(&mut status, "podIP", &self.ip);
        put(&mut status, "podIPs", &self.ips.iter().map(|ip| json!({"ip": ip})).collect::<Vec<_>>());
        put(&mut status, "hostIP", &self.host_ip);
        let ready = if self.ready { "True" } else { "False" };
        put(&mut status, "conditions", &json!([{"type": "Ready", "status": ready}]));
        put(
            &mut status,
            "containerStatuses",
            &self.containers.iter().map(Container::status).collect::<Vec<_>>(),
        );
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta_json(&self.meta), "spec": spec, "status": status})
    }
}

impl Container {
    fn spec(&self) -> Value {
        let mut out = Map::new();
        put(&mut out, "name", &self.name);
        put(&mut out, "image", &self.image);
        let port = |p: &ContainerPort| {
            let mut out = Map::new();
            put(&mut out, "name", &p.name);
            put(&mut out, "containerPort", &p.port);
            if p.host_port != 0 {
                put(&mut out, "hostPort", &p.host_port);
            }
            put(&mut out, "protocol", &p.protocol);
            out
        };
        put(&mut out, "ports", &self.ports.iter().map(port).collect::<Vec<_>>());
        let env: Vec<Value> = self.env.iter().map(|(k, v)| json!({"name": k, "value": v})).collect();
        put(&mut out, "env", &env);
        Value::Object(out)
    }

    fn status(&self) -> Value {
        let mut out = Map::new();
        put(&mut out, "name", &self.name);
        put(&mut out, "restartCount", &self.restarts);
        if let Some(reason) = &self.waiting {
            put(&mut out, "state", &json!({"waiting": {"reason": reason}}));
        }
        if let Some(reason) = &self.ended {
            put(&mut out, "lastState", &json!({"terminated": {"reason": reason}}));
        }
        Value::Object(out)
    }
}

#[derive(Deserialize)]
struct RawPod {
    #[serde(default, deserialize_with = "or_default")]
    metadata: RawMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: RawSpec,
    #[serde(default, deserialize_with = "or_default")]
    status: RawStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    node_name: Option<String>,
    host_network: Option<bool>,
    service_account_name: Option<String>,
    containers: Option<Vec<RawContainer>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawContainer {
    name: Option<String>,
    image: Option<String>,
    ports: Option<Vec<ContainerPort>>,
    env: Option<Vec<RawEnv>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawPort {
    name: Option<String>,
    container_port: u16,
    host_port: Option<u16>,
    protocol: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawEnv {
    name: String,
    value: Option<String>,
    value_from: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    phase: Option<String>,
    reason: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<RawIp>>,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
    conditions: Option<Vec<super::node::RawCondition>>,
    container_statuses: Option<Vec<RawContainerStatus>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawIp {
    ip: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawContainerStatus {
    name: String,
    restart_count: u32,
    state: Option<RawState>,
    last_state: Option<RawState>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawState {
    waiting: Option<RawReason>,
    terminated: Option<RawReason>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawReason {
    reason: Option<String>,
}

impl From<RawPort> for ContainerPort {
    fn from(raw: RawPort) -> ContainerPort {
        ContainerPort {
            name: raw.name.unwrap_or_default(),
            port: raw.container_port,
            host_port: raw.host_port.unwrap_or(0),
            protocol: raw.protocol.unwrap_or_else(|| "TCP".to_owned()),
        }
    }
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Pod {
        let RawPod { metadata, spec, status } = raw;
        let ready = status.conditions.unwrap_or_default().iter().any(|c| c.holds("Ready"));
        let mut states: BTreeMap<String, RawContainerStatus> = status
            .container_statuses
            .unwrap_or_default()
            .into_iter()
            .map(|mut s| (std::mem::take(&mut s.name), s))
            .collect();
        let containers = spec.containers.unwrap_or_default().into_iter().map(|c| {
            let name = c.name.unwrap_or_default();
            let state = states.remove(&name).unwrap_or_default();
            let env = c.env.unwrap_or_default().into_iter().filter(|e| e.value_from.is_none());
            Container {
                name,
                image: c.image.unwrap_or_default(),
                ports: c.ports.unwrap_or_default(),
                env: env.map(|e| (e.name, e.value.unwrap_or_default())).collect(),
                restarts: state.restart_count,
                waiting: state.state.and_then(|s| s.waiting).and_then(|w| w.reason),
                ended: state.last_state.and_then(|s| s.terminated).and_then(|t| t.reason),
            }
        });
        Pod {
            meta: metadata.into(),
            node: spec.node_name.unwrap_or_default(),
            host_network: spec.host_network.unwrap_or(false),
            ip: status.pod_ip.unwrap_or_default(),
            ips: status.pod_ips.unwrap_or_default().into_iter().map(|i| i.ip).collect(),
            host_ip: status.host_ip.unwrap_or_default(),
            phase: status.phase.unwrap_or_default(),
            reason: status.reason.unwrap_or_default(),
            ready,
            service_account: spec.service_account_name.unwrap_or_default(),
            containers: containers.collect(),
        }
    }
}
