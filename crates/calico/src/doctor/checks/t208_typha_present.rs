//! # Whether there is a Typha
//!
//! **Looks at** the Deployment `calico-typha` and pods labelled `k8s-app: calico-typha`.
//!
//! **Why it matters.** Typha stands between the API server and Felix. Tigera's operator always installs it; of the manifests
//! only `calico-typha.yaml` and `calico-policy-only.yaml` do. Without it there is nothing to scrape, and nothing is missing.
//!
//! **How to mend.** Nothing is broken.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T208",
    slug: "typha-present",
    title: "whether there is a Typha",
    station: Station::On,
    level: Level::Info,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let entity = Entity::of(Component::Typha);
    if facts.has(Component::Typha) {
        return vec![Judged::pass(entity)];
    }
    vec![Judged::skipped(entity, "no Typha here; small clusters from manifests have none")]
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::testing::{judged, snapshot};
    use tortie_sim::installs::{Kind, Options};

    #[track_caller]
    fn check(typha: bool, expect: Verdict) {
        let snap = snapshot(&Options { typha, kind: Kind::Manifest, ..Options::default() }, |_| {});
        assert_eq!(judged("T208", &snap)[0].verdict, expect);
    }

    #[test]
    fn a_cluster_without_typha_is_fine() {
        check(true, Verdict::Pass);
        check(false, Verdict::Skipped);
    }
}
