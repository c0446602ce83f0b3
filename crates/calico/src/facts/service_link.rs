//! The first break on the Services' side of a component. One break has one name, so that of the checks of Services only
//! one speaks.

use crate::component::Component;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::by_hand::ByHand;
use crate::facts::install::Keeper;
use crate::facts::monitors::Kind;
use crate::facts::services::{MetricsService, matches_pods};
use tortie_cluster::object::Service;

/// How a component's Services stand. Numbers are indices into [`Facts::services`] and into the Service's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceLink {
    /// No Service is needed: a PodMonitor, a ScrapeConfig or a job by hand reaches the pods.
    Aside,
    /// This Service ends at the metrics port, by a port that a monitor can name.
    Whole(usize),
    /// Its port for metrics has no name.
    Unnamed(usize, usize),
    /// Its port ends elsewhere.
    WrongTarget(usize, usize),
    /// Its selector matches no pod.
    NoPods(usize),
    /// Its selector would match, but it stands in another namespace than the pods.
    WrongNamespace(usize),
    /// The operator makes one as soon as the metrics are on, or is about to, so its absence is a consequence.
    Comes,
    /// There is none.
    Missing,
}

impl Facts<'_> {
    /// How the Services of a component stand.
    pub fn service_link(&self, component: Component) -> ServiceLink {
        let links = self.service_links.get_or_init(|| self.installed().map(|c| (c, self.link(c))).collect());
        links.get(&component).copied().unwrap_or(ServiceLink::Missing)
    }

    fn link(&self, component: Component) -> ServiceLink {
        let services = self.services(component);
        if self.by_hand(component) == ByHand::Yes {
            return ServiceLink::Aside;
        }
        let best = self.best(component);
        // The way that got furthest goes straight to pods; what is wrong with it has its own check.
        if best.is_some_and(|b| self.monitor(b).kind == Kind::Pod) {
            return ServiceLink::Aside;
        }
        match best.map(|b| &b.reach) {
            Some(Reach::Metrics(None)) => return ServiceLink::Aside,
            Some(Reach::Metrics(Some(i))) => return ServiceLink::Whole(*i),
            _ => {}
        }
        // What a monitor selects comes first, then what was made for metrics: a finding names the one that was meant.
        let mut order: Vec<usize> = (0..services.len()).collect();
        order.sort_by_key(|&i| (!self.is_selected(component, i), !services.get(i).is_some_and(|s| s.meant)));
        let find = |f: &dyn Fn(usize, &MetricsService<'_>) -> Option<ServiceLink>| {
            order.iter().find_map(|&i| services.get(i).and_then(|s| f(i, s)))
        };
        let whole = find(&|i, s| {
            let name = &s.service.ports.get(s.metrics_port?)?.name;
            (s.sends && !name.is_empty()).then_some(ServiceLink::Whole(i))
        });
        let unnamed = || find(&|i, s| s.metrics_port.filter(|_| s.sends).map(|j| ServiceLink::Unnamed(i, j)));
        let wrong =
            || find(&|i, s| (s.sends && s.meant).then(|| ServiceLink::WrongTarget(i, meant_port(s.service))));
        let elsewhere = || {
            let workload = self.workloads.get(&component)?;
            find(&|i, s| {
                let other = s.service.meta.namespace != workload.namespace;
                (!s.sends && s.meant && other && matches_pods(s.service, workload))
                    .then_some(ServiceLink::WrongNamespace(i))
            })
        };
        let no_pods = || {
            let workload = self.workloads.get(&component)?;
            find(&|i, s| {
                let here = s.service.meta.namespace == workload.namespace;
                (!s.sends && s.meant && here && s.service.kind != "ExternalName")
                    .then_some(ServiceLink::NoPods(i))
            })
        };
        whole
            .or_else(unnamed)
            .or_else(wrong)
            .or_else(elsewhere)
            .or_else(no_pods)
            .unwrap_or(if self.comes(component) { ServiceLink::Comes } else { ServiceLink::Missing })
    }

    /// The Service that the link speaks of.
    pub fn linked_service(&self, component: Component) -> Option<&MetricsService<'_>> {
        match self.service_link(component) {
            ServiceLink::Whole(i)
            | ServiceLink::Unnamed(i, _)
            | ServiceLink::WrongTarget(i, _)
            | ServiceLink::NoPods(i)
            | ServiceLink::WrongNamespace(i) => self.services(component).get(i),
            ServiceLink::Aside | ServiceLink::Comes | ServiceLink::Missing => None,
        }
    }

    fn is_selected(&self, component: Component, service: usize) -> bool {
        self.branches.get(&component).into_iter().flatten().any(|b| match &b.reach {
            Reach::NoPort(list) => list.contains(&service),
            Reach::OtherPort(i, _) => {
                *i == service && self.services(component).get(service).is_some_and(|s| s.meant)
            }
            Reach::Metrics(Some(i)) => *i == service,
            _ => false,
        })
    }

    /// Whether the operator brings the Service with the setting that is still off: kube-controllers' always, Typha's
    /// from 1.34 (Calico 3.28) on. It writes Typha's Deployment first and then the Service, so while pods of before the
    /// port are there it may be between the two.
    fn comes(&self, component: Component) -> bool {
        let off = self.settings.of_component(component).is_some_and(|e| !e.enabled.value);
        let off = off || component == Component::Typha && self.typha_rolls();
        let makes = match component {
            Component::Felix => false,
            Component::Typha => self.install.since(28),
            Component::KubeControllers => true,
        };
        self.install.keeper == Keeper::Operator && off && makes
    }
}

impl Facts<'_> {
    /// Whether the Installation gives Typha a port that some of its pods do not have yet.
    fn typha_rolls(&self) -> bool {
        let Some(port) = self.settings.typha_metrics_port.map(|p| p.to_string()) else { return false };
        let pods = self.workloads.get(&Component::Typha).map(|w| w.pods.iter()).into_iter().flatten();
        pods.filter(|p| p.meta.deleting.is_none()).any(|p| {
            let mut env = p.containers.iter().filter_map(|c| c.env.get("TYPHA_PROMETHEUSMETRICSPORT"));
            !env.any(|v| *v == port)
        })
    }
}

/// The port that was meant for metrics: the one whose name says so, else the first.
fn meant_port(service: &Service) -> usize {
    service.ports.iter().position(|p| p.name.contains("metrics")).unwrap_or(0)
}
