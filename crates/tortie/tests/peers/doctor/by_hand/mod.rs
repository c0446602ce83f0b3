//! Faults that take more than changes to the cluster's objects: processes stopped, roads closed, accounts without a right,
//! setup run before. Each says how it is taken back, and as whom the doctor is asked.

mod calico;
mod monitoring;
mod surroundings;

use super::accounts;
use super::cluster::Cluster;
use serde_json::{Value, json};
use tortie_sim::catalogue::{self, Live};
use tortie_testbed::{Road, Where};

/// Takes something back.
pub(super) type Back = Box<dyn FnOnce(&Cluster) + Send>;

/// What a hand did.
#[derive(Default)]
pub(super) struct Done {
    /// Takes it back, last first.
    pub(super) back: Vec<Back>,
    /// Arguments of the doctor.
    pub(super) ask: Vec<String>,
    /// What kubectl shows where the cluster's own objects show nothing.
    pub(super) shown: Vec<String>,
}

/// Whether the entry's own changes are made too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Before them.
    Before,
    /// After them.
    After,
    /// Instead of them.
    Alone,
}

type Make = fn(&Cluster) -> Done;
type Hand = (&'static str, When, Make);

const HANDS: [Hand; 37] = [
    ("api-silent", When::Alone, surroundings::api_silent),
    ("certificate-expired", When::Before, monitoring::authority_of_felix),
    ("discovery-stands-still", When::Alone, monitoring::token_of_an_earlier_account),
    ("felix-pods-not-ready", When::Alone, calico::felix_not_ready),
    ("felix-slow", When::Before, calico::three_seconds),
    ("felix-tls", When::Before, monitoring::trusted),
    ("left-out-in-silence", When::After, monitoring::forget_events),
    ("many-series", When::Alone, calico::many_series),
    ("nameless-cluster", When::Alone, accounts::without_namespaces),
    ("no-monitoring-crds", When::Alone, monitoring::no_monitoring_kinds),
    ("no-typha", When::Alone, calico::no_typha),
    ("node-firewall-drops", When::Alone, |c| {
        surroundings::roads(c, &["10.99.1.2", "10.99.1.3"], 9091, Road::Lost)
    }),
    ("node-firewall-rejects", When::Alone, |c| {
        surroundings::roads(c, &["10.99.1.1", "10.99.1.2", "10.99.1.3"], 9093, Road::Rejected)
    }),
    ("old-calico", When::Alone, calico::old_images),
    ("one-shard-asked", When::Alone, monitoring::silent_shard),
    ("operator-down-with-change", When::Alone, calico::change_without_operator),
    ("panels-of-all", When::Before, monitoring::other_process),
    ("policies-forbidden", When::Alone, accounts::without_policies),
    ("port-held-by-node", When::Alone, calico::port_held),
    ("prometheus-not-ready", When::Alone, monitoring::prometheus_not_ready),
    ("prometheus-unreachable", When::Alone, |_| surroundings::nowhere()),
    ("enforced-sample-limit", When::Before, |_| surroundings::nowhere()),
    ("job-mismatch-dashboard", When::Before, |_| surroundings::nowhere()),
    ("rule-job-on-paper", When::Before, |_| surroundings::nowhere()),
    ("rbac-three-namespaces", When::Alone, monitoring::without_fourth_namespace),
    ("reloader-behind", When::Alone, monitoring::reloader_hangs),
    ("remote-write-behind", When::Before, monitoring::store_that_refuses),
    ("samples-refused", When::Alone, calico::twice_in_one_answer),
    ("setup-drift", When::Alone, calico::after_setup_of_typha),
    ("setup-undone-by-hand", When::Alone, calico::after_setup_of_felix),
    ("slice-behind", When::Alone, surroundings::slice_behind),
    ("slices-empty", When::Alone, surroundings::slices_empty),
    ("two-writers", When::Alone, surroundings::two_writers),
    ("typha-env-reverted", When::Alone, |c| calico::environment_set_back(c, false)),
    ("typha-flaps", When::Alone, calico::typha_flaps),
    ("typha-write-up", When::Alone, |c| calico::environment_set_back(c, true)),
    ("young-monitor", When::Alone, monitoring::young_monitor),
];

/// What a hand does for the fault of this name.
pub(super) fn of(name: &str) -> Option<(When, Make)> {
    HANDS.iter().find(|(n, ..)| *n == name).map(|(_, when, hand)| (*when, *hand))
}

const MONITORS: &str = "servicemonitors.monitoring.coreos.com";
/// Prometheus of kube-prometheus-stack, and its first pod.
const PROMETHEUS: &str = "prometheus-kube-prometheus-prometheus";
const POD: &str = "monitoring/prometheus-prometheus-kube-prometheus-prometheus-0";

fn back(f: impl FnOnce(&Cluster) + Send + 'static) -> Vec<Back> {
    vec![Box::new(f)]
}

/// `kubectl` with these words, which must succeed.
fn run(cluster: &Cluster, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    cluster.bed.kubectl_ok(&words).unwrap()
}

fn patch(cluster: &Cluster, namespace: &str, kind: &str, name: &str, patch: &Value) {
    let patch = patch.to_string();
    let mut words = vec!["patch", kind, name, "--type=merge", "-p", &patch];
    if !namespace.is_empty() {
        words.extend(["-n", namespace]);
    }
    cluster.bed.kubectl_ok(&words).unwrap();
}

/// An object as it can be applied again.
fn object(cluster: &Cluster, namespace: &str, kind: &str, name: &str) -> Value {
    let out = run(cluster, &format!("get {kind} {name} -n {namespace} -o json"));
    super::injected::bare(&serde_json::from_str(&out).unwrap())
}

fn apply(cluster: &Cluster, objects: &[Value]) {
    cluster.bed.apply_objects(objects).unwrap();
}

/// Jobs that the running Prometheus has.
fn jobs_loaded(cluster: &Cluster) -> usize {
    let at = cluster.kubelet.pods().into_iter().find(|(name, _)| name == POD).map(|(_, at)| at);
    let config = at.and_then(|at| cluster.bed.prometheus(at, "/api/v1/status/config").ok());
    config.map_or(0, |c| {
        c["yaml"].as_str().unwrap_or_default().matches("job_name: serviceMonitor/monitoring/calico-").count()
    })
}

/// The kernel gives an address back a moment after its socket was closed.
fn heal(cluster: &Cluster, at: Where) {
    cluster.bed.wait("the fault gone", |_| cluster.fleet.heal(&at).map(Some)).unwrap();
}

/// Sets the condition Ready in the status of pods, as their kubelet does.
fn set_ready(cluster: &Cluster, path: &str, node: &str, ready: bool) {
    let api = cluster.bed.api();
    for mut pod in api.list(path).unwrap() {
        if !node.is_empty() && pod["spec"]["nodeName"] != node {
            continue;
        }
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
                condition["status"] = json!(if ready { "True" } else { "False" });
            }
        }
        for container in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
            container["ready"] = json!(ready);
        }
        api.update_status(&pod, "kubelet").unwrap();
    }
}

const FELIXES: &str = "/api/v1/pods?labelSelector=k8s-app%3Dcalico-node";

fn endpoints(cluster: &Cluster, wanted: usize) {
    cluster.bed.wait("the slices of Felix", |api| {
        let path = "/apis/discovery.k8s.io/v1/namespaces/calico-system/endpointslices?labelSelector=kubernetes.io/service-name%3Dtortie-felix-metrics";
        let ready = api.list(path)?.iter().flat_map(|s| s["endpoints"].as_array().cloned().unwrap_or_default()).filter(|e| e["conditions"]["ready"] == true).count();
        Ok((ready == wanted).then_some(()))
    }).unwrap();
}

#[test]
fn what_is_made_by_hand_has_a_hand() {
    let all = catalogue::all().into_iter().chain(catalogue::remarks());
    let by_hand = all.filter(|e| matches!(e.live, Live::Hand(_)));
    let without: Vec<&str> = by_hand.map(|e| e.name).filter(|name| of(name).is_none()).collect();
    assert!(without.is_empty(), "nobody says how these are made: {without:?}");
}
