//! # Versions that this doctor was tested with
//!
//! **Looks at** the versions of the API server and of Calico.
//!
//! **Why it matters.** What the operator makes of a setting differs between versions. On a Calico older than 3.21 or a
//! Kubernetes older than 1.21 (no EndpointSlices in `discovery.k8s.io/v1`) the rules behind the checks may not hold, so
//! findings there are hints.
//!
//! **How to mend.** Nothing is broken. Upgrade when you can.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::install::Version;

pub(crate) static CHECK: Check = Check {
    id: "T103",
    slug: "versions",
    title: "the versions are ones that the doctor was tested with",
    station: Station::Access,
    level: Level::Warn,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const CALICO: Version = Version { major: 3, minor: 21, patch: 0 };
const KUBERNETES: Version = Version { major: 1, minor: 21, patch: 0 };

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let kubernetes = Version::parse(&facts.snap.identity.kubernetes);
    let found = [("Kubernetes", kubernetes, KUBERNETES), ("Calico", facts.install.version, CALICO)];
    let old: Vec<Judged> = found
        .into_iter()
        .filter_map(|(what, version, least)| {
            let version = version.filter(|v| *v < least)?;
            let finding = Finding::new(format!("{what} {version} is older than tested"))
                .row(what, version.to_string(), format!("tested from {}.{}", least.major, least.minor))
                .fix(Fix::Outside("take findings as hints here, and upgrade when you can".to_owned()));
            Some(Judged::warn(Entity::cluster().item(what), finding))
        })
        .collect();
    if !old.is_empty() {
        return old;
    }
    let known: Vec<String> = [("Kubernetes", kubernetes), ("Calico", facts.install.version)]
        .into_iter()
        .filter_map(|(what, v)| Some(format!("{what} {}", v?)))
        .collect();
    vec![Judged::pass_with(Entity::cluster(), known.join(", "))]
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::{Kind, Options};

    #[track_caller]
    fn check(calico: u32, kubernetes: &str, expect: &[&str]) {
        let mut snap = snapshot(&Options { calico, kind: Kind::Manifest, ..Options::default() }, |_| {});
        snap.identity.kubernetes = kubernetes.into();
        assert_eq!(findings("T103", &snap), expect, "{calico} {kubernetes}");
    }

    #[test]
    fn old_versions_are_said() {
        check(32, "1.36.3", &[]);
        check(21, "", &[]);
        check(19, "1.36.3", &["warn Calico: Calico 3.19.1 is older than tested"]);
        check(32, "1.19.4", &["warn Kubernetes: Kubernetes 1.19.4 is older than tested"]);
    }

    #[test]
    fn nothing_is_to_be_typed() {
        let snap = snapshot(&Options { calico: 19, ..Options::default() }, |_| {});
        assert_eq!(mends("T103", &snap), ["outside: take findings as hints here, and upgrade when you can"]);
    }
}
