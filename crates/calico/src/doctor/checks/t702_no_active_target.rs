//! # Prometheus has targets of the component
//!
//! **Looks at** the active targets of every Prometheus that could be asked, and whether any of them is a pod of the
//! component.
//!
//! **Why it breaks silently.** A scrape pool without targets is no error to Prometheus: its page shows `0 / 0 up`, and no
//! alert on `up` can fire, because `up` exists only for targets.
//!
//! **How to mend.** This is nearly always the consequence of something before it: a monitor that is not selected, a port name
//! that no Service has, missing rights in the namespace. The report names that one when it can be seen. When nothing is
//! found, look at Prometheus' page *Service discovery*: it shows what was discovered and dropped.

use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::checks::t518_pending::young;
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T702",
    slug: "no-active-target",
    title: "Prometheus has targets of the component",
    station: Station::Targets,
    level: Level::Fail,
    needs: &[
        "T209", "T210", "T213", "T606", "T607", "T703", "T402", "T404", "T405", "T407", "T409", "T505",
        "T506", "T507", "T508", "T509", "T510", "T513", "T518", "T601", "T603", "T604", "T605",
    ],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.installed().map(|component| of(facts, component)).collect()
}

fn of(facts: &Facts<'_>, component: Component) -> Judged {
    let entity = Entity::of(component);
    if let Some(judged) = unasked(facts, entity.clone()) {
        return judged;
    }
    let targets = facts.targets(component);
    if !targets.is_empty() {
        let up: std::collections::BTreeSet<&str> =
            targets.iter().filter(|(_, t)| t.health == "up").map(|(_, t)| t.url.as_str()).collect();
        let all: std::collections::BTreeSet<&str> = targets.iter().map(|(_, t)| t.url.as_str()).collect();
        return Judged::pass_with(entity, format!("{}/{}", up.len(), all.len()));
    }
    if young(facts, component) {
        return Judged::pending(entity, "its monitor is younger than two minutes");
    }
    Judged::fail(entity, finding(facts, component))
}

fn finding(facts: &Facts<'_>, component: Component) -> Finding {
    // Nothing of Calico at all has one cause, whatever it is.
    let none = facts.installed().all(|c| facts.targets(c).is_empty());
    let whose = if none { "any component of Calico" } else { component.title() };
    let mut finding = Finding::new(format!("no Prometheus has a target of {whose}"));
    let ways = facts.branches.iter().filter(|(c, _)| none || **c == component).flat_map(|(_, b)| b);
    let mut pools: Vec<String> = ways.map(|b| facts.monitor(b).pool()).collect();
    pools.sort();
    pools.dedup();
    for collector in facts.reachable() {
        finding =
            finding.row(collector.replica.clone(), counted(collector.targets.len(), "target"), "of all jobs");
        for pool in &pools {
            let there = collector.pools.contains(pool);
            let dropped = collector.dropped_counts.get(pool).copied().unwrap_or(0);
            let value = match (there, dropped) {
                (false, _) => "not in its configuration".to_owned(),
                (true, 0) => "discovers nothing".to_owned(),
                (true, n) => format!("discovers {n} and drops all"),
            };
            finding = finding.row(pool.clone(), value, "");
        }
    }
    finding.cause.path = if none { "targets".to_owned() } else { format!("targets of {component}") };
    finding.fix(Fix::Outside(
        "open Prometheus' page Service discovery: it shows for the pool what was discovered and why it was dropped; if it \
         is empty, read Prometheus' log for \"is forbidden\""
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, judged, running};
    use tortie_sim::installs::Options;

    #[test]
    fn a_component_without_targets_fails() {
        let mut snap = running(&Options::default(), |_| {});
        assert_eq!(findings("T702", &snap), Vec::<String>::new());
        assert_eq!(judged("T702", &snap)[0].note, "3/3");
        snap.collectors[0].targets.retain(|t| !t.labels["job"].contains("typha"));
        assert_eq!(findings("T702", &snap), ["fail typha: no Prometheus has a target of Typha"]);
        // Two minutes are given to a monitor that was just made.
        for object in &mut snap.objects {
            let object = std::sync::Arc::make_mut(object);
            if object.gvk.kind == "ServiceMonitor" && object.meta.name == "calico-typha" {
                object.meta.created = Some(snap.at - 30_000);
            }
        }
        assert_eq!(findings("T702", &snap), Vec::<String>::new());
        assert_eq!(judged("T702", &snap)[1].note, "its monitor is younger than two minutes");
    }
}
