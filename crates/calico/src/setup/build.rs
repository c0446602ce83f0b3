//! The plan: what is there is looked at, and only what is missing is written.

use super::future::Future;
use super::options::{Options, PlanError};
use super::step::{Plan, SCHEMA, Step, Write};
use super::{admission, alone, boards, chain, mending, switches};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::branch::Branch;
use crate::facts::grafana::side_cars;
use crate::facts::install::Keeper;
use crate::facts::prometheus::Selected;
use crate::facts::service_link::ServiceLink;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_cluster::object::Object;

/// More rounds than any component can have broken links.
const ROUNDS: usize = 12;

/// Plans. Pure: the same snapshot and options give the same plan.
///
/// # Errors
/// When a decision is missing ([`PlanError`]).
pub fn plan(facts: &Facts<'_>, options: &Options) -> Result<Plan, PlanError> {
    if let Some(unseen) = facts.snap.unseen.iter().find(|u| u.what == "api") {
        return Err(PlanError::Unreachable(unseen.reason.clone()));
    }
    if let Some(text) = super::unread(facts.snap) {
        return Err(PlanError::Unread(text));
    }
    if facts.workloads.is_empty() {
        return Err(PlanError::NoCalico);
    }
    let chosen = chosen(facts, options)?;
    let mut future = Future::of(facts.snap);
    if let Some(name) = &chosen {
        only(&mut future.snap, name);
    }
    let others = others(facts, chosen.as_deref());
    let mut making = Making { future, others, steps: Vec::new(), notes: Vec::new() };
    let arriving = making.arriving(facts);
    for component in facts.installed().collect::<Vec<_>>() {
        if arriving.contains(&component) && !options.ports.contains_key(&component) {
            making.notes.push(format!("{}: its samples arrive; nothing is changed", component.title()));
            continue;
        }
        let step = switches::turn_on(&Facts::of(&making.future.snap), component, options)?;
        step.into_iter().for_each(|s| making.take(Some(component), s));
    }
    let alone = alone::of(facts);
    if let (Some(tortie), None) = (alone.first(), &chosen) {
        let name = format!("{}/{}", tortie.namespace, tortie.name);
        making.notes.push(format!("tortie {name} finds the components by itself: no Services, no monitors"));
    } else {
        for component in facts.installed().collect::<Vec<_>>() {
            if !arriving.contains(&component) {
                making.chain(component, chosen.as_deref());
            }
        }
    }
    making.rest(options, chosen.as_deref(), &arriving);
    let identity = &facts.snap.identity;
    let prometheus = chosen.unwrap_or_default();
    let namespace = prometheus.split_once('/').map_or(facts.install.namespace.clone(), |(n, _)| n.to_owned());
    Ok(Plan {
        schema: SCHEMA.to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        context: identity.context.clone(),
        server: identity.server.clone(),
        cluster_uid: identity.uid.clone(),
        at: facts.snap.at,
        found: found(facts, &prometheus),
        prometheus,
        namespace,
        components: facts.installed().map(|c| c.as_str().to_owned()).collect(),
        steps: making.steps,
        notes: making.notes,
    })
}

/// The components whose samples arrive in a Prometheus object (or in any, when none is named), and whether it could be
/// asked at all.
pub fn arriving(snap: &Snapshot, prometheus: &str) -> (Vec<Component>, bool) {
    let mut snap = snap.clone();
    if !prometheus.is_empty() {
        only(&mut snap, prometheus);
    }
    let facts = Facts::of(&snap);
    let asked = facts.reachable().next().is_some();
    (facts.installed().filter(|c| facts.samples_arrive(*c)).collect(), asked)
}

/// The Prometheus object: the one named, or the only one.
fn chosen(facts: &Facts<'_>, options: &Options) -> Result<Option<String>, PlanError> {
    let there: Vec<String> = facts.prometheuses.iter().map(|p| p.name.clone()).collect();
    if let Some(name) = &options.prometheus {
        if !there.contains(name) {
            return Err(PlanError::NoSuchPrometheus { name: name.clone(), there });
        }
        return Ok(Some(name.clone()));
    }
    if there.len() > 1 {
        return Err(PlanError::ManyPrometheus(there));
    }
    Ok(there.into_iter().next())
}

/// Leaves one Prometheus object, and what it says of itself.
pub(super) fn only(snap: &mut Snapshot, name: &str) {
    let kinds = ["Prometheus", "PrometheusAgent"];
    snap.objects.retain(|o| {
        o.gvk.group != "monitoring.coreos.com"
            || !kinds.contains(&o.gvk.kind.as_str())
            || format!("{}/{}", o.meta.namespace, o.meta.name) == name
    });
    snap.collectors.retain(|c| c.object.is_empty() || c.object == name);
}

/// The Prometheus objects beside the chosen one: they get nothing, and may scrape what is already there.
fn others(facts: &Facts<'_>, chosen: Option<&str>) -> Vec<Arc<Object>> {
    let other = facts.prometheuses.iter().filter(|p| Some(p.name.as_str()) != chosen);
    other.map(|p| Arc::clone(p.object)).collect()
}

struct Making {
    future: Future,
    others: Vec<Arc<Object>>,
    steps: Vec<Step>,
    notes: Vec<String>,
}

impl Making {
    fn take(&mut self, component: Option<Component>, step: Step) {
        self.future.make(&step);
        self.steps.push(Step { component, ..step });
    }

    fn arriving(&self, facts: &Facts<'_>) -> BTreeSet<Component> {
        let now = Facts::of(&self.future.snap);
        facts.installed().filter(|c| now.samples_arrive(*c)).collect()
    }

    /// Services and monitors of a component, until its best way is whole on paper.
    fn chain(&mut self, component: Component, prometheus: Option<&str>) {
        let mut met = BTreeSet::new();
        for _ in 0..ROUNDS {
            let steps = self.link(component, prometheus, &mut met);
            if steps.is_empty() {
                return;
            }
            steps.into_iter().for_each(|s| self.take(Some(component), s));
        }
        self.notes.push(format!(
            "{}: its chain is not whole after {ROUNDS} steps (hint: tortie doctor)",
            component.title()
        ));
    }

    fn link(
        &mut self,
        component: Component,
        prometheus: Option<&str>,
        met: &mut BTreeSet<String>,
    ) -> Vec<Step> {
        let facts = Facts::of(&self.future.snap);
        if facts.best(component).is_some_and(Branch::whole)
            || facts.service_link(component) == ServiceLink::Aside
        {
            return Vec::new();
        }
        if let Some(step) = chain::service(&facts, component).filter(|s| s.write != Write::Nothing) {
            if met.insert(format!("{:?}", step.target)) {
                return vec![step];
            }
            return Vec::new();
        }
        let mends = mending::next(&facts, component, met);
        if !mends.is_empty() {
            return mends;
        }
        let Some(prometheus) = facts.prometheuses.iter().find(|p| Some(p.name.as_str()) == prometheus) else {
            return Vec::new();
        };
        match chain::monitor(&facts, component, prometheus) {
            Ok(Some(step)) if met.insert(format!("{:?}", step.target)) => vec![step],
            Ok(_) => Vec::new(),
            Err(reason) => {
                self.notes.push(format!("{}: no monitor: {reason}", component.title()));
                Vec::new()
            }
        }
    }

    /// Policies, rules, dashboards.
    fn rest(&mut self, options: &Options, prometheus: Option<&str>, arriving: &BTreeSet<Component>) {
        let snap = self.future.snap.clone();
        let facts = Facts::of(&snap);
        let scraped = !facts.prometheuses.is_empty() || !alone::of(&facts).is_empty();
        if scraped && !arriving.contains(&Component::KubeControllers) {
            let component = Some(Component::KubeControllers);
            let mut all = snap.clone();
            all.objects.extend(self.others.iter().cloned());
            admission::steps(&Facts::of(&all)).into_iter().for_each(|s| self.take(component, s));
        }
        let Some(prometheus) = facts.prometheuses.iter().find(|p| Some(p.name.as_str()) == prometheus) else {
            self.notes.push("no monitors: there is no Prometheus object in this cluster".to_owned());
            return;
        };
        match boards::alerts(&facts, prometheus, options) {
            Ok(Some(step)) => self.take(None, step),
            Ok(None) => {}
            Err(reason) => self.notes.push(format!("no rules: {reason}")),
        }
        if options.no_dashboards {
            return;
        }
        match boards::steps(&facts) {
            Ok(steps) => steps.into_iter().for_each(|s| self.take(None, s)),
            Err(reason) => self.notes.push(reason),
        }
    }
}

/// The first lines of the screen.
fn found(facts: &Facts<'_>, prometheus: &str) -> Vec<String> {
    let version = facts.install.version.map(|v| format!(" {v}")).unwrap_or_default();
    let by = match facts.install.keeper {
        Keeper::Operator if facts.install.by_helm => " by operator, its Installation by Helm",
        Keeper::Operator => " by operator",
        Keeper::Manifest => " by manifest",
        Keeper::Nobody => "",
    };
    let (group, api) = &facts.install.api;
    let typha = facts
        .workloads
        .get(&Component::Typha)
        .map_or("no Typha".to_owned(), |w| format!("{} Typha", w.pods.len()));
    let mut out = vec![format!("Calico{version}{by} · settings as {group}/{api} · {typha}")];
    match facts.prometheuses.iter().find(|p| p.name == prometheus) {
        Some(p) => {
            let takes = match p.selector(Selected::ServiceMonitor) {
                None => "no monitors".to_owned(),
                Some(s) if s.is_everything() => "all monitors".to_owned(),
                Some(s) => format!("monitors with {s}"),
            };
            out.push(format!("Prometheus {} takes {takes}", p.name));
        }
        None => out.push("no Prometheus object".to_owned()),
    }
    if let Some(car) = side_cars(facts.snap).first() {
        out.push(format!("Grafana {} takes dashboards labelled {}", car.workload, car.label));
    }
    out
}
