//! # Prometheus may leave its namespace
//!
//! **Looks at** policies on the pods of Prometheus, evaluated for connections to the metrics ports of Calico's components. The
//! verdict is inferred from the rules.
//!
//! **Why it breaks silently.** A default deny of egress in the monitoring namespace usually admits pods by label. Felix and
//! Typha have the addresses of their nodes, which no pod selector matches, so just these targets time out while all others
//! are up.
//!
//! **How to mend.** Admit the ports by number, or the nodes by address. Kubernetes' policies add up, so one more is enough.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::policies::{Decision, Direction, Rulebook};
use crate::facts::prometheus::Prometheus;
use std::fmt::Write;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T309",
    slug: "prometheus-egress",
    title: "Prometheus may leave its namespace",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let rules = Rulebook::of(facts.snap);
    let mut out = Vec::new();
    for component in facts.installed() {
        if facts.samples_arrive(component) {
            out.push(Judged::pass(Entity::of(component)));
            continue;
        }
        for prometheus in facts.scrapers(component) {
            out.push(of(facts, &rules, component, prometheus));
        }
    }
    out
}

fn of(facts: &Facts<'_>, rules: &Rulebook<'_>, component: Component, prometheus: &Prometheus<'_>) -> Judged {
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    let from = facts.scraper_end(prometheus);
    let port = facts.settings.port(component);
    for to in facts.component_ends(component) {
        match rules.decide(Direction::Egress, &from, &to, port) {
            Decision::Allowed => {}
            Decision::Unclear(why) => return Judged::unknown(entity, why),
            Decision::Denied { tier, policies, by_rule, .. } => {
                let finding = finding(facts, prometheus, &tier, &policies, by_rule, component, port);
                return Judged::fail(entity, finding);
            }
        }
    }
    Judged::pass(entity)
}

fn finding(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    tier: &str,
    policies: &[&Arc<Object>],
    by_rule: bool,
    component: Component,
    port: u16,
) -> Finding {
    let mut finding = Finding::new(format!(
        "policies do not let Prometheus {} leave to Calico's metrics ports",
        prometheus.name
    ))
    .confidence(Confidence::Inferred)
    .row(
        format!("to {}", component.title()),
        format!(":{port}"),
        if by_rule { "a rule denies it" } else { "no rule admits it" },
    );
    for policy in policies {
        finding = finding.row(policy.reference().to_string(), "", format!("tier {tier}"));
    }
    if let Some(policy) = policies.last() {
        finding = finding.cause(policy, "/spec/egress");
        finding.cause.have = prometheus.name.clone();
    }
    if tier != "default" || by_rule {
        let ports = ports(facts);
        return finding.fix(Fix::Outside(format!(
            "let these policies admit TCP {} out of Prometheus",
            ports.join(", ")
        )));
    }
    let command = Command::kubectl(&facts.snap.identity).apply(policy(facts, prometheus));
    finding.fix(Fix::Commands { auto: Auto::No, commands: vec![command] })
}

fn ports(facts: &Facts<'_>) -> Vec<String> {
    facts.installed().map(|c| facts.settings.port(c).to_string()).collect()
}

/// One more policy, which adds the ports to what the others admit.
fn policy(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> String {
    let meta = &prometheus.object.meta;
    let mut yaml = format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}-to-calico\n  namespace: {}\nspec:\n  \
         podSelector:\n    matchLabels:\n      operator.prometheus.io/name: {}\n  policyTypes: [Egress]\n  egress:\n  - ports:\n",
        meta.name, meta.namespace, meta.name
    );
    for port in ports(facts) {
        // Writing into a String cannot fail.
        let _ = write!(yaml, "    - port: {port}\n      protocol: TCP\n");
    }
    yaml
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use crate::testing::{findings, mends, report, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, object};

    fn with(egress: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": egress});
            o.add(object("networking.k8s.io/v1", "NetworkPolicy", "monitoring", "deny", spec));
        })
    }

    #[track_caller]
    fn check(egress: Value, expect: &[&str]) {
        let shown = egress.to_string();
        let got: Vec<String> = findings("T309", &with(egress))
            .iter()
            .map(|l| l.split(' ').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(got, expect, "{shown}");
    }

    #[test]
    fn nodes_are_matched_by_address_alone() {
        check(json!([{}]), &[]);
        check(json!([]), &["fail felix", "fail typha", "fail kube-controllers"]);
        check(json!([{"to": [{"namespaceSelector": {}}]}]), &["fail felix", "fail typha"]);
        check(json!([{"to": [{"ipBlock": {"cidr": "10.99.0.0/16"}}]}]), &[]);
        check(json!([{"ports": [{"port": 9091}]}]), &["fail typha", "fail kube-controllers"]);
    }

    #[test]
    fn one_policy_is_one_finding() {
        let found = report(&with(json!([])));
        assert_eq!(found.findings.iter().filter(|f| f.id == "T309").count(), 1);
    }

    #[test]
    fn one_more_policy_admits_the_ports() {
        let name = "prometheus-kube-prometheus-prometheus";
        assert_eq!(
            mends("T309", &with(json!([])))[0],
            format!(
                "kubectl --context=test apply -f - <<'EOF'\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  \
                 name: {name}-to-calico\n  namespace: monitoring\nspec:\n  podSelector:\n    matchLabels:\n      \
                 operator.prometheus.io/name: {name}\n  policyTypes: [Egress]\n  egress:\n  - ports:\n    - port: 9091\n      \
                 protocol: TCP\n    - port: 9093\n      protocol: TCP\n    - port: 9094\n      protocol: TCP\nEOF"
            )
        );
    }
}
