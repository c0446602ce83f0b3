//! Services.

use super::{Meta, or_default};
use serde::Deserialize;

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Service {
    /// Its metadata.
    pub meta: Meta,
    /// Its ports.
    pub ports: Box<[ServicePort]>,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub kind: Box<str>,
    /// Its address; `None` as a text for a headless one.
    pub cluster_ip: Box<str>,
    /// The name that it stands for.
    pub external_name: Box<str>,
    /// The address that its load balancer was asked to have.
    pub load_balancer_ip: Box<str>,
    /// The addresses that its load balancer has.
    pub ingress_ips: Box<[Box<str>]>,
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`; empty when it is not told.
    pub family_policy: Box<str>,
    /// Families of its addresses, the primary one first: `IPv4`, `IPv6`.
    pub families: Box<[Box<str>]>,
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ServicePort {
    /// Its name; may be empty.
    #[serde(deserialize_with = "or_default")]
    pub name: Box<str>,
    /// Its number.
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
    ports: Box<[ServicePort]>,
    #[serde(deserialize_with = "or_default")]
    r#type: Box<str>,
    #[serde(rename = "clusterIP", deserialize_with = "or_default")]
    cluster_ip: Box<str>,
    #[serde(deserialize_with = "or_default")]
    external_name: Box<str>,
    #[serde(rename = "loadBalancerIP", deserialize_with = "or_default")]
    load_balancer_ip: Box<str>,
    #[serde(deserialize_with = "or_default")]
    ip_family_policy: Box<str>,
    #[serde(deserialize_with = "or_default")]
    ip_families: Box<[Box<str>]>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus {
    #[serde(deserialize_with = "or_default")]
    load_balancer: RawBalancer,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawBalancer {
    #[serde(deserialize_with = "or_default")]
    ingress: Vec<RawIngress>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawIngress {
    #[serde(deserialize_with = "or_default")]
    ip: Box<str>,
}

impl From<Raw> for Service {
    fn from(raw: Raw) -> Service {
        let spec = raw.spec;
        let ingress = raw.status.load_balancer.ingress;
        Service {
            meta: raw.metadata,
            ports: spec.ports,
            kind: spec.r#type,
            cluster_ip: spec.cluster_ip,
            external_name: spec.external_name,
            load_balancer_ip: spec.load_balancer_ip,
            ingress_ips: ingress.into_iter().map(|i| i.ip).filter(|ip| !ip.is_empty()).collect(),
            family_policy: spec.ip_family_policy,
            families: spec.ip_families,
        }
    }
}
