//! # There is a Prometheus object
//!
//! **Looks at** objects of the kinds Prometheus and PrometheusAgent in all namespaces.
//!
//! **Why it matters.** Monitors are read by an operator on behalf of a Prometheus object. Without one nobody reads them, even
//! when the CRDs and the operator are installed. A Prometheus that runs without an operator reads no monitors either.
//!
//! **How to mend.** Install a stack (kube-prometheus-stack makes the object), or let `tortie run --from-crds` read the
//! monitors itself.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T602",
    slug: "no-prometheus-object",
    title: "there is a Prometheus object",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T105"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let entity = Entity::cluster();
    if !facts.prometheuses.is_empty() {
        return vec![Judged::pass(entity)];
    }
    if let Some(judged) = blind::list(facts, &entity, "prometheuses.monitoring.coreos.com") {
        return vec![judged];
    }
    if let Some(judged) = blind::only_files(facts, &entity, "a Prometheus object") {
        return vec![judged];
    }
    // Samples that arrive without one (tortie, a Prometheus of one's own) need none.
    if facts.reachable().next().is_some()
        && Component::ALL.into_iter().filter(|c| facts.has(*c)).all(|c| facts.samples_arrive(c))
    {
        return vec![Judged::pass_with(entity, "not needed")];
    }
    let monitors = facts.monitors.len();
    let advice = "install a stack that makes one, such as the chart kube-prometheus-stack, or let tortie run --from-crds read the monitors";
    let finding = Finding::new("no Prometheus object is in any namespace, so nobody reads monitors")
        .row("monitors of Calico", monitors.to_string(), "")
        .fix(Fix::Outside(advice.to_owned()));
    vec![Judged::fail(entity, finding)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::{Options, Stack};

    #[track_caller]
    fn check(stack: Stack, expect: &[&str]) {
        assert_eq!(findings("T602", &snapshot(&Options { stack, ..Options::default() }, |_| {})), expect);
    }

    #[test]
    fn one_of_any_name_is_enough() {
        check(Stack::KubePrometheus, &[]);
        check(Stack::KubePrometheusStack { release: "x".to_owned() }, &[]);
        check(
            Stack::None,
            &["fail cluster: no Prometheus object is in any namespace, so nobody reads monitors"],
        );
    }

    #[test]
    fn no_command_makes_a_stack() {
        let snap = snapshot(&Options { stack: Stack::None, ..Options::default() }, |_| {});
        assert!(mends("T602", &snap)[0].starts_with("outside: install a stack"));
    }
}
