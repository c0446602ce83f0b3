//! # The API server answers
//!
//! **Looks at** the connection that everything else is read through.
//!
//! **Why it matters.** Without it nothing can be judged. The usual causes: a VPN that is down, a kubeconfig of a cluster that
//! is gone, an expired certificate or token, an exec plugin that is not installed here.
//!
//! **How to mend.** `kubectl --context=NAME version` must work first; its error and this one name the same cause. Judging
//! files needs no API server: `tortie doctor -f DIR`.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Command, Fix};
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T101",
    slug: "api-reachable",
    title: "the API server answers",
    station: Station::Access,
    level: Level::Fail,
    needs: &[],
    evidence: &[Evidence::Api],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !facts.live() {
        return vec![Judged::skipped(Entity::cluster(), "judged without a cluster")];
    }
    let identity = &facts.snap.identity;
    let Some(unseen) = facts.snap.unseen.iter().find(|u| u.what == "api") else {
        return vec![Judged::pass_with(Entity::cluster(), identity.server.clone())];
    };
    let context = if identity.context.is_empty() { "the current context" } else { &identity.context };
    // What can be done about it stands in a line of its own.
    let (reason, hint) = unseen.reason.split_once("\nhint: ").unwrap_or((unseen.reason.as_str(), ""));
    let version = Command::kubectl(identity).ask(&["version"]);
    let mut finding = Finding::new(format!("cannot reach the API server of {context}"))
        .confidence(Confidence::Observed)
        .row("reason", reason, "")
        .fix(Fix::Outside(format!("make `{version}` work, or name another context with --context")));
    if !hint.is_empty() {
        finding = finding.row("hint", hint, "");
    }
    if !identity.server.is_empty() {
        finding = finding.row("server", identity.server.clone(), "");
    }
    vec![Judged::fail(Entity::cluster(), finding)]
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Snapshot, Source, Unseen};
    use crate::testing::{findings, mends};

    fn live(reason: Option<&str>) -> Snapshot {
        let mut snap = Snapshot::new(Source::Live);
        snap.identity.context = "prod".into();
        snap.unseen.extend(reason.map(|reason| Unseen {
            what: "api".into(),
            resource: String::new(),
            namespace: String::new(),
            forbidden: false,
            reason: reason.into(),
        }));
        snap
    }

    #[track_caller]
    fn check(reason: Option<&str>, expect: &[&str]) {
        assert_eq!(findings("T101", &live(reason)), expect);
    }

    #[test]
    fn a_connection_that_fails_is_named() {
        check(None, &[]);
        check(Some("x509: certificate has expired"), &["fail cluster: cannot reach the API server of prod"]);
    }

    #[test]
    fn what_can_be_done_stands_in_its_own_line() {
        let snap = live(Some("https://h does not answer\nhint: is the VPN up"));
        let finding = crate::testing::judged("T101", &snap).remove(0).finding.unwrap();
        let rows: Vec<_> = finding.rows.iter().map(|r| (r.label.as_str(), r.value.as_str())).collect();
        assert_eq!(rows, [("reason", "https://h does not answer"), ("hint", "is the VPN up")]);
    }

    #[test]
    fn kubectl_has_to_work_first() {
        assert_eq!(
            mends("T101", &live(Some("x"))),
            ["outside: make `kubectl --context=prod version` work, or name another context with --context"]
        );
    }
}
