//! # Every pod is a ready endpoint
//!
//! **Looks at** the EndpointSlices of the Service for the component's metrics, against the pods that should run.
//!
//! **Why it breaks silently.** Prometheus scrapes what is there. A node whose pod is not ready has no `up` of 0 in your
//! alerts: it has no series at all, and a graph of the others looks whole.
//!
//! **How to mend.** Look at the pods on the nodes that are named.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::service_link::ServiceLink;
use crate::facts::services::endpoints;
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T406",
    slug: "endpoints-partial",
    title: "every pod is a ready endpoint",
    station: Station::Service,
    level: Level::Warn,
    needs: &["T405", "T202"],
    evidence: &[Evidence::Objects],
    symptom: true,
    judge,
};

/// Most nodes named.
const SHOWN: usize = 5;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let ServiceLink::Whole(index) = facts.service_link(component) else { return None };
    let service = facts.services(component).get(index)?;
    // Without slices, or with none ready, T405 has spoken.
    let found = endpoints(facts.snap, service.service).filter(|e| !e.ready.is_empty())?;
    let workload = facts.workloads.get(&component)?;
    let ready: BTreeSet<&str> = found.ready.iter().map(|(node, _)| node.as_str()).collect();
    let missing: BTreeSet<&str> = workload.nodes().into_iter().filter(|n| !ready.contains(n)).collect();
    let pods = workload.desired.unwrap_or(workload.pods.len() as u64);
    if missing.is_empty() {
        return Some(Judged::pass_with(entity, format!("{}/{pods}", found.ready.len())));
    }
    let mut names: Vec<&str> = missing.iter().copied().take(SHOWN).collect();
    let more = format!("and {} more", missing.len().saturating_sub(SHOWN));
    if missing.len() > SHOWN {
        names.push(&more);
    }
    let nodes = names.join(", ");
    let title =
        format!("{} of {pods} pods of {} have no ready endpoint: {nodes}", missing.len(), component.title());
    let mut finding = Finding::new(title)
        .cause_ref(service.reference(), "endpoints", nodes)
        .heading(service.reference().to_string())
        .row("endpoints ready", format!("{} of {pods}", found.ready.len()), "");
    let app = workload.labels.get("k8s-app").cloned().unwrap_or_default();
    let first = missing.first().copied().unwrap_or_default();
    let namespace = &workload.namespace;
    let advice = format!(
        "look at the pod of that node: kubectl -n {namespace} describe pods -l k8s-app={app} --field-selector=spec.nodeName={first}"
    );
    finding = finding.fix(Fix::Outside(advice));
    Some(Judged::warn(entity, finding))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T406", &snapshot(&Options::default(), change)), expect);
    }

    fn one_waits(o: &mut Objects) {
        set(
            o.get("EndpointSlice", "tortie-felix-metrics-dv25j"),
            "/endpoints/1/conditions/ready",
            json!(false),
        );
    }

    #[test]
    fn nodes_without_an_endpoint_are_named() {
        check(|_| {}, &[]);
        check(one_waits, &["warn felix: 1 of 3 pods of Felix have no ready endpoint: n2"]);
    }

    #[test]
    fn the_first_is_where_to_look() {
        assert_eq!(
            mends("T406", &snapshot(&Options::default(), one_waits)),
            [
                "outside: look at the pod of that node: kubectl -n calico-system describe pods -l k8s-app=calico-node \
              --field-selector=spec.nodeName=n2"
            ]
        );
    }
}
