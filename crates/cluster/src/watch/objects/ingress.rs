//! Ingresses.

use super::{Meta, or_default};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Ingress {
    /// Its metadata.
    pub meta: Meta,
    /// Its class, when it names one.
    pub class: Option<Box<str>>,
    /// Hosts that have a certificate; the first part of one may be `*`.
    pub tls_hosts: Box<[Box<str>]>,
    /// Its rules.
    pub rules: Box<[IngressRule]>,
}

/// A rule of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngressRule {
    /// The host; empty for all.
    pub host: Box<str>,
    /// Its paths; `None` when the rule has no section `http`.
    pub paths: Option<Box<[Box<str>]>>,
}

type Raw = super::Raw<RawSpec, IgnoredAny>;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec {
    ingress_class_name: Option<Box<str>>,
    #[serde(deserialize_with = "or_default")]
    tls: Vec<RawTls>,
    #[serde(deserialize_with = "or_default")]
    rules: Vec<RawRule>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawTls {
    #[serde(deserialize_with = "or_default")]
    hosts: Vec<Box<str>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawRule {
    #[serde(deserialize_with = "or_default")]
    host: Box<str>,
    http: Option<RawHttp>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawHttp {
    #[serde(deserialize_with = "or_default")]
    paths: Vec<RawPath>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPath {
    #[serde(deserialize_with = "or_default")]
    path: Box<str>,
}

impl From<Raw> for Ingress {
    fn from(raw: Raw) -> Ingress {
        let rule = |r: RawRule| IngressRule {
            host: r.host,
            paths: r.http.map(|h| h.paths.into_iter().map(|p| p.path).collect()),
        };
        Ingress {
            meta: raw.metadata,
            class: raw.spec.ingress_class_name,
            tls_hosts: raw.spec.tls.into_iter().flat_map(|t| t.hosts).collect(),
            rules: raw.spec.rules.into_iter().map(rule).collect(),
        }
    }
}
