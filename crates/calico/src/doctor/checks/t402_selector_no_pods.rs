//! # The Service's selector matches pods
//!
//! **Looks at** `spec.selector` of the Service that was made for the component's metrics, and at the labels of the
//! component's pods.
//!
//! **Why it breaks silently.** A selector that matches nothing is valid: the Service exists, its EndpointSlice is empty, and
//! the scrape pool shows no target at all. The usual slips: `calico-node` where Canal calls its pods `canal`, the Service's
//! own label where the pods' label belongs, a plural.
//!
//! **How to mend.** Put the label of the pods into the selector.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, op_replace, op_test};
use crate::doctor::mend_link;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::service_link::ServiceLink;
use serde_json::json;
use tortie_cluster::object::Selector;

pub(crate) static CHECK: Check = Check {
    id: "T402",
    slug: "selector-no-pods",
    title: "the Service's selector matches pods",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T401"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let judged = facts.installed().filter_map(|component| {
        let entity = Entity::of(component);
        let index = match facts.service_link(component) {
            ServiceLink::NoPods(index) => index,
            ServiceLink::Whole(_) => return Some(Judged::pass(entity)),
            _ => return None,
        };
        let service = facts.services(component).get(index)?;
        let workload = facts.workloads.get(&component)?;
        let have = &service.service.selector;
        let written =
            if have.is_empty() { "(none)".to_owned() } else { Selector::equal_to(have).to_string() };
        let app = workload.labels.get("k8s-app").cloned().unwrap_or_default();
        let wanted = json!({"k8s-app": app});
        let old = have.get("k8s-app").cloned().unwrap_or_default();
        let candidates =
            rank(&old, &[Choice { value: &app, fact: Some("the label of the pods") }], "label of these pods");
        let ops = if have.is_empty() {
            vec![
                op_test("/spec/clusterIP", &json!(service.service.cluster_ip)),
                json!({"op": "add", "path": "/spec/selector", "value": wanted}),
            ]
        } else {
            vec![op_test("/spec/selector", &json!(have)), op_replace("/spec/selector", &wanted)]
        };
        let title =
            format!("the Service's selector matches no pod; {}'s pods have k8s-app={app}", component.title());
        let mut finding = Finding::new(title)
            .cause_ref(service.reference(), "spec.selector", written.clone())
            .heading(service.reference().to_string())
            .row("selector", written, "matches 0 pods")
            .row("pods", workload.pods.len().to_string(), format!("k8s-app={app}"))
            .candidates(candidates);
        finding.cause.place = mend_link::place(service.service, "/spec/selector");
        if let Some(fix) = mend_link::service(facts, service, ops, "/spec/selector", wanted, Auto::Ask) {
            finding = finding.fix(fix);
        }
        Some(Judged::fail(entity, finding))
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Kind, Options, set};

    #[track_caller]
    fn check(kind: Kind, selector: &str, expect: &[&str]) {
        let snap = snapshot(&Options { kind, ..Options::default() }, |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/spec/selector/k8s-app", json!(selector));
        });
        assert_eq!(findings("T402", &snap), expect, "{selector}");
    }

    #[test]
    fn the_selector_must_match_the_pods() {
        check(Kind::Operator, "calico-node", &[]);
        check(
            Kind::Operator,
            "calico-nodes",
            &["fail felix: the Service's selector matches no pod; Felix's pods have k8s-app=calico-node"],
        );
        check(
            Kind::Canal,
            "calico-node",
            &["fail felix: the Service's selector matches no pod; Felix's pods have k8s-app=canal"],
        );
    }

    #[test]
    fn the_command_tests_the_old_selector() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/spec/selector/k8s-app", json!("x"));
        });
        assert_eq!(
            mends("T402", &snap),
            ["kubectl --context=test -n calico-system patch services tortie-felix-metrics --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/selector\",\"value\":{\"k8s-app\":\"x\"}},\
              {\"op\":\"replace\",\"path\":\"/spec/selector\",\"value\":{\"k8s-app\":\"calico-node\"}}]'"]
        );
    }
}
