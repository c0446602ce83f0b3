//! After setup tortie itself serves the same: `run --from-crds` has the targets of the real Prometheus and fills the three
//! dashboards, and `run --calico` gives its targets, found without a monitor, the very same labels.

use super::stage::Stage;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use tortie_testbed::{Bed, Process, until};

/// Scrapes come every second here, and `run --calico` says so too.
const PATIENCE: Duration = Duration::from_secs(60);
/// Panels of what this cluster does not run: other dataplanes, flow logs, a migration, a later Felix; and what is there only once
/// an address was reclaimed, or while a pool fills up.
const NOT_HERE: [&str; 8] = [
    "felix_nft_",
    "felix_bpf_",
    "felix_nflog_",
    "felix_collector_",
    "calico_migration_",
    "felix_int_dataplane_initial_resync_time_seconds",
    "ipam_allocations_gc_reclamations",
    "deriv(",
];

/// Labels of each target that is up, of jobs whose name `own` takes.
fn up(bed: &Bed, address: SocketAddr, own: impl Fn(&str) -> bool) -> BTreeSet<BTreeMap<String, String>> {
    let Ok(targets) = bed.prometheus(address, "/api/v1/targets?state=active") else { return BTreeSet::new() };
    let all = targets["activeTargets"].as_array().cloned().unwrap_or_default();
    let labels = |t: &Value| {
        let all = t["labels"].as_object().unwrap();
        all.iter().map(|(n, v)| (n.clone(), v.as_str().unwrap_or_default().to_owned())).collect()
    };
    all.iter()
        .filter(|t| t["health"] == "up" && own(t["scrapePool"].as_str().unwrap_or_default()))
        .map(labels)
        .collect()
}

fn start(bed: &Bed, name: &str, port: u16, flags: &[&str]) -> (Process, SocketAddr) {
    let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command
        .arg("run")
        .args(flags)
        .arg("--kubeconfig")
        .arg(bed.kubeconfig())
        .arg(format!("--web.listen-address={address}"));
    command
        .arg(format!("--storage.tsdb.path={}", bed.folder().join(name).display()))
        .env_remove("KUBECONFIG");
    (bed.run(name, command).unwrap(), address)
}

/// Starts both beside the real Prometheus, on a cluster where the chain stands.
pub(super) fn check(stage: &Stage) {
    let bed = &stage.cluster.bed;
    let ours = |pool: &str| pool.contains("/tortie-");
    let theirs = up(bed, stage.prometheus(), ours);
    let services: BTreeSet<&str> = theirs.iter().map(|t| t["service"].as_str()).collect();
    assert_eq!(services.len(), 3, "{theirs:?}");

    let (from_crds, at) = start(bed, "from-crds", 9391, &["--from-crds"]);
    let (calico, beside) = start(bed, "calico", 9392, &["--calico", "--calico-interval=1s"]);
    for (process, address, every) in [(&from_crds, at, false), (&calico, beside, true)] {
        until("the targets of the real Prometheus", PATIENCE, || {
            Ok((up(bed, address, |pool| every || ours(pool)) == theirs).then_some(()))
        })
        .unwrap_or_else(|e| {
            let own = up(bed, address, |pool| every || ours(pool));
            let only = |a: &BTreeSet<_>, b: &BTreeSet<_>| {
                a.difference(b).take(3).cloned().collect::<Vec<BTreeMap<_, _>>>()
            };
            panic!(
                "{e}: only theirs {:?}, only ours {:?}\n{}",
                only(&theirs, &own),
                only(&own, &theirs),
                process.tail(15)
            )
        });
    }
    for address in [at, beside] {
        for board in ["felix", "typha", "kube-controllers"] {
            full(bed, address, board);
        }
    }
}

/// Every panel of a dashboard shows something, all variables on `All`.
fn full(bed: &Bed, address: SocketAddr, board: &str) {
    let file = format!("{}/../calico/dashboards/{board}.json", env!("CARGO_MANIFEST_DIR"));
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut panels: Vec<(String, Vec<String>)> = Vec::new();
    collect(&dashboard["panels"], &mut panels);
    assert!(panels.len() >= 20, "{board}: {}", panels.len());
    let job = format!("tortie-{board}-metrics|calico-{board}-metrics");
    let mut empty: Vec<String> = Vec::new();
    let filled = until("every panel shows something", PATIENCE, || {
        empty = panels
            .iter()
            .filter(|(_, exprs)| !exprs.iter().any(|e| answers(bed, address, e, &job)))
            .map(|(t, _)| t.clone())
            .collect();
        Ok(empty.is_empty().then_some(()))
    });
    assert!(filled.is_ok(), "{board} at {address}: empty panels {empty:?}");
}

fn collect(list: &Value, out: &mut Vec<(String, Vec<String>)>) {
    for panel in list.as_array().into_iter().flatten() {
        let targets = panel["targets"].as_array().into_iter().flatten();
        let exprs: Vec<String> = targets.filter_map(|t| t["expr"].as_str().map(str::to_owned)).collect();
        if !exprs.is_empty() && !exprs.iter().all(|e| NOT_HERE.iter().any(|n| e.contains(n))) {
            out.push((panel["title"].as_str().unwrap_or("?").to_owned(), exprs));
        }
        collect(&panel["panels"], out);
    }
}

/// Whether an expression has an answer now.
fn answers(bed: &Bed, address: SocketAddr, expr: &str, job: &str) -> bool {
    let mut text = expr
        .replace("$__rate_interval", "1m")
        .replace("$top", "5")
        .replace("$block_size", "64")
        .replace("$job", job);
    for variable in ["$instance", "$syncer", "$ippool", "$node"] {
        text = text.replace(variable, ".*");
    }
    assert!(!text.contains('$'), "{text}");
    let path = format!("/api/v1/query?query={}", crate::ask::encoded(&text));
    bed.prometheus(address, &path).is_ok_and(|d| d["result"].as_array().is_some_and(|r| !r.is_empty()))
}
