//! # The cluster has a name that never changes
//!
//! **Looks at** the uid of the namespace `kube-system`, which is the cluster's own identity.
//!
//! **Why it matters.** Contexts are renamed and copied. A report or a plan made for one cluster must not be applied to
//! another; so `tortie fix --from` and `tortie setup --plan` compare this uid and refuse when it differs.
//!
//! **How to mend.** When it cannot be read, grant `get` on the namespace `kube-system`: `tortie rbac doctor` prints it.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T107",
    slug: "cluster-identity",
    title: "the cluster's identity is known",
    station: Station::Access,
    level: Level::Info,
    needs: &["T101"],
    evidence: &[Evidence::Api],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let uid = &facts.snap.identity.uid;
    if !uid.is_empty() {
        return vec![Judged::pass_with(Entity::cluster(), uid.clone())];
    }
    let namespace = facts.snap.namespaces.iter().find(|n| n.meta.name == "kube-system");
    if let Some(uid) = namespace.map(|n| n.meta.uid.clone()).filter(|u| !u.is_empty()) {
        return vec![Judged::pass_with(Entity::cluster(), uid)];
    }
    let reason = "the uid of the namespace kube-system is not known";
    vec![if facts.live() {
        Judged::unknown(Entity::cluster(), reason)
    } else {
        Judged::skipped(Entity::cluster(), reason)
    }]
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::snapshot::{Snapshot, Source};
    use crate::testing::judged;

    #[track_caller]
    fn check(source: Source, uid: &str, expect: (Verdict, &str)) {
        let mut snap = Snapshot::new(source);
        snap.identity.uid = uid.into();
        let got = judged("T107", &snap);
        assert_eq!((got[0].verdict, got[0].note.as_str()), expect);
    }

    #[test]
    fn the_uid_of_kube_system_is_the_identity() {
        check(Source::Live, "b5c1", (Verdict::Pass, "b5c1"));
        check(Source::Live, "", (Verdict::Unknown, "the uid of the namespace kube-system is not known"));
        check(Source::Files, "", (Verdict::Skipped, "the uid of the namespace kube-system is not known"));
    }
}
