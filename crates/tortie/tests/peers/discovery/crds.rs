//! `tortie run --from-crds` as a whole program: which Prometheus object, what it looks on at, and what it says of monitors.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_testbed::{Bed, Options, shapes};

pub(super) const ADDRESS: &str = "127.0.0.1:9092";

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": name, "namespace": "shapes"}, "spec": spec})
}

pub(super) fn ask(bed: &Bed, path: &str) -> Option<Value> {
    let mut stream = bed.namespace().connect(ADDRESS.parse().unwrap()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {ADDRESS}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str::<Value>(answer.split_once("\r\n\r\n")?.1).ok().map(|v| v["data"].clone())
}

#[track_caller]
pub(super) fn wait(bed: &Bed, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask(bed, path).unwrap_or_default();
        if fits(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{path}: {answer}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Runs it to its end: exit code and what it says.
fn refused(bed: &Bed, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["run", "--from-crds", "--web.listen-address=127.0.0.1:0", "--kubeconfig"]);
    command.arg(bed.folder().join("admin.kubeconfig")).args(arguments);
    command.arg(format!("--storage.tsdb.path={}", bed.folder().join("refused").display()));
    let out = command.output().unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn one_prometheus_object_is_served_and_looked_on_at() {
    let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
    let kubeconfig = bed.folder().join("admin.kubeconfig");
    let (code, text) = refused(&bed, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("the kind Prometheus of monitoring.coreos.com is not served"), "{text}");

    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let definitions = ["prometheuses", "servicemonitors"].map(|plural| {
        let file = Path::new(&fixtures).join(format!("crds/monitoring.coreos.com_{plural}.yaml"));
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    });
    bed.install_crds(&definitions).unwrap();
    for object in shapes::objects() {
        let made = bed.api().create(&object, "shapes").unwrap_or_else(|e| panic!("{object}: {e:?}"));
        if made["kind"] == "CronJob" {
            bed.api().create(&shapes::job_of(&made), "shapes").unwrap();
        }
    }
    let spec = json!({"serviceMonitorSelector": {}, "scrapeInterval": "1h"});
    bed.api().create(&object("Prometheus", "k8s", &spec), "test").unwrap();
    bed.api().create(&object("Prometheus", "other", &json!({})), "test").unwrap();
    let monitors = [
        ("web", json!({"selector": {"matchLabels": {"app": "web"}}, "endpoints": [{"port": "http"}]})),
        ("nothing", json!({"selector": {"matchLabels": {"app": "no-such"}}, "endpoints": [{}]})),
        ("bad", json!({"selector": {}, "endpoints": [{"interval": "1s", "scrapeTimeout": "2s"}]})),
        ("files", json!({"selector": {}, "endpoints": [{"bearerTokenFile": "/etc/passwd"}]})),
    ];
    for (name, spec) in &monitors {
        bed.api().create(&object("ServiceMonitor", name, spec), "test").unwrap();
    }
    let (code, text) = refused(&bed, &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("there are 2 Prometheus objects:\n  shapes/k8s\n  shapes/other\nhint:"), "{text}");

    // The operator's pods are ready.
    let labels = json!({"operator.prometheus.io/name": "k8s"});
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "prometheus-k8s", "namespace": "shapes", "labels": labels},
        "spec": {"selector": {"matchLabels": {"x": "y"}}, "serviceName": "s", "template": {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
    });
    let mut set = bed.api().create(&set, "test").unwrap();
    set["status"] = json!({"replicas": 1, "readyReplicas": 1});
    bed.api().update_status(&set, "test").unwrap();
    let (code, text) = refused(&bed, &["--prometheus=shapes/k8s", "--take-over"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("pods of Prometheus shapes/k8s are ready"), "{text}");

    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["run", "--from-crds", "--prometheus=shapes/k8s", "--kubeconfig"]).arg(&kubeconfig);
    command.arg(format!("--storage.tsdb.path={}", bed.folder().join("data").display()));
    command.arg(format!("--web.listen-address={ADDRESS}"));
    let _tortie = bed.run("tortie", command).unwrap();
    wait(&bed, "/api/tortie/v1/status", |s| {
        s["followed"]["observing"] == json!("observing beside shapes/k8s")
    });
    let targets =
        wait(&bed, "/api/v1/targets", |t| t["activeTargets"].as_array().is_some_and(|t| !t.is_empty()));
    for t in targets["activeTargets"].as_array().unwrap() {
        assert_eq!(t["scrapePool"], json!("serviceMonitor/shapes/web/0"));
        assert_eq!((&t["labels"]["namespace"], &t["labels"]["endpoint"]), (&json!("shapes"), &json!("http")));
    }
    let said = ask(&bed, "/api/tortie/v1/monitors").unwrap();
    let of = |list: &str, key: &str, name: &str| {
        said[list].as_array().unwrap().iter().find(|o| o[key] == json!(name)).cloned().unwrap_or_default()
    };
    assert_eq!(
        of("objects", "object", "shapes/bad")["message"],
        json!("endpoints[0]: scrapeTimeout \"2s\" greater than scrapeInterval \"1s\"")
    );
    let nothing = of("jobs", "pool", "serviceMonitor/shapes/nothing/0");
    assert_eq!(nothing["targets"], json!(0));
    assert!(nothing["fellOut"]["selector"].as_u64() > Some(10), "{nothing}");
    let files = of("leftOut", "name", "serviceMonitor/shapes/files/0");
    assert!(
        files["reason"].as_str().unwrap_or("").starts_with("credentials unavailable: /etc/passwd"),
        "{said}"
    );

    super::why::of_monitors(&bed);

    // The operator's pods go.
    let path = "/apis/apps/v1/namespaces/shapes/statefulsets/prometheus-k8s";
    bed.api().merge(path, &json!({"spec": {"replicas": 0}}), "test").unwrap();
    wait(&bed, "/api/tortie/v1/status", |s| {
        s["followed"]["readyBeside"] == json!(false) && s["followed"]["sends"] == json!(false)
    });
}
