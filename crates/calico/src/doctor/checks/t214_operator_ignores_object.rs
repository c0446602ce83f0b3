//! # The operator keeps all of its objects
//!
//! **Looks at** the annotation `unsupported.operator.tigera.io/ignore` on objects of Calico.
//!
//! **Why it breaks silently.** With it Tigera's operator no longer touches the object: an edit by hand stays, and so does the
//! old image, at every upgrade. `typhaMetricsPort` and the like have no effect on it any more.
//!
//! **How to mend.** Put the change into the Installation, then take the annotation away.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend::plural;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::services::reference;
use std::sync::Arc;
use tortie_cluster::object::{Meta, Object, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T214",
    slug: "operator-ignores-object",
    title: "the operator keeps all of its objects",
    station: Station::On,
    level: Level::Warn,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const IGNORE: &str = "unsupported.operator.tigera.io/ignore";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let ignored = |m: &Meta| m.annotations.get(IGNORE).is_some_and(|v| v == "true");
    // A Deployment hands its annotations on to its ReplicaSets: the same mark, not another one.
    let own = |o: &&Arc<Object>| o.gvk.kind != "ReplicaSet" && ignored(&o.meta);
    let objects = facts.snap.objects.iter().filter(own).map(|o| o.reference());
    let services = facts.snap.services.iter().filter(|s| ignored(&s.meta)).map(reference);
    let found: Vec<ObjectRef> = objects.chain(services).collect();
    if found.is_empty() {
        return vec![Judged::pass(Entity::cluster())];
    }
    let judged = found.into_iter().map(|object| {
        let kind = if object.gvk.group.is_empty() {
            plural(&object.gvk.kind)
        } else {
            format!("{}.{}.{}", plural(&object.gvk.kind), object.gvk.version, object.gvk.group)
        };
        let remove = format!("{IGNORE}-");
        let command = Command::kubectl(&facts.snap.identity)
            .run(&object, &["annotate", &kind, &object.name, &remove]);
        let finding = Finding::new(format!("the operator no longer keeps {object}; upgrades will pass it by"))
            .cause_ref(object.clone(), &format!("metadata.annotations[\"{IGNORE}\"]"), "true")
            .row(object.to_string(), format!("{IGNORE}: true"), "")
            .warning("without the annotation the operator puts its own state back: make the change in the Installation first")
            .fix(Fix::Commands { auto: Auto::Ask, commands: vec![command] });
        Judged::warn(Entity::cluster().item(object.to_string()), finding)
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    fn with(value: &str) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            set(
                o.get("Deployment", "calico-typha"),
                "/metadata/annotations/unsupported.operator.tigera.io~1ignore",
                json!(value),
            );
        })
    }

    #[track_caller]
    fn check(value: &str, expect: &[&str]) {
        assert_eq!(findings("T214", &with(value)), expect, "{value}");
    }

    #[test]
    fn ignored_objects_are_named() {
        check("false", &[]);
        let object = "Deployment calico-system/calico-typha";
        check(
            "true",
            &[&format!("warn {object}: the operator no longer keeps {object}; upgrades will pass it by")],
        );
    }

    #[test]
    fn a_replica_set_has_it_of_its_deployment() {
        let snap = snapshot(&Options::default(), |o| {
            for kind in ["Deployment", "ReplicaSet"] {
                let mut object =
                    tortie_sim::installs::object("apps/v1", kind, "calico-system", "typha-x", json!({}));
                set(
                    &mut object,
                    "/metadata/annotations/unsupported.operator.tigera.io~1ignore",
                    json!("true"),
                );
                o.add(object);
            }
        });
        assert_eq!(findings("T214", &snap).len(), 1);
    }

    #[test]
    fn the_annotation_is_taken_away() {
        assert_eq!(
            mends("T214", &with("true")),
            [
                "kubectl --context=test -n calico-system annotate deployments.v1.apps calico-typha unsupported.operator.tigera.io/ignore-"
            ]
        );
    }
}
