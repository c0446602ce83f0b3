//! # Policies on the nodes admit the scrape
//!
//! **Looks at** HostEndpoints and the GlobalNetworkPolicies that select them, evaluated for a connection from Prometheus to the
//! metrics ports of Felix and Typha. The verdict is inferred from the rules.
//!
//! **Why it breaks silently.** Felix and Typha listen in the node's own network, which only policies on host endpoints
//! reach. Such an endpoint drops what no policy admits; the fail-safe ports keep SSH, BGP, etcd and the API server open, and
//! no metrics port is among them. Targets then time out.
//!
//! **How to mend.** Let a GlobalNetworkPolicy on these endpoints admit the port from Prometheus. Traffic from pods to nodes
//! usually comes from the address of Prometheus' node (`natOutgoing`), so admit the nodes' addresses too.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::{Cause, Finding, Row};
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::policies::{Decision, Direction, End, Rulebook};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T308",
    slug: "hostendpoint-policy",
    title: "policies on the nodes admit the scrape",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T203", "T209", "T210"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Most endpoints shown.
const SHOWN: usize = 5;

/// Ports that Felix keeps open on host endpoints unless told otherwise (felix/config, FailsafeInboundHostPorts).
const FAILSAFE: [u64; 9] = [22, 68, 179, 2379, 2380, 5473, 6443, 6666, 6667];

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut endpoints: Vec<&Arc<Object>> = facts.snap.of("projectcalico.org", "HostEndpoint").collect();
    if endpoints.is_empty() {
        endpoints = facts.snap.of("crd.projectcalico.org", "HostEndpoint").collect();
    }
    let components = [Component::Felix, Component::Typha].into_iter().filter(|c| facts.has(*c));
    if endpoints.is_empty() {
        return components.map(|c| Judged::pass(Entity::of(c))).collect();
    }
    // Their addresses are those that Prometheus comes from.
    if let Some(judged) = blind::list(facts, &Entity::cluster(), "nodes") {
        return vec![judged];
    }
    let rules = Rulebook::of(facts.snap);
    let mut all: Vec<Judged> = components.flat_map(|c| of_component(facts, &rules, &endpoints, c)).collect();
    one_title(facts, &mut all);
    all
}

/// What one policy forgets, or what no policy says at all, is one finding: its title names all ports, its rows all endpoints.
fn one_title(facts: &Facts<'_>, all: &mut [Judged]) {
    let mut unsaid: Option<Cause> = None;
    let mut seen: BTreeMap<String, (BTreeSet<u16>, Vec<Row>)> = BTreeMap::new();
    for judged in all.iter_mut() {
        let port = judged.entity.component.map(|c| facts.settings.port(c));
        let Some(finding) = &mut judged.finding else { continue };
        if finding.cause.path == "spec.profiles" {
            finding.cause = unsaid.get_or_insert_with(|| finding.cause.clone()).clone();
        }
        let (ports, rows) = seen.entry(finding.fingerprint()).or_default();
        ports.extend(port);
        rows.extend(finding.rows.first().filter(|r| !rows.contains(r)).cloned());
    }
    for finding in all.iter_mut().filter_map(|j| j.finding.as_mut()) {
        let Some((ports, rows)) = seen.get(&finding.fingerprint()) else { continue };
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        finding.title = format!("host endpoints do not admit Prometheus on :{}", ports.join(" and :"));
        finding.rows.splice(0..1, rows.iter().take(SHOWN).cloned());
        finding.fix = Some(Fix::Outside(format!(
            "let a GlobalNetworkPolicy on these host endpoints admit TCP {} from Prometheus' pods and from the nodes",
            ports.join(" and ")
        )));
    }
}

fn of_component(
    facts: &Facts<'_>,
    rules: &Rulebook<'_>,
    endpoints: &[&Arc<Object>],
    component: Component,
) -> Vec<Judged> {
    let entity = Entity::of(component);
    let pass = vec![Judged::pass(entity.clone())];
    if facts.samples_arrive(component) {
        return pass;
    }
    let port = facts.settings.port(component);
    let nodes = facts.workloads.get(&component).map(|w| w.nodes()).unwrap_or_default();
    if failsafe(facts).contains(&u64::from(port)) {
        return pass;
    }
    let mut out = Vec::new();
    for prometheus in facts.scrapers(component) {
        let from = facts.scraper_end(prometheus);
        if from.ips.is_empty() {
            return vec![Judged::skipped(entity, "the address of Prometheus is not in this source")];
        }
        let home: Vec<&str> = facts.pods_of(prometheus).iter().map(|p| p.node.as_str()).collect();
        for endpoint in endpoints {
            let node = endpoint.text("/spec/node").unwrap_or_default();
            // From its own node Prometheus goes another way (defaultEndpointToHostAction).
            if !nodes.contains(&node) || home.contains(&node) {
                continue;
            }
            let to = match host_end(endpoint) {
                Ok(to) => to,
                Err(why) => return vec![Judged::unknown(entity, why)],
            };
            match both_ways(facts, rules, &to, &from, port) {
                Decision::Denied { tier, policies, .. } => {
                    let entity = entity.clone().on(node);
                    out.push(Judged::fail(entity, finding(endpoint, &tier, &policies, &prometheus.name)));
                }
                Decision::Unclear(why) => return vec![Judged::unknown(entity, why)],
                Decision::Allowed => {}
            }
        }
    }
    if out.is_empty() { pass } else { out }
}

/// As the pod itself, and as its node, whose address it usually gets on the way.
fn both_ways<'a>(facts: &Facts<'a>, rules: &Rulebook<'a>, to: &End, from: &End, port: u16) -> Decision<'a> {
    let masked = End {
        ips: facts.snap.nodes.iter().flat_map(|n| n.internal_ips.clone()).collect(),
        selectable: false,
        ..End::default()
    };
    match rules.decide(Direction::Ingress, to, &masked, port) {
        Decision::Allowed => Decision::Allowed,
        other => match rules.decide(Direction::Ingress, to, from, port) {
            Decision::Denied { .. } => other,
            decision => decision,
        },
    }
}

fn host_end(endpoint: &Object) -> Result<End, String> {
    let profiles: Vec<&str> = endpoint.list("/spec/profiles").iter().filter_map(Value::as_str).collect();
    let allows = profiles.contains(&"projectcalico-default-allow");
    if !allows && !profiles.is_empty() {
        return Err(format!("{}: profile {} is not evaluated", endpoint.reference(), profiles.join(", ")));
    }
    let ips =
        endpoint.list("/spec/expectedIPs").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    Ok(End {
        labels: endpoint.meta.labels.clone(),
        ips,
        selectable: true,
        profile_allows: allows,
        ..End::default()
    })
}

fn failsafe(facts: &Facts<'_>) -> Vec<u64> {
    let own = facts.settings.felix_default.and_then(|o| o.at("/spec/failsafeInboundHostPorts"));
    match own.and_then(Value::as_array) {
        Some(list) => list.iter().filter(|p| p["net"].is_null()).filter_map(|p| p["port"].as_u64()).collect(),
        None => FAILSAFE.to_vec(),
    }
}

/// Without title and mending, which [`one_title`] gives.
fn finding(endpoint: &Object, tier: &str, policies: &[&Arc<Object>], prometheus: &str) -> Finding {
    let node = endpoint.text("/spec/node").unwrap_or_default();
    let mut finding = Finding::new("")
        .confidence(Confidence::Inferred)
        .row(endpoint.reference().to_string(), node, "")
        .row("from", format!("Prometheus {prometheus}"), "");
    finding = match policies.last() {
        Some(policy) => finding.cause(policy, "/spec/ingress").row(
            policy.reference().to_string(),
            "",
            format!("tier {tier}"),
        ),
        None => finding.cause(endpoint, "/spec/profiles").row(
            "policies",
            "none",
            "then only fail-safe ports are open",
        ),
    };
    // What stands there is long, and one more port is no other cause.
    finding.cause.have.clear();
    finding
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, object};

    fn with(profiles: Value, rule: Option<Value>) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let spec = json!({"node": "n2", "interfaceName": "*", "expectedIPs": ["10.99.1.2"], "profiles": profiles});
            let mut endpoint = object("projectcalico.org/v3", "HostEndpoint", "", "n2-auto", spec);
            endpoint["metadata"]["labels"] = json!({"role": "worker"});
            o.add(endpoint);
            if let Some(rule) = rule {
                let spec = json!({"selector": "role == 'worker'", "types": ["Ingress"], "ingress": [rule]});
                o.add(object("projectcalico.org/v3", "GlobalNetworkPolicy", "", "workers", spec));
            }
        })
    }

    #[track_caller]
    fn check(profiles: Value, rule: Option<Value>, expect: &[&str]) {
        let shown = format!("{rule:?}");
        assert_eq!(findings("T308", &with(profiles, rule)), expect, "{shown}");
    }

    const FELIX: &str = "fail felix node/n2: host endpoints do not admit Prometheus on :9091 and :9093";
    const TYPHA: &str = "fail typha node/n2: host endpoints do not admit Prometheus on :9091 and :9093";
    const TYPHA_ALONE: &str = "fail typha node/n2: host endpoints do not admit Prometheus on :9093";

    #[test]
    fn host_endpoints_drop_what_nothing_admits() {
        let open = json!(["projectcalico-default-allow"]);
        check(open.clone(), None, &[]);
        check(json!([]), None, &[FELIX, TYPHA]);
        let port = |p: u16| json!({"action": "Allow", "protocol": "TCP", "destination": {"ports": [p]}});
        check(open.clone(), Some(port(9091)), &[TYPHA_ALONE]);
        check(open.clone(), Some(json!({"action": "Allow", "source": {"nets": ["10.99.1.0/24"]}})), &[]);
        check(
            open,
            Some(json!({"action": "Allow", "source": {"nets": ["192.168.0.0/16"]}})),
            &[FELIX, TYPHA],
        );
    }

    #[test]
    fn its_owner_admits_the_port() {
        assert_eq!(
            mends("T308", &with(json!([]), None))[0],
            "outside: let a GlobalNetworkPolicy on these host endpoints admit TCP 9091 and 9093 from Prometheus' pods and from the nodes"
        );
    }
}
