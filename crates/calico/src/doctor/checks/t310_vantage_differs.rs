//! # Prometheus sees what the doctor sees
//!
//! **Looks at** pods whose process answered a port-forward while Prometheus' scrape of the same address timed out.
//!
//! **Why it matters.** A port-forward goes through the kubelet into the pod and meets no policy and no firewall. When it
//! answers and Prometheus gets nothing, the process and its settings are fine; what lies between them drops the packets.
//!
//! **How to mend.** Look at the path: policies (T307, T308, T309 evaluate those in the cluster), the nodes' own firewall,
//! the cloud's security groups. When only targets on other nodes than Prometheus' fail, it is between nodes; when only the
//! one on its own node does, it is `defaultEndpointToHostAction: Drop`.

use crate::component::Component;
use crate::doctor::answers::is_own;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::last_error::Class;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::samples::host_port;
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T310",
    slug: "vantage-differs",
    title: "Prometheus sees what the doctor sees",
    station: Station::Targets,
    level: Level::Info,
    needs: &["T307", "T308", "T309"],
    evidence: &[Evidence::Probes, Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.workloads.keys().filter_map(|c| of(facts, *c)).collect()
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let workload = facts.workloads.get(&component)?;
    let answering: BTreeSet<&str> = facts
        .snap
        .probes
        .iter()
        .filter(|p| p.component == component && is_own(p))
        .filter_map(|probe| {
            workload.pods.iter().find(|p| p.meta.name == probe.pod.1 && p.meta.namespace == probe.pod.0)
        })
        .map(|p| p.ip.as_str())
        .collect();
    if answering.is_empty() {
        return None;
    }
    let mut hosts: BTreeSet<&str> = BTreeSet::new();
    for collector in facts.snap.collectors.iter().filter(|c| c.unreachable.is_none()) {
        for target in facts.targets_of(collector, component) {
            let (host, _) = host_port(&target.url);
            let dropped = matches!(Class::of(&target.last_error), Class::Timeout | Class::Unreachable);
            if target.health == "down" && dropped && answering.contains(host) {
                hosts.insert(host);
            }
        }
    }
    let entity = Entity::of(component);
    if hosts.is_empty() {
        return Some(Judged::pass(entity));
    }
    let failing: Vec<&str> =
        workload.pods.iter().filter(|p| hosts.contains(p.ip.as_str())).map(|p| p.node.as_str()).collect();
    let home: BTreeSet<&str> =
        facts.scrapers(component).iter().flat_map(|p| facts.pods_of(p)).map(|p| p.node.as_str()).collect();
    let pattern = match (failing.iter().all(|n| home.contains(n)), failing.iter().any(|n| home.contains(n))) {
        (true, _) => "only on the node of Prometheus itself: look at defaultEndpointToHostAction",
        (false, false) => "only on other nodes than Prometheus': look at firewalls between the nodes",
        (false, true) => "on all kinds of nodes: look at policies",
    };
    let finding = Finding::new(format!(
        "{} answers, Prometheus times out: it is the path, not the process",
        component.title()
    ))
    .confidence(Confidence::Observed)
    .row("answers a port-forward", failing.join(", "), "no policy in the way")
    .row("times out for Prometheus", failing.join(", "), pattern)
    .fix(Fix::Outside(format!("look at what drops packets on the way, {pattern}")));
    Some(Judged::info(entity, finding))
}

#[cfg(test)]
mod tests {
    use crate::component::Component::Felix;
    use crate::doctor::answers::{body, probe};
    use crate::snapshot::Snapshot;
    use crate::testing::{findings, mends, running};
    use tortie_sim::installs::Options;

    fn with(error: &str) -> Snapshot {
        let mut snap = running(&Options::default(), |_| {});
        let pod = snap
            .pods
            .iter()
            .find(|p| p.node == "n2" && p.meta.labels.get("k8s-app").is_some_and(|a| a == "calico-node"));
        let pod = pod.expect("calico-node on n2").clone();
        let mut seen = probe(Felix, "n2", body(&["felix_host"]));
        seen.pod = (pod.meta.namespace.clone(), pod.meta.name.clone());
        snap.probes.push(seen);
        for target in snap.collectors.iter_mut().flat_map(|c| &mut c.targets) {
            if target.url.contains(&format!("{}:9091", pod.ip)) && !error.is_empty() {
                target.health = "down".into();
                target.last_error = error.into();
            }
        }
        snap
    }

    #[track_caller]
    fn check(error: &str, expect: &[&str]) {
        assert_eq!(findings("T310", &with(error)), expect, "{error}");
    }

    #[test]
    fn the_path_is_told_from_the_process() {
        check("", &[]);
        check("dial tcp 10.99.1.2:9091: connect: connection refused", &[]);
        check(
            "Get \"http://10.99.1.2:9091/metrics\": context deadline exceeded",
            &["info felix: Felix answers, Prometheus times out: it is the path, not the process"],
        );
    }

    #[test]
    fn the_pattern_of_nodes_is_said() {
        assert_eq!(
            mends("T310", &with("context deadline exceeded")),
            [
                "outside: look at what drops packets on the way, only on other nodes than Prometheus': look at firewalls between the nodes"
            ]
        );
    }
}
