//! How fast and how large discovery from custom resources is, beside real Prometheus with the operator's configuration.
//!
//! `TORTIE_BIN` names the program that is measured: a release build. `bench/campaign discovery-speed` writes what this prints.

use crate::batch::theirs::{Theirs, get};
use crate::oracle::operator;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_testbed::{Bed, Options, Process};

/// Pods of each Service; each Service has its monitor.
const PODS: usize = 5;
/// How long Prometheus may take until it has all targets.
const PATIENCE: Duration = Duration::from_secs(600);
const OURS: &str = "127.0.0.1:9092";

/// A size of cluster.
struct Size {
    monitors: usize,
    namespaces: usize,
}

impl Size {
    fn targets(&self) -> usize {
        self.monitors * PODS
    }

    fn namespace(&self, i: usize) -> String {
        format!("ns-{:02}", i % self.namespaces)
    }
}

fn prometheus() -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "k8s", "namespace": "ns-00"},
        "spec": {"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "scrapeInterval": "1h", "serviceDiscoveryRole": "EndpointSlice", "keepDroppedTargets": 1},
    })
}

fn monitor(size: &Size, i: usize) -> Value {
    json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": format!("m-{i}"), "namespace": size.namespace(i)},
        "spec": {"selector": {"matchLabels": {"app": format!("a-{i}")}}, "endpoints": [{"port": "http"}]},
    })
}

fn pod(size: &Size, i: usize, p: usize) -> (Value, Value, String) {
    let (ns, name) = (size.namespace(i), format!("p-{i}-{p}"));
    let n = i * PODS + p;
    let ip = format!("10.99.{}.{}", 64 + n / 250, 1 + n % 250);
    let containers =
        json!([{"name": "main", "image": "i", "ports": [{"name": "http", "containerPort": 80}]}]);
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": ns, "labels": {"app": format!("a-{i}"), "pod-template-hash": "abc"}, "annotations": {"testbed/state": "pending"}},
        "spec": {"nodeName": "node1", "containers": containers, "terminationGracePeriodSeconds": 0},
    });
    let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": "10.99.1.1", "conditions": [{"type": "Ready", "status": "True"}]}});
    (object, status, ip)
}

fn slice(size: &Size, i: usize, pods: usize) -> Value {
    let ns = size.namespace(i);
    let endpoint = |p: usize| {
        let (pod, _, ip) = pod(size, i, p);
        json!({"addresses": [ip], "conditions": {"ready": true}, "nodeName": "node1", "targetRef": {"kind": "Pod", "namespace": ns, "name": pod["metadata"]["name"]}})
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("s-{i}"), "namespace": ns, "labels": {"kubernetes.io/service-name": format!("s-{i}"), "endpointslice.kubernetes.io/managed-by": "tests.example"}},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 80}], "endpoints": (0..pods).map(endpoint).collect::<Vec<_>>(),
    })
}

fn make(bed: &Bed, size: &Size) {
    for i in 0..size.namespaces {
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": size.namespace(i)}});
        bed.api().create(&object, "test").unwrap();
    }
    bed.api().create(&prometheus(), "test").unwrap();
    let all: Vec<usize> = (0..size.monitors).collect();
    std::thread::scope(|scope| {
        for part in all.chunks(size.monitors.div_ceil(4)) {
            scope.spawn(move || {
                for i in part {
                    for p in 0..PODS {
                        let (object, status, _) = pod(size, *i, p);
                        bed.api().create(&object, "test").unwrap();
                        let path = format!("{}/status", tortie_testbed::path_of(&object).unwrap());
                        bed.api().merge(&path, &status, "test").unwrap();
                    }
                    let (ns, labels) = (size.namespace(*i), json!({"app": format!("a-{i}")}));
                    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s-{i}"), "namespace": ns, "labels": labels}, "spec": {"ports": [{"name": "http", "port": 80}], "clusterIP": "None"}});
                    bed.api().create(&service, "test").unwrap();
                    bed.api().create(&slice(size, *i, PODS), "test").unwrap();
                    bed.api().create(&monitor(size, *i), "test").unwrap();
                }
            });
        }
    });
}

/// Seconds of processor time that a process has used.
fn cpu(process: &Process) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    // Fields 14 and 15 of the file, in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

/// Anonymous memory of a process, MiB.
fn anonymous(process: &Process) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id())).unwrap_or_default();
    let line = rollup.lines().find_map(|l| l.strip_prefix("Anonymous:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn active(bed: &Bed, address: SocketAddr) -> Option<usize> {
    let metrics = get(bed, address, "/metrics")?;
    let of_pool = |l: &str| l.starts_with("prometheus_target_scrape_pool_targets{");
    let counts =
        metrics.lines().filter(|l| of_pool(l)).filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok());
    Some(counts.sum::<f64>() as usize)
}

/// Waits for so many targets; how long it took since `began`.
fn wait(
    bed: &Bed,
    process: &mut Process,
    address: SocketAddr,
    targets: usize,
    began: Instant,
    most: Duration,
) -> Option<Duration> {
    loop {
        process.check().unwrap_or_else(|e| panic!("{e}"));
        if active(bed, address) == Some(targets) {
            return Some(began.elapsed());
        }
        if began.elapsed() > most {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is measured of a server that has settled.
fn settled(name: &str, process: &Process, took: Option<Duration>, at_settling: f64) {
    std::thread::sleep(Duration::from_secs(5));
    let (before, began) = (cpu(process), Instant::now());
    std::thread::sleep(Duration::from_secs(20));
    let share = (cpu(process) - before) / began.elapsed().as_secs_f64() * 100.0;
    let took = took.map_or_else(|| "not within 10 min".to_owned(), |t| format!("{:.1} s", t.as_secs_f64()));
    println!(
        "{name}: all targets after {took}, {at_settling:.1} s of processor time until then; afterwards {share:.1} % of a core, {:.0} MiB anonymous memory",
        anonymous(process)
    );
}

fn changes(bed: &Bed, size: &Size) {
    let (ours, mut worst) = (OURS.parse().unwrap(), Duration::ZERO);
    for round in 0..5 {
        let i = round * 7 % size.monitors;
        let (object, status, _) = pod(size, i, PODS);
        bed.api().create(&object, "test").unwrap();
        let path = tortie_testbed::path_of(&object).unwrap();
        bed.api().merge(&format!("{path}/status"), &status, "test").unwrap();
        std::thread::sleep(Duration::from_secs(1));
        let mut changed = slice(size, i, PODS + 1);
        let path = tortie_testbed::path_of(&changed).unwrap();
        changed["metadata"]["resourceVersion"] =
            bed.api().get(&path).unwrap()["metadata"]["resourceVersion"].clone();
        bed.api().update(&changed, "test").unwrap();
        let began = Instant::now();
        while active(bed, ours) != Some(size.targets() + round + 1) {
            assert!(began.elapsed() < Duration::from_secs(60), "the added pod is no target");
            std::thread::sleep(Duration::from_millis(10));
        }
        worst = worst.max(began.elapsed());
    }
    println!(
        "tortie: an added pod is an active target at most {} ms after its slice was written (5 times)",
        worst.as_millis()
    );
}

fn beside(size: &Size) {
    let program = std::env::var("TORTIE_BIN")
        .expect("TORTIE_BIN names the program to measure (hint: bench/campaign discovery-speed)");
    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let bed = Bed::start(Options { port_forward: false, audit: false, ..Options::default() }).unwrap();
    let definitions = ["prometheuses", "servicemonitors"].map(|plural| {
        let file = Path::new(&fixtures).join(format!("crds/monitoring.coreos.com_{plural}.yaml"));
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    });
    bed.install_crds(&definitions).unwrap();
    make(&bed, size);
    println!("\n{} ServiceMonitors, {} pods, {} namespaces", size.monitors, size.targets(), size.namespaces);

    let mut command = bed.namespace().command(program);
    command.args(["run", "--from-crds", "--kubeconfig"]).arg(bed.folder().join("admin.kubeconfig"));
    command.arg(format!("--storage.tsdb.path={}", bed.folder().join("data").display()));
    command.arg(format!("--web.listen-address={OURS}"));
    let began = Instant::now();
    let mut tortie = bed.run("tortie", command).unwrap();
    let took = wait(&bed, &mut tortie, OURS.parse().unwrap(), size.targets(), began, PATIENCE);
    let used = cpu(&tortie);
    settled("tortie", &tortie, took, used);
    changes(&bed, size);
    drop(tortie);

    let mut objects: Vec<Value> = bed.api().list("/api/v1/namespaces").unwrap();
    objects.push(prometheus());
    objects.extend((0..size.monitors).map(|i| monitor(size, i)));
    let answer = operator(&[json!({"objects": objects, "inlineTLS": true})]).remove(0);
    let text = answer["config"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let mut theirs = Theirs::start(&bed, 0, "p-", text);
    let address = theirs.address();
    let began = theirs.began;
    let took = wait(&bed, &mut theirs.process, address, size.targets() + 5, began, PATIENCE);
    let used = cpu(&theirs.process);
    settled("Prometheus", &theirs.process, took, used);
}

#[test]
#[ignore = "minutes, and a release build: bench/campaign discovery-speed"]
fn a_hundred_monitors_beside_prometheus() {
    beside(&Size { monitors: 100, namespaces: 5 });
}

#[test]
#[ignore = "many minutes, and a release build: bench/campaign discovery-speed"]
fn a_thousand_monitors_beside_prometheus() {
    beside(&Size { monitors: 1000, namespaces: 50 });
}
