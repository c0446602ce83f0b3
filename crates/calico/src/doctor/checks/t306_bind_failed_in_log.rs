//! # The process could bind its port
//!
//! **Looks at** lines of the pod's log about its metrics endpoint.
//!
//! **Why it breaks silently.** When the port is taken Felix and Typha log the failure once a second and go on; their
//! readiness does not follow it. From outside it is `connection refused`, or worse, the answer of whoever holds the port.
//!
//! **How to mend.** `ss -ltnp` on the node names the process. When it is a pod, T212 names it; when Typha and Felix want the
//! same port, T211 does. Otherwise a process of the node itself holds it: give it or Calico another port.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::install::is_pod_of;
use tortie_cluster::object::{Gvk, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T306",
    slug: "bind-failed-in-log",
    title: "the process could bind its port",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209", "T211", "T212"],
    evidence: &[Evidence::Logs],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for line in &facts.snap.logs {
        let text = line.text.to_ascii_lowercase();
        if !(text.contains("address already in use") || text.contains("cannot assign requested address")) {
            continue;
        }
        let pod =
            facts.snap.pods.iter().find(|p| p.meta.namespace == line.pod.0 && p.meta.name == line.pod.1);
        let Some(pod) = pod else { continue };
        let Some(component) = Component::ALL.into_iter().find(|c| is_pod_of(pod, *c)) else { continue };
        let entity = Entity::of(component);
        let entity = if pod.node.is_empty() { entity } else { entity.on(pod.node.clone()) };
        if out.iter().any(|j: &Judged| j.entity == entity) {
            continue;
        }
        let port = facts.settings.port(component);
        let reference = ObjectRef::new(Gvk::new("", "v1", "Pod"), &line.pod.0, &line.pod.1);
        let finding = Finding::new(format!("{} cannot bind :{port} on {}", component.title(), pod.node))
            .confidence(Confidence::Observed)
            .cause_ref(reference.clone(), "log", format!(":{port} {}", pod.node))
            .row(reference.to_string(), line.text.clone(), "")
            .fix(Fix::Outside(format!(
                "ss -ltnp on {} names the process that holds :{port}; give one of the two another port",
                pod.node
            )));
        out.push(Judged::fail(entity, finding));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{LogLine, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(text: &str) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        let pod = snap.pods.iter().find(|p| p.meta.labels.get("k8s-app").is_some_and(|a| a == "calico-node"));
        let pod = pod.map(|p| (p.meta.namespace.clone(), p.meta.name.clone())).expect("a pod of calico-node");
        snap.logs.push(LogLine { pod: pod.clone(), text: text.to_owned() });
        snap.logs.push(LogLine { pod, text: text.to_owned() });
        snap
    }

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(findings("T306", &with(text)), expect, "{text}");
    }

    const LINE: &str = "Prometheus metrics endpoint failed, trying to restart it... error=listen tcp :9091: bind: address already in use";

    #[test]
    fn the_log_tells_of_a_port_that_is_taken() {
        check("Starting prometheus metrics endpoint", &[]);
        check(LINE, &["fail felix node/n1: Felix cannot bind :9091 on n1"]);
    }

    #[test]
    fn the_node_names_the_holder() {
        assert_eq!(
            mends("T306", &with(LINE)),
            ["outside: ss -ltnp on n1 names the process that holds :9091; give one of the two another port"]
        );
    }
}
