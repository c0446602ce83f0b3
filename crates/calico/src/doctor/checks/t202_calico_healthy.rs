//! # Calico's pods are ready
//!
//! **Looks at** the status of the DaemonSet and the Deployments, and at the pods with the reason why a container waits.
//!
//! **Why it matters.** A pod that does not run has no metrics, and one that is not ready has no ready endpoint. On a node
//! without a running calico-node new pods get no network at all; the missing metrics are the smaller trouble.
//!
//! **How to mend.** `kubectl describe pod` and its log name the cause: an image that cannot be pulled, a node that is gone,
//! a Typha that Felix cannot reach.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::workload::Workload;
use tortie_cluster::object::Pod;

pub(crate) static CHECK: Check = Check {
    id: "T202",
    slug: "calico-healthy",
    title: "Calico's pods are ready",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.workloads.iter().flat_map(|(c, w)| of_component(*c, w)).collect()
}

fn state(pod: &Pod) -> String {
    if pod.phase == "Running" { "running, not ready".to_owned() } else { pod.phase.to_lowercase() }
}

fn of_component(component: Component, workload: &Workload<'_>) -> Vec<Judged> {
    let entity = Entity::of(component);
    let status = workload.object.map(|o| {
        let ready =
            if component == Component::Felix { "/status/numberReady" } else { "/status/readyReplicas" };
        (o, o.at("/status").is_some(), o.at(ready).and_then(serde_json::Value::as_u64).unwrap_or(0))
    });
    let bad: Vec<&Pod> =
        workload.pods.iter().copied().filter(|p| !p.ready && p.meta.deleting.is_none()).collect();
    let ready = workload.pods.len() - workload.pods.iter().filter(|p| !p.ready).count();
    let (ready, wanted) = match (status, workload.desired) {
        // The controller's count knows of pods that were never made.
        (Some((_, true, by_status)), Some(desired)) => (by_status, desired),
        _ if workload.pods.is_empty() => {
            return vec![Judged::skipped(entity, "this source holds no state of the pods")];
        }
        _ => (ready as u64, workload.pods.len() as u64),
    };
    if ready >= wanted && bad.is_empty() {
        return vec![Judged::pass_with(entity, format!("{ready}/{wanted}"))];
    }
    let nodes: Vec<&str> = bad.iter().map(|p| p.node.as_str()).filter(|n| !n.is_empty()).collect();
    let place = if nodes.is_empty() { String::new() } else { format!(" on {}", nodes.join(", ")) };
    let name = component.workloads().first().copied().unwrap_or_default();
    let name = workload.object.map_or(name, |o| o.meta.name.as_str());
    let ready = ready.min(wanted.saturating_sub(bad.len() as u64));
    let title = match (ready, place.is_empty()) {
        (0, _) => format!("no pod of {name} is ready"),
        (_, true) => format!("only {ready} of {wanted} pods of {name} are ready"),
        (_, false) => format!("{name} is not ready{place}"),
    };
    let mut finding =
        Finding::new(title).confidence(Confidence::Observed).warning("no metrics can come from there");
    if let Some((object, _, _)) = status {
        finding = finding.cause(object, "/status");
        finding.cause.have = format!("{ready} of {wanted} ready");
    }
    for pod in bad.iter().take(5) {
        let waits = pod.containers.iter().find_map(|c| c.waiting.clone()).unwrap_or_else(|| state(pod));
        finding =
            finding.row(format!("Pod {}/{}", pod.meta.namespace, pod.meta.name), waits, pod.node.clone());
    }
    let first = bad.first().map_or_else(
        || format!("look at the events of {name} in {}", workload.namespace),
        |p| format!("kubectl -n {} describe pod {} names the cause", p.meta.namespace, p.meta.name),
    );
    let finding = finding.fix(Fix::Outside(first));
    let judged = |entity: Entity| {
        if ready == 0 { Judged::fail(entity, finding.clone()) } else { Judged::warn(entity, finding.clone()) }
    };
    if ready == 0 || nodes.is_empty() || component != Component::Felix {
        return vec![judged(entity)];
    }
    // By node, so that only what is missing from these nodes is explained by it.
    nodes.into_iter().map(|n| judged(Entity::of(component).on(n))).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    fn not_ready(pod: &mut Value) {
        set(pod, "/status/conditions/0/status", json!("False"));
        set(pod, "/status/containerStatuses/0/state", json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    }

    fn pod_on<'o>(o: &'o mut Objects, app: &str, node: &str) -> &'o mut Value {
        let hit = o.0.iter_mut().find(|o| {
            o["kind"] == "Pod" && o["metadata"]["labels"]["k8s-app"] == app && o["spec"]["nodeName"] == node
        });
        hit.expect("a pod")
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        let snap = snapshot(&Options::default(), change);
        assert_eq!(findings("T202", &snap), expect);
    }

    #[test]
    fn pods_must_be_ready() {
        check(|_| {}, &[]);
        check(
            |o| not_ready(pod_on(o, "calico-node", "n2")),
            &["warn felix node/n2: calico-node is not ready on n2"],
        );
        check(
            |o| set(o.get("Deployment", "calico-kube-controllers"), "/status", json!({"replicas": 1})),
            &["fail kube-controllers: no pod of calico-kube-controllers is ready"],
        );
        check(
            |o| set(o.get("DaemonSet", "calico-node"), "/status/numberReady", json!(2)),
            &["warn felix: only 2 of 3 pods of calico-node are ready"],
        );
    }

    #[test]
    fn the_pod_to_look_at_is_named() {
        let snap = snapshot(&Options::default(), |o| {
            let pod = pod_on(o, "calico-node", "n2");
            set(pod, "/metadata/name", json!("calico-node-x"));
            not_ready(pod);
        });
        assert_eq!(
            mends("T202", &snap),
            ["outside: kubectl -n calico-system describe pod calico-node-x names the cause"]
        );
    }
}
