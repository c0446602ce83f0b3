//! # Calico's API answers
//!
//! **Looks at** the APIService `v3.projectcalico.org` and at the groups through which Calico's settings are served.
//!
//! **Why it breaks silently.** With an aggregated API server the group `projectcalico.org/v3` is only as alive as the pods
//! of calico-apiserver. When they are down, Felix and Typha go on, but every `kubectl patch felixconfiguration` fails and
//! nobody can turn metrics on. Plain manifests have no such server: there the settings are in `crd.projectcalico.org/v1`,
//! which takes any value without validating it; that is normal.
//!
//! **How to mend.** Bring calico-apiserver back: its pods and their events say what ails them.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T106",
    slug: "calico-api-group",
    title: "Calico's API answers",
    station: Station::Access,
    level: Level::Fail,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let service =
        facts.snap.of("apiregistration.k8s.io", "APIService").find(|o| o.meta.name == "v3.projectcalico.org");
    let failed = facts.snap.unseen_of("projectcalico.org");
    let down = service.and_then(|o| {
        let conditions = o.list("/status/conditions");
        let available = conditions.iter().find(|c| c["type"] == "Available")?;
        (available["status"] == "False").then(|| text(available, "message"))
    });
    if down.is_none() && failed.is_none() {
        let (group, version) = &facts.install.api;
        let note = format!("{group}/{version}");
        return vec![Judged::pass_with(Entity::cluster(), note)];
    }
    let reason = down.or_else(|| failed.map(|u| u.reason.clone())).unwrap_or_default();
    // One entity a component: where samples arrive, nothing is lost now.
    let judged = facts.installed().map(|component| {
        let mut finding = Finding::new("projectcalico.org/v3 is registered and its server does not answer")
            .confidence(Confidence::Observed)
            .row("APIService v3.projectcalico.org", "not available", reason.clone())
            .warning("until it answers, every patch of Calico's settings through this group fails")
            .fix(Fix::Outside(
                "bring the pods of calico-apiserver back; their events and logs say what ails them"
                    .to_owned(),
            ));
        if let Some(object) = service {
            finding = finding.cause(object, "/status/conditions");
            finding.cause.have = "not available".to_owned();
        }
        Judged::fail(Entity::of(component), finding)
    });
    judged.collect()
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, object};

    fn with(available: &str) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let mut service = object(
                "apiregistration.k8s.io/v1",
                "APIService",
                "",
                "v3.projectcalico.org",
                json!({"group": "projectcalico.org"}),
            );
            service["status"] = json!({"conditions": [{"type": "Available", "status": available, "message": "no endpoints"}]});
            o.add(service);
        })
    }

    #[track_caller]
    fn check(available: &str, expect: usize) {
        assert_eq!(findings("T106", &with(available)).len(), expect, "{available}");
    }

    #[test]
    fn a_registered_server_must_answer() {
        check("True", 0);
        check("False", 3);
    }

    #[test]
    fn its_pods_mend_it() {
        assert_eq!(
            mends("T106", &with("False"))[0],
            "outside: bring the pods of calico-apiserver back; their events and logs say what ails them"
        );
    }
}
