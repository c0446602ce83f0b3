//! # Calico is there
//!
//! **Looks at** DaemonSets and Deployments of every namespace, found by the pod label `k8s-app` that every install sets
//! (`calico-node`, `canal`, `calico-typha`, `calico-kube-controllers`), and at pods with that label.
//!
//! **Why it matters.** Everything else starts from these pods: their labels are what Services select, their addresses what
//! Prometheus scrapes. Managed offers and kops, kubespray or RKE2 put Calico into `kube-system`, the operator into
//! `calico-system`; so no namespace is taken for granted.
//!
//! **How to mend.** Install Calico, or look at the right cluster: the first line of the report names the context.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T201",
    slug: "calico-found",
    title: "Calico's workloads are in the cluster",
    station: Station::On,
    level: Level::Fail,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.has(Component::Felix) {
        return vec![Judged::pass(Entity::cluster())];
    }
    if let Some(unseen) = facts.snap.unseen_of("pods") {
        return vec![Judged::unknown(Entity::cluster(), unseen.reason.clone())];
    }
    if !facts.snap.is_whole() {
        let hint =
            "the files hold no calico-node; say what is there with --assume calico=VERSION,install=operator";
        return vec![Judged::skipped(Entity::cluster(), hint)];
    }
    let finding = Finding::new("no calico-node DaemonSet and no pod of it is in any namespace")
        .fix(Fix::Outside("install Calico, or name the cluster that has it with --context".to_owned()));
    vec![Judged::fail(Entity::cluster(), finding)]
}
