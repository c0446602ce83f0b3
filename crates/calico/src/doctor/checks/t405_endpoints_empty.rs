//! # The Service has ready endpoints
//!
//! **Looks at** the EndpointSlices of the Service that sends to the component's metrics.
//!
//! **Why it breaks silently.** Prometheus scrapes endpoints, not Services. With none there is no target, and a scrape pool
//! without targets is no error. Mostly it follows from pods that are not ready, which T202 names; alone it means that the
//! endpoint slice controller has not done its work: look at kube-controller-manager.
//!
//! **How to mend.** Make the pods ready (`kubectl describe` names what they wait for). If they are, and the selector
//! matches them, the controller that writes EndpointSlices is behind or down.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::service_link::ServiceLink;
use crate::facts::services::endpoints;

pub(crate) static CHECK: Check = Check {
    id: "T405",
    slug: "endpoints-empty",
    title: "the Service has ready endpoints",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T402", "T403", "T404", "T409", "T202"],
    evidence: &[Evidence::Objects],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let ServiceLink::Whole(index) = facts.service_link(component) else { return None };
    let service = facts.services(component).get(index)?;
    if let Some(judged) = blind::list(facts, &entity, "endpointslices.discovery.k8s.io") {
        return Some(judged);
    }
    let Some(found) = endpoints(facts.snap, service.service) else {
        return Some(blind::absent(facts, entity, "EndpointSlices"));
    };
    let workload = facts.workloads.get(&component)?;
    let pods = workload.desired.unwrap_or(workload.pods.len() as u64);
    if !found.ready.is_empty() || pods == 0 {
        return Some(Judged::pass_with(entity, format!("{}/{pods}", found.ready.len())));
    }
    let ready = workload.pods.iter().filter(|p| p.ready).count();
    let title = format!("0 of {pods} endpoints of {} are ready", service.service.meta.name);
    let advice = if ready == 0 {
        "make the pods ready; kubectl describe names what they wait for"
    } else {
        "the pods are ready and no slice holds them: look at the endpointslice controller in kube-controller-manager"
    };
    let finding = Finding::new(title)
        .cause_ref(service.reference(), "endpoints", "0")
        .heading(service.reference().to_string())
        .row("endpoints ready", format!("0 of {pods}"), "")
        .row("pods ready", format!("{ready} of {pods}"), "")
        .fix(Fix::Outside(advice.to_owned()));
    Some(Judged::fail(entity, finding))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T405", &snapshot(&Options::default(), change)), expect);
    }

    fn empty(o: &mut Objects) {
        set(o.get("EndpointSlice", "tortie-felix-metrics-dv25j"), "/endpoints", json!(null));
    }

    #[test]
    fn no_endpoint_is_told_with_the_number_of_pods() {
        check(|_| {}, &[]);
        check(empty, &["fail felix: 0 of 3 endpoints of tortie-felix-metrics are ready"]);
    }

    #[test]
    fn no_command_can_mend_it() {
        let snap = snapshot(&Options::default(), empty);
        assert_eq!(
            mends("T405", &snap),
            ["outside: the pods are ready and no slice holds them: look at the endpointslice controller in \
              kube-controller-manager"]
        );
    }
}
