//! What is there before anybody does anything: Calico as an operator, a manifest or a Helm chart installs it, and the
//! two usual monitoring stacks. Objects to be made on a bed.
//!
//! `tortie_sim::installs` models the same installs as clusters at rest, with identities, statuses, managers and pods. Only what
//! is the same in both is taken from there (Grafana): the rest here is what is sent, by version, without what servers and
//! controllers fill in, and must equal recordings of the real operators; a model that is changed for a check must not change it.
//!
//! Behind an operator's or a chart's install stands [`crate::Actor`], which makes and keeps the rest.

mod calico;
mod crds;
mod monitoring;

pub use calico::{Manifest, chart, installation, kube_controllers_configuration, manifest, operator};
pub use crds::{calico_crds, install_calico_crds, install_monitoring_crds, native_v3_crds};
pub use monitoring::{Stack, kube_prometheus, kube_prometheus_stack};

use serde_json::{Value, json};

/// Calico's version: 3 and its minor.
pub type Version = (u16, u16);

/// The newest patch release that the recordings know, or a plain one.
pub(crate) fn patch(version: Version) -> String {
    let patch = match version.1 {
        27 | 28 => 5,
        29 | 30 => 7,
        _ => 1,
    };
    format!("v{}.{}.{patch}", version.0, version.1)
}

/// An image of Calico, without the registry that it comes from.
pub(crate) fn image(version: Version, name: &str) -> String {
    format!("calico/{name}:{}", patch(version))
}

pub(crate) fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "name": name } } })
}

pub(crate) fn account(namespace: &str, name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": namespace } })
}
