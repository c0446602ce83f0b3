//! What follows from a snapshot before anything is judged: the install, the effective settings, the Services and monitors
//! of each component, and how far each way from a process to a Prometheus gets.
//!
//! Computed once; checks only read it. Reading order: [`install`], [`settings`], [`workload`], [`services`],
//! [`prometheus`], [`monitors`], [`branch`], [`samples`].

pub mod branch;
pub mod by_hand;
pub mod calico_selector;
pub mod discovered;
pub mod grafana;
pub mod install;
pub mod monitors;
pub mod operators;
pub mod ownership;
pub mod panels;
pub mod policies;
mod policy_rules;
pub mod prometheus;
pub mod queries;
pub mod rbac;
pub mod rules;
pub mod samples;
pub mod scrapers;
pub mod service_link;
pub mod services;
pub mod settings;
pub mod variables;
pub mod workload;

use crate::component::Component;
use crate::snapshot::{Snapshot, Source};
use branch::Branch;
use install::Install;
use monitors::Monitor;
use prometheus::Prometheus;
use services::MetricsService;
use settings::Settings;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use workload::Workload;

/// Facts of one snapshot.
pub struct Facts<'a> {
    /// What they follow from.
    pub snap: &'a Snapshot,
    /// How Calico was installed, where, and which version.
    pub install: Install,
    /// The workloads of the components that are installed.
    pub workloads: BTreeMap<Component, Workload<'a>>,
    /// Effective settings.
    pub settings: Settings<'a>,
    /// Services that send to a component's pods, or seem to be meant to.
    pub services: BTreeMap<Component, Vec<MetricsService<'a>>>,
    /// Prometheus objects.
    pub prometheuses: Vec<Prometheus<'a>>,
    /// Monitors that aim at a component, one entry an endpoint.
    pub monitors: Vec<Monitor<'a>>,
    /// For each component, every way through a monitor into a Prometheus, the one that got furthest first.
    pub branches: BTreeMap<Component, Vec<Branch>>,
    /// Dashboards that read Calico's series, read when first asked for ([`Facts::boards`]).
    boards: OnceLock<Vec<panels::Board>>,
    /// Rules that read them ([`Facts::rules`]).
    rules: OnceLock<Vec<rules::Rule>>,
    /// Jobs by hand, looked for when first asked for ([`Facts::by_hand`]).
    by_hand: OnceLock<BTreeMap<Component, by_hand::ByHand>>,
    /// How the Services stand ([`Facts::service_link`]).
    service_links: OnceLock<BTreeMap<Component, service_link::ServiceLink>>,
}

impl<'a> Facts<'a> {
    /// Derives all of it.
    pub fn of(snap: &'a Snapshot) -> Facts<'a> {
        let install = Install::of(snap);
        let workloads = workload::of(snap, &install);
        let settings = Settings::of(snap, &install, &workloads);
        let services = services::of(snap, &workloads, &settings);
        let prometheuses = prometheus::of(snap);
        let monitors = monitors::of(snap, &workloads, &services);
        let mut facts = Facts {
            snap,
            install,
            workloads,
            settings,
            services,
            prometheuses,
            monitors,
            branches: BTreeMap::new(),
            boards: OnceLock::new(),
            rules: OnceLock::new(),
            by_hand: OnceLock::new(),
            service_links: OnceLock::new(),
        };
        facts.branches = branch::of(&facts);
        facts
    }

    /// The components that are there.
    pub fn installed(&self) -> impl Iterator<Item = Component> + '_ {
        self.workloads.keys().copied()
    }

    /// Whether the component is installed.
    pub fn has(&self, component: Component) -> bool {
        self.workloads.contains_key(&component)
    }

    /// The way that got furthest; none without any monitor that aims at the component.
    pub fn best(&self, component: Component) -> Option<&Branch> {
        self.branches.get(&component).and_then(|b| b.first())
    }

    /// The monitor of a branch.
    pub fn monitor(&self, branch: &Branch) -> &Monitor<'a> {
        &self.monitors[branch.monitor]
    }

    /// The Prometheus of a branch.
    pub fn prometheus(&self, branch: &Branch) -> Option<&Prometheus<'a>> {
        branch.prometheus.and_then(|i| self.prometheuses.get(i))
    }

    /// Services of a component.
    pub fn services(&self, component: Component) -> &[MetricsService<'a>] {
        self.services.get(&component).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether this is judged on a live cluster.
    pub fn live(&self) -> bool {
        matches!(self.snap.source, Source::Live | Source::Overlay)
    }

    /// Whether what runs is what is judged. With files laid over a cluster it is not: samples, targets and processes show
    /// what is, not what would be.
    pub fn running(&self) -> bool {
        self.snap.source == Source::Live
    }
}
