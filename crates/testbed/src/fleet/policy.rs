//! Whether Calico's policies let Prometheus reach a process: tiers by order, policies by order, the first rule that
//! fits decides, a tier with a policy for the pod but no fitting rule denies unless it passes.
//!
//! All connections of a bed come from one device, so that who asks cannot be told apart: a process is silent when any
//! running Prometheus is denied. Only namespaced policies and TCP are looked at.

use std::cmp::Ordering;

use serde_json::Value;

use super::selector::matches;

/// What decides.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Objects of kind Tier.
    pub(super) tiers: Vec<Value>,
    /// Objects of kind NetworkPolicy of Calico.
    pub(super) policies: Vec<Value>,
    /// Labels of each Prometheus' pod and of its namespace.
    pub(super) scrapers: Vec<(Value, Value)>,
}

impl Policies {
    /// Whether all scrapers reach `port` of `pod`. A selector that cannot be read counts as one that does not fit.
    pub(super) fn admit(&self, pod: &Value, port: u16) -> bool {
        self.scrapers.iter().all(|scraper| self.admits(pod, port, scraper))
    }

    fn admits(&self, pod: &Value, port: u16, scraper: &(Value, Value)) -> bool {
        let mut own: Vec<&Value> = self.policies.iter().filter(|p| applies(p, pod)).collect();
        own.sort_by(|a, b| {
            let key = |p: &Value| (self.tier_order(p), order(&p["spec"]));
            let (a, b) = (key(a), key(b));
            a.0.partial_cmp(&b.0)
                .unwrap_or(Ordering::Equal)
                .then(a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal))
        });
        let mut at = 0;
        while let Some(first) = own.get(at) {
            let tier = tier(first);
            let members: Vec<&&Value> = own.iter().skip(at).take_while(|p| self::tier(p) == tier).collect();
            let rules = members.iter().flat_map(|p| p["spec"]["ingress"].as_array().into_iter().flatten());
            let mut fitting = rules.filter(|r| fits(r, port, scraper));
            match fitting.find_map(|r| r["action"].as_str().filter(|a| *a != "Log")) {
                Some("Allow") => return true,
                Some("Deny") => return false,
                // Pass: on to the next tier.
                Some(_) => {}
                None if self.passes(tier) => {}
                None => return false,
            }
            at += members.len();
        }
        true
    }

    fn find(&self, tier: &str) -> Option<&Value> {
        self.tiers.iter().find(|t| t["metadata"]["name"] == tier)
    }

    fn tier_order(&self, policy: &Value) -> f64 {
        self.find(tier(policy)).map_or(f64::MAX, |t| order(&t["spec"]))
    }

    fn passes(&self, tier: &str) -> bool {
        self.find(tier).is_some_and(|t| t["spec"]["defaultAction"] == "Pass")
    }
}

fn order(spec: &Value) -> f64 {
    spec["order"].as_f64().unwrap_or(f64::MAX)
}

fn tier(policy: &Value) -> &str {
    policy["spec"]["tier"].as_str().unwrap_or("default")
}

fn applies(policy: &Value, pod: &Value) -> bool {
    let spec = &policy["spec"];
    let types = spec["types"].as_array();
    let ingress = types.is_none_or(|t| t.iter().any(|t| t == "Ingress"));
    let same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"];
    let selector = spec["selector"].as_str().unwrap_or_default();
    ingress && same && matches(selector, &pod["metadata"]["labels"]).unwrap_or(false)
}

fn fits(rule: &Value, port: u16, (pod, namespace): &(Value, Value)) -> bool {
    if rule["protocol"].as_str().is_some_and(|p| p != "TCP") {
        return false;
    }
    let ports = rule["destination"]["ports"].as_array();
    if ports.is_some_and(|all| !all.iter().any(|p| is_port(p, port))) {
        return false;
    }
    let source = |key: &str| rule["source"][key].as_str().unwrap_or_default();
    matches(source("selector"), pod).unwrap_or(false)
        && matches(source("namespaceSelector"), namespace).unwrap_or(false)
}

/// A number, a text of one, or a range `a:b`.
fn is_port(value: &Value, port: u16) -> bool {
    if let Some(number) = value.as_u64() {
        return number == u64::from(port);
    }
    let text = value.as_str().unwrap_or_default();
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    from.parse::<u16>().is_ok_and(|f| f <= port) && to.parse::<u16>().is_ok_and(|t| port <= t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operators() -> Policies {
        let policy = |name: &str, spec: Value| json!({ "metadata": { "name": name, "namespace": "calico-system" }, "spec": spec });
        Policies {
            tiers: vec![json!({ "metadata": { "name": "calico-system" }, "spec": { "order": 100 } })],
            policies: vec![
                policy(
                    "d",
                    json!({ "tier": "calico-system", "order": 10000, "selector": "!(k8s-app in {'calico-apiserver'})", "types": ["Ingress"] }),
                ),
                policy(
                    "k",
                    json!({ "tier": "calico-system", "order": 1, "selector": "k8s-app == 'kc'", "types": ["Ingress"], "ingress": [{
                    "action": "Allow", "protocol": "TCP", "destination": { "ports": [9094] }, "source": { "selector": "k8s-app == 'tigera-prometheus'" },
                }] }),
                ),
            ],
            scrapers: vec![(json!({ "app": "prometheus" }), json!({ "name": "monitoring" }))],
        }
    }

    #[track_caller]
    fn check(policies: &Policies, expect: bool) {
        let pod = json!({ "metadata": { "namespace": "calico-system", "labels": { "k8s-app": "kc" } } });
        assert_eq!(policies.admit(&pod, 9094), expect);
    }

    #[test]
    fn an_earlier_tier_admits_what_the_operators_denies() {
        check(&Policies::default(), true);
        let mut policies = operators();
        check(&policies, false);
        policies
            .tiers
            .push(json!({ "metadata": { "name": "m" }, "spec": { "order": 50, "defaultAction": "Pass" } }));
        policies.policies.push(json!({ "metadata": { "name": "m.a", "namespace": "calico-system" }, "spec": {
            "tier": "m", "selector": "k8s-app == 'kc'", "types": ["Ingress"],
            "ingress": [{ "action": "Allow", "protocol": "TCP", "destination": { "ports": ["9094"] }, "source": { "namespaceSelector": "name == 'monitoring'" } }],
        } }));
        check(&policies, true);
        policies.scrapers.push((json!({}), json!({ "name": "elsewhere" })));
        check(&policies, false);
        policies.scrapers = vec![(json!({ "k8s-app": "tigera-prometheus" }), json!({}))];
        check(&policies, true);
    }
}
