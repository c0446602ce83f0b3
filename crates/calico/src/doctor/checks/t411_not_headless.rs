//! # The metrics Service is headless
//!
//! **Looks at** `clusterIP` of one's own Service for the component's metrics.
//!
//! **Why it matters a little.** Prometheus scrapes the endpoints, so the address of the Service is of no use; kube-proxy
//! writes rules for it on every node all the same. And whoever scrapes that address by hand gets another node at every
//! scrape: values that jump.
//!
//! **How to mend.** Nothing is broken. `clusterIP` cannot be changed in place; make the Service anew with `clusterIP: None`
//! when you touch it next.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::service_link::ServiceLink;

pub(crate) static CHECK: Check = Check {
    id: "T411",
    slug: "not-headless",
    title: "the metrics Service is headless",
    station: Station::Service,
    level: Level::Info,
    needs: &["T401"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let judged = facts.installed().filter_map(|component| {
        let entity = Entity::of(component);
        let ServiceLink::Whole(index) = facts.service_link(component) else { return None };
        let service = facts.services(component).get(index)?;
        let address = &service.service.cluster_ip;
        // A file that says nothing gets an address from the API server.
        if service.by_operator || service.service.headless() {
            return Some(Judged::pass(entity));
        }
        let title = format!("{} has an address that nobody needs", service.service.meta.name);
        let advice = "nothing is broken; make it headless (clusterIP: None) when it is made anew, it cannot be changed in place";
        let finding = Finding::new(title)
            .cause_ref(service.reference(), "spec.clusterIP", address.as_str())
            .heading(service.reference().to_string())
            .row("clusterIP", address.as_str(), "kube-proxy writes rules for it on every node")
            .fix(Fix::Outside(advice.to_owned()));
        Some(Judged::info(entity, finding))
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(address: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/spec/clusterIP", json!(address));
        });
        assert_eq!(findings("T411", &snap), expect, "{address}");
        assert!(mends("T411", &snap).iter().all(|m| m.starts_with("outside: ")));
    }

    #[test]
    fn one_s_own_service_with_an_address_is_worth_a_word() {
        check("None", &[]);
        check("10.96.3.4", &["info felix: tortie-felix-metrics has an address that nobody needs"]);
    }
}
