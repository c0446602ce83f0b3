//! From accepted objects to a configuration, as the operator writes it: the same jobs in the same order with the same
//! keys. The text is what `run` reads; explanations and the comparison with the operator show it as it is.
//!
//! Rules: prometheus-operator 0.93, `pkg/prometheus/promcfg.go`.

mod additional;
mod alerting;
mod discovery;
mod doc;
mod global;
mod http;
mod limits;
mod pod_monitor;
mod probe;
mod relabel;
mod scrape_config;
mod service_monitor;

pub(super) use additional::{jobs as additional_jobs, list as additional_list};

use super::credentials::Store;
use super::types::{Prometheus, ScrapeClass};
use super::version::Version;

/// How certificates and keys come into the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Material {
    /// In the text.
    #[default]
    Inline,
    /// As paths under which the operator mounts them.
    Mounted,
}

/// Whether several share the targets of one Prometheus object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// As the operator's shards do, with placeholders for the own number.
    Shards,
    /// One takes them all.
    #[default]
    None,
}

/// What writes the configuration of one Prometheus.
pub(super) struct Maker<'a> {
    pub(super) prometheus: &'a Prometheus,
    pub(super) version: &'a Version,
    pub(super) store: &'a Store<'a>,
    pub(super) material: Material,
    pub(super) sharing: Sharing,
    /// What monitors get that name no class and when there is no default one.
    pub(super) no_class: ScrapeClass,
}

impl Maker<'_> {
    /// The class of a monitor: the one it names, else the default one, else an empty one.
    fn class(&self, name: Option<&str>) -> &ScrapeClass {
        let classes = &self.prometheus.spec.scrape_classes;
        let named = name.and_then(|n| classes.iter().rev().find(|c| c.name == n));
        named.or_else(|| classes.iter().find(|c| c.default == Some(true))).unwrap_or(&self.no_class)
    }

    /// How many shards there are, at least one.
    pub(super) fn shards(&self) -> i64 {
        i64::from(self.prometheus.spec.shards.unwrap_or(1).max(1))
    }

    /// The zones, where targets are shared by them.
    pub(super) fn zones(&self) -> Option<&[String]> {
        let strategy = self.prometheus.spec.sharding_strategy.as_ref()?;
        let zones = &strategy.topology.as_ref()?.values;
        (strategy.mode.as_deref() == Some("Topology") && !zones.is_empty()).then_some(zones)
    }

    /// Whether Services are looked up through EndpointSlices.
    fn by_slices(&self, own: Option<&str>) -> bool {
        let role = own.or(self.prometheus.spec.service_discovery_role.as_deref());
        self.version.since("2.21.0") && role == Some("EndpointSlice")
    }
}
