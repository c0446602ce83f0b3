//! # kube-controllers answers on its metrics port
//!
//! **Looks at** probes of the processes: a port-forward to the pod, which goes through the kubelet past every policy.
//!
//! **Why it matters.** kube-controllers ends when it cannot bind its port, so a pod that runs and refuses has its metrics off.
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
    id: "T303",
    slug: "kubecontrollers-answers",
    title: "kube-controllers answers on its metrics port",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T202", "T213"],
    evidence: &[Evidence::Probes],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    answers::judge(facts, Component::KubeControllers)
}

#[cfg(test)]
mod tests {
    use crate::component::Component::KubeControllers;
    use crate::doctor::answers::{body, probe};
    use crate::snapshot::{ProbeOutcome, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(outcome: ProbeOutcome) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        snap.probes.push(probe(KubeControllers, "n2", outcome));
        snap
    }

    #[track_caller]
    fn check(outcome: ProbeOutcome, expect: &[&str]) {
        assert_eq!(findings("T303", &with(outcome)), expect);
    }

    #[test]
    fn somebody_must_listen() {
        check(body(&["go_goroutines"]), &[]);
        check(
            ProbeOutcome::Failed("dial tcp 10.99.1.2: connection refused".into()),
            &["fail kube-controllers node/n2: kube-controllers: nothing listens on :9094"],
        );
        check(
            ProbeOutcome::Status(404),
            &[
                "fail kube-controllers node/n2: kube-controllers: the process on :9094 answers 404 on /metrics",
            ],
        );
    }

    #[test]
    fn no_command_makes_it_answer() {
        assert_eq!(
            mends("T303", &with(ProbeOutcome::Status(404))),
            ["outside: another program may answer there; curl it from the node"]
        );
    }
}
