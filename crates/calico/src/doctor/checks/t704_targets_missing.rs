//! # Every ready pod of the component is a target
//!
//! **Looks at** the ready pods of the component and at the targets of all Prometheus together, shards included.
//!
//! **Why it breaks silently.** What is no target has no `up`; a dashboard that shows eleven of twelve nodes looks like one that
//! shows all of them.
//!
//! **How to mend.** Look at the pods that are named: a pod without the label that the Service selects, a node that a
//! relabelling rule drops, a Windows node whose pods have a label of their own, a shard that is down.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::samples::host_port;
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T704",
    slug: "targets-missing",
    title: "every ready pod of the component is a target",
    station: Station::Targets,
    level: Level::Warn,
    needs: &["T702", "T406", "T410", "T503"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

/// A new pod needs the kubelet, the slice and Prometheus' discovery before it is a target.
const YOUNG: i64 = 120_000;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let targets = facts.targets(component);
    if targets.is_empty() {
        // T702 speaks of that.
        return None;
    }
    let hosts: BTreeSet<&str> = targets.iter().map(|(_, t)| host_port(&t.url).0).collect();
    let named: BTreeSet<&str> =
        targets.iter().filter_map(|(_, t)| t.labels.get("pod").map(String::as_str)).collect();
    let pods = &facts.workloads.get(&component)?.pods;
    let old = |created: Option<i64>| created.is_none_or(|c| facts.snap.at - c > YOUNG);
    let ready: Vec<_> =
        pods.iter().filter(|p| p.ready && old(p.meta.created) && p.meta.deleting.is_none()).collect();
    let missing: Vec<_> = ready
        .iter()
        .filter(|p| !p.ips.iter().any(|ip| hosts.contains(ip.as_str())) && !hosts.contains(p.node.as_str()))
        .filter(|p| !named.contains(p.meta.name.as_str()))
        .collect();
    let note = format!("{}/{}", ready.len() - missing.len(), ready.len());
    if missing.is_empty() {
        return Some(Judged::pass_with(entity, note));
    }
    let places: Vec<String> = missing
        .iter()
        .map(|p| if p.node.is_empty() { p.meta.name.clone() } else { p.node.clone() })
        .collect();
    let mut finding = Finding::new(format!(
        "{note} pods of {} are targets; missing: {}",
        component.title(),
        listed(&places, 5)
    ));
    for pod in missing.iter().take(5) {
        finding = finding.row(
            format!("Pod {}/{}", pod.meta.namespace, pod.meta.name),
            pod.ip.clone(),
            pod.node.clone(),
        );
    }
    finding.cause.path = format!("targets of {component}");
    let fix = Fix::Outside(
        "look for their addresses at Prometheus' page Service discovery: dropped there, a relabelling of the monitor leaves \
         them out; not there at all, compare the labels of the pods with the Service's selector"
            .to_owned(),
    );
    Some(Judged::warn(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use tortie_sim::installs::Options;

    #[test]
    fn a_pod_that_is_no_target_is_named() {
        let mut snap = running(&Options::default(), |_| {});
        assert_eq!(findings("T704", &snap), Vec::<String>::new());
        let at =
            snap.collectors[0].targets.iter().position(|t| t.url.contains("10.99.1.2:9091")).expect("n2");
        snap.collectors[0].targets.remove(at);
        assert_eq!(findings("T704", &snap), ["warn felix: 2/3 pods of Felix are targets; missing: n2"]);
        // The other shard has it.
        let mut other = snap.collectors[0].clone();
        other.targets.iter_mut().for_each(|t| t.url = t.url.replace("10.99.1.1:9091", "10.99.1.2:9091"));
        other.targets.retain(|t| t.url.contains("10.99.1.2"));
        snap.collectors.push(other);
        assert_eq!(findings("T704", &snap), Vec::<String>::new());
    }
}
