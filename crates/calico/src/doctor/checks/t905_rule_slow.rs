//! # Rule groups end within their interval
//!
//! **Looks at** how long the last evaluation took of groups that have rules on Calico's series, against their interval.
//!
//! **Why it breaks silently.** A group that takes longer than its interval skips evaluations. Alerts come late, and a recorded series has
//! gaps.
//!
//! **How to mend.** Split the group, evaluate less often, or let the rule read fewer series.

use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::queries;
use crate::facts::rules::loaded;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T905",
    slug: "rule-slow",
    title: "rule groups end within their interval",
    station: Station::Rules,
    level: Level::Warn,
    needs: &["T903"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let mut slow: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for answer in facts.reachable().filter_map(|c| c.rules.as_ref()) {
        for rule in loaded(answer) {
            let late = rule.interval > 0.0 && rule.group_took >= rule.interval;
            if late && queries::parse(&rule.query).is_ok_and(|e| !queries::components(&e).is_empty()) {
                slow.insert(rule.group, (rule.group_took, rule.interval));
            }
        }
    }
    if slow.is_empty() {
        return vec![Judged::pass(Entity::cluster())];
    }
    let judged = slow.into_iter().map(|(group, (took, interval))| {
        let mut finding =
            Finding::new(format!("group {group} takes {took:.1} s of its interval of {interval:.0} s"))
                .confidence(Confidence::Observed);
        finding.cause.path = format!("group {group}");
        let fix = Fix::Outside(
            "split the group, give it a longer interval, or let its rules read fewer series".to_owned(),
        );
        Judged::warn(Entity::cluster().item(format!("group {group}")), finding.fix(fix))
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(took: f64, expect: &[&str]) {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].rules =
            Some(json!({"groups": [{"name": "g", "interval": 30, "evaluationTime": took, "rules": [
            {"name": "Down", "type": "alerting", "query": "felix_host == 0", "health": "ok"}]}]}));
        assert_eq!(findings("T905", &snap), expect, "{took}");
    }

    #[test]
    fn the_interval_is_the_bound() {
        check(0.2, &[]);
        check(41.0, &["warn group g: group g takes 41.0 s of its interval of 30 s"]);
    }
}
