//! What a check is. Each stands in one file under `checks/` that defines `pub(crate) static CHECK: Check`; the build finds the files,
//! so adding one is all it takes. The file's `//!` text is its page (`tortie explain`).

use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::monitors::Port;
use crate::facts::panels::Board;
use crate::facts::prometheus::{Prometheus, Taken};
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;

/// The station of the chain that a check looks at: the columns of the doctor's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Station {
    /// Reaching the cluster, rights, versions.
    Access,
    /// The component's own setting.
    On,
    /// The process listens and is the right one.
    Port,
    /// A Service with ready endpoints.
    Service,
    /// A monitor that finds the Service and its port.
    Monitor,
    /// A Prometheus takes the monitor and loads it.
    Selected,
    /// Its discovery finds the targets and they are up.
    Targets,
    /// Samples arrive and stay.
    Fresh,
    /// Dashboards show them.
    Panels,
    /// Rules can fire and reach somebody.
    Rules,
}

impl Station {
    /// The columns of the table, in order; `Access` stands above it.
    pub const COLUMNS: [Station; 9] = [
        Station::On,
        Station::Port,
        Station::Service,
        Station::Monitor,
        Station::Selected,
        Station::Targets,
        Station::Fresh,
        Station::Panels,
        Station::Rules,
    ];

    /// Its heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Station::Access => "access",
            Station::On => "on",
            Station::Port => "port",
            Station::Service => "service",
            Station::Monitor => "monitor",
            Station::Selected => "selected",
            Station::Targets => "targets",
            Station::Fresh => "fresh",
            Station::Panels => "panels",
            Station::Rules => "rules",
        }
    }
}

/// What a check needs to see. Absent evidence makes it `unknown` (live) or `skipped` (files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Objects through the API or from files; enough offline.
    Objects,
    /// Managed fields, owners, older ReplicaSets.
    Managers,
    /// Events.
    Events,
    /// Logs of pods.
    Logs,
    /// Probes of the processes.
    Probes,
    /// The API of Prometheus.
    Prometheus,
    /// Grafana's objects.
    Grafana,
    /// The Secret with the generated configuration.
    Secret,
    /// The connection itself.
    Api,
}

/// One check.
pub struct Check {
    /// `T507`; never used again for something else.
    pub id: &'static str,
    /// `port-not-on-service`.
    pub slug: &'static str,
    /// What it asks, as a short sentence without a full stop.
    pub title: &'static str,
    /// Which column it belongs to.
    pub station: Station,
    /// Worst level it reports.
    pub level: Level,
    /// Checks whose failure makes this one's meaningless or its consequence, by id.
    pub needs: &'static [&'static str],
    /// What it looks at.
    pub evidence: &'static [Evidence],
    /// Whether a failure of it can only be a consequence (no samples, empty panel): then a failed ancestor explains it;
    /// a failure of any other check behind a broken link is shown as `next`.
    pub symptom: bool,
    /// The judgement: pure.
    pub judge: fn(&Facts<'_>) -> Vec<Judged>,
}

/// One judgement a component that is installed, where a check has something to say of it.
pub(crate) fn each_installed(
    facts: &Facts<'_>,
    of: impl Fn(&Facts<'_>, Component) -> Option<Judged>,
) -> Vec<Judged> {
    facts.installed().filter_map(|c| of(facts, c)).collect()
}

/// The same of a Prometheus that scrapes: without one that can be asked it is unknown, or does not apply.
pub(crate) fn each_scraped(
    facts: &Facts<'_>,
    of: impl Fn(&Facts<'_>, Component, Entity) -> Option<Judged>,
) -> Vec<Judged> {
    each_installed(facts, |facts, component| {
        let entity = Entity::of(component);
        unasked(facts, entity.clone()).or_else(|| of(facts, component, entity))
    })
}

/// Of the component's Service, where it is whole but for one port: `wrong` knows its Service and port by their numbers.
pub(crate) fn each_service_port(
    facts: &Facts<'_>,
    wrong: impl Fn(&ServiceLink) -> Option<(usize, usize)>,
    finding: impl Fn(&Facts<'_>, Component, &MetricsService<'_>, usize) -> Option<Finding>,
) -> Vec<Judged> {
    each_installed(facts, |facts, component| {
        let entity = Entity::of(component);
        let link = facts.service_link(component);
        if let ServiceLink::Whole(_) = link {
            return Some(Judged::pass(entity));
        }
        let (index, at) = wrong(&link)?;
        let service = facts.services(component).get(index)?;
        Some(Judged::fail(entity, finding(facts, component, service, at)?))
    })
}

/// Of the best way's monitor that asks for a port by name: one that finds the metrics passes.
pub(crate) fn each_named_port(
    facts: &Facts<'_>,
    finding: impl Fn(&Facts<'_>, &Branch, &str) -> Option<Finding>,
) -> Vec<Judged> {
    each_installed(facts, |facts, component| {
        let entity = Entity::of(component);
        let branch = facts.best(component)?;
        let Port::Name(wanted) = &facts.monitor(branch).port else { return None };
        if let Reach::Metrics(_) = branch.reach {
            return Some(Judged::pass(entity));
        }
        Some(Judged::fail(entity, finding(facts, branch, wanted)?))
    })
}

/// Of the best way's Prometheus object and what it makes of the monitor, where its selector says anything at all.
pub(crate) fn each_taken(
    facts: &Facts<'_>,
    taken: impl Fn(&Taken) -> bool,
    finding: impl Fn(&Facts<'_>, &Branch, &Prometheus<'_>, &Taken) -> Option<Finding>,
) -> Vec<Judged> {
    each_installed(facts, |facts, component| {
        let branch = facts.best(component)?;
        let prometheus = facts.prometheus(branch)?;
        let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
        let told = branch.taken.as_ref().filter(|t| !t.selector_null)?;
        if taken(told) {
            return Some(Judged::pass(entity));
        }
        Some(Judged::fail(entity, finding(facts, branch, prometheus, told)?))
    })
}

/// Of each dashboard that reads Calico's series, once a Prometheus was asked what is in its panels.
pub(crate) fn each_board(facts: &Facts<'_>, of: impl Fn(&Facts<'_>, &Board) -> Vec<Judged>) -> Vec<Judged> {
    if let Some(judged) = without_boards(facts).or_else(|| unasked(facts, Entity::cluster())) {
        return vec![judged];
    }
    facts.boards().iter().flat_map(|b| of(facts, b)).collect()
}

/// What is said where no dashboard is in sight.
pub(crate) fn without_boards(facts: &Facts<'_>) -> Option<Judged> {
    facts
        .boards()
        .is_empty()
        .then(|| Judged::skipped(Entity::cluster(), "no dashboard that reads Calico's series is in sight"))
}

/// One judgement.
#[derive(Debug, Clone)]
pub struct Judged {
    /// About what.
    pub entity: Entity,
    /// The verdict.
    pub verdict: Verdict,
    /// The finding for `Fail`, `Warn`, `Info` and `Ahead`.
    pub finding: Option<Finding>,
    /// For `Ahead`: ids of the checks whose mending brings it up. For `Unknown`, `Pending` and `Skipped` empty.
    pub after: &'static [&'static str],
    /// For `Unknown`, `Pending`, `Skipped`: the reason. For `Pass`: what to show in the table (`12/12`), may be empty.
    pub note: String,
}

impl Judged {
    /// As it should be.
    pub fn pass(entity: Entity) -> Judged {
        Judged { entity, verdict: Verdict::Pass, finding: None, after: &[], note: String::new() }
    }

    /// As it should be, with a number for the table.
    pub fn pass_with(entity: Entity, note: impl Into<String>) -> Judged {
        Judged { note: note.into(), ..Judged::pass(entity) }
    }

    /// Broken.
    pub fn fail(entity: Entity, finding: Finding) -> Judged {
        Judged { verdict: Verdict::Fail, finding: Some(finding), ..Judged::pass(entity) }
    }

    /// Works, and will hurt.
    pub fn warn(entity: Entity, finding: Finding) -> Judged {
        Judged { verdict: Verdict::Warn, finding: Some(finding), ..Judged::pass(entity) }
    }

    /// Worth knowing.
    pub fn info(entity: Entity, finding: Finding) -> Judged {
        Judged { verdict: Verdict::Info, finding: Some(finding), ..Judged::pass(entity) }
    }

    /// Will break once one of `after` is mended.
    pub fn ahead(entity: Entity, finding: Finding, after: &'static [&'static str]) -> Judged {
        Judged { verdict: Verdict::Ahead, finding: Some(finding), after, ..Judged::pass(entity) }
    }

    /// Too young.
    pub fn pending(entity: Entity, reason: impl Into<String>) -> Judged {
        Judged { verdict: Verdict::Pending, note: reason.into(), ..Judged::pass(entity) }
    }

    /// Could not be looked at.
    pub fn unknown(entity: Entity, reason: impl Into<String>) -> Judged {
        Judged { verdict: Verdict::Unknown, note: reason.into(), ..Judged::pass(entity) }
    }

    /// Does not apply.
    pub fn skipped(entity: Entity, reason: impl Into<String>) -> Judged {
        Judged { verdict: Verdict::Skipped, note: reason.into(), ..Judged::pass(entity) }
    }
}
