//! # The watchdog alert fires
//!
//! **Looks at** the alert `Watchdog`, which both kube-prometheus and kube-prometheus-stack bring: its expression is `vector(1)`, so it fires
//! always. Only where an alert reads Calico's series.
//!
//! **Why it matters.** An alert that fires always proves that rules are evaluated. When it is silent, no other alert can be trusted to
//! speak.
//!
//! **How to mend.** Look at Prometheus' page of rules: evaluation has stopped, or the group with the watchdog fails.

use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::rules::{Loaded, loaded};
use crate::snapshot::Collector;

pub(crate) static CHECK: Check = Check {
    id: "T907",
    slug: "watchdog-silent",
    title: "the watchdog alert fires",
    station: Station::Rules,
    level: Level::Fail,
    needs: &["T906"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.alerted().is_empty() {
        return vec![Judged::skipped(Entity::cluster(), "no alert that reads Calico's series is in sight")];
    }
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let watchdogs: Vec<_> = facts
        .reachable()
        .filter_map(|c| Some((c, c.rules.as_ref()?)))
        .flat_map(|(c, answer)| loaded(answer).into_iter().map(move |r| (c, r)))
        .filter(|(_, r)| r.alert && r.name == "Watchdog")
        .collect();
    if watchdogs.is_empty() {
        return vec![Judged::skipped(Entity::cluster(), "no alert is called Watchdog")];
    }
    let Some((collector, rule)) = watchdogs.iter().find(|(_, r)| r.state != "firing") else {
        return vec![Judged::pass(Entity::cluster())];
    };
    if young(facts, collector, rule) {
        let note = "its group has not been evaluated since the configuration was loaded";
        return vec![Judged::pending(Entity::cluster(), note)];
    }
    let mut finding =
        Finding::new(format!("Watchdog does not fire in {}: no alert can be trusted to", collector.replica))
            .confidence(Confidence::Observed)
            .row("state", rule.state.clone(), "it should always be firing")
            .row("expr", rule.query.clone(), rule.last_error.clone());
    finding.cause.path = "rule Watchdog".to_owned();
    finding.cause.have = rule.state.clone();
    let fix = Fix::Outside(
        "look at Prometheus' page of rules and its log: evaluation has stopped, or the group fails"
            .to_owned(),
    );
    vec![Judged::fail(Entity::cluster(), finding.fix(fix))]
}

/// Whether the rule has not been evaluated yet, and had no two intervals' time for it since Prometheus started or loaded its
/// configuration.
fn young(facts: &Facts<'_>, collector: &Collector, rule: &Loaded) -> bool {
    const SLACK: i64 = 5_000;
    let Some(loaded) = collector.loaded_at.filter(|_| rule.health == "unknown") else { return false };
    let age = facts.snap.at + collector.clock_ahead.unwrap_or(0) - loaded;
    age < (rule.interval * 2_000.0) as i64 + SLACK
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, rule, running};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(state: &str, with_rule: bool, expect: &[&str]) {
        let mut snap = running(&Options::default(), |o| {
            if with_rule {
                o.add(rule("r", &[("Down", "felix_host == 0")]));
            }
        });
        snap.collectors[0].rules = Some(json!({"groups": [{"name": "g", "interval": 30, "rules": [
            {"name": "Watchdog", "type": "alerting", "query": "vector(1)", "health": "ok", "state": state}]}]}));
        assert_eq!(findings("T907", &snap), expect, "{state}");
    }

    #[test]
    fn its_first_evaluation_is_waited_for() {
        #[track_caller]
        fn check(health: &str, loaded_ago_ms: Option<i64>, expect: usize) {
            let mut snap = running(&Options::default(), |o| {
                o.add(rule("r", &[("Down", "felix_host == 0")]));
            });
            let at = snap.at;
            snap.collectors[0].loaded_at = loaded_ago_ms.map(|ago| at - ago);
            snap.collectors[0].rules = Some(json!({"groups": [{"name": "g", "interval": 30, "rules": [
                {"name": "Watchdog", "type": "alerting", "query": "vector(1)", "health": health, "state": "unknown"}]}]}));
            assert_eq!(findings("T907", &snap).len(), expect, "{health} {loaded_ago_ms:?}");
        }
        check("unknown", Some(20_000), 0);
        check("unknown", Some(64_000), 0);
        // Evaluation has stopped.
        check("unknown", Some(66_000), 1);
        check("unknown", None, 1);
        check("ok", Some(20_000), 1);
    }

    #[test]
    fn it_must_always_fire() {
        check("firing", true, &[]);
        check("inactive", false, &[]);
        check(
            "inactive",
            true,
            &["fail cluster: Watchdog does not fire in pod/prometheus-0: no alert can be trusted to"],
        );
    }
}
