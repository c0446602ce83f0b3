//! What shows that a step works, and whether it is to be seen yet.
//!
//! The last step about a component is proven by its fresh samples. Before that only its consequences can be seen: a rollout
//! that carries the environment, endpoints of a Service, targets in Prometheus.

use super::apply::TYPHA_PORT;
use super::step::{Plan, Step, Write};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::services;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// All pods of the component are ready and carry the port in their environment.
    Rollout(Component, u16),
    /// The Service sends to every ready pod of the component.
    Endpoints(Component, String, String),
    /// Prometheus has targets of the component, answering or not.
    Targets(Component),
    /// Fresh samples of every ready pod of the component arrive.
    Samples(Component),
}

/// Whether it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is; how, in words.
    Yes(String),
    /// Not yet; what is there instead.
    NotYet(String),
    /// It cannot be looked at: no Prometheus answers.
    Blind,
}

/// What proves the step at an index of the plan; none when nothing shows it before a later step is made.
pub fn of(plan: &Plan, index: usize) -> Option<Sight> {
    let step = plan.steps.get(index)?;
    let component = step.component?;
    let more = plan.steps.iter().skip(index + 1).any(|s| s.component == Some(component) && s.write.writes());
    let left = left(plan).contains(&component);
    if !more && !left {
        return Some(Sight::Samples(component));
    }
    match step.target.kind.as_str() {
        "Installation" | "Deployment" => {
            let port = step.changes.iter().find_map(port)?;
            Some(Sight::Rollout(component, port))
        }
        "Service" => {
            let target = &step.target;
            Some(Sight::Endpoints(component, target.namespace.clone(), target.name.clone()))
        }
        "ServiceMonitor" | "PodMonitor" => Some(Sight::Targets(component)),
        _ => None,
    }
}

/// The port that a change puts into the environment of pods.
fn port(change: &super::step::Change) -> Option<u16> {
    if change.pointer == TYPHA_PORT || change.pointer == "/spec/nodeMetricsPort" {
        return u16::try_from(change.after.as_u64()?).ok();
    }
    if change.pointer.contains("_PROMETHEUSMETRICSPORT/") {
        return change.after.as_str()?.parse().ok();
    }
    None
}

/// Components of which a step is left to others: their samples may never come.
pub fn left(plan: &Plan) -> BTreeSet<Component> {
    let open = |s: &&Step| matches!(s.write, Write::Conflict | Write::Elsewhere { .. });
    plan.steps.iter().filter(open).filter_map(|s| s.component).collect()
}

impl Sight {
    /// Whether Prometheus has to be asked for it.
    pub fn asks(&self) -> bool {
        matches!(self, Sight::Targets(_) | Sight::Samples(_))
    }

    /// Looks. Of several Prometheus objects only the plan's counts.
    pub fn look(&self, plan: &Plan, snap: &Snapshot) -> Seen {
        let mut snap = snap.clone();
        if self.asks() && !plan.prometheus.is_empty() {
            super::build::only(&mut snap, &plan.prometheus);
        }
        let facts = Facts::of(&snap);
        if self.asks() && facts.reachable().next().is_none() {
            return Seen::Blind;
        }
        match self {
            Sight::Rollout(component, port) => rollout(&facts, *component, *port),
            Sight::Endpoints(component, namespace, name) => endpoints(&facts, *component, namespace, name),
            Sight::Targets(component) => match facts.targets(*component).len() {
                0 => Seen::NotYet(format!("no target of {} in Prometheus", component.title())),
                1 => Seen::Yes("1 target in Prometheus".to_owned()),
                n => Seen::Yes(format!("{n} targets in Prometheus")),
            },
            Sight::Samples(component) => samples(&facts, *component),
        }
    }
}

fn rollout(facts: &Facts<'_>, component: Component, port: u16) -> Seen {
    let name = component.title();
    let Some(workload) = facts.workloads.get(&component) else {
        return Seen::NotYet(format!("no pod of {name}"));
    };
    let variable = match component {
        Component::Typha => "TYPHA_PROMETHEUSMETRICSPORT",
        _ => "FELIX_PROMETHEUSMETRICSPORT",
    };
    let port = port.to_string();
    let staying: Vec<_> = workload.pods.iter().filter(|p| p.meta.deleting.is_none()).collect();
    let new = staying
        .iter()
        .filter(|p| p.ready && p.containers.iter().any(|c| c.env.get(variable) == Some(&port)))
        .count();
    let wanted = usize::try_from(workload.desired.unwrap_or(0)).unwrap_or(0).max(1);
    if new == staying.len() && new >= wanted {
        return Seen::Yes(format!("{new} of {new} pods of {name} carry {variable}={port}"));
    }
    Seen::NotYet(format!("{new} of {} pods of {name} carry {variable}={port} and are ready", staying.len()))
}

fn endpoints(facts: &Facts<'_>, component: Component, namespace: &str, name: &str) -> Seen {
    let found = facts.snap.services.iter().find(|s| s.meta.namespace == namespace && s.meta.name == name);
    let ready = found.and_then(|s| services::endpoints(facts.snap, s)).map_or(0, |e| e.ready.len());
    let pods = facts
        .workloads
        .get(&component)
        .map_or(0, |w| w.pods.iter().filter(|p| p.ready && p.meta.deleting.is_none()).count());
    if ready > 0 && ready >= pods {
        return Seen::Yes(format!("Service {name} has {ready} ready endpoints"));
    }
    Seen::NotYet(format!("Service {name} has {ready} ready endpoints for {pods} ready pods"))
}

fn samples(facts: &Facts<'_>, component: Component) -> Seen {
    if facts.samples_arrive(component) {
        return Seen::Yes(format!("fresh samples of {}", component.title()));
    }
    let targets = facts.targets(component);
    let up = targets.iter().filter(|(_, t)| t.health == "up").count();
    let error = targets.iter().map(|(_, t)| t.last_error.as_str()).find(|e| !e.is_empty());
    let error = error.map(|e| format!(": {e}")).unwrap_or_default();
    Seen::NotYet(format!("{up} of {} targets of {} are up{error}", targets.len(), component.title()))
}

#[cfg(test)]
mod tests {
    use super::super::{Options, plan};
    use super::*;
    use crate::testing::{running, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{self, Objects, set};

    fn options(chain: bool) -> installs::Options {
        installs::Options { calico: 32, chain, ..installs::Options::default() }
    }

    fn made(change: impl FnOnce(&mut Objects)) -> Plan {
        let wish = Options { no_dashboards: true, no_rules: true, ..Options::default() };
        plan(&Facts::of(&snapshot(&options(false), change)), &wish).unwrap()
    }

    #[track_caller]
    fn check(plan: &Plan, expect: &[(&str, Option<Sight>)]) {
        let seen: Vec<_> = (0..plan.steps.len())
            .filter(|i| plan.steps[*i].write.writes())
            .map(|i| (plan.steps[i].target.name.as_str(), of(plan, i)))
            .collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn samples_prove_the_last_step_of_a_component_and_consequences_the_earlier_ones() {
        use Component::{Felix, KubeControllers, Typha};
        let endpoints =
            Sight::Endpoints(Felix, "calico-system".to_owned(), "tortie-felix-metrics".to_owned());
        check(
            &made(|_| {}),
            &[
                ("default", None),
                ("default", Some(Sight::Rollout(Typha, 9093))),
                ("tortie-felix-metrics", Some(endpoints)),
                ("tortie-felix", Some(Sight::Samples(Felix))),
                ("tortie-typha", Some(Sight::Samples(Typha))),
                ("tortie-kube-controllers", Some(Sight::Targets(KubeControllers))),
                ("tortie", None),
                ("tortie.kube-controllers-metrics", Some(Sight::Samples(KubeControllers))),
            ],
        );
        // A step that is left to somebody else: nobody waits for samples of that component.
        let kept = made(|o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsEnabled", json!(false))
        });
        assert_eq!(left(&kept), [Felix].into());
        let felix = kept.steps.iter().position(|s| s.target.name == "tortie-felix").unwrap();
        assert_eq!(of(&kept, felix), Some(Sight::Targets(Felix)));
    }

    #[test]
    fn what_is_not_there_yet_is_said() {
        #[track_caller]
        fn check(sight: &Sight, snap: &Snapshot, expect: &str) {
            let told = match sight.look(&made(|_| {}), snap) {
                Seen::Yes(text) => format!("yes: {text}"),
                Seen::NotYet(text) => format!("not yet: {text}"),
                Seen::Blind => "blind".to_owned(),
            };
            assert_eq!(told, expect);
        }
        let typha = Component::Typha;
        let cold = snapshot(&options(false), |_| {});
        check(
            &Sight::Rollout(typha, 9093),
            &cold,
            "not yet: 0 of 2 pods of Typha carry TYPHA_PROMETHEUSMETRICSPORT=9093 and are ready",
        );
        check(&Sight::Samples(typha), &cold, "blind");
        let warm = running(&options(true), |_| {});
        check(&Sight::Samples(typha), &warm, "yes: fresh samples of Typha");
        check(&Sight::Targets(typha), &warm, "yes: 2 targets in Prometheus");
        let service = |name: &str| Sight::Endpoints(typha, "calico-system".to_owned(), name.to_owned());
        check(
            &service("calico-typha-metrics"),
            &warm,
            "yes: Service calico-typha-metrics has 2 ready endpoints",
        );
        check(&service("none"), &warm, "not yet: Service none has 0 ready endpoints for 2 ready pods");
    }
}
