//! # Policies let Prometheus reach kube-controllers
//!
//! **Looks at** Calico's tiers and policies and Kubernetes' NetworkPolicies, evaluated for a connection from the pods of each
//! Prometheus to the metrics port of kube-controllers. The verdict is inferred from the rules, not seen on the wire.
//!
//! **Why it breaks silently.** From Calico 3.32 (operator 1.42) Tigera's operator installs the tier `calico-system` (order 100)
//! with a default deny, and a policy that admits to the metrics port only pods `k8s-app: tigera-prometheus` of a namespace
//! labelled `name: tigera-prometheus`. Any other Prometheus finds the target and gets `context deadline exceeded`. Felix and
//! Typha go on: they are in the host's network, where these policies do not reach.
//!
//! **How to mend.** A Kubernetes NetworkPolicy cannot help: those stand in the tier `default`, behind the deny. It takes a
//! Calico policy in a tier with an order below 100, whose name begins with the tier's. The tier must have `defaultAction:
//! Pass`; the default is Deny, which would cut everything else off. The operator's own policies are put back when edited.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::install::Keeper;
use crate::facts::policies::{Decision, Direction, Rulebook};
use crate::facts::prometheus::Prometheus;
use std::fmt::Write;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T307",
    slug: "policy-blocks-kubecontrollers",
    title: "policies let Prometheus reach kube-controllers",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T213"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Findings of the chain of kube-controllers behind which this one lies.
const AFTER: &[&str] = &[
    "T213", "T401", "T402", "T403", "T404", "T405", "T409", "T501", "T502", "T503", "T504", "T505", "T506",
    "T507", "T508", "T509", "T510", "T517",
];
const KC: Component = Component::KubeControllers;

/// What drops the connection.
struct Dropped<'a> {
    tier: String,
    order: f64,
    policies: Vec<&'a Arc<Object>>,
    by_rule: bool,
}

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let entity = Entity::of(KC);
    if !facts.has(KC) {
        return Vec::new();
    }
    if facts.samples_arrive(KC) || facts.prometheuses.is_empty() {
        return vec![Judged::pass(entity)];
    }
    for kind in ["tiers", "networkpolicies", "globalnetworkpolicies"] {
        let refused = facts.snap.unseen.iter().find(|u| u.resource.split('.').next() == Some(kind));
        if let Some(unseen) = refused {
            return vec![Judged::unknown(entity, unseen.reason.clone())];
        }
    }
    let rules = Rulebook::of(facts.snap);
    if let Some(ahead) = foretold(facts, &rules) {
        return vec![ahead];
    }
    let port = facts.settings.port(KC);
    let mut out = Vec::new();
    for prometheus in facts.scrapers(KC) {
        let entity = entity.clone().in_prometheus(prometheus.name.clone());
        let from = facts.scraper_end(prometheus);
        let ends = facts.component_ends(KC);
        let decisions = ends.iter().map(|to| rules.decide(Direction::Ingress, to, &from, port));
        let mut judged = Judged::pass(entity.clone());
        for decision in decisions {
            match decision {
                Decision::Allowed => {}
                Decision::Unclear(why) => judged = Judged::unknown(entity.clone(), why),
                Decision::Denied { tier, order, policies, by_rule } => {
                    let dropped = Dropped { tier, order, policies, by_rule };
                    judged = blocked(facts, prometheus, &dropped, port, entity.clone());
                    break;
                }
            }
        }
        out.push(judged);
    }
    out
}

fn blocked(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    dropped: &Dropped<'_>,
    port: u16,
    entity: Entity,
) -> Judged {
    let title = if dropped.tier == "calico-system" {
        format!("a Calico policy drops your Prometheus on :{port} of kube-controllers")
    } else {
        format!("a network policy drops Prometheus {} on :{port} of kube-controllers", prometheus.name)
    };
    let mut finding = Finding::new(title)
        .confidence(Confidence::Inferred)
        .row("from", format!("Prometheus {}", prometheus.name), "")
        .row(
            "tier",
            dropped.tier.clone(),
            if dropped.by_rule { "a rule denies it" } else { "no rule admits it" },
        );
    // The last policy on the pod that has rules is the one that names whom it admits.
    let telling = dropped.policies.iter().rev().find(|p| !p.list("/spec/ingress").is_empty());
    if let Some(policy) = telling.or(dropped.policies.last()) {
        finding = finding.cause(policy, "/spec/ingress");
        finding.cause.have = prometheus.name.clone();
    }
    for policy in &dropped.policies {
        finding = finding.row(policy.reference().to_string(), "", "");
    }
    let finding = fixed(facts, finding, dropped, port);
    let whole = facts.best(KC).is_some_and(crate::facts::branch::Branch::whole);
    let on = facts.settings.kube_controllers.as_ref().is_some_and(|e| e.enabled.value);
    if whole && on { Judged::fail(entity, finding) } else { Judged::ahead(entity, finding, AFTER) }
}

/// What the operator will have made from 3.32 on, where the policies themselves are not in the source.
fn foretold(facts: &Facts<'_>, rules: &Rulebook<'_>) -> Option<Judged> {
    let operated = facts.install.keeper == Keeper::Operator;
    if facts.live() || !operated || !facts.install.since(32) || rules.has_tier("calico-system") {
        return None;
    }
    let entity = Entity::of(KC);
    if rules.has_tier("tortie") {
        return Some(Judged::pass(entity));
    }
    let port = facts.settings.port(KC);
    let dropped =
        Dropped { tier: "calico-system".to_owned(), order: 100.0, policies: Vec::new(), by_rule: false };
    let finding = Finding::new(format!(
        "a Calico 3.32 policy will drop your Prometheus on :{port} of kube-controllers"
    ))
    .confidence(Confidence::Inferred)
    .row("tier calico-system", "assumed", "the operator installs it from Calico 3.32 on");
    Some(Judged::ahead(entity, fixed(facts, finding, &dropped, port), AFTER))
}

fn fixed(facts: &Facts<'_>, finding: Finding, dropped: &Dropped<'_>, port: u16) -> Finding {
    let kubectl = Command::kubectl(&facts.snap.identity);
    let apply = |yaml: String| Fix::Commands { auto: Auto::Ask, commands: vec![kubectl.clone().apply(yaml)] };
    if dropped.tier != "default" {
        return finding.fix(apply(tier_and_policy(facts, dropped.order, port)));
    }
    // Kubernetes' policies only add up: one more admits it, unless a Calico rule of the same tier denies it.
    if !dropped.by_rule {
        return finding.fix(apply(kubernetes_policy(facts, port)));
    }
    finding.fix(Fix::Outside("let the policy with the Deny rule admit Prometheus before it".to_owned()))
}

fn namespace<'a>(facts: &'a Facts<'_>) -> &'a str {
    facts.workloads.get(&KC).map_or(facts.install.namespace.as_str(), |w| w.namespace.as_str())
}

/// A tier before the one that drops, and the policy in it.
fn tier_and_policy(facts: &Facts<'_>, before: f64, port: u16) -> String {
    let (group, version) = &facts.install.api;
    let order = if before > 90.0 { 90.0 } else { before / 2.0 };
    let mut yaml = format!(
        "apiVersion: {group}/{version}\nkind: Tier\nmetadata:\n  name: tortie\nspec:\n  order: {order}\n  defaultAction: Pass\n---\n\
         apiVersion: {group}/{version}\nkind: NetworkPolicy\nmetadata:\n  name: tortie.kube-controllers-metrics\n  namespace: {}\n\
         spec:\n  tier: tortie\n  order: 10\n  selector: k8s-app == 'calico-kube-controllers'\n  types: [Ingress]\n  ingress:\n",
        namespace(facts)
    );
    for prometheus in facts.scrapers(KC) {
        let meta = &prometheus.object.meta;
        // Writing into a String cannot fail.
        let _ = write!(
            yaml,
            "  - action: Allow\n    protocol: TCP\n    source:\n      namespaceSelector: projectcalico.org/name == '{}'\n      \
             selector: operator.prometheus.io/name == '{}'\n    destination:\n      ports: [{port}]\n",
            meta.namespace, meta.name
        );
    }
    yaml
}

fn kubernetes_policy(facts: &Facts<'_>, port: u16) -> String {
    let mut yaml = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: kube-controllers-metrics\n  namespace: {}\n\
         spec:\n  podSelector:\n    matchLabels:\n      k8s-app: calico-kube-controllers\n  policyTypes: [Ingress]\n  ingress:\n  - ports:\n    \
         - port: {port}\n      protocol: TCP\n    from:\n",
        namespace(facts)
    );
    for prometheus in facts.scrapers(KC) {
        let meta = &prometheus.object.meta;
        let _ = write!(
            yaml,
            "    - namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: {}\n      podSelector:\n        \
             matchLabels:\n          operator.prometheus.io/name: {}\n",
            meta.namespace, meta.name
        );
    }
    yaml
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, report, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, object, set};

    fn without_tier(o: &mut Objects) {
        o.remove("Tier", "tortie");
        o.remove("NetworkPolicy", "tortie.kube-controllers-metrics");
    }

    #[track_caller]
    fn check(calico: u32, change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T307", &snapshot(&Options { calico, ..Options::default() }, change)), expect);
    }

    const BLOCKED: &str = "kube-controllers prometheus/monitoring/prometheus-kube-prometheus-prometheus: \
                           a Calico policy drops your Prometheus on :9094 of kube-controllers";

    #[test]
    fn the_operators_policies_admit_their_own_prometheus_only() {
        check(32, |_| {}, &[]);
        check(30, |_| {}, &[]);
        check(32, without_tier, &[&format!("fail {BLOCKED}")]);
    }

    #[test]
    fn kubernetes_policies_count_too() {
        let deny = |o: &mut Objects| {
            o.add(object(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "calico-system",
                "deny",
                json!({"podSelector": {}}),
            ));
        };
        check(
            30,
            deny,
            &[
                "fail kube-controllers prometheus/monitoring/prometheus-kube-prometheus-prometheus: a network policy drops \
               Prometheus monitoring/prometheus-kube-prometheus-prometheus on :9094 of kube-controllers",
            ],
        );
        let snap = snapshot(&Options { calico: 30, ..Options::default() }, deny);
        assert!(
            mends("T307", &snap)[0]
                .contains("kind: NetworkPolicy\nmetadata:\n  name: kube-controllers-metrics")
        );
    }

    #[test]
    fn behind_a_broken_link_it_comes_next() {
        let snap = snapshot(&Options::default(), |o| {
            without_tier(o);
            set(o.get("ServiceMonitor", "calico-kube-controllers"), "/spec/endpoints/0/port", json!("x"));
        });
        assert_eq!(findings("T307", &snap), [format!("ahead {BLOCKED}")]);
        let report = report(&snap);
        let root = report.findings.iter().find(|f| f.id == "T507").expect("T507");
        assert!(root.next.iter().any(|n| n.id == "T307"), "{:?}", root.next);
    }

    #[test]
    fn an_earlier_tier_lets_it_pass() {
        let snap = snapshot(&Options::default(), without_tier);
        assert_eq!(
            mends("T307", &snap),
            [
                "kubectl --context=test apply -f - <<'EOF'\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata:\n  name: tortie\n\
              spec:\n  order: 90\n  defaultAction: Pass\n---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  \
              name: tortie.kube-controllers-metrics\n  namespace: calico-system\nspec:\n  tier: tortie\n  order: 10\n  \
              selector: k8s-app == 'calico-kube-controllers'\n  types: [Ingress]\n  ingress:\n  - action: Allow\n    protocol: TCP\n    \
              source:\n      namespaceSelector: projectcalico.org/name == 'monitoring'\n      \
              selector: operator.prometheus.io/name == 'prometheus-kube-prometheus-prometheus'\n    destination:\n      ports: [9094]\nEOF"
            ]
        );
    }
}
