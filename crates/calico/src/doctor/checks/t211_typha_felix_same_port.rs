//! # Typha and Felix do not want the same port
//!
//! **Looks at** the effective metrics ports of Felix and Typha on the nodes that run both. Both use the host's network.
//!
//! **Why it breaks silently.** One of the two binds the port, the other logs `address already in use` once a second and stays
//! Ready. Prometheus scrapes the same address for both and gets `up` 1 with the metrics of whoever came first; on nodes
//! without a Typha Felix answers. The usual source is `typhaMetricsPort: 9091` out of an old answer, of the chart's comments,
//! or of the operator's migration from manifests: 9091 is Felix' port, Typha's is 9093.
//!
//! **How to mend.** Give Typha 9093.

use super::t209_typha_metrics_off::{set_port, typha_port};
use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T211",
    slug: "typha-felix-same-port",
    title: "Typha and Felix do not want the same port",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209", "T210"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let (Some(typha), Some(workload)) = (&facts.settings.typha, facts.workloads.get(&Component::Typha))
    else {
        return Vec::new();
    };
    let port = typha.port.value;
    let mut nodes: Vec<&str> = workload.nodes();
    nodes.sort_unstable();
    nodes.dedup();
    let known = !nodes.is_empty();
    if !known {
        nodes.push("");
    }
    let clash: Vec<&str> = nodes
        .into_iter()
        .filter(|n| facts.settings.felix_on(n).is_some_and(|felix| felix.port.value == port))
        .collect();
    if clash.is_empty() {
        return vec![Judged::pass(Entity::of(Component::Typha)), Judged::pass(Entity::of(Component::Felix))];
    }
    let felix_on = clash.iter().any(|n| facts.settings.felix_on(n).is_some_and(|e| e.enabled.value));
    let place = if known { format!("on {}", clash.join(", ")) } else { "wherever a Typha runs".to_owned() };
    let finding =
        Finding::new(format!("Typha and Felix both want :{port} {place}; one of them cannot listen"))
            .row("Felix", port.to_string(), crate::doctor::mend::layer_text_of(facts, Component::Felix))
            .row("Typha", port.to_string(), crate::doctor::mend::layer_text_of(facts, Component::Typha))
            .warning("9091 is Felix' default port; Typha's is 9093");
    let finding = set_port(facts, finding, typha_port(facts, None));
    if !typha.enabled.value || !felix_on {
        let entity = Entity::of(Component::Typha);
        return vec![Judged::ahead(entity, finding, &["T203", "T205", "T209", "T210", "T215"])];
    }
    // Both lose by it: which of the two listens is chance.
    let mut out = Vec::new();
    for component in [Component::Typha, Component::Felix] {
        for node in &clash {
            let entity = Entity::of(component);
            let entity = if known { entity.on(*node) } else { entity };
            out.push(Judged::fail(entity, finding.clone()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::testing::{findings, judged, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Kind, Options, set};

    fn with(kind: Kind, felix: u16, typha: &str, on: bool) -> crate::snapshot::Snapshot {
        snapshot(&Options { kind, ..Options::default() }, |o| {
            let env = json!([{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": on.to_string()}, {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": typha}]);
            set(o.get("Deployment", "calico-typha"), "/spec/template/spec/containers/0/env", env);
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsPort", json!(felix));
            if kind != Kind::Manifest {
                let port = if on { json!(typha.parse::<u16>().unwrap_or(0)) } else { Value::Null };
                set(o.get("Installation", "default"), "/spec/typhaMetricsPort", port);
            }
        })
    }

    const SAID: &str = "Typha and Felix both want :9091 on n2, n3; one of them cannot listen";

    #[test]
    fn the_ports_must_differ_where_both_run() {
        #[track_caller]
        fn check(felix: u16, typha: &str, expect: &[String]) {
            assert_eq!(
                findings("T211", &with(Kind::Operator, felix, typha, true)),
                expect,
                "{felix} {typha}"
            );
        }
        check(9091, "9093", &[]);
        let all = ["typha node/n2", "typha node/n3", "felix node/n2", "felix node/n3"];
        check(9091, "9091", &all.map(|e| format!("fail {e}: {SAID}")));
    }

    #[test]
    fn while_one_is_off_it_lies_ahead() {
        let all = judged("T211", &with(Kind::Operator, 9091, "9091", false));
        assert_eq!(all.iter().map(|j| j.verdict).collect::<Vec<_>>(), [Verdict::Ahead]);
    }

    #[test]
    fn typha_moves() {
        assert_eq!(
            mends("T211", &with(Kind::Operator, 9091, "9091", true))[0],
            "kubectl --context=test patch installations.v1.operator.tigera.io default --type=json -p \
             '[{\"op\":\"test\",\"path\":\"/spec/typhaMetricsPort\",\"value\":9091},\
             {\"op\":\"replace\",\"path\":\"/spec/typhaMetricsPort\",\"value\":9093}]'"
        );
        assert_eq!(
            mends("T211", &with(Kind::Manifest, 9091, "9091", true))[0],
            "kubectl --context=test -n kube-system set env deployment/calico-typha \
             TYPHA_PROMETHEUSMETRICSENABLED=true TYPHA_PROMETHEUSMETRICSPORT=9093"
        );
    }
}
