//! Objects of which only `metadata` counts: namespaces, and what stands between a pod and its Deployment or CronJob.

use super::{Meta, or_default};
use serde::Deserialize;

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Namespace {
    /// Its metadata.
    #[serde(rename = "metadata", default, deserialize_with = "or_default")]
    pub meta: Meta,
}

/// A ReplicaSet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ReplicaSet {
    /// Its metadata.
    #[serde(rename = "metadata", default, deserialize_with = "or_default")]
    pub meta: Meta,
}

/// A Job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Job {
    /// Its metadata.
    #[serde(rename = "metadata", default, deserialize_with = "or_default")]
    pub meta: Meta,
}
