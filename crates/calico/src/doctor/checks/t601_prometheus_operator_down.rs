//! # A prometheus-operator runs
//!
//! **Looks at** the Deployments of prometheus-operator of all namespaces, and at who has written into the status of the
//! Prometheus objects.
//!
//! **Why it breaks silently.** Monitors, rules and Prometheus objects are only paper: the operator makes configuration of
//! them. When it is scaled to nothing, crashes or was removed, what runs goes on with the old configuration, and nothing new
//! is taken in. Two operators that both keep one object undo each other's work for ever.
//!
//! **How to mend.** Get it running; its log says what it waits for. Of two, give each its namespaces.

use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::operators::{Operator, operators};

pub(crate) static CHECK: Check = Check {
    id: "T601",
    slug: "prometheus-operator-down",
    title: "a prometheus-operator runs",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T105"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.reading().into_iter().filter_map(|p| of(facts, p)).collect()
}

fn of(facts: &Facts<'_>, prometheus: &crate::facts::prometheus::Prometheus<'_>) -> Option<Judged> {
    let entity = Entity::prometheus(prometheus.name.clone());
    if let Some(judged) = blind::list(facts, &entity, "deployments.apps") {
        return Some(judged);
    }
    let all = operators(facts.snap);
    if all.is_empty() {
        return Some(nowhere(facts, prometheus, entity));
    }
    let keepers: Vec<&Operator<'_>> = all.iter().filter(|o| o.keeps(prometheus.object)).collect();
    // One that leaves the object out is T517's.
    let running = |o: &&&Operator<'_>| o.ready().0.is_none_or(|n| n > 0);
    let up: Vec<&&Operator<'_>> = keepers.iter().filter(running).collect();
    match (up.as_slice(), keepers.first()) {
        ([_], _) => Some(Judged::pass(entity)),
        ([a, b, ..], _) => {
            let (one, other) = (a.object.reference(), b.object.reference());
            let title = format!("two operators keep {}: {one} and {other}", prometheus.object.reference());
            let advice = "give each its namespaces (--prometheus-instance-namespaces), or remove one; the log of each shows the other's writes";
            let finding = Finding::new(title)
                .cause(b.object, "/spec/template/spec/containers")
                .row(one.to_string(), a.scope(), "")
                .row(other.to_string(), b.scope(), "")
                .fix(Fix::Outside(advice.to_owned()));
            Some(Judged::warn(entity, finding))
        }
        ([], Some(down)) => Some(Judged::fail(entity, not_ready(facts, down))),
        ([], None) => None,
    }
}

/// No Deployment: a dump may lack it while somebody has written the status of the newest generation.
fn nowhere(
    facts: &Facts<'_>,
    prometheus: &crate::facts::prometheus::Prometheus<'_>,
    entity: Entity,
) -> Judged {
    let seen = prometheus.condition("Reconciled").and_then(|c| c.seen);
    if seen.is_some_and(|g| g >= prometheus.object.meta.generation) {
        return Judged::pass(entity);
    }
    if let Some(judged) = blind::only_files(facts, &entity, "prometheus-operator") {
        return judged;
    }
    let title =
        format!("no prometheus-operator is in the cluster: {} is only paper", prometheus.object.reference());
    let last = seen.map_or_else(
        || "never".to_owned(),
        |g| format!("generation {g} of {}", prometheus.object.meta.generation),
    );
    let finding = Finding::new(title)
        .cause(prometheus.object, "/status")
        .row("last looked at by an operator", last, "")
        .fix(Fix::Outside("install prometheus-operator, or read the monitors with tortie run".to_owned()));
    Judged::fail(entity, finding)
}

fn not_ready(facts: &Facts<'_>, operator: &Operator<'_>) -> Finding {
    let (_, wanted) = operator.ready();
    let object = operator.object;
    let reference = object.reference();
    let kubectl = Command::kubectl(&facts.snap.identity);
    let (title, fix) = if wanted == 0 {
        let scale =
            kubectl.run(&reference, &["scale", &format!("deployment/{}", reference.name), "--replicas=1"]);
        (
            "prometheus-operator is scaled to 0: monitors are only paper".to_owned(),
            Fix::Commands { auto: Auto::Ask, commands: vec![scale] },
        )
    } else {
        let advice = format!(
            "its log says why: kubectl -n {} logs deployment/{} --tail=20",
            reference.namespace, reference.name
        );
        (format!("prometheus-operator is down: 0 of {wanted} pods ready"), Fix::Outside(advice))
    };
    Finding::new(title)
        .cause(object, "/spec/replicas")
        .heading(reference.to_string())
        .row("pods ready", format!("0 of {wanted}"), "")
        .fix(fix)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const OPERATOR: &str = "prometheus-kube-prometheus-operator";
    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: Option<&str>) {
        let got = findings("T601", &snapshot(&Options::default(), change));
        assert_eq!(got.first().and_then(|f| f.split_once(": ")).map(|f| f.1), expect);
    }

    fn scaled(o: &mut Objects) {
        set(o.get("Deployment", OPERATOR), "/spec/replicas", json!(0));
        set(o.get("Deployment", OPERATOR), "/status/readyReplicas", Value::Null);
    }

    #[test]
    fn somebody_must_keep_the_prometheus_object() {
        check(|_| {}, None);
        check(scaled, Some("prometheus-operator is scaled to 0: monitors are only paper"));
        check(
            |o| {
                let mut other = o.get("Deployment", OPERATOR).clone();
                set(&mut other, "/metadata/name", json!("prometheus-operator"));
                o.add(other);
            },
            Some(
                "two operators keep Prometheus monitoring/prometheus-kube-prometheus-prometheus: Deployment \
                 monitoring/prometheus-kube-prometheus-operator and Deployment monitoring/prometheus-operator",
            ),
        );
        // Outside the dump, but at work.
        check(
            |o| {
                o.remove("Deployment", OPERATOR);
            },
            None,
        );
        check(
            |o| {
                o.remove("Deployment", OPERATOR);
                set(o.get("Prometheus", NAME), "/status", Value::Null);
            },
            Some(
                "no prometheus-operator is in the cluster: Prometheus monitoring/prometheus-kube-prometheus-prometheus is only paper",
            ),
        );
    }

    #[test]
    fn one_scaled_to_nothing_is_scaled_back() {
        assert_eq!(
            mends("T601", &snapshot(&Options::default(), scaled)),
            [
                "kubectl --context=test -n monitoring scale deployment/prometheus-kube-prometheus-operator --replicas=1"
            ]
        );
    }
}
