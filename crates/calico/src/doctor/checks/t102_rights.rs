//! # The doctor may read what it needs
//!
//! **Looks at** every read that the API server refused for want of rights, and at lists that did not come for another reason:
//! no answer in time, a broken connection.
//!
//! **Why it matters.** What may not be read is not judged: the checks that need it stay `unknown`, and a chain that looks
//! fine may be broken behind them. Only `get` and `list` are asked for, and `create` on `pods/portforward` to reach
//! Prometheus and the processes. A list that did not come breaks nothing: it is `unknown`, with the reason.
//!
//! **How to mend.** Somebody who may grant rights applies what `tortie rbac doctor` prints: one ClusterRole with exactly
//! these verbs, and its binding. A server that is slow is given more time by `--request-timeout` and `--timeout`.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::snapshot::{Snapshot, THE_REST, Unseen};

pub(crate) static CHECK: Check = Check {
    id: "T102",
    slug: "rights",
    title: "the doctor may read what it needs",
    station: Station::Access,
    level: Level::Warn,
    needs: &["T101"],
    evidence: &[Evidence::Api],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !facts.live() {
        return vec![Judged::skipped(Entity::cluster(), "judged without a cluster")];
    }
    let refused = facts.snap.unseen.iter().filter(|u| u.forbidden);
    let mut out = missing(facts.snap);
    out.extend(refused.map(refusal));
    if out.is_empty() { vec![Judged::pass(Entity::cluster())] } else { out }
}

/// Lists that did not come for another reason: nothing is broken, and what needs them was not looked at.
fn missing(snap: &Snapshot) -> Vec<Judged> {
    let judged = snap.late().into_iter().map(|u| {
        let item = if u.resource.is_empty() { THE_REST } else { &u.resource };
        Judged::unknown(Entity::cluster().item(item), format!("{}: {}", u.what, u.reason))
    });
    judged.collect()
}

fn refusal(u: &Unseen) -> Judged {
    let place = if u.namespace.is_empty() { String::new() } else { format!(" in {}", u.namespace) };
    let finding = Finding::new(format!("may not {}{place}", u.what))
        .confidence(Confidence::Observed)
        .cause_of_right(u)
        .row("refused", u.reason.clone(), "what needs it stays unknown")
        .fix(Fix::Outside(format!(
            "let somebody who may grant rights apply the output of `tortie rbac doctor`; missing is the right to read {}{place}",
            u.resource
        )));
    Judged::warn(Entity::cluster().item(format!("{}{place}", u.resource)), finding)
}

impl Finding {
    /// The missing right as the cause, so that two of them are two findings.
    fn cause_of_right(mut self, unseen: &Unseen) -> Finding {
        self.cause.path = unseen.resource.clone();
        self.cause.have = unseen.namespace.clone();
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::snapshot::{Snapshot, Source, Unseen};
    use crate::testing::{findings, mends};

    fn live(forbidden: bool) -> Snapshot {
        let mut snap = Snapshot::new(Source::Live);
        snap.unseen.push(Unseen {
            what: "list pods".into(),
            resource: "pods".into(),
            namespace: "calico-system".into(),
            forbidden,
            reason: "pods is forbidden".into(),
        });
        snap
    }

    #[track_caller]
    fn check(forbidden: bool, expect: &[&str]) {
        assert_eq!(findings("T102", &live(forbidden)), expect);
    }

    #[test]
    fn a_missing_right_is_named() {
        check(false, &[]);
        let unknown = crate::testing::judged("T102", &live(false));
        assert_eq!(unknown.len(), 1);
        assert_eq!(
            (unknown[0].verdict, unknown[0].note.as_str()),
            (Verdict::Unknown, "list pods: pods is forbidden")
        );
        check(true, &["warn pods in calico-system: may not list pods in calico-system"]);
    }

    #[test]
    fn it_is_granted_by_others() {
        assert_eq!(
            mends("T102", &live(true)),
            [
                "outside: let somebody who may grant rights apply the output of `tortie rbac doctor`; missing is the right to read pods in calico-system"
            ]
        );
    }
}
