//! What network policies say about one TCP connection: Calico's tiers and policies, and Kubernetes' NetworkPolicies, which
//! Calico keeps in its tier `default` at order 1000.
//!
//! Rules: Calico's reference of Tier, NetworkPolicy, GlobalNetworkPolicy and HostEndpoint. Tiers go by order, then name; a
//! tier without a policy on the endpoint is passed over; in a tier the first rule that matches decides, and when none does
//! the tier's `defaultAction` (Deny unless it says Pass). What is not understood makes the answer unclear, never a guess.
//! Not looked at: AdminNetworkPolicy and its successors.

use crate::facts::calico_selector::matches;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{Object, Selector};

use super::policy_rules::{calico_rule, kubernetes_rule};

/// One end of a connection.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// Its namespace; empty for nodes and what is outside.
    pub namespace: String,
    /// Labels of the namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Labels of the pod, or of the host endpoint.
    pub labels: BTreeMap<String, String>,
    /// Name of the pod's ServiceAccount.
    pub account: String,
    /// Its addresses.
    pub ips: Vec<String>,
    /// Names of declared ports.
    pub ports: BTreeMap<String, u16>,
    /// Whether selectors can find it: a pod with an address of its own, or a host endpoint. Pods in the host's network
    /// are not found by selectors.
    pub selectable: bool,
    /// Whether traffic that no policy decides is let in: the profiles of pods do, those of host endpoints may not.
    pub profile_allows: bool,
}

impl End {
    /// Labels as Calico's selectors see them.
    pub(super) fn seen_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        if !self.namespace.is_empty() {
            labels.insert("projectcalico.org/namespace".to_owned(), self.namespace.clone());
            labels.insert("projectcalico.org/orchestrator".to_owned(), "k8s".to_owned());
            labels.insert("projectcalico.org/serviceaccount".to_owned(), self.account.clone());
        }
        labels
    }

    /// Labels of its namespace as Calico's namespace selectors see them.
    pub(super) fn seen_namespace_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.namespace_labels.clone();
        labels.insert("projectcalico.org/name".to_owned(), self.namespace.clone());
        labels
    }
}

/// From which side policies are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those on the receiving end.
    Ingress,
    /// Those on the sending end.
    Egress,
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        }
    }

    fn field(self) -> &'static str {
        match self {
            Direction::Ingress => "/spec/ingress",
            Direction::Egress => "/spec/egress",
        }
    }
}

/// What the policies say.
#[derive(Debug, Clone)]
pub enum Decision<'a> {
    /// It may pass.
    Allowed,
    /// It is dropped.
    Denied {
        /// The tier that drops it; empty when a host endpoint without policy and profile does.
        tier: String,
        /// Its order.
        order: f64,
        /// Policies of that tier on the endpoint, in order; the rule that denies is in the last when `by_rule`.
        policies: Vec<&'a Arc<Object>>,
        /// Whether a rule denies it, and not merely no rule admits it.
        by_rule: bool,
    },
    /// A policy has something that is not understood.
    Unclear(String),
}

struct Policy<'a> {
    object: &'a Arc<Object>,
    tier: String,
    order: f64,
    calico: bool,
}

struct Tier {
    name: String,
    order: f64,
    pass: bool,
}

/// All policies of a snapshot.
pub struct Rulebook<'a> {
    tiers: Vec<Tier>,
    policies: Vec<Policy<'a>>,
}

/// Order of the tier `default`, in which Kubernetes' policies live.
const DEFAULT_TIER: f64 = 1_000_000.0;

impl<'a> Rulebook<'a> {
    /// Reads them off the snapshot. One cluster may show Calico's through two groups; the user's group counts when it is
    /// there.
    pub fn of(snap: &'a Snapshot) -> Rulebook<'a> {
        let group = calico_group(snap);
        let mut tiers: Vec<Tier> = snap
            .of(group, "Tier")
            .map(|o| Tier {
                name: o.meta.name.clone(),
                order: order(o, "/spec/order"),
                pass: o.text("/spec/defaultAction") == Some("Pass"),
            })
            .collect();
        let mut policies: Vec<Policy<'a>> = Vec::new();
        for kind in ["NetworkPolicy", "GlobalNetworkPolicy"] {
            policies.extend(snap.objects.iter().filter(|o| o.gvk.is(group, kind)).map(|object| Policy {
                object,
                tier: object.text("/spec/tier").unwrap_or("default").to_owned(),
                order: order(object, "/spec/order"),
                calico: true,
            }));
        }
        let own = snap.of("networking.k8s.io", "NetworkPolicy");
        policies.extend(own.map(|object| Policy {
            object,
            tier: "default".to_owned(),
            order: 1000.0,
            calico: false,
        }));
        for policy in &policies {
            if !tiers.iter().any(|t| t.name == policy.tier) {
                let order = if policy.tier == "default" { DEFAULT_TIER } else { f64::INFINITY };
                tiers.push(Tier { name: policy.tier.clone(), order, pass: false });
            }
        }
        tiers.sort_by(|a, b| by_order((a.order, &a.name), (b.order, &b.name)));
        policies.sort_by(|a, b| by_order((a.order, &a.object.meta.name), (b.order, &b.object.meta.name)));
        Rulebook { tiers, policies }
    }

    /// Whether Calico's tiers were seen at all.
    pub fn has_tier(&self, name: &str) -> bool {
        self.tiers.iter().any(|t| t.name == name)
    }

    /// Asks the policies of `this` about a TCP connection with `peer`; `port` is the receiving end's.
    pub fn decide(&self, direction: Direction, this: &End, peer: &End, port: u16) -> Decision<'a> {
        if !this.selectable {
            return Decision::Allowed;
        }
        match self.walk(direction, this, peer, port) {
            Ok(decision) => decision,
            Err(reason) => Decision::Unclear(reason),
        }
    }

    fn walk(&self, direction: Direction, this: &End, peer: &End, port: u16) -> Result<Decision<'a>, String> {
        let mut decided_by_some = false;
        for tier in &self.tiers {
            let mut on_it: Vec<&'a Arc<Object>> = Vec::new();
            let mut passed = false;
            for policy in self.policies.iter().filter(|p| p.tier == tier.name) {
                if !applies(policy, direction, this)
                    .map_err(|e| format!("{}: {e}", policy.object.reference()))?
                {
                    continue;
                }
                on_it.push(policy.object);
                let hit = first_match(policy, direction, this, peer, port)
                    .map_err(|e| format!("{}: {e}", policy.object.reference()))?;
                match hit.as_deref() {
                    Some("Allow") => return Ok(Decision::Allowed),
                    Some("Deny") => return Ok(denied(tier, on_it, true)),
                    Some("Pass") => passed = true,
                    _ => {}
                }
                if passed {
                    break;
                }
            }
            if on_it.is_empty() {
                continue;
            }
            decided_by_some = true;
            if !passed && !tier.pass {
                return Ok(denied(tier, on_it, false));
            }
        }
        if this.profile_allows {
            return Ok(Decision::Allowed);
        }
        let tier = String::new();
        Ok(Decision::Denied { tier, order: f64::INFINITY, policies: Vec::new(), by_rule: decided_by_some })
    }
}

fn denied<'a>(tier: &Tier, policies: Vec<&'a Arc<Object>>, by_rule: bool) -> Decision<'a> {
    Decision::Denied { tier: tier.name.clone(), order: tier.order, policies, by_rule }
}

/// The group through which Calico's policies are seen.
pub fn calico_group(snap: &Snapshot) -> &'static str {
    let user = "projectcalico.org";
    let any = snap.objects.iter().any(|o| {
        o.gvk.group == user && ["Tier", "NetworkPolicy", "GlobalNetworkPolicy"].contains(&o.gvk.kind.as_str())
    });
    if any { user } else { "crd.projectcalico.org" }
}

/// An order; what has none comes last.
fn order(object: &Object, pointer: &str) -> f64 {
    object.at(pointer).and_then(Value::as_f64).unwrap_or(f64::INFINITY)
}

fn by_order(a: (f64, &str), b: (f64, &str)) -> Ordering {
    a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1))
}

/// Whether a policy is on an endpoint in a direction.
fn applies(policy: &Policy<'_>, direction: Direction, end: &End) -> Result<bool, String> {
    let object = policy.object;
    let global = object.gvk.kind == "GlobalNetworkPolicy";
    if !global && object.meta.namespace != end.namespace {
        return Ok(false);
    }
    if !directions(policy).contains(&direction) {
        return Ok(false);
    }
    if !policy.calico {
        let selector = Selector::parse(object.at("/spec/podSelector").unwrap_or(&Value::Null));
        let selector = selector.map_err(|e| e.to_string())?;
        // An absent podSelector is the empty one, which takes every pod of the namespace.
        return Ok(selector.is_none_or(|s| s.matches(&end.labels)));
    }
    let holds = |pointer: &str, labels: &BTreeMap<String, String>| match object.text(pointer) {
        None | Some("") => Ok(true),
        Some(text) => matches(text, labels).map_err(|e| e.to_string()),
    };
    if global && object.text("/spec/namespaceSelector").is_some_and(|s| !s.is_empty()) {
        let inside = !end.namespace.is_empty();
        if !inside || !holds("/spec/namespaceSelector", &end.seen_namespace_labels())? {
            return Ok(false);
        }
    }
    if object.text("/spec/serviceAccountSelector").is_some_and(|s| !s.is_empty()) {
        return Err("serviceAccountSelector is not evaluated".to_owned());
    }
    holds("/spec/selector", &end.seen_labels())
}

/// The directions of a policy: `types` (`policyTypes`), or what its rules imply.
fn directions(policy: &Policy<'_>) -> Vec<Direction> {
    let both = [Direction::Ingress, Direction::Egress];
    let object = policy.object;
    let named = object.list(if policy.calico { "/spec/types" } else { "/spec/policyTypes" });
    if !named.is_empty() {
        return both.into_iter().filter(|d| named.iter().any(|n| n.as_str() == Some(d.word()))).collect();
    }
    let (ingress, egress) = (object.at("/spec/ingress").is_some(), !object.list("/spec/egress").is_empty());
    if !egress {
        return vec![Direction::Ingress];
    }
    // Kubernetes adds Egress to Ingress; Calico takes what there are rules for.
    if !policy.calico || ingress { both.to_vec() } else { vec![Direction::Egress] }
}

/// The action of the first rule that matches.
fn first_match(
    policy: &Policy<'_>,
    direction: Direction,
    this: &End,
    peer: &End,
    port: u16,
) -> Result<Option<String>, String> {
    for rule in policy.object.list(direction.field()) {
        let (from, to) = match direction {
            Direction::Ingress => (peer, this),
            Direction::Egress => (this, peer),
        };
        if !policy.calico {
            if kubernetes_rule(rule, direction, &policy.object.meta.namespace, peer, to, port)? {
                return Ok(Some("Allow".to_owned()));
            }
            continue;
        }
        let action = rule.get("action").and_then(Value::as_str).unwrap_or_default();
        if action != "Log" && calico_rule(rule, &policy.object.meta.namespace, from, to, port)? {
            return Ok(Some(action.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use super::*;
    use crate::snapshot::Source;
    use serde_json::json;

    fn pod(namespace: &str, app: &str, ip: &str) -> End {
        End {
            namespace: namespace.to_owned(),
            namespace_labels: [("name".to_owned(), namespace.to_owned())].into(),
            labels: [("app".to_owned(), app.to_owned())].into(),
            ips: vec![ip.to_owned()],
            selectable: true,
            profile_allows: true,
            ..End::default()
        }
    }

    #[track_caller]
    fn check(objects: &[Value], expect: &str) {
        let mut snap = Snapshot::new(Source::Dump);
        let bad = snap.add(objects.iter().map(|v| Object::parse(v.clone()).expect("an object")).collect());
        assert!(bad.is_empty());
        let rules = Rulebook::of(&snap);
        let (to, from) =
            (pod("calico-system", "kc", "10.0.0.9"), pod("monitoring", "prometheus", "10.0.1.7"));
        let got = match rules.decide(Direction::Ingress, &to, &from, 9094) {
            Decision::Allowed => "allowed".to_owned(),
            Decision::Denied { tier, policies, by_rule, .. } => {
                let how = if by_rule { "rule" } else { "end" };
                format!(
                    "denied {tier} {how} {}",
                    policies.last().map(|p| p.meta.name.as_str()).unwrap_or_default()
                )
            }
            Decision::Unclear(why) => format!("unclear {why}"),
        };
        assert_eq!(got, expect, "{objects:?}");
    }

    fn calico(name: &str, spec: Value) -> Value {
        json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "calico-system"}, "spec": spec})
    }

    fn tier(name: &str, order: u32, action: &str) -> Value {
        json!({"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": {"order": order, "defaultAction": action}})
    }

    fn kubernetes(spec: Value) -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "np", "namespace": "calico-system"}, "spec": spec})
    }

    #[test]
    fn tiers_decide_in_order() {
        let deny = calico("sys.deny", json!({"tier": "sys", "types": ["Ingress"]}));
        let allow = json!({"tier": "mine", "types": ["Ingress"], "ingress": [{"action": "Allow", "protocol": "TCP",
            "source": {"namespaceSelector": "projectcalico.org/name == 'monitoring'", "selector": "app == 'prometheus'"},
            "destination": {"ports": ["9000:9100"]}}]});
        check(&[], "allowed");
        check(&[tier("sys", 100, "Deny"), deny.clone()], "denied sys end sys.deny");
        check(&[tier("sys", 100, "Pass"), deny.clone()], "allowed");
        check(
            &[
                tier("sys", 100, "Deny"),
                deny.clone(),
                tier("mine", 90, "Pass"),
                calico("mine.a", allow.clone()),
            ],
            "allowed",
        );
        check(
            &[tier("sys", 100, "Deny"), deny, tier("mine", 200, "Pass"), calico("mine.a", allow)],
            "denied sys end sys.deny",
        );
    }

    #[test]
    fn rules_match_as_calicos_do() {
        let one = |rule: Value| [calico("default.x", json!({"types": ["Ingress"], "ingress": [rule]}))];
        check(
            &one(json!({"action": "Deny", "destination": {"ports": [9094]}})),
            "denied default rule default.x",
        );
        check(&one(json!({"action": "Allow", "source": {"nets": ["10.0.1.0/24"]}})), "allowed");
        check(
            &one(json!({"action": "Allow", "source": {"nets": ["10.0.2.0/24"]}})),
            "denied default end default.x",
        );
        check(
            &one(json!({"action": "Allow", "source": {"selector": "app == 'prometheus'"}})),
            "denied default end default.x",
        );
        check(&one(json!({"action": "Allow", "protocol": "UDP"})), "denied default end default.x");
        check(
            &one(json!({"action": "Allow", "source": {"notNets": ["10.0.1.7/32"]}})),
            "denied default end default.x",
        );
        check(
            &one(
                json!({"action": "Allow", "source": {"namespaceSelector": "all()", "selector": "app =~ 'x'"}}),
            ),
            "unclear NetworkPolicy calico-system/default.x: selector not understood at \"=~ 'x'\"",
        );
    }

    #[test]
    fn kubernetes_policies_only_admit() {
        check(&[kubernetes(json!({"podSelector": {}}))], "denied default end np");
        check(&[kubernetes(json!({"podSelector": {"matchLabels": {"app": "other"}}}))], "allowed");
        let from = json!([{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}, "podSelector": {"matchLabels": {"app": "prometheus"}}}]);
        check(
            &[kubernetes(
                json!({"podSelector": {}, "ingress": [{"from": from, "ports": [{"port": 9090, "endPort": 9099}]}]}),
            )],
            "allowed",
        );
        check(
            &[kubernetes(json!({"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}))],
            "denied default end np",
        );
        let block = json!([{"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}}]);
        check(
            &[kubernetes(json!({"podSelector": {}, "ingress": [{"from": block}]}))],
            "denied default end np",
        );
        check(&[kubernetes(json!({"podSelector": {}, "policyTypes": ["Egress"]}))], "allowed");
    }
}
