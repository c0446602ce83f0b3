//! Ways from a component into a Prometheus, and how far each gets on paper.
//!
//! A component may be reached in several ways (Service and ServiceMonitor, PodMonitor, ScrapeConfig). The checks of
//! Services, monitors and selection judge the way that gets furthest: a second, half-made one is no broken link.

use crate::component::Component;
use crate::facts::Facts;
use crate::facts::monitors::{Aim, Kind, Monitor, Port, names, selects_service};
use crate::facts::prometheus::{Prometheus, Taken};
use crate::facts::services::MetricsService;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a monitor's endpoint finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It selects nothing of the component.
    Nothing,
    /// It selects these Services (indices into the component's), and its port is on none of them.
    NoPort(Vec<usize>),
    /// It finds this Service's port (index of the Service, index of the port), which is not the metrics port.
    OtherPort(usize, usize),
    /// It asks for a container port that the pods do not declare.
    Undeclared,
    /// It finds the metrics port.
    Metrics(Option<usize>),
}

/// One way: an endpoint of a monitor into a Prometheus object.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The component.
    pub component: Component,
    /// Index into [`Facts::monitors`].
    pub monitor: usize,
    /// Index into [`Facts::prometheuses`]; none when there is no such object.
    pub prometheus: Option<usize>,
    /// What the monitor finds.
    pub reach: Reach,
    /// Whether the Prometheus object takes it.
    pub taken: Option<Taken>,
}

impl Branch {
    /// Whether nothing on paper is in its way.
    pub fn whole(&self) -> bool {
        matches!(self.reach, Reach::Metrics(_)) && self.taken.as_ref().is_some_and(Taken::yes)
    }

    /// How far it gets; higher is further. A way that a Prometheus takes and that misses its port by a name is nearer to
    /// working than one that nobody takes.
    fn rank(&self) -> (u8, i32) {
        let reach = match self.reach {
            Reach::Nothing => 0,
            Reach::OtherPort(..) | Reach::Undeclared => 2,
            Reach::NoPort(_) => 3,
            Reach::Metrics(_) => 6,
        };
        let taken = match &self.taken {
            Some(t) if t.yes() => 3,
            Some(t) => 1 - i32::try_from(t.obstacles()).unwrap_or(i32::MAX / 2),
            None => 0,
        };
        (reach, taken)
    }
}

impl<'a> Facts<'a> {
    /// The Prometheus objects that the best ways of the components end in; without any way, the only one there is. Others
    /// are none of Calico's business.
    pub fn reading(&self) -> Vec<&Prometheus<'a>> {
        let mut indices: Vec<usize> = self.installed().filter_map(|c| self.best(c)?.prometheus).collect();
        if indices.is_empty() && self.prometheuses.len() == 1 {
            indices.push(0);
        }
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().filter_map(|i| self.prometheuses.get(i)).collect()
    }
}

/// All ways of all installed components, best first.
pub fn of(facts: &Facts<'_>) -> BTreeMap<Component, Vec<Branch>> {
    let mut out: BTreeMap<Component, Vec<Branch>> = BTreeMap::new();
    for component in facts.installed() {
        let mut list = Vec::new();
        for (index, monitor) in facts.monitors.iter().enumerate().filter(|(_, m)| m.component == component) {
            let reach = reach(facts, monitor);
            let kind = monitor.selected_as();
            let whole = |prometheus: Option<usize>, taken: Option<Taken>| Branch {
                component,
                monitor: index,
                prometheus,
                reach: reach.clone(),
                taken,
            };
            if facts.prometheuses.is_empty() {
                list.push(whole(None, None));
            }
            for (i, p) in facts.prometheuses.iter().enumerate() {
                list.push(whole(Some(i), Some(p.takes(kind, monitor.object, facts.snap))));
            }
        }
        list.sort_by_key(|b| Reverse(b.rank()));
        out.insert(component, list);
    }
    out
}

fn reach(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Reach {
    match monitor.kind {
        Kind::ScrapeConfig => Reach::Metrics(None),
        Kind::Pod => pod_reach(facts, monitor),
        Kind::Service => service_reach(facts, monitor),
    }
}

fn pod_reach(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Reach {
    if monitor.aim == Aim::Named {
        return Reach::Nothing;
    }
    let Some(workload) = facts.workloads.get(&monitor.component) else { return Reach::Nothing };
    let declared = workload.pods.iter().flat_map(|p| &p.containers).flat_map(|c| &c.ports);
    let port = facts.settings.port(monitor.component);
    let found = declared.filter(|p| match &monitor.port {
        Port::Name(_) | Port::Any => names(&monitor.port, &p.name),
        Port::Number(n) => p.port == *n,
        Port::Container(name) => p.name == *name,
    });
    let numbers: Vec<u16> = found.map(|p| p.port).collect();
    // A relabelling that writes the address makes the declared port meaningless.
    let readdressed = monitor.field("relabelings").is_some_and(|r| r.to_string().contains("__address__"));
    if numbers.contains(&port) || readdressed {
        return Reach::Metrics(None);
    }
    Reach::Undeclared
}

fn service_reach(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Reach {
    let services = facts.services(monitor.component);
    let selected: Vec<usize> = (0..services.len())
        .filter(|&i| services[i].sends && selects_service(monitor, &services[i]))
        .collect();
    if selected.is_empty() {
        return Reach::Nothing;
    }
    if matches!(monitor.port, Port::Number(_) | Port::Container(_)) {
        return container_port(facts, monitor, &selected);
    }
    let mut other = None;
    for &i in &selected {
        for (j, port) in services[i].service.ports.iter().enumerate() {
            if !names(&monitor.port, &port.name) {
                continue;
            }
            if services[i].metrics_port == Some(j) {
                return Reach::Metrics(Some(i));
            }
            other = other.or(Some((i, j)));
        }
    }
    if let Some((i, j)) = other {
        return Reach::OtherPort(i, j);
    }
    Reach::NoPort(prefer_meant(services, selected))
}

/// Services made for metrics come first: a finding names the one that was meant.
fn prefer_meant(services: &[MetricsService<'_>], mut selected: Vec<usize>) -> Vec<usize> {
    selected.sort_by_key(|&i| (services[i].metrics_port.is_none(), !services[i].meant));
    selected
}

fn container_port(facts: &Facts<'_>, monitor: &Monitor<'_>, selected: &[usize]) -> Reach {
    let Some(workload) = facts.workloads.get(&monitor.component) else { return Reach::Nothing };
    let port = facts.settings.port(monitor.component);
    let mut declared = workload.pods.iter().flat_map(|p| &p.containers).flat_map(|c| &c.ports);
    let hit = declared.any(|p| match &monitor.port {
        Port::Number(n) => p.port == *n && p.port == port,
        Port::Container(name) => p.name == *name && p.port == port,
        _ => false,
    });
    if hit { Reach::Metrics(selected.first().copied()) } else { Reach::Undeclared }
}
