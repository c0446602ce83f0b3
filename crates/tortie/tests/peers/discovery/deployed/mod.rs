//! tortie in a cluster that has Calico and no monitoring: what `deploy` prints is admitted under PodSecurity `restricted`, the
//! printed role is enough for its account and not one rule of it too many, and without a word of what to scrape it finds
//! Calico's three components, follows them, and asks the API server for nothing twice.

mod exports;
mod pod;
mod rights;
mod without_monitoring;

use serde_json::{Value, json};
use std::process::{Command, Output};
use tortie_testbed::{Actor, Api, Bed, Fleet, Options, installs};

/// Calico's minor version here.
const MINOR: u16 = 30;

/// A cluster with Calico as its operator keeps it, its metrics on, and nothing of prometheus-operator. Its parts end in the
/// order of the fields.
struct Plain {
    _fleet: Fleet,
    _actor: Actor,
    bed: Bed,
}

impl Plain {
    fn start() -> Plain {
        let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
        installs::install_calico_crds(&bed, false).unwrap();
        bed.api().create_all(&installs::operator((3, MINOR)), "kubectl-create").unwrap();
        let actor = Actor::start(&bed, (3, MINOR));
        let mut installation = installs::installation();
        installation["spec"]["typhaMetricsPort"] = json!(9093);
        bed.apply_objects(&[installation]).unwrap();
        let fleet = Fleet::start(&bed, (3, MINOR)).unwrap();
        bed.wait("calico's pods", |api| Ok((pods(api)?.len() >= bed.options().nodes + 2).then_some(())))
            .unwrap();
        let felix = json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "FelixConfiguration", "metadata": {"name": "default"},
            "spec": {"prometheusMetricsEnabled": true}});
        bed.api().apply(&felix, "somebody", true).unwrap();
        Plain { _fleet: fleet, _actor: actor, bed }
    }
}

/// Calico's pods that run: node, name and label.
fn pods(api: &Api) -> anyhow::Result<Vec<(String, String, String)>> {
    let apps = ["calico-node", "calico-typha", "calico-kube-controllers"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = api.list("/api/v1/pods")?.into_iter().filter_map(|p| {
        let app = text(&p["metadata"]["labels"]["k8s-app"]);
        let runs = p["status"]["phase"] == "Running" && p["metadata"]["deletionTimestamp"].is_null();
        (apps.contains(&app.as_str()) && runs)
            .then(|| (text(&p["spec"]["nodeName"]), text(&p["metadata"]["name"]), app))
    });
    Ok(all.collect())
}

/// Runs tortie as somebody without a cluster.
fn tortie(args: &[&str]) -> Output {
    let out = Command::new(env!("CARGO_BIN_EXE_tortie")).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

#[test]
fn in_a_cluster_without_monitoring() {
    let plain = Plain::start();
    let exported = exports::same_in_every_form(&plain.bed);
    exports::admitted(&plain.bed, &exported);
    // In the pod's own place, with its own arguments and rights.
    without_monitoring::found_and_followed(&plain, &exported);
    without_monitoring::chosen_in_a_pod(&plain);
    without_monitoring::chosen_by_default(&plain);
    without_monitoring::doctor_ends(&plain);
    rights::each_is_named(&plain);
}
