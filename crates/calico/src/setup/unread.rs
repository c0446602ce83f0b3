//! Whether enough of a cluster was read to plan, to tell how things stand, or to take back: a list that did not come looks
//! like objects that are not there, and what is there would be made a second time.

use crate::snapshot::{KINDS_SERVED, Snapshot, THE_REST, THE_UID};

/// Lists that tell the doctor why something is so; no step hangs on them.
const SPARE: [&str; 7] = [
    "events",
    "persistentvolumeclaims",
    "replicasets.apps",
    "tigerastatuses.operator.tigera.io",
    "alertmanagers.monitoring.coreos.com",
    "customresourcedefinitions.apiextensions.k8s.io",
    "apiservices.apiregistration.k8s.io",
];

/// API groups whose objects setup reads or writes; the core group has no name.
const GROUPS: [&str; 9] = [
    "",
    "apps",
    "discovery.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "monitoring.coreos.com",
    "operator.tigera.io",
    "projectcalico.org",
    "crd.projectcalico.org",
];

/// What setup has to know and could not read, with the reason; nothing when all of it was read.
pub fn unread(snap: &Snapshot) -> Option<String> {
    let mut missing: Vec<String> = Vec::new();
    for u in &snap.unseen {
        let list = u.what.starts_with("list ") && !SPARE.contains(&u.resource.as_str());
        let group = u.resource.split_once('/').map_or("", |(group, _)| group);
        let group = u.what.starts_with("the API group ") && GROUPS.contains(&group);
        if list || group || [THE_REST, THE_UID, KINDS_SERVED].contains(&u.what.as_str()) {
            missing.push(format!("{}: {}", u.what, u.reason));
        }
    }
    missing.dedup();
    if missing.is_empty() {
        return None;
    }
    let refused = snap.unseen.iter().any(|u| u.forbidden);
    let hint = if refused {
        "tortie rbac doctor prints the rights that looking takes"
    } else {
        "try again; --request-timeout and --timeout give a slow server more time"
    };
    Some(format!("not all of the cluster could be read:\n  {}\n(hint: {hint})", missing.join("\n  ")))
}

#[cfg(test)]
mod tests {
    use super::{SPARE, unread};
    use crate::collect::kinds::KINDS;
    use crate::doctor::mend::plural;
    use crate::facts::Facts;
    use crate::setup::{Options, PlanError, plan};
    use crate::snapshot::{Snapshot, THE_REST, THE_UID, Unseen};
    use crate::testing::snapshot;
    use tortie_sim::installs;

    fn blind(what: &str, resource: &str) -> Snapshot {
        let mut snap = snapshot(&installs::Options::default(), |_| {});
        let reason = "no answer within 5 s".to_owned();
        snap.unseen.push(Unseen { resource: resource.to_owned(), ..Unseen::of(what, reason) });
        snap
    }

    /// Without the monitors that somebody made, theirs would be made once more.
    #[test]
    fn nothing_is_planned_on_half_a_cluster() {
        let mut snap =
            blind("list servicemonitors.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com");
        snap.objects.retain(|o| o.gvk.kind != "ServiceMonitor");
        let told = plan(&Facts::of(&snap), &Options::default());
        let Err(PlanError::Unread(text)) = told else { panic!("{told:?}") };
        let line = "\n  list servicemonitors.monitoring.coreos.com: no answer within 5 s\n(hint: try again; ";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn what_setup_hangs_on_must_have_been_read() {
        #[track_caller]
        fn check(what: &str, resource: &str, expect: bool) {
            assert_eq!(unread(&blind(what, resource)).is_some(), expect, "{what}");
        }
        for kind in KINDS {
            let name = plural(kind.kind);
            let name = if kind.group.is_empty() { name } else { format!("{name}.{}", kind.group) };
            check(&format!("list {name}"), &name, !SPARE.contains(&name.as_str()));
        }
        for name in ["pods", "services", "nodes", "namespaces", "endpointslices.discovery.k8s.io"] {
            check(&format!("list {name}"), name, true);
        }
        check(THE_REST, "", true);
        check(THE_UID, "namespaces", true);
        check("the API group projectcalico.org/v3", "projectcalico.org/v3", true);
        // Often out of order, and nothing of it is looked at.
        check("the API group metrics.k8s.io/v1beta1", "metrics.k8s.io/v1beta1", false);
        check("list events", "events", false);
        check("get secret monitoring/prometheus-x", "secrets", false);
        check("port-forward to pods", "pods/portforward", false);
    }

    #[test]
    fn a_missing_right_is_hinted_at() {
        let mut snap = blind("list pods", "pods");
        snap.unseen.iter_mut().for_each(|u| u.forbidden = true);
        assert!(
            unread(&snap).is_some_and(
                |t| t.ends_with("(hint: tortie rbac doctor prints the rights that looking takes)")
            )
        );
    }
}
