//! # A dual-stack Service does not double the targets
//!
//! **Looks at** the address families of the Service's slices, at the discovery role of the Prometheus object and at its
//! version.
//!
//! **Why it breaks silently.** A dual-stack Service has one EndpointSlice a family. With the role EndpointSlice, Prometheus
//! before 3.11 made targets of both: every pod is scraped twice, all up, every sum doubled. Later versions skip the family
//! that is not the Service's first, and the role Endpoints never had the other.
//!
//! **How to mend.** Make the metrics Service single-stack; nothing else uses it. Or update Prometheus.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, op_test};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::install::Version;
use crate::facts::prometheus::{Prometheus, Role};
use crate::facts::services::endpoints;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T410",
    slug: "dual-stack-doubles",
    title: "a dual-stack Service does not double the targets",
    station: Station::Service,
    level: Level::Warn,
    needs: &["T405"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component).filter(|b| b.whole())?;
    let Reach::Metrics(Some(index)) = branch.reach else { return None };
    let service = facts.services(component).get(index)?;
    let prometheus = facts.prometheus(branch)?;
    let families = endpoints(facts.snap, service.service)?.families;
    let doubled = families.contains("IPv4") && families.contains("IPv6");
    let role = prometheus.role(facts.monitor(branch).object);
    // Unknown is not failed: without a version nothing is said.
    let old = version(facts, prometheus).is_some_and(|v| (v.major, v.minor) < (3, 11));
    if !doubled || role != Role::EndpointSlice || !old {
        return Some(Judged::pass(Entity::of(component)));
    }
    let title = format!(
        "{} has slices of IPv4 and IPv6: every pod of {} is scraped twice",
        service.service.meta.name,
        component.title()
    );
    let mut finding = Finding::new(title)
        .cause_ref(service.reference(), "spec.ipFamilyPolicy", "")
        .heading(service.reference().to_string())
        .row("families", "IPv4, IPv6", "one EndpointSlice each")
        .row("read by", prometheus.name.clone(), "role EndpointSlice, before 3.11");
    let first = service.service.families.first().cloned().unwrap_or_else(|| "IPv4".to_owned());
    let ops = vec![
        op_test("/spec/ipFamilies", &json!(service.service.families)),
        json!({"op": "replace", "path": "/spec/ipFamilies", "value": [first]}),
        json!({"op": "add", "path": "/spec/ipFamilyPolicy", "value": "SingleStack"}),
    ];
    let value = json!("SingleStack");
    if let Some(fix) = mend_link::service(facts, service, ops, "/spec/ipFamilyPolicy", value, Auto::No) {
        finding = finding.fix(fix);
    }
    Some(Judged::warn(Entity::of(component), finding))
}

/// The version that runs, else the one that is asked for.
fn version(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> Option<Version> {
    let running =
        facts.snap.collectors.iter().find(|c| c.object == prometheus.name).map(|c| c.version.as_str());
    running
        .and_then(Version::parse)
        .or_else(|| prometheus.object.text("/spec/version").and_then(Version::parse))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    fn dual(o: &mut Objects, version: &str, role: &str) {
        let mut slice = o.get("EndpointSlice", "tortie-felix-metrics-dv25j").clone();
        set(&mut slice, "/metadata/name", json!("tortie-felix-metrics-v6"));
        set(&mut slice, "/addressType", json!("IPv6"));
        set(&mut slice, "/endpoints/0/addresses/0", json!("fd00::1"));
        o.add(slice);
        set(o.get("Service", "tortie-felix-metrics"), "/spec/ipFamilies", json!(["IPv4", "IPv6"]));
        let prometheus = o.get("Prometheus", "prometheus-kube-prometheus-prometheus");
        set(prometheus, "/spec/version", json!(version));
        set(prometheus, "/spec/serviceDiscoveryRole", json!(role));
    }

    #[track_caller]
    fn check(version: &str, role: &str, expect: usize) {
        let snap = snapshot(&Options::default(), |o| dual(o, version, role));
        assert_eq!(findings("T410", &snap).len(), expect, "{version} {role}");
    }

    #[test]
    fn only_old_ones_with_slices_double() {
        check("v3.10.0", "EndpointSlice", 1);
        check("v3.14.0", "EndpointSlice", 0);
        check("v2.53.1", "Endpoints", 0);
    }

    #[test]
    fn the_command_leaves_one_family() {
        let snap = snapshot(&Options::default(), |o| dual(o, "v2.53.1", "EndpointSlice"));
        assert_eq!(
            mends("T410", &snap),
            ["kubectl --context=test -n calico-system patch services tortie-felix-metrics --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/ipFamilies\",\"value\":[\"IPv4\",\"IPv6\"]},\
              {\"op\":\"replace\",\"path\":\"/spec/ipFamilies\",\"value\":[\"IPv4\"]},\
              {\"op\":\"add\",\"path\":\"/spec/ipFamilyPolicy\",\"value\":\"SingleStack\"}]'"]
        );
    }
}
