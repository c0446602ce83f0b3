//! # The right process answers
//!
//! **Looks at** the families in what a probe got from the metrics port of each pod.
//!
//! **Why it breaks silently.** Felix and Typha share the node's network with everything else that does. Whoever binds the port
//! first is scraped: `up` is 1, the target is green, and the series are Typha's, Pushgateway's or somebody else's. Only the
//! names of the metrics show it.
//!
//! **How to mend.** Give the two programs two ports. When it is Typha on Felix' port (T211) the usual cause is
//! `typhaMetricsPort: 9091`; when the Service's target port is wrong, T403 says so.

use crate::component::Component;
use crate::doctor::answers::{is_own, whose};
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::snapshot::{Probe, ProbeOutcome};
use tortie_cluster::object::{Gvk, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T304",
    slug: "wrong-process",
    title: "the right process answers",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209", "T210", "T211", "T212", "T306"],
    evidence: &[Evidence::Probes],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for component in facts.installed() {
        let answered: Vec<&Probe> = facts
            .snap
            .probes
            .iter()
            .filter(|p| p.component == component && matches!(p.outcome, ProbeOutcome::Answered { .. }))
            .collect();
        let wrong: Vec<&&Probe> = answered.iter().filter(|p| !is_own(p)).collect();
        for probe in &wrong {
            let entity = Entity::of(component);
            let entity = if probe.node.is_empty() { entity } else { entity.on(probe.node.clone()) };
            out.push(Judged::fail(entity, finding(component, probe)));
        }
        if wrong.is_empty() && !answered.is_empty() {
            out.push(Judged::pass_with(Entity::of(component), answered.len().to_string()));
        }
    }
    out
}

fn finding(component: Component, probe: &Probe) -> Finding {
    let families = match &probe.outcome {
        ProbeOutcome::Answered { families, .. } => families.clone(),
        _ => Default::default(),
    };
    let port = probe.port;
    let who = whose(&families).map_or_else(|| "another program".to_owned(), |c| c.title().to_owned());
    let some: Vec<&str> = families.keys().take(3).map(String::as_str).collect();
    let pod = ObjectRef::new(Gvk::new("", "v1", "Pod"), &probe.pod.0, &probe.pod.1);
    Finding::new(format!("{who} answers on :{port}, the port of {}", component.title()))
        .confidence(Confidence::Observed)
        .cause_ref(pod.clone(), &format!("port {port}"), who)
        .row(pod.to_string(), some.join(", "), format!("no {}", component.marker()))
        .fix(Fix::Outside(format!(
            "find out which process holds :{port} (ss -ltnp on {}), and give one of the two another port",
            probe.node
        )))
}

#[cfg(test)]
mod tests {
    use crate::component::Component::{Felix, KubeControllers};
    use crate::doctor::answers::{body, probe};
    use crate::snapshot::Snapshot;
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(component: crate::component::Component, families: &[&str]) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        snap.probes.push(probe(component, "n2", body(families)));
        snap
    }

    #[test]
    fn the_families_tell_who_it_is() {
        #[track_caller]
        fn check(component: crate::component::Component, families: &[&str], expect: &[&str]) {
            assert_eq!(findings("T304", &with(component, families)), expect, "{families:?}");
        }
        check(Felix, &["felix_host"], &[]);
        check(KubeControllers, &["go_goroutines"], &[]);
        check(
            Felix,
            &["typha_connections_active", "felix_host"],
            &["fail felix node/n2: Typha answers on :9091, the port of Felix"],
        );
        check(
            Felix,
            &["push_time_seconds"],
            &["fail felix node/n2: another program answers on :9091, the port of Felix"],
        );
    }

    #[test]
    fn the_node_knows() {
        assert_eq!(
            mends("T304", &with(Felix, &["push_time_seconds"])),
            [
                "outside: find out which process holds :9091 (ss -ltnp on n2), and give one of the two another port"
            ]
        );
    }
}
