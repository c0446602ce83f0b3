//! The cluster changes: both follow.

use super::beside::{Beside, Targets};
use serde_json::json;
use std::time::{Duration, Instant};

fn says(targets: &Targets, job: &str, word: &str) -> bool {
    targets.get(job).into_iter().flatten().any(|t| t.contains(word))
}

/// Prometheus shows a changed pod behind an address, and the changed node of an address that is not ready or has no pod, only
/// when the address or its Service changes: changes those, as soon as Prometheus knows of the other change.
fn touch(beside: &Beside, value: &str, known: &dyn Fn(&Targets) -> bool) {
    tortie_testbed::until("Prometheus knows", Duration::from_secs(60), || {
        Ok(known(&beside.theirs()).then_some(()))
    })
    .unwrap();
    let patch = json!({"metadata": {"labels": {"touched": value}}});
    for service in ["headless", "headless-bare", "unready", "by-hand"] {
        beside
            .bed
            .api()
            .merge(&format!("/api/v1/namespaces/shapes/services/{service}"), &patch, "changes")
            .unwrap();
    }
    let slice = "/apis/discovery.k8s.io/v1/namespaces/shapes/endpointslices/loose";
    beside.bed.api().merge(slice, &patch, "changes").unwrap();
}

/// Changes one thing after another and waits each time until both agree on it.
pub(super) fn all(beside: &Beside) {
    let api = beside.bed.api();
    let began = Instant::now();
    let pod = |name: &str| format!("/api/v1/namespaces/shapes/pods/{name}");
    api.merge(&pod("odd"), &json!({"metadata": {"labels": {"fresh": "yes"}}}), "changes").unwrap();
    touch(beside, "1", &|t| says(t, "pod", "pod_label_fresh=\"yes\""));
    let (_, took) = beside.agree("a label", |t| {
        ["pod", "endpoints", "endpointslice"].iter().all(|job| says(t, job, "pod_label_fresh=\"yes\""))
            && says(t, "service", "service_label_touched")
    });
    println!("a label: {took:?}");

    api.delete(&pod("first")).unwrap();
    api.merge(
        "/apis/apps/v1/namespaces/shapes/deployments/web",
        &json!({"spec": {"replicas": 4}}),
        "changes",
    )
    .unwrap();
    let webs = |t: &Targets| t["pod-labels"].len() == 4 * 3;
    let (_, took) = beside.agree("pods go and come", |t| webs(t) && !says(t, "pod", "pod_name=\"first\""));
    println!("pods go and come: {took:?}");

    api.merge("/api/v1/nodes/node2", &json!({"metadata": {"labels": {"zone": "z9"}}}), "changes").unwrap();
    touch(beside, "2", &|t| says(t, "node", "node_label_zone=\"z9\""));
    let (_, took) = beside.agree("a node's label", |t| {
        ["node", "pod-nodes", "endpoints-all", "endpointslice-all"]
            .iter()
            .all(|j| says(t, j, "node_label_zone=\"z9\""))
    });
    println!("a node's label: {took:?}");

    api.merge(
        "/api/v1/namespaces/shapes",
        &json!({"metadata": {"labels": {"team/name": "other"}}}),
        "changes",
    )
    .unwrap();
    let (_, took) = beside.agree("a namespace's label", |t| {
        ["pod-all", "endpoints-all", "endpointslice-all", "ingress-all"]
            .iter()
            .all(|j| says(t, j, "namespace_label_team_name=\"other\""))
    });
    println!("a namespace's label: {took:?}");

    api.delete("/api/v1/namespaces/gone").unwrap();
    let (_, took) = beside.agree("a namespace goes", |t| {
        !["pod", "service", "endpoints", "endpointslice", "ingress"]
            .iter()
            .any(|j| says(t, j, "namespace=\"gone\""))
    });
    println!("a namespace goes: {took:?}; all changes: {:?}", began.elapsed());

    let status = beside.manager.clusters().status();
    assert!(status.iter().all(|s| s.health.stale_since.is_none() && s.health.unreadable == 0), "{status:?}");
    let listed = status.iter().filter(|s| s.health.lists != 1).count();
    assert_eq!(listed, 0, "each watch lists once: {status:?}");
    println!("{} watches for {} jobs", status.len(), beside.ours().len());
    assert!(beside.path("audit.log").exists());
}
