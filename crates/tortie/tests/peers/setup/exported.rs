//! What `setup --export helm` writes, rendered by the real Helm: through a chart that takes the values as kube-prometheus-stack
//! does, it is what setup itself would make, and brings all three components up.

use super::stage::Stage;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tortie_cluster::files;
use tortie_host::RealFs;
use tortie_testbed::binary;

/// Renders the chart with a file of values, as release `prometheus` in namespace `monitoring`.
fn rendered(stage: &Stage, values: &Path) -> PathBuf {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/setup/chart");
    let mut helm = Command::new(binary("helm").unwrap());
    helm.args(["template", "prometheus", chart, "--namespace", "monitoring", "--values"]).arg(values);
    helm.env("HOME", stage.cluster.bed.folder()).stdin(Stdio::null());
    let out = helm.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let file = stage.file("rendered.yaml");
    std::fs::write(&file, out.stdout).unwrap();
    file
}

fn objects(file: &Path) -> Vec<Value> {
    let (objects, problems) = files::read(&RealFs, &[file.to_owned()]);
    assert!(problems.is_empty(), "{problems:?}");
    objects.into_iter().map(|o| o.body).collect()
}

fn name(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

/// On an empty monitored cluster, of which nothing is kept afterwards.
pub(super) fn check(stage: &Stage) {
    let (folder, plan) = (stage.file("helm"), stage.file("helm-plan.json"));
    stage.tortie_ends(&["setup", "--export", "helm", "--out", folder.to_str().unwrap()], 0);
    stage.tortie_ends(&["setup", "--out", plan.to_str().unwrap()], 1);
    let plan: Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    let rendered = rendered(stage, &folder.join("kube-prometheus-stack-values.yaml"));
    let made = objects(&rendered);
    // The same objects with the same content; labels may be more, for the release has its own.
    let steps = plan["steps"].as_array().unwrap().iter().filter(|s| s["own"] == true);
    let wanted: Vec<Value> = steps.map(|s| s["write"]["object"].clone()).collect();
    let names = |all: &[Value]| {
        let mut names: Vec<String> = all.iter().map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&made), names(&wanted));
    assert!(wanted.len() >= 7, "{:?}", names(&wanted));
    for want in &wanted {
        let got = made.iter().find(|m| name(m) == name(want)).unwrap();
        for part in ["spec", "data"] {
            assert_eq!(got[part], want[part], "{part} of {}", name(want));
        }
        assert_eq!(got["metadata"]["namespace"], want["metadata"]["namespace"], "{}", name(want));
    }
    let settings = folder.join("calico-settings.yaml");
    let apply = |file: &Path, more: &[&str]| {
        let file = file.to_str().unwrap();
        stage.cluster.bed.kubectl_ok(&[&["apply", "-f", file], more].concat()).unwrap();
    };
    apply(&settings, &["--server-side"]);
    apply(&rendered, &["--server-side"]);
    stage
        .cluster
        .bed
        .wait("all three are up in Prometheus", |_| {
            let up = stage.up();
            let ours = up.iter().filter(|(pool, n)| pool.contains("/tortie-") && **n > 0).count();
            Ok((ours == 3).then_some(()))
        })
        .unwrap();
    let again = stage.tortie_ends(&["setup", "--dry-run"], 0);
    assert!(again.contains("Nothing to do: the chain stands."), "{again}");
    assert!(!folder.join("tigera-operator-values.yaml").exists(), "no release keeps Calico here");
}
