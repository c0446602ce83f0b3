//! The doctor on a large cluster: 1,000 monitors of a stranger's applications and 5,000 pods beside Calico, with a real Prometheus
//! behind a port-forward and ten probes a component. Time and memory of the process are measured.

use super::catalogue::chain;
use super::cluster::Cluster;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tortie_testbed::until;

const MONITORS: usize = 1_000;
/// Pods behind each monitor.
const PODS: usize = 5;
/// Namespaces of the applications. Each pool of Prometheus discovers, and drops, all that its namespace has: in one they would
/// be five million.
const NAMESPACES: usize = 100;
/// Nodes; a bed has a network of 254 addresses for the pods of each.
const NODES: usize = 25;

/// A stranger's application: pods, their Service, its monitor.
fn application(i: usize) -> Vec<Value> {
    let (name, namespace) = (format!("app-{i:04}"), format!("shop-{:02}", i % NAMESPACES));
    let labels = json!({"app": name, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "6d4cf56db6"});
    let mut all: Vec<Value> = (0..PODS)
        .map(|k| {
            let node = (i * PODS + k) % NODES + 1;
            json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("{name}-{k}"), "namespace": namespace, "labels": labels, "annotations": {"checksum/config": "0".repeat(64)}},
                "spec": {"nodeName": format!("node{node:02}"), "containers": [
                    {"name": "app", "image": "shop/app:v1", "ports": [{"name": "metrics", "containerPort": 8080}],
                     "env": (0..20).map(|n| json!({"name": format!("SETTING_{n}"), "value": "some value of it"})).collect::<Vec<_>>()},
                    {"name": "side-car", "image": "shop/side-car:v1"}]}})
        })
        .collect();
    all.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"selector": {"app": name}, "ports": [{"name": "metrics", "port": 8080, "targetPort": 8080}]}}));
    all.push(json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
        "metadata": {"name": name, "namespace": namespace, "labels": {"release": "prometheus"}},
        "spec": {"selector": {"matchLabels": {"app": name}}, "endpoints": [{"port": "metrics", "interval": "60s"}]}}));
    all
}

/// Runs the doctor once: exit status, seconds, most memory in MiB, the screen.
fn once(cluster: &Cluster) -> (Option<i32>, f64, f64, String) {
    let begin = Instant::now();
    let mut command = cluster.bed.command(crate::process::tortie());
    let mut child = command
        .args(["doctor", "--probe-nodes", "10"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut out, &mut text);
        text
    });
    let mut most = 0.0_f64;
    let status = loop {
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        most = most.max(kib / 1024.0);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let seconds = begin.elapsed().as_secs_f64();
    (status.code(), seconds, most, reader.join().unwrap())
}

#[test]
#[ignore = "a campaign: make campaign NAME=doctor-speed"]
fn a_thousand_monitors_and_five_thousand_pods() {
    let cluster = Cluster::with_nodes(30, NODES);
    chain(&cluster);
    let bed = &cluster.bed;
    let small = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((small.ids(), small.exit), (vec![], 0), "{}", small.screen);
    for k in 0..5 {
        let (exit, seconds, memory, screen) = once(&cluster);
        println!("small cluster, {NODES} nodes, run {k}: {seconds:.2} s, {memory:.0} MiB, exit {exit:?}");
        assert_eq!(exit, Some(0), "{screen}");
    }
    for n in 0..NAMESPACES {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("shop-{n:02}")}});
        bed.api().create(&namespace, "kubectl-create").unwrap();
    }
    let begin = Instant::now();
    std::thread::scope(|s| {
        for part in 0..8 {
            let api = bed.api().clone();
            s.spawn(move || {
                for i in (part..MONITORS).step_by(8) {
                    api.create_all(&application(i), "kubectl-create").unwrap();
                }
            });
        }
    });
    println!("objects made after {:?}", begin.elapsed());
    let running = until("all pods run", Duration::from_secs(400), || {
        let answer = bed.api().get("/api/v1/pods?fieldSelector=status.phase%21%3DRunning&limit=1")?;
        Ok(answer["items"].as_array().is_some_and(Vec::is_empty).then_some(()))
    });
    running.unwrap();
    // The stack's Alertmanager runs there too.
    let pods = cluster.kubelet.pods();
    let address = pods.iter().find(|(name, _)| name.contains("/prometheus-")).unwrap().1;
    let known = until("Prometheus knows them", Duration::from_secs(400), || {
        let active = bed.prometheus(address, "/api/v1/query?query=count(up)")?;
        let count: usize = active["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok()).unwrap_or(0);
        Ok((count > MONITORS * PODS).then_some(()))
    });
    known.unwrap();
    println!("everything stands after {:?}", begin.elapsed());
    let mut worst = (0.0_f64, 0.0_f64);
    for k in 0..5 {
        let (exit, seconds, memory, screen) = once(&cluster);
        println!(
            "{MONITORS} monitors, {} pods, run {k}: {seconds:.2} s, {memory:.0} MiB, exit {exit:?}",
            MONITORS * PODS
        );
        assert_eq!(exit, Some(0), "{screen}");
        worst = (worst.0.max(seconds), worst.1.max(memory));
    }
    assert!(worst.0 < 10.0 && worst.1 < 150.0, "{worst:?}: must be under 10 s and 150 MB");
}
