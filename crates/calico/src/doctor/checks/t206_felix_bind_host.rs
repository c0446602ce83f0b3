//! # The metrics are served beyond the node itself
//!
//! **Looks at** `prometheusMetricsHost` (Felix) and `*_PROMETHEUSMETRICSHOST` (Felix, Typha).
//!
//! **Why it breaks silently.** On 127.0.0.1 the process answers `curl` on its node and a port-forward, which goes to the
//! pod's own loopback, and refuses Prometheus. So it looks fine exactly from where people test it.
//!
//! **How to mend.** Unset the field: Felix and Typha then listen on all addresses. To keep others out use a policy on host
//! endpoints, or from Calico 3.32 TLS with client certificates.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::settings::{Endpoint, Layer};
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T206",
    slug: "felix-bind-host",
    title: "the metrics are served beyond the node itself",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    if facts.has(Component::Felix) {
        let bound =
            facts.settings.felix.iter().filter(|(_, e)| e.enabled.value && is_loopback(&e.host.value));
        let bound: Vec<(&String, &Endpoint<'_>)> = bound.collect();
        let all = bound.len() == facts.settings.felix.len();
        for (node, endpoint) in &bound {
            let entity = Entity::of(Component::Felix);
            let entity = if all || node.is_empty() { entity } else { entity.on(node.as_str()) };
            out.push(Judged::fail(entity, finding(facts, Component::Felix, endpoint)));
            if all {
                break;
            }
        }
        if bound.is_empty() {
            out.push(Judged::pass(Entity::of(Component::Felix)));
        }
    }
    if let Some(typha) = &facts.settings.typha {
        let entity = Entity::of(Component::Typha);
        out.push(if typha.enabled.value && is_loopback(&typha.host.value) {
            Judged::fail(entity, finding(facts, Component::Typha, typha))
        } else {
            Judged::pass(entity)
        });
    }
    out
}

/// Whether an address is the node's own loopback.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn finding(facts: &Facts<'_>, component: Component, endpoint: &Endpoint<'_>) -> Finding {
    let host = &endpoint.host.value;
    let title = format!("{} serves its metrics on {host} only", component.title());
    let finding = Finding::new(title)
        .row(
            mend::layer_text(facts, component, &endpoint.host.from),
            host.clone(),
            "empty means all addresses",
        )
        .warning("a port-forward goes to the pod's own loopback and answers all the same");
    let finding = mend::cause_of(finding, facts, component, &endpoint.host.from);
    match &endpoint.host.from {
        Layer::Field(object, pointer) => {
            finding.fix(mend::set(facts, object, pointer, Value::Null, Auto::Yes))
        }
        Layer::Env(name) => match facts.workloads.get(&component) {
            Some(workload) if !workload.kept_by_operator() => {
                finding.fix(mend::set_env(facts, workload, &[(name.as_str(), None)], Auto::Ask))
            }
            _ => finding.fix(Fix::Outside(format!("take {name} out of whatever sets it"))),
        },
        Layer::BuiltIn => finding,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, object, set};

    fn with(host: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsHost", host);
        })
    }

    #[track_caller]
    fn check(host: Value, expect: &[&str]) {
        let shown = host.to_string();
        assert_eq!(findings("T206", &with(host)), expect, "{shown}");
    }

    #[test]
    fn loopback_is_not_enough() {
        check(Value::Null, &[]);
        check(json!(""), &[]);
        check(json!("10.99.1.1"), &[]);
        check(json!("127.0.0.1"), &["fail felix: Felix serves its metrics on 127.0.0.1 only"]);
        check(json!("::1"), &["fail felix: Felix serves its metrics on ::1 only"]);
        check(json!("localhost"), &["fail felix: Felix serves its metrics on localhost only"]);
    }

    #[test]
    fn one_node_may_differ() {
        let snap = snapshot(&Options::default(), |o| {
            let spec = json!({"prometheusMetricsHost": "127.0.0.1"});
            o.add(object("projectcalico.org/v3", "FelixConfiguration", "", "node.n2", spec));
        });
        assert_eq!(
            findings("T206", &snap),
            ["fail felix node/n2: Felix serves its metrics on 127.0.0.1 only"]
        );
    }

    #[test]
    fn the_field_is_unset() {
        assert_eq!(
            mends("T206", &with(json!("127.0.0.1"))),
            ["kubectl --context=test patch felixconfigurations.v3.projectcalico.org default --type=json -p \
                 '[{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsHost\",\"value\":\"127.0.0.1\"},\
                 {\"op\":\"remove\",\"path\":\"/spec/prometheusMetricsHost\"}]'"]
        );
    }
}
