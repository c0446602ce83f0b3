//! # No other pod holds the metrics port of a node
//!
//! **Looks at** pods in the host's network and pods with a `hostPort` on the nodes where Felix and Typha listen.
//!
//! **Why it breaks silently.** Felix and Typha bind a port of the node. When another pod has it (Pushgateway's 9091,
//! Alertmanager's 9093 and 9094, an agent's 9090), they log `address already in use` once a second and stay Ready, and
//! Prometheus scrapes the other program: `up` is 1 and no series is Calico's.
//!
//! **How to mend.** Move one of the two. Moving Felix or Typha also moves the Service's target port. A process outside of
//! Kubernetes is not seen here; T306 reads of it in the log.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use tortie_cluster::object::{Gvk, ObjectRef, Pod};

pub(crate) static CHECK: Check = Check {
    id: "T212",
    slug: "host-port-taken",
    title: "no other pod holds the metrics port of a node",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for component in [Component::Felix, Component::Typha] {
        let Some(workload) = facts.workloads.get(&component) else { continue };
        let before = out.len();
        let mut nodes = workload.nodes();
        nodes.sort_unstable();
        nodes.dedup();
        for node in nodes {
            let endpoint = match component {
                Component::Felix => facts.settings.felix_on(node),
                _ => facts.settings.typha.as_ref(),
            };
            let Some(endpoint) = endpoint.filter(|e| e.enabled.value) else { continue };
            let port = endpoint.port.value;
            let holder = facts.snap.pods.iter().find(|p| p.node == node && !is_calico(p) && holds(p, port));
            if let Some(holder) = holder.filter(|_| !answers(facts, component, node)) {
                out.push(Judged::fail(Entity::of(component).on(node), finding(component, holder, port)));
            }
        }
        if out.len() == before {
            out.push(Judged::pass(Entity::of(component)));
        }
    }
    out
}

/// Calico's own pods share the host's network; T211 looks at those.
fn is_calico(pod: &Pod) -> bool {
    let app = pod.meta.labels.get("k8s-app");
    app.is_some_and(|app| Component::ALL.iter().any(|c| c.apps().contains(&app.as_str())))
}

fn holds(pod: &Pod, port: u16) -> bool {
    let ended = pod.phase == "Succeeded" || pod.phase == "Failed";
    let mut ports = pod.containers.iter().flat_map(|c| &c.ports);
    !ended
        && ports.any(|p| p.protocol == "TCP" && (p.host_port == port || (pod.host_network && p.port == port)))
}

/// What answers counts more than what is declared.
fn answers(facts: &Facts<'_>, component: Component, node: &str) -> bool {
    facts
        .snap
        .probes
        .iter()
        .any(|p| p.component == component && p.node == node && crate::doctor::answers::is_own(p))
}

fn finding(component: Component, holder: &Pod, port: u16) -> Finding {
    let name = format!("Pod {}/{}", holder.meta.namespace, holder.meta.name);
    // What made the pod is the cause: on twelve nodes it is one DaemonSet.
    let owner = holder.meta.controller().map(|o| {
        ObjectRef::new(Gvk::from_api_version(&o.api_version, &o.kind), &holder.meta.namespace, &o.name)
    });
    let cause = owner.unwrap_or_else(|| {
        ObjectRef::new(Gvk::new("", "v1", "Pod"), &holder.meta.namespace, &holder.meta.name)
    });
    Finding::new(format!("{cause} holds :{port}, where {} wants to listen", component.title()))
        .confidence(Confidence::Inferred)
        .cause_ref(cause, "hostPort", port.to_string())
        .row(name, format!("port {port} of {}", holder.node), "")
        .fix(Fix::Outside(format!(
            "give the other program another port than {port}, or {} another one and its Service with it",
            component.title()
        )))
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // json! takes its parts by reference
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, controller, object};

    fn with(spec: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let mut pod = object("v1", "Pod", "push", "pushgateway-x", spec);
            pod["status"] = json!({"phase": "Running"});
            o.add(controller(pod, "apps/v1", "DaemonSet", "pushgateway"));
        })
    }

    #[track_caller]
    fn check(spec: Value, expect: &[&str]) {
        let shown = spec.to_string();
        assert_eq!(findings("T212", &with(spec)), expect, "{shown}");
    }

    fn container(port: Value) -> Value {
        json!([{"name": "c", "image": "i", "ports": [port]}])
    }

    #[test]
    fn ports_of_the_node_are_looked_at() {
        check(json!({"nodeName": "n2", "containers": container(json!({"containerPort": 9091}))}), &[]);
        check(
            json!({"nodeName": "n2", "hostNetwork": true, "containers": container(json!({"containerPort": 9090}))}),
            &[],
        );
        check(
            json!({"nodeName": "n2", "hostNetwork": true, "containers": container(json!({"containerPort": 9091}))}),
            &["fail felix node/n2: DaemonSet push/pushgateway holds :9091, where Felix wants to listen"],
        );
        check(
            json!({"nodeName": "n3", "containers": container(json!({"containerPort": 80, "hostPort": 9093}))}),
            &["fail typha node/n3: DaemonSet push/pushgateway holds :9093, where Typha wants to listen"],
        );
    }

    #[test]
    fn its_owner_decides() {
        let spec = json!({"nodeName": "n2", "hostNetwork": true, "containers": container(json!({"containerPort": 9091}))});
        assert_eq!(
            mends("T212", &with(spec)),
            [
                "outside: give the other program another port than 9091, or Felix another one and its Service with it"
            ]
        );
    }
}
