//! # The operator carries changes out
//!
//! **Looks at** `Installation.spec.typhaMetricsPort` beside the Deployment that should follow it, at TigeraStatus `calico`, and
//! at Tigera's operator itself.
//!
//! **Why it breaks silently.** A change of the Installation is accepted at once and carried out by the operator later. When it
//! does not run, or stops at an error before it comes to Typha, nothing happens, and the Installation shows what was wished.
//!
//! **How to mend.** TigeraStatus and the operator's log name the error. An Installation CRD older than the field drops it
//! without a word: then the field is not in the object when you read it back.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::install::Keeper;
use crate::facts::ownership::writers;
use serde_json::Value;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T215",
    slug: "operator-not-reconciling",
    title: "the operator carries changes out",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Milliseconds within which an operator that runs has done it.
const PATIENCE: i64 = 120_000;
const PORT: &str = "/spec/typhaMetricsPort";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.install.keeper != Keeper::Operator || facts.settings.installations.is_empty() {
        return Vec::new();
    }
    let reason = trouble(facts);
    if let Some(wished) = waiting(facts) {
        let entity = Entity::of(Component::Typha);
        let Some(object) = crate::doctor::mend::installation(facts, PORT) else { return Vec::new() };
        let since = writers(&object.meta, PORT).first().and_then(|m| m.time);
        if reason.is_none() && since.is_some_and(|t| facts.snap.at - t < PATIENCE) {
            return vec![Judged::pending(entity, "typhaMetricsPort was set less than two minutes ago")];
        }
        let why = reason.as_ref().map_or("no error is shown in TigeraStatus", |r| r.1.as_str());
        let finding =
            Finding::new(format!("typhaMetricsPort {wished} waits: the operator has not carried it out"))
                .cause(object, PORT)
                .row(object.reference().to_string(), format!("typhaMetricsPort: {wished}"), "")
                .row("Deployment calico-typha", "without it", why)
                .fix(outside());
        return vec![Judged::fail(entity, finding)];
    }
    let Some((object, why)) = reason else { return vec![Judged::pass(Entity::cluster())] };
    // A pod that is not ready is T202's to say.
    let pods = facts.workloads.values().flat_map(|w| &w.pods).all(|p| p.ready);
    if !pods {
        return vec![Judged::pass(Entity::cluster())];
    }
    let mut finding = Finding::new(format!("Tigera's operator carries no changes out: {why}"))
        .confidence(Confidence::Observed)
        .cause(object, "/status")
        .row(object.reference().to_string(), why.clone(), "")
        .fix(outside());
    finding.cause.have = why;
    vec![Judged::warn(Entity::cluster(), finding)]
}

fn outside() -> Fix {
    Fix::Outside(
        "mend what the operator stops at: kubectl get tigerastatus, and the log of tigera-operator"
            .to_owned(),
    )
}

/// The port that the Installation asks for and Typha's Deployment does not have.
fn waiting(facts: &Facts<'_>) -> Option<u16> {
    let wished = facts.settings.typha_metrics_port?;
    let workload = facts.workloads.get(&Component::Typha)?;
    let typha = facts.settings.typha.as_ref()?;
    workload.object?;
    // An object that the operator was told to ignore is T214's.
    let ignored = workload
        .object
        .is_some_and(|o| o.meta.annotations.contains_key("unsupported.operator.tigera.io/ignore"));
    let done = typha.enabled.value && typha.port.value == wished;
    (!done && !ignored && facts.snap.is_whole()).then_some(wished)
}

/// Why the operator does nothing: the object that says it, and what it says.
fn trouble<'a>(facts: &Facts<'a>) -> Option<(&'a Arc<Object>, String)> {
    let snap = facts.snap;
    let operator = snap.of("apps", "Deployment").find(|o| {
        let mut images =
            o.list("/spec/template/spec/containers").iter().filter_map(|c| c.get("image")?.as_str());
        images.any(|i| i.contains("tigera/operator"))
    });
    if let Some(object) = operator {
        let wanted = object.at("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        let ready = object.at("/status/availableReplicas").and_then(Value::as_u64).unwrap_or(0);
        if wanted == 0 {
            return Some((object, "it is scaled to 0".to_owned()));
        }
        if ready == 0 && object.at("/status").is_some() {
            return Some((object, "no pod of it is available".to_owned()));
        }
    }
    let status = snap.of("operator.tigera.io", "TigeraStatus").find(|o| o.meta.name == "calico")?;
    let mut conditions = status.list("/status/conditions").iter();
    let degraded = conditions.find(|c| text(c, "type") == "Degraded" && text(c, "status") == "True")?;
    let message = text(degraded, "message");
    let said = if message.is_empty() { text(degraded, "reason") } else { message };
    Some((status, format!("it is degraded: {said}")))
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T215", &snapshot(&Options::default(), change)), expect);
    }

    fn wait(o: &mut Objects) {
        set(o.get("Deployment", "calico-typha"), "/spec/template/spec/containers/0/env", json!([]));
    }

    #[test]
    fn what_is_wished_must_be_done() {
        check(|_| {}, &[]);
        check(wait, &["fail typha: typhaMetricsPort 9093 waits: the operator has not carried it out"]);
        check(
            |o| {
                set(
                    o.get("TigeraStatus", "calico"),
                    "/status/conditions/1",
                    json!({"type": "Degraded", "status": "True", "message": "no CA"}),
                )
            },
            &["warn cluster: Tigera's operator carries no changes out: it is degraded: no CA"],
        );
        check(
            |o| set(o.get("Deployment", "tigera-operator"), "/spec/replicas", json!(0)),
            &["warn cluster: Tigera's operator carries no changes out: it is scaled to 0"],
        );
    }

    #[test]
    fn the_operator_says_why() {
        assert_eq!(
            mends("T215", &snapshot(&Options::default(), wait)),
            [
                "outside: mend what the operator stops at: kubectl get tigerastatus, and the log of tigera-operator"
            ]
        );
    }
}
