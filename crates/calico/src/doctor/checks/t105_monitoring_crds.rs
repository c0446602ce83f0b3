//! # The kinds of prometheus-operator are there
//!
//! **Looks at** the kinds that the API server serves, or at the CustomResourceDefinitions of a dump.
//!
//! **Why it matters.** ServiceMonitors, PodMonitors and PrometheusRules exist only with the CRDs of
//! `monitoring.coreos.com`. Without them there is no way from a Service to a Prometheus but its own configuration.
//!
//! **How to mend.** Install a stack that brings them (kube-prometheus-stack, kube-prometheus), or let `tortie run` scrape:
//! it needs none of them.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T105",
    slug: "monitoring-crds",
    title: "the kinds of prometheus-operator are there",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let snap = facts.snap;
    let monitors = snap.objects.iter().any(|o| o.gvk.group == "monitoring.coreos.com");
    let served = snap.served.iter().any(|s| s.starts_with("servicemonitors.monitoring.coreos.com/"));
    let defined = snap
        .of("apiextensions.k8s.io", "CustomResourceDefinition")
        .any(|o| o.meta.name == "servicemonitors.monitoring.coreos.com");
    if monitors || served || defined {
        return vec![Judged::pass(Entity::cluster())];
    }
    if let Some(unseen) = snap.unseen_of("monitoring.coreos.com") {
        return vec![Judged::unknown(Entity::cluster(), unseen.reason.clone())];
    }
    let listed = snap.of("apiextensions.k8s.io", "CustomResourceDefinition").next().is_some();
    if snap.served.is_empty() && !(listed && snap.is_whole()) {
        return vec![Judged::skipped(Entity::cluster(), "the source does not say which kinds are served")];
    }
    // One entity a component: where samples arrive another way, nothing is lost.
    let judged = facts.installed().map(|component| {
        let finding = Finding::new("the CRD ServiceMonitor is not installed")
            .row("monitoring.coreos.com", "not served", "")
            .fix(Fix::Outside(
                "install kube-prometheus-stack or kube-prometheus, or scrape with `tortie run`, which needs none of it".to_owned(),
            ));
        Judged::fail(Entity::of(component), finding)
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::{Kind, Options, Stack};

    fn served(stack: Stack, kinds: &[&str]) -> crate::snapshot::Snapshot {
        let options =
            Options { stack, kind: Kind::Manifest, typha: false, chain: false, ..Options::default() };
        let mut snap = snapshot(&options, |_| {});
        snap.served = kinds.iter().map(|&k| k.to_owned()).collect();
        snap
    }

    #[track_caller]
    fn check(stack: Stack, kinds: &[&str], expect: &[&str]) {
        assert_eq!(findings("T105", &served(stack, kinds)), expect, "{kinds:?}");
    }

    #[test]
    fn the_kinds_must_be_served() {
        check(Stack::KubePrometheus, &[], &[]);
        check(Stack::None, &[], &[]);
        check(Stack::None, &["pods./v1", "servicemonitors.monitoring.coreos.com/v1"], &[]);
        check(
            Stack::None,
            &["pods./v1"],
            &[
                "fail felix: the CRD ServiceMonitor is not installed",
                "fail kube-controllers: the CRD ServiceMonitor is not installed",
            ],
        );
    }

    #[test]
    fn a_stack_or_tortie_mends_it() {
        let all = mends("T105", &served(Stack::None, &["pods./v1"]));
        assert_eq!(
            all[0],
            "outside: install kube-prometheus-stack or kube-prometheus, or scrape with `tortie run`, which needs none of it"
        );
    }
}
