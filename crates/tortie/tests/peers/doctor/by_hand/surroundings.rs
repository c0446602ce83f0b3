//! The API server, its controllers, roads between nodes, and others who write.

use super::{Done, FELIXES, apply, back, endpoints, object, run, set_ready};
use crate::doctor::cluster::Cluster;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tortie_testbed::Road;

pub(super) fn api_silent(cluster: &Cluster) -> Done {
    let text = std::fs::read_to_string(cluster.bed.kubeconfig()).unwrap().replace(":6443", ":6449");
    let file = cluster.bed.folder().join("silent.kubeconfig");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let said = cluster.bed.kubectl(&["--kubeconfig", &file, "get", "nodes"]).unwrap();
    let line = said.stderr.lines().last().unwrap_or_default().to_owned();
    assert_ne!(said.status, Some(0), "an API server that is gone answers");
    Done {
        ask: vec!["--kubeconfig".to_owned(), file],
        shown: vec![format!("kubectl get nodes: {line}")],
        ..Done::default()
    }
}

/// The doctor is given an address on which nobody listens.
pub(super) fn nowhere() -> Done {
    Done { ask: vec!["--prom-url".to_owned(), "http://10.99.0.1:1".to_owned()], ..Done::default() }
}

pub(super) fn roads(cluster: &Cluster, addresses: &[&str], port: u16, road: Road) -> Done {
    for address in addresses {
        cluster.bed.close_road(address, port, road).unwrap();
    }
    Done { back: back(|c| c.bed.open_roads().unwrap()), ..Done::default() }
}

pub(super) const NODE2: &str = "node2";

/// The controllers stop after they saw a pod that is not ready and before they see it ready.
pub(super) fn slice_behind(cluster: &Cluster) -> Done {
    set_ready(cluster, FELIXES, NODE2, false);
    endpoints(cluster, 2);
    cluster.bed.freeze("kube-controller-manager", true).unwrap();
    set_ready(cluster, FELIXES, NODE2, true);
    // The controller of DaemonSets is in the same process and sees the pod.
    let api = cluster.bed.api();
    let mut daemons = api.get("/apis/apps/v1/namespaces/calico-system/daemonsets/calico-node").unwrap();
    for field in ["numberReady", "numberAvailable"] {
        daemons["status"][field] = daemons["status"]["desiredNumberScheduled"].clone();
    }
    daemons["status"]["numberUnavailable"] = json!(0);
    api.update_status(&daemons, "kube-controller-manager").unwrap();
    Done { back: back(|c| c.bed.freeze("kube-controller-manager", false).unwrap()), ..Done::default() }
}

/// The Service is made anew while nobody writes slices.
pub(super) fn slices_empty(cluster: &Cluster) -> Done {
    let service = object(cluster, "calico-system", "service", "tortie-felix-metrics");
    run(cluster, "delete service tortie-felix-metrics -n calico-system");
    endpoints(cluster, 0);
    cluster.bed.freeze("kube-controller-manager", true).unwrap();
    apply(cluster, &[service]);
    Done { back: back(|c| c.bed.freeze("kube-controller-manager", false).unwrap()), ..Done::default() }
}

/// Two writers who each put their own value back, as long as the fault is there.
pub(super) fn two_writers(cluster: &Cluster) -> Done {
    let end = Arc::new(AtomicBool::new(false));
    let api = cluster.bed.api().clone();
    let path = cluster.path_of_felix_configuration();
    let thread = std::thread::spawn({
        let end = end.clone();
        move || {
            let mut values = [("argocd-controller", "Warning"), ("terraform", "Info")].into_iter().cycle();
            while let (false, Some((who, value))) = (end.load(Ordering::Acquire), values.next()) {
                // The other may have been faster; the next turn comes.
                let _ = api.merge(&path, &json!({"spec": {"logSeverityScreen": value}}), who);
                std::thread::sleep(Duration::from_millis(400));
            }
        }
    });
    Done {
        back: back(move |_| {
            end.store(true, Ordering::Release);
            thread.join().unwrap();
        }),
        ..Done::default()
    }
}
