//! Whether policies let Prometheus reach a process: Calico's tiers by order, policies by order, the first rule that fits
//! decides, a tier with a policy for the pod but no fitting rule denies unless it passes; Kubernetes' policies come after
//! them, in tier `default`. A process in its host's network is behind the host's endpoint, when somebody made one.
//!
//! All connections of a bed come from one device, so that who asks cannot be told apart: a process is silent when any
//! running Prometheus is denied. Only TCP is looked at, and of host endpoints only GlobalNetworkPolicies.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::Value;

use super::kubernetes_policy::{self, Direction};
use super::selector::matches;

/// Ports that Felix keeps open on host endpoints.
const FAILSAFE: [u16; 9] = [22, 68, 179, 2379, 2380, 5473, 6443, 6666, 6667];

/// One end of a connection.
#[derive(Debug, Default, Clone)]
pub(super) struct End {
    /// Namespace of the pod.
    pub(super) namespace: String,
    /// Labels of the namespace, with those that Calico and the API server add.
    pub(super) namespace_labels: Value,
    /// Labels of the pod.
    pub(super) labels: Value,
    /// Its node.
    pub(super) node: String,
    /// Its address.
    pub(super) address: Option<IpAddr>,
    /// Whether it is in its node's network, where selectors do not find it.
    pub(super) host: bool,
}

/// What decides.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Objects of kind Tier.
    pub(super) tiers: Vec<Value>,
    /// Objects of kind NetworkPolicy of Calico.
    pub(super) policies: Vec<Value>,
    /// Objects of kind GlobalNetworkPolicy, as far as host endpoints need them.
    pub(super) global: Vec<Value>,
    /// Objects of kind HostEndpoint.
    pub(super) host_endpoints: Vec<Value>,
    /// Objects of kind NetworkPolicy of Kubernetes.
    pub(super) kubernetes: Vec<Value>,
    /// Each Prometheus.
    pub(super) scrapers: Vec<End>,
}

impl Policies {
    /// Whether all scrapers reach `port` of `pod`. A selector that cannot be read counts as one that does not fit.
    pub(super) fn admit(&self, pod: &End, port: u16) -> bool {
        self.scrapers.iter().all(|scraper| {
            let leaves = kubernetes_policy::admits(&self.kubernetes, Direction::Egress, scraper, pod, port);
            leaves
                && if pod.host {
                    self.node_admits(pod, port, scraper)
                } else {
                    self.admits(pod, port, scraper)
                }
        })
    }

    fn admits(&self, pod: &End, port: u16, scraper: &End) -> bool {
        let own = self
            .policies
            .iter()
            .filter(|p| p["metadata"]["namespace"] == pod.namespace.as_str() && applies(p, &pod.labels));
        self.decided(own.collect(), port, scraper).unwrap_or_else(|| {
            kubernetes_policy::admits(&self.kubernetes, Direction::Ingress, pod, scraper, port)
        })
    }

    /// Behind an endpoint of the node that no policy is on, nothing passes.
    fn node_admits(&self, pod: &End, port: u16, scraper: &End) -> bool {
        // From its own node Prometheus goes another way.
        if pod.node == scraper.node || FAILSAFE.contains(&port) {
            return true;
        }
        let mut endpoints = self.host_endpoints.iter().filter(|e| e["spec"]["node"] == pod.node.as_str());
        endpoints.all(|endpoint| {
            let own = self.global.iter().filter(|p| applies(p, &endpoint["metadata"]["labels"]));
            self.decided(own.collect(), port, scraper).unwrap_or(false)
        })
    }

    /// What the first rule that fits says; none when no tier decides.
    fn decided(&self, mut own: Vec<&Value>, port: u16, scraper: &End) -> Option<bool> {
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
                Some("Allow") => return Some(true),
                Some("Deny") => return Some(false),
                // Pass: on to the next tier.
                Some(_) => {}
                None if self.passes(tier) => {}
                None => return Some(false),
            }
            at += members.len();
        }
        None
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

fn applies(policy: &Value, labels: &Value) -> bool {
    let spec = &policy["spec"];
    let types = spec["types"].as_array();
    let ingress = types.is_none_or(|t| t.iter().any(|t| t == "Ingress"));
    let selector = spec["selector"].as_str().unwrap_or_default();
    ingress && matches(selector, labels).unwrap_or(false)
}

fn fits(rule: &Value, port: u16, scraper: &End) -> bool {
    if rule["protocol"].as_str().is_some_and(|p| p != "TCP") {
        return false;
    }
    let ports = rule["destination"]["ports"].as_array();
    if ports.is_some_and(|all| !all.iter().any(|p| is_port(p, port))) {
        return false;
    }
    let source = |key: &str| rule["source"][key].as_str().unwrap_or_default();
    matches(source("selector"), &scraper.labels).unwrap_or(false)
        && matches(source("namespaceSelector"), &scraper.namespace_labels).unwrap_or(false)
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

    fn prometheus(labels: Value, namespace: &str) -> End {
        End {
            namespace: namespace.to_owned(),
            namespace_labels: json!({ "name": namespace }),
            labels,
            node: "node1".to_owned(),
            ..End::default()
        }
    }

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
            scrapers: vec![prometheus(json!({ "app": "prometheus" }), "monitoring")],
            ..Policies::default()
        }
    }

    #[track_caller]
    fn check(policies: &Policies, expect: bool) {
        let pod = End { node: "node2".to_owned(), ..prometheus(json!({ "k8s-app": "kc" }), "calico-system") };
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
        policies.scrapers.push(prometheus(json!({}), "elsewhere"));
        check(&policies, false);
        policies.scrapers = vec![prometheus(json!({ "k8s-app": "tigera-prometheus" }), "x")];
        check(&policies, true);
    }

    #[test]
    fn kubernetes_policies_come_after_calicos() {
        let deny = json!({ "metadata": { "namespace": "calico-system" }, "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } });
        let mut policies = Policies { tiers: Vec::new(), policies: Vec::new(), ..operators() };
        policies.kubernetes.push(deny);
        check(&policies, false);
        policies.policies.push(json!({ "metadata": { "namespace": "calico-system" }, "spec": { "ingress": [{ "action": "Allow" }] } }));
        check(&policies, true);
    }

    #[test]
    fn nodes_with_an_endpoint_are_closed_to_other_nodes() {
        #[track_caller]
        fn check(global: &[Value], node: &str, port: u16, expect: bool) {
            let endpoint =
                json!({ "metadata": { "labels": { "role": "worker" } }, "spec": { "node": "node2" } });
            let policies = Policies {
                scrapers: vec![prometheus(json!({}), "monitoring")],
                host_endpoints: vec![endpoint],
                global: global.to_vec(),
                ..Policies::default()
            };
            let felix = End { node: node.to_owned(), host: true, ..End::default() };
            assert_eq!(policies.admit(&felix, port), expect, "{node}:{port}");
        }
        let allow = json!({ "spec": { "selector": "role == 'worker'", "ingress": [{ "action": "Allow", "destination": { "ports": [9091] } }] } });
        check(&[], "node2", 9091, false);
        check(&[], "node2", 5473, true);
        check(&[], "node1", 9091, true);
        check(&[], "node3", 9091, true);
        check(std::slice::from_ref(&allow), "node2", 9091, true);
        check(&[allow], "node2", 9093, false);
    }
}
