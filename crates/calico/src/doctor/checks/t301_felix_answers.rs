//! # Felix answers on its metrics port
//!
//! **Looks at** probes of the processes: a port-forward to the pod, which goes through the kubelet past every policy.
//!
//! **Why it matters.** Felix is Ready whether or not its metrics endpoint came up, so Kubernetes shows nothing.
//!
//! **How to mend.** The class of the failure says where to look: refused means that nothing listens (settings, address, a
//! port that is taken: T306 reads the log), 404 that another program answers, a timeout that the process hangs. When the
//! settings are at fault their own check says so and this one follows from it.

use crate::component::Component;
use crate::doctor::answers;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T301",
    slug: "felix-answers",
    title: "Felix answers on its metrics port",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T202", "T203", "T204", "T205", "T206", "T207", "T211", "T212", "T306"],
    evidence: &[Evidence::Probes],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    answers::judge(facts, Component::Felix)
}

#[cfg(test)]
mod tests {
    use crate::component::Component::Felix;
    use crate::doctor::answers::{body, probe};
    use crate::snapshot::{ProbeOutcome, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(outcome: ProbeOutcome) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        snap.probes.push(probe(Felix, "n2", outcome));
        snap
    }

    #[track_caller]
    fn check(outcome: ProbeOutcome, expect: &[&str]) {
        assert_eq!(findings("T301", &with(outcome)), expect);
    }

    #[test]
    fn somebody_must_listen() {
        check(body(&["go_goroutines"]), &[]);
        check(
            ProbeOutcome::Failed("dial tcp 10.99.1.2: connection refused".into()),
            &["fail felix node/n2: Felix: nothing listens on :9091"],
        );
        check(
            ProbeOutcome::Status(404),
            &["fail felix node/n2: Felix: the process on :9091 answers 404 on /metrics"],
        );
    }

    #[test]
    fn no_command_makes_it_answer() {
        assert_eq!(
            mends("T301", &with(ProbeOutcome::Status(404))),
            ["outside: another program may answer there; curl it from the node"]
        );
    }
}
