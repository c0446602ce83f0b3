//! # Typha's metrics were set on the Deployment and taken back
//!
//! **Looks at** older ReplicaSets of Typha's Deployment: one that carries `TYPHA_PROMETHEUSMETRICSENABLED` while the
//! Deployment of today does not, in a cluster where Tigera's operator keeps the Deployment.
//!
//! **Why it breaks silently.** `kubectl set env deployment/calico-typha ...` succeeds, a rollout begins, and two seconds later
//! the operator puts its own template back. `rollout status` says success for both. The metrics were there for a moment.
//!
//! **How to mend.** Set `typhaMetricsPort` in the Installation: from it the operator sets the same environment itself. The
//! annotation `unsupported.operator.tigera.io/ignore` looks like a way out and is none: the operator then stops keeping
//! Typha at all, upgrades included.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::install::Keeper;
use crate::facts::workload::env_of;
use crate::snapshot::Source;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T210",
    slug: "typha-env-reverted",
    title: "Typha's metrics are not set where the operator takes them back",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Managers],
    symptom: false,
    judge,
};

const ENABLED: &str = "TYPHA_PROMETHEUSMETRICSENABLED";
const PORT: &str = "TYPHA_PROMETHEUSMETRICSPORT";

/// What shows that the environment was set by hand.
pub(crate) struct Reverted<'a> {
    deployment: &'a Arc<Object>,
    /// The ReplicaSet that has it; none when it is a file that has yet to be applied.
    before: Option<&'a Arc<Object>>,
    port: Option<u16>,
}

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !facts.has(Component::Typha) {
        return Vec::new();
    }
    let entity = Entity::of(Component::Typha);
    let Some(found) = reverted(facts) else { return vec![Judged::pass(entity)] };
    let title = match found.before {
        Some(_) => format!("{ENABLED} was set on the Deployment and taken back by the operator"),
        None => format!("{ENABLED} on the Deployment will be taken back by the operator"),
    };
    let now = revision(found.deployment).map_or_else(|| "now".to_owned(), |r| format!("revision {r}"));
    let mut finding = Finding::new(title)
        .heading(format!("{}   (kept by Tigera's operator)", found.deployment.reference()));
    if let Some(before) = found.before {
        let then = revision(before).map_or_else(|| "earlier".to_owned(), |r| format!("revision {r}"));
        finding = finding
            .confidence(Confidence::Observed)
            .row(then, format!("{ENABLED}=true"), before.reference().to_string())
            .row(now, "not set", "as the operator's own template");
    } else {
        finding = finding.row("in the file", format!("{ENABLED}=true"), "the operator's template has it not");
    }
    let port = super::t209_typha_metrics_off::typha_port(facts, found.port);
    let mut finding = super::t209_typha_metrics_off::set_port(facts, finding, port)
        .warning("do not set it on the Deployment again: the operator takes it back within seconds");
    // In files the place to look at is the line that will be in vain.
    if found.before.is_none() || finding.cause.object.is_none() {
        finding = finding.cause(found.deployment, &place_of_env(found.deployment));
    }
    vec![Judged::fail(entity, finding)]
}

/// Finds the evidence.
pub(crate) fn reverted<'a>(facts: &Facts<'a>) -> Option<Reverted<'a>> {
    let workload = facts.workloads.get(&Component::Typha)?;
    let deployment = workload.object?;
    let on = facts.settings.typha.as_ref()?.enabled.value;
    if facts.install.keeper != Keeper::Operator || facts.settings.typha_metrics_port.is_some() {
        return None;
    }
    if on {
        let file =
            matches!(facts.snap.source, Source::Files | Source::Overlay) && deployment.origin.is_some();
        let port = workload.env.get(PORT).and_then(|p| p.parse().ok());
        return file.then_some(Reverted { deployment, before: None, port });
    }
    if !workload.kept_by_operator() {
        return None;
    }
    let mut older: Vec<&'a Arc<Object>> = facts
        .snap
        .of("apps", "ReplicaSet")
        .filter(|r| r.meta.namespace == deployment.meta.namespace)
        .filter(|r| {
            r.meta.controller().is_some_and(|c| c.kind == "Deployment" && c.name == deployment.meta.name)
        })
        .filter(|r| set_by_hand(r))
        .collect();
    older.sort_by_key(|r| revision(r));
    let before = older.pop()?;
    let port = env_of(&before.body).get(PORT).and_then(|p| p.parse().ok());
    Some(Reverted { deployment, before: Some(before), port })
}

/// Whether a ReplicaSet has the variable without the annotations that the operator adds when it sets it itself.
fn set_by_hand(set: &Object) -> bool {
    let on = env_of(&set.body).get(ENABLED).is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1");
    on && set.at("/spec/template/metadata/annotations/prometheus.io~1scrape").is_none()
}

/// Pointer of the variable in the Deployment.
fn place_of_env(deployment: &Object) -> String {
    let containers = deployment.at("/spec/template/spec/containers").and_then(|c| c.as_array());
    for (i, container) in containers.into_iter().flatten().enumerate() {
        let env = container.get("env").and_then(|e| e.as_array());
        if let Some(j) = env.and_then(|e| e.iter().position(|v| v["name"] == ENABLED)) {
            return format!("/spec/template/spec/containers/{i}/env/{j}");
        }
    }
    "/spec/template/spec/containers/0/env".to_owned()
}

fn revision(object: &Object) -> Option<u64> {
    object.meta.annotations.get("deployment.kubernetes.io/revision")?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Kind, Options, controller, object, set};

    fn with(kind: Kind, annotations: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options { kind, calico: 27, ..Options::default() }, |o| {
            let deployment = o.get("Deployment", "calico-typha");
            set(deployment, "/spec/template/spec/containers/0/env", json!([]));
            set(deployment, "/metadata/annotations", json!({"deployment.kubernetes.io/revision": "3"}));
            let ns = deployment["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
            if kind != Kind::Manifest {
                set(o.get("Installation", "default"), "/spec/typhaMetricsPort", Value::Null);
            }
            let env = json!([{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9093"}]);
            let template = json!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "calico-typha", "env": env}]}});
            let mut older = object(
                "apps/v1",
                "ReplicaSet",
                &ns,
                "calico-typha-bc4cdc6cb",
                json!({"replicas": 0, "template": template}),
            );
            older["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "2"});
            o.add(controller(older, "apps/v1", "Deployment", "calico-typha"));
        })
    }

    #[track_caller]
    fn check(kind: Kind, annotations: Value, expect: &[&str]) {
        assert_eq!(findings("T210", &with(kind, annotations)), expect, "{kind:?}");
    }

    const SAID: &str =
        "fail typha: TYPHA_PROMETHEUSMETRICSENABLED was set on the Deployment and taken back by the operator";

    #[test]
    fn an_older_replica_set_tells() {
        check(Kind::Operator, json!({}), &[SAID]);
        // The operator's own: somebody took the field out of the Installation, which is T209's.
        check(Kind::Operator, json!({"prometheus.io/scrape": "true"}), &[]);
        check(Kind::Manifest, json!({}), &[]);
        assert_eq!(findings("T210", &snapshot(&Options::default(), |_| {})), Vec::<String>::new());
    }

    #[test]
    fn t209_leaves_it_to_this_one() {
        assert_eq!(findings("T209", &with(Kind::Operator, json!({}))), Vec::<String>::new());
    }

    #[test]
    fn the_installation_is_patched() {
        assert_eq!(
            mends("T210", &with(Kind::Operator, json!({}))),
            ["kubectl --context=test patch installations.v1.operator.tigera.io default --type=merge -p \
              '{\"spec\":{\"typhaMetricsPort\":9093}}'"]
        );
    }
}
