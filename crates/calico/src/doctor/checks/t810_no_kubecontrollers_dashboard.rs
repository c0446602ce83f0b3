//! # kube-controllers has a dashboard
//!
//! **Looks at** whether, among the dashboards that read Calico's series, one reads those of kube-controllers: IPAM pools, blocks,
//! leaks.
//!
//! **Why it matters.** Calico ships dashboards for Felix and Typha and none for kube-controllers, so a pool that fills up is
//! nowhere to be seen.
//!
//! **How to mend.** `tortie setup` brings one.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T810",
    slug: "no-kubecontrollers-dashboard",
    title: "kube-controllers has a dashboard",
    station: Station::Panels,
    level: Level::Info,
    needs: &["T801"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let component = Component::KubeControllers;
    let boards = facts.boards();
    if boards.is_empty() || !facts.has(component) {
        return vec![Judged::skipped(
            Entity::of(component),
            "no dashboard that reads Calico's series is in sight",
        )];
    }
    if boards.iter().any(|b| b.components.contains(&component)) {
        return vec![Judged::pass(Entity::of(component))];
    }
    let mut finding = Finding::new("no dashboard shows kube-controllers: address pools, blocks, leaks")
        .fix(Fix::Outside("Calico ships none; `tortie setup` brings one".to_owned()));
    finding.cause.path = "dashboards".to_owned();
    vec![Judged::info(Entity::of(component), finding)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{dashboard, findings, snapshot};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(exprs: &[&str], expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            o.add(dashboard("d", exprs));
        });
        assert_eq!(findings("T810", &snap), expect);
    }

    #[test]
    fn dashboards_without_kube_controllers_are_worth_a_word() {
        check(&["node_load1"], &[]);
        check(&["felix_host", "ipam_blocks"], &[]);
        check(
            &["felix_host"],
            &["info kube-controllers: no dashboard shows kube-controllers: address pools, blocks, leaks"],
        );
    }
}
