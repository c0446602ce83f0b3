//! # Every shard was asked
//!
//! **Looks at** `spec.shards` of the Prometheus object and at which of its pods answered.
//!
//! **Why it is asked.** With shards each Prometheus has a part of the targets. One that was not asked may hold what seems to be
//! missing, so nothing is called missing while a shard is silent. Dashboards that read one shard show a part, too.
//!
//! **How to mend.** Give the doctor the right to reach all pods, or the address of something that reads all shards
//! (`--prom-url` of a Thanos querier).

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::prometheus::Prometheus;
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T609",
    slug: "sharded",
    title: "every shard was asked",
    station: Station::Targets,
    level: Level::Info,
    needs: &["T602"],
    evidence: &[Evidence::Objects, Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.reading().into_iter().map(|p| of(facts, p)).collect()
}

fn of(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> Judged {
    let entity = Entity::prometheus(prometheus.name.clone());
    let shards = prometheus.shards();
    let asked = asked(facts, prometheus);
    // Nobody was asked: T701 says why, and nothing is concluded from it.
    if shards <= 1 || asked.is_empty() || asked.len() as u64 >= shards {
        return Judged::pass_with(
            entity,
            if shards > 1 { format!("{shards} shards") } else { String::new() },
        );
    }
    let title = format!(
        "{} of {shards} shards of {} answered: what seems missing may be in another",
        asked.len(),
        prometheus.object.reference()
    );
    let finding = Finding::new(title)
        .cause(prometheus.object, "/spec/shards")
        .row("answered", asked.into_iter().collect::<Vec<_>>().join(", "), "")
        .fix(Fix::Outside(
            "let the doctor reach every pod of Prometheus, or name what reads all shards with --prom-url"
                .to_owned(),
        ));
    Judged::info(entity, finding)
}

/// The shards whose pods answered, as their names end: `prometheus-NAME-0` is shard 0, `prometheus-NAME-shard-2-0` shard 2.
fn asked(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> BTreeSet<String> {
    let own = facts.reachable().filter(|c| c.object == prometheus.name);
    own.map(|c| match c.replica.split_once("-shard-") {
        Some((_, rest)) => format!("shard {}", rest.split('-').next().unwrap_or(rest)),
        None => "shard 0".to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Collector;
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    #[track_caller]
    fn check(shards: u64, replicas: &[&str], expect: usize) {
        let mut snap =
            snapshot(&Options::default(), |o| set(o.get("Prometheus", NAME), "/spec/shards", json!(shards)));
        for replica in replicas {
            snap.collectors.push(Collector {
                object: format!("monitoring/{NAME}"),
                replica: (*replica).to_owned(),
                ..Collector::default()
            });
        }
        let got = findings("T609", &snap);
        assert_eq!(got.len(), expect, "{got:?}");
        assert!(mends("T609", &snap).iter().all(|m| m.starts_with("outside: let the doctor")));
    }

    #[test]
    fn each_shard_counts_once() {
        check(1, &["pod/prometheus-x-0"], 0);
        check(2, &["pod/prometheus-x-0", "pod/prometheus-x-1"], 1);
        check(2, &["pod/prometheus-x-0", "pod/prometheus-x-shard-1-0"], 0);
        check(2, &[], 0);
    }
}
