//! # The operator keeps up with the Prometheus object
//!
//! **Looks at** `spec.paused` of the Prometheus object, at its condition `Reconciled`, and at the generation that the operator
//! has seen.
//!
//! **Why it breaks silently.** A paused object is left alone: what runs goes on with the old configuration. And one bad part
//! (a Secret of `additionalScrapeConfigs` that is missing, a remote write that does not parse) stops everything that comes
//! after it: no new monitor is taken in, though all of them are right.
//!
//! **How to mend.** Unpause it, or mend what the message names.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::prometheus::Prometheus;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T603",
    slug: "paused-or-unreconciled",
    title: "the operator keeps up with the Prometheus object",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T601"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.reading().into_iter().map(|p| of(facts, p)).collect()
}

fn of(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> Judged {
    let entity = Entity::prometheus(prometheus.name.clone());
    let object = prometheus.object;
    let reference = object.reference();
    if object.at("/spec/paused").and_then(Value::as_bool) == Some(true) {
        let finding = Finding::new(format!("{reference} is paused: the operator takes nothing new in"))
            .cause(object, "/spec/paused")
            .row(reference.to_string(), "", "")
            .row("paused", "true", "")
            .fix(mend::set(facts, object, "/spec/paused", json!(false), Auto::Ask));
        return Judged::fail(entity, finding);
    }
    let Some(condition) = prometheus.condition("Reconciled") else {
        return if facts.snap.is_whole() {
            Judged::pass(entity)
        } else {
            Judged::skipped(entity, "files have no status")
        };
    };
    if condition.status == "False" {
        // Nothing of the Prometheus object changes any more until this is mended.
        let finding = Finding::new(format!(
            "the operator cannot reconcile {reference}: {}",
            told(condition.reason, condition.message)
        ))
        .confidence(Confidence::Observed)
        .cause(object, "/status/conditions")
        .row(reference.to_string(), "", "")
        .row("Reconciled", condition.reason, "")
        .row("message", condition.message, "")
        .fix(Fix::Outside("mend what the message names; the operator tries again by itself".to_owned()));
        return Judged::fail(entity, finding);
    }
    let behind = condition.seen.filter(|g| *g < object.meta.generation);
    let Some(seen) = behind else { return Judged::pass(entity) };
    let changed =
        object.meta.managed.iter().filter(|m| m.subresource.is_empty()).filter_map(|m| m.time).max();
    if changed.is_some_and(|t| facts.snap.at - t < super::t518_pending::DELAY) {
        return Judged::pending(entity, "the Prometheus object changed just now");
    }
    let finding = Finding::new(format!(
        "the operator is behind: it has seen generation {seen} of {} of {reference}",
        object.meta.generation
    ))
    .cause(object, "/metadata/generation")
    .row("observedGeneration", seen.to_string(), "")
    .row("generation", object.meta.generation.to_string(), "")
    .fix(Fix::Outside(
        "look at the log of prometheus-operator: it has not come to this object since it changed".to_owned(),
    ));
    Judged::fail(entity, finding)
}

fn told<'t>(reason: &'t str, message: &'t str) -> &'t str {
    if message.is_empty() { reason } else { message }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    #[track_caller]
    fn check(at: &str, value: Value, expect: Option<&str>) {
        let snap = snapshot(&Options::default(), |o| set(o.get("Prometheus", NAME), at, value));
        assert_eq!(
            findings("T603", &snap).first().and_then(|f| f.split_once(": ")).map(|f| f.1),
            expect,
            "{at}"
        );
    }

    #[test]
    fn pause_and_failure_are_told() {
        check("/spec/paused", json!(false), None);
        check(
            "/spec/paused",
            json!(true),
            Some(
                "Prometheus monitoring/prometheus-kube-prometheus-prometheus is paused: the operator takes nothing new in",
            ),
        );
        check(
            "/status/conditions/1",
            json!({"type": "Reconciled", "status": "False", "reason": "ReconciliationFailed", "message": "secret x not found"}),
            Some(
                "the operator cannot reconcile Prometheus monitoring/prometheus-kube-prometheus-prometheus: secret x not found",
            ),
        );
        check(
            "/metadata/generation",
            json!(3),
            Some(
                "the operator is behind: it has seen generation 1 of 3 of Prometheus monitoring/prometheus-kube-prometheus-prometheus",
            ),
        );
    }

    #[test]
    fn the_command_unpauses() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Prometheus", NAME), "/spec/paused", json!(true));
            set(o.get("Prometheus", NAME), "/metadata/labels", json!({}));
        });
        assert_eq!(
            mends("T603", &snap),
            ["kubectl --context=test -n monitoring patch prometheuses.v1.monitoring.coreos.com \
              prometheus-kube-prometheus-prometheus --type=json -p '[{\"op\":\"test\",\"path\":\"/spec/paused\",\"value\":true},\
              {\"op\":\"replace\",\"path\":\"/spec/paused\",\"value\":false}]'"]
        );
    }
}
