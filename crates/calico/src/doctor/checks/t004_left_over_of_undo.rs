//! # An undone setup left something behind
//!
//! **Looks at** objects labelled `app.kubernetes.io/managed-by: tortie` that the journal of setup does not know.
//!
//! **Why it matters.** An undo that was interrupted, or a journal that was deleted by hand, leaves Services and monitors in
//! the cluster. They go on scraping, and nobody will ever remove them.
//!
//! **How to mend.** Delete them; the printed commands name each.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend::plural;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::services::reference;
use tortie_cluster::object::{Meta, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T004",
    slug: "left-over-of-undo",
    title: "an undone setup left nothing behind",
    station: Station::Access,
    level: Level::Info,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some(journal) = &facts.snap.setup else {
        return vec![Judged::skipped(Entity::cluster(), "the journal of setup is not in this source")];
    };
    let ours = |m: &Meta| m.labels.get("app.kubernetes.io/managed-by").is_some_and(|v| v == "tortie");
    let objects = facts.snap.objects.iter().filter(|o| ours(&o.meta)).map(|o| o.reference());
    let services = facts.snap.services.iter().filter(|s| ours(&s.meta)).map(reference);
    // The journal itself is left over only when it holds nothing.
    let empty = journal.objects.is_empty() && journal.fields.is_empty();
    let kept = |r: &ObjectRef| journal.objects.contains(r) || (r.name == crate::setup::JOURNAL && !empty);
    let left: Vec<ObjectRef> = objects.chain(services).filter(|r| !kept(r)).collect();
    if left.is_empty() {
        return vec![Judged::pass(Entity::cluster())];
    }
    let mut finding = Finding::new(match left.as_slice() {
        [one] => format!("{one} is left of a setup that was undone"),
        many => format!("{} objects are left of a setup that was undone", many.len()),
    });
    if let Some(first) = left.first() {
        finding = finding.cause_ref(first.clone(), "", left.len().to_string());
    }
    for object in &left {
        finding = finding.heading(object.to_string());
    }
    let identity = &facts.snap.identity;
    let commands = left.iter().map(|o| Command::kubectl(identity).delete(o, &plural(&o.gvk.kind))).collect();
    let finding = finding.fix(Fix::Commands { auto: Auto::Ask, commands });
    vec![Judged::info(Entity::cluster(), finding)]
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Journal, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, object, set};

    fn with_label(known: bool) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |o| {
            let labels = json!({"app.kubernetes.io/managed-by": "tortie", "k8s-app": "tortie-felix-metrics"});
            set(o.get("Service", "tortie-felix-metrics"), "/metadata/labels", labels.clone());
            if known {
                let mut journal = object("v1", "ConfigMap", "monitoring", crate::setup::JOURNAL, json!(null));
                journal["metadata"]["labels"] = labels;
                o.add(journal);
            }
        });
        let service = snap.services.iter().find(|s| s.meta.name == "tortie-felix-metrics").expect("is there");
        let objects = if known { vec![crate::facts::services::reference(service)] } else { Vec::new() };
        snap.setup = Some(Journal { fields: Vec::new(), objects });
        snap
    }

    #[track_caller]
    fn check(known: bool, expect: &[&str]) {
        assert_eq!(findings("T004", &with_label(known)), expect);
    }

    #[test]
    fn labelled_objects_outside_the_journal_are_left_over() {
        check(true, &[]);
        check(
            false,
            &["info cluster: Service calico-system/tortie-felix-metrics is left of a setup that was undone"],
        );
    }

    #[test]
    fn each_is_deleted_by_name() {
        assert_eq!(
            mends("T004", &with_label(false)),
            ["kubectl --context=test -n calico-system delete services tortie-felix-metrics"]
        );
    }
}
