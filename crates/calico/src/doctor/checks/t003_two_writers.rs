//! # Two writers fight over one object
//!
//! **Looks at** Calico's settings, the Typha Deployment and the monitors twice, a while apart: generation, fields and the
//! times in `managedFields`.
//!
//! **Why it breaks silently.** Two controllers (or a controller and a script) that each put their own value back never
//! report anything; each sees its write accepted. Felix restarts at every change of its settings, Typha rolls, and the
//! metrics come and go.
//!
//! **How to mend.** Decide who keeps the field and take it away from the other: a value in Git, a Helm value, or the script.
//! No command can do that; `kubectl get -o yaml --show-managed-fields` shows both managers.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T003",
    slug: "two-writers",
    title: "no two writers fight over one object",
    station: Station::Access,
    level: Level::Warn,
    needs: &["T101"],
    evidence: &[Evidence::Managers],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.snap.second_look.is_empty() {
        return vec![Judged::skipped(Entity::cluster(), "objects were looked at only once")];
    }
    let fights: Vec<Judged> = facts.snap.second_look.iter().filter_map(|later| fight(facts, later)).collect();
    if fights.is_empty() { vec![Judged::pass(Entity::cluster())] } else { fights }
}

fn fight(facts: &Facts<'_>, later: &Arc<Object>) -> Option<Judged> {
    let first = facts.snap.objects.iter().find(|o| o.reference() == later.reference())?;
    let grew = later.meta.generation - first.meta.generation;
    let wrote: BTreeSet<&str> = later
        .meta
        .managed
        .iter()
        .filter(|m| m.subresource.is_empty() && !first.meta.managed.contains(m))
        .map(|m| m.manager.as_str())
        .collect();
    // One change between two looks is somebody at work; two by two managers are a fight.
    if grew < 2 || wrote.is_empty() {
        return None;
    }
    let names: Vec<&str> = wrote.iter().copied().collect();
    let title = match names.as_slice() {
        [one] => format!("{} was changed {grew} times within seconds, last by {one}", later.reference()),
        many => format!("{} is written in turn by {}", later.reference(), many.join(" and ")),
    };
    let finding = Finding::new(title)
        .cause(later, "/metadata/generation")
        .confidence(Confidence::Observed)
        .heading(later.reference().to_string())
        .row("generation", format!("{} then {}", first.meta.generation, later.meta.generation), "")
        .row("written by", names.join(", "), "")
        .fix(Fix::Outside(format!(
            "decide which of {} keeps the object, and take it away from the other",
            names.join(", ")
        )));
    Some(Judged::warn(Entity::cluster().item(later.reference().to_string()), finding))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use std::sync::Arc;
    use tortie_cluster::object::Object;
    use tortie_sim::installs::Options;

    fn twice(generation: i64, managers: &[&str]) -> crate::snapshot::Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        let first = snap.find("projectcalico.org", "FelixConfiguration", "", "default").expect("is there");
        let mut body = first.body.clone();
        body["metadata"]["generation"] = json!(generation);
        let managed: Vec<_> = managers
            .iter()
            .map(|m| json!({"manager": m, "operation": "Update", "time": "2026-01-07T09:00:00Z", "fieldsV1": {"f:spec": {}}}))
            .collect();
        body["metadata"]["managedFields"] = json!(managed);
        snap.second_look.push(Arc::new(Object::parse(body).expect("an object")));
        snap
    }

    #[track_caller]
    fn check(generation: i64, managers: &[&str], expect: &[&str]) {
        assert_eq!(findings("T003", &twice(generation, managers)), expect, "{generation} {managers:?}");
    }

    #[test]
    fn writers_in_turn_are_named() {
        check(1, &[], &[]);
        check(2, &["kubectl"], &[]);
        check(
            4,
            &["argocd", "operator"],
            &[
                "warn FelixConfiguration default: FelixConfiguration default is written in turn by argocd and operator",
            ],
        );
        check(
            3,
            &["script"],
            &[
                "warn FelixConfiguration default: FelixConfiguration default was changed 2 times within seconds, last by script",
            ],
        );
    }

    #[test]
    fn no_command_ends_a_fight() {
        assert_eq!(
            mends("T003", &twice(4, &["a", "b"])),
            ["outside: decide which of a, b keeps the object, and take it away from the other"]
        );
    }
}
