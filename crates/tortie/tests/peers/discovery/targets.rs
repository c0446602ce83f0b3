//! The same `prometheus.yml` gives the same targets in `/api/v1/targets`.

use crate::process::peer;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use tortie_testbed::{Bed, Options, Process, shapes};

/// Name, role and rules of each job. `labelmap` makes what was discovered visible in the targets' labels.
const JOBS: &[(&str, &str, &str)] = &[
    ("pods", "role: pod", "{action: labelmap, regex: __meta_kubernetes_(.+)}"),
    (
        "annotated",
        "role: pod, attach_metadata: {node: true}",
        "{source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: 'true', action: keep}, {source_labels: [__meta_kubernetes_node_name], target_label: node}",
    ),
    ("services", "role: service", "{action: labelmap, regex: __meta_kubernetes_(.+)}"),
    (
        "endpoints",
        "role: endpoints, namespaces: {names: [shapes]}",
        "{action: labelmap, regex: __meta_kubernetes_(.+)}",
    ),
    (
        "slices",
        "role: endpointslice, attach_metadata: {namespace: true, deployment: true}",
        "{action: labelmap, regex: __meta_kubernetes_(.+)}",
    ),
    (
        "like-the-operator",
        "role: endpointslice, namespaces: {names: [shapes]}",
        "{source_labels: [__meta_kubernetes_service_label_app, __meta_kubernetes_service_labelpresent_app], regex: '(web);true', action: keep}, {source_labels: [__meta_kubernetes_endpointslice_port_name], regex: metrics, action: keep}, {source_labels: [__meta_kubernetes_pod_name], target_label: pod}, {source_labels: [__meta_kubernetes_service_name], target_label: job}",
    ),
    (
        "nodes",
        "role: node",
        "{action: labelmap, regex: __meta_kubernetes_node_label_(.+)}, {target_label: __scheme__, replacement: https}",
    ),
    (
        "ingresses",
        "role: ingress",
        "{source_labels: [__meta_kubernetes_ingress_scheme, __address__, __meta_kubernetes_ingress_path], regex: '(.+);(.+);(.+)', replacement: '$1://$2$3', target_label: __param_target}, {target_label: __address__, replacement: 'prober:9115'}, {source_labels: [__param_target], target_label: instance}",
    ),
];

fn configuration(kubeconfig: &str) -> String {
    let mut out = "global: {scrape_interval: 1h, scrape_timeout: 1s}\nscrape_configs:\n".to_owned();
    for (name, sd, rules) in JOBS {
        out += &format!(
            "- job_name: {name}\n  kubernetes_sd_configs: [{{kubeconfig_file: {kubeconfig}, {sd}}}]\n  relabel_configs: [{rules}]\n"
        );
    }
    out
}

struct Server {
    address: &'static str,
    _process: Process,
}

impl Server {
    fn start(
        bed: &Bed,
        name: &str,
        program: &std::path::Path,
        first: &[&str],
        address: &'static str,
    ) -> Server {
        let mut command = bed.namespace().command(program);
        command.args(first).arg(format!("--config.file={}", bed.folder().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", bed.folder().join(format!("{name}-data")).display()));
        command.arg(format!("--web.listen-address={address}"));
        Server { address, _process: bed.run(name, command).unwrap() }
    }

    fn ask(&self, bed: &Bed, path: &str) -> Option<String> {
        let mut stream = bed.namespace().connect(self.address.parse().unwrap()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }

    /// Active targets by what does not depend on scrapes, and all dropped ones, each as one text.
    fn targets(&self, bed: &Bed) -> (BTreeSet<String>, BTreeSet<String>) {
        let answer = self.ask(bed, "/api/v1/targets").and_then(|t| serde_json::from_str::<Value>(&t).ok());
        let Some(answer) = answer else { return Default::default() };
        let list = |key: &str, fields: &[&str]| -> BTreeSet<String> {
            let all = answer["data"][key].as_array().cloned().unwrap_or_default();
            all.iter().map(|t| fields.iter().map(|f| format!("{f} {}\n", sorted(&t[*f]))).collect()).collect()
        };
        let active =
            ["scrapePool", "labels", "discoveredLabels", "scrapeUrl", "scrapeInterval", "scrapeTimeout"];
        (list("activeTargets", &active), list("droppedTargets", &["scrapePool", "discoveredLabels"]))
    }
}

/// A value with the keys of its mapping in order.
fn sorted(v: &Value) -> String {
    match v.as_object() {
        None => v.to_string(),
        Some(map) => map
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[track_caller]
fn agree(bed: &Bed, servers: &[Server; 2], what: &str, fits: impl Fn(&BTreeSet<String>) -> bool) -> Duration {
    let began = Instant::now();
    loop {
        let [theirs, ours] = [0, 1].map(|i| servers[i].targets(bed));
        if theirs == ours && fits(&ours.0) {
            println!(
                "{what}: {} active and {} dropped targets are equal after {:?}",
                ours.0.len(),
                ours.1.len(),
                began.elapsed()
            );
            return began.elapsed();
        }
        if began.elapsed() > Duration::from_secs(60) {
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                a.difference(b).take(2).cloned().collect::<Vec<_>>().join("\n")
            };
            panic!(
                "{what}: {} and {} active, {} and {} dropped\nonly theirs:\n{}\n{}\nonly ours:\n{}\n{}",
                theirs.0.len(),
                ours.0.len(),
                theirs.1.len(),
                ours.1.len(),
                only(&theirs.0, &ours.0),
                only(&theirs.1, &ours.1),
                only(&ours.0, &theirs.0),
                only(&ours.1, &theirs.1)
            );
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn both_show_the_same_targets() {
    let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
    for object in shapes::objects() {
        bed.api().create(&object, "shapes").unwrap_or_else(|e| panic!("{object}: {e:?}"));
    }
    let kubeconfig = bed.folder().join("admin.kubeconfig").display().to_string();
    std::fs::write(bed.folder().join("prometheus.yml"), configuration(&kubeconfig)).unwrap();
    let servers = [
        Server::start(&bed, "prometheus", &peer("prometheus"), &[], "127.0.0.1:9090"),
        Server::start(&bed, "tortie", env!("CARGO_BIN_EXE_tortie").as_ref(), &["run"], "127.0.0.1:9091"),
    ];
    agree(&bed, &servers, "at first", |t| t.len() > 150);

    let count = |t: &BTreeSet<String>, word: &str| t.iter().filter(|t| t.contains(word)).count();
    bed.api()
        .merge(
            "/apis/apps/v1/namespaces/shapes/deployments/web",
            &serde_json::json!({"spec": {"replicas": 5}}),
            "changes",
        )
        .unwrap();
    agree(&bed, &servers, "more pods", |t| count(t, "scrapePool \"like-the-operator\"") == 5);
    bed.api().delete("/api/v1/namespaces/shapes/pods/odd").unwrap();
    agree(&bed, &servers, "a pod goes", |t| count(t, "scrapePool \"annotated\"") == 0);
    bed.api().delete("/api/v1/namespaces/gone").unwrap();
    agree(&bed, &servers, "a namespace goes", |t| count(t, "gone") == 0);

    // The effective configuration says the same, and the watches say how they do.
    let section = |s: &Server| {
        let text = s.ask(&bed, "/api/v1/status/config").unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let yaml = value["data"]["yaml"].as_str().unwrap().to_owned();
        yaml.split_once("scrape_configs:").unwrap().1.split("\nstorage:").next().unwrap().to_owned()
    };
    assert_eq!(section(&servers[0]), section(&servers[1]));
    let metrics = servers[1].ask(&bed, "/metrics").unwrap();
    let stale: Vec<&str> =
        metrics.lines().filter(|l| l.starts_with("tortie_kubernetes_watch_stale_since_seconds{")).collect();
    assert!(stale.len() >= 8 && stale.iter().all(|l| l.ends_with(" 0")), "{stale:?}");
}
