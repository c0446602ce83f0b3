//! Pods.

use super::{Meta, or_default};
use serde::Deserialize;

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Pod {
    /// Its metadata.
    pub meta: Meta,
    /// Its address; empty while it has none.
    pub ip: Box<str>,
    /// The address of its node.
    pub host_ip: Box<str>,
    /// The node it runs on; empty while it is not scheduled.
    pub node: Box<str>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Box<str>,
    /// Status of its condition `Ready`: `True`, `False` or `Unknown`; `None` without the condition.
    pub ready: Option<Box<str>>,
    /// Its containers, then those that run before them.
    pub containers: Box<[Container]>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Its name.
    pub name: Box<str>,
    /// Its image, as the pod names it.
    pub image: Box<str>,
    /// The identity that the runtime gave it; empty while it has none.
    pub id: Box<str>,
    /// Whether it runs before the others.
    pub init: bool,
    /// The ports that it declares.
    pub ports: Box<[ContainerPort]>,
}

/// A declared port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Its name; may be empty.
    #[serde(deserialize_with = "or_default")]
    pub name: Box<str>,
    /// Its number.
    #[serde(rename = "containerPort")]
    pub port: i32,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(deserialize_with = "or_default")]
    pub protocol: Box<str>,
}

type Raw = super::Raw<RawSpec, RawStatus>;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    #[serde(deserialize_with = "or_default")]
    node_name: Box<str>,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<RawContainer>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<RawContainer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawContainer {
    #[serde(deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(deserialize_with = "or_default")]
    image: Box<str>,
    #[serde(deserialize_with = "or_default")]
    ports: Box<[ContainerPort]>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    #[serde(deserialize_with = "or_default")]
    phase: Box<str>,
    #[serde(rename = "podIP", deserialize_with = "or_default")]
    pod_ip: Box<str>,
    #[serde(rename = "hostIP", deserialize_with = "or_default")]
    host_ip: Box<str>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<RawCondition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<RawContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<RawContainerStatus>,
}

/// A condition of a status.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawCondition {
    /// What it is about.
    #[serde(deserialize_with = "or_default")]
    pub(super) r#type: Box<str>,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Box<str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawContainerStatus {
    #[serde(deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(rename = "containerID", deserialize_with = "or_default")]
    id: Box<str>,
}

fn containers(raw: Vec<RawContainer>, statuses: &[RawContainerStatus], init: bool) -> Vec<Container> {
    raw.into_iter()
        .map(|c| Container {
            id: statuses.iter().find(|s| s.name == c.name).map(|s| s.id.clone()).unwrap_or_default(),
            name: c.name,
            image: c.image,
            init,
            ports: c.ports,
        })
        .collect()
}

impl From<Raw> for Pod {
    fn from(raw: Raw) -> Pod {
        let Raw { metadata, spec, status } = raw;
        let mut all = containers(spec.containers, &status.container_statuses, false);
        all.extend(containers(spec.init_containers, &status.init_container_statuses, true));
        Pod {
            meta: metadata,
            ip: status.pod_ip,
            host_ip: status.host_ip,
            node: spec.node_name,
            phase: status.phase,
            ready: status.conditions.into_iter().find(|c| &*c.r#type == "Ready").map(|c| c.status),
            containers: all.into(),
        }
    }
}
