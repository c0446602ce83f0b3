//! # Rules are evaluated without errors
//!
//! **Looks at** `health` and `lastError` of the rules that Prometheus has loaded and that read Calico's series.
//!
//! **Why it breaks silently.** A rule that fails at every evaluation is only seen on Prometheus' page of rules. Its alert never fires and
//! its recorded series ends.
//!
//! **How to mend.** The error says what is wrong. *found duplicate series* and *many-to-many matching*: a target is scraped twice, or the
//! rule needs `on (...)` or an aggregation.

use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::queries;
use crate::facts::rules::{Loaded, loaded};
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T903",
    slug: "rule-unhealthy",
    title: "rules are evaluated without errors",
    station: Station::Rules,
    level: Level::Fail,
    needs: &["T902"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let mut out = Vec::new();
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for answer in facts.reachable().filter_map(|c| c.rules.as_ref()) {
        for rule in loaded(answer).into_iter().filter(|r| r.health == "err") {
            let Ok(expr) = queries::parse(&rule.query) else { continue };
            let components = queries::components(&expr);
            // Replicas say the same of the same rule.
            if components.is_empty() || !seen.insert((rule.group.clone(), rule.name.clone())) {
                continue;
            }
            let only: Option<Component> = components.first().copied().filter(|_| components.len() == 1);
            let entity = only.map_or_else(Entity::cluster, Entity::of).item(format!("rule {}", rule.name));
            out.push(Judged::fail(entity, finding(&rule)));
        }
    }
    if out.is_empty() {
        out.push(Judged::pass(Entity::cluster()));
    }
    out
}

fn finding(rule: &Loaded) -> Finding {
    let mut finding = Finding::new(format!("rule {} fails: {}", rule.name, rule.last_error))
        .confidence(Confidence::Observed)
        .row("group", rule.group.clone(), "")
        .row("expr", rule.query.clone(), "");
    finding.cause.path = format!("rule {}/{}", rule.group, rule.name);
    finding.cause.have = rule.last_error.clone();
    finding.fix(Fix::Outside("correct the rule's expression; the error names the part that fails".to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(query: &str, health: &str, expect: &[&str]) {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].rules = Some(json!({"groups": [{"name": "g", "interval": 30, "rules": [
            {"name": "Down", "type": "alerting", "query": query, "health": health, "lastError": "many-to-many matching not allowed"}]}]}));
        assert_eq!(findings("T903", &snap), expect, "{query}");
    }

    #[test]
    fn errors_of_calicos_rules_are_found() {
        check("felix_host == 0", "ok", &[]);
        check("node_load1 > 3", "err", &[]);
        check(
            "felix_host == 0",
            "err",
            &["fail felix rule Down: rule Down fails: many-to-many matching not allowed"],
        );
    }
}
