//! Beside the real thing, and in its place: prometheus-operator, its Prometheus and its Alertmanager with one firing alert.
//! While they run, tortie opens no connection to the Alertmanager or to the receiver of remote write; when the StatefulSet is
//! at 0 it takes over, and whoever is paged hears nothing new.

use super::counted::{Counted, Suspect};
use super::crds::{ADDRESS, ask, wait};
use super::{admin_token, through};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tortie_testbed::{Act, Bed, FaultyProxy, Kubelet, Options, Process, installs, operators};

/// In front of the Alertmanager, the receiver of remote write, and whoever is paged.
const ALERTMANAGER: &str = "10.99.90.1:9093";
const RECEIVER: &str = "10.99.90.2:9400";
const PAGED: &str = "10.99.90.3:9300";
const NAME: &str = "prometheus-kube-prometheus-prometheus";
const MANAGER: &str = "prometheus-kube-prometheus-alertmanager";
const STATEFUL_SET: &str =
    "/apis/apps/v1/namespaces/monitoring/statefulsets/prometheus-prometheus-kube-prometheus-prometheus";

fn custom(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": name, "namespace": "monitoring", "labels": {"release": "prometheus"}}, "spec": spec})
}

/// The usual stack, pointed at the counted listeners.
fn objects() -> Vec<Value> {
    let mut all = installs::kube_prometheus_stack("prometheus").objects;
    for o in &mut all {
        if o["kind"] == "Prometheus" {
            o["spec"]["alerting"] =
                json!({"alertmanagers": [{"name": "counted", "port": "web", "apiVersion": "v2"}]});
            o["spec"]["remoteWrite"] = json!([{"url": format!("http://{RECEIVER}/api/v1/write")}]);
            o["spec"]["scrapeInterval"] = json!("1s");
            o["spec"]["evaluationInterval"] = json!("1s");
            // What it says fires on for a minute without it.
            o["spec"]["rules"] = json!({"alert": {"resendDelay": "15s"}});
            o["spec"]["externalLabels"] = json!({"cluster": "eu"});
        }
    }
    let secret = format!(
        "route: {{receiver: paged, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}}\n\
         receivers: [{{name: paged, webhook_configs: [{{url: 'http://{PAGED}/', send_resolved: true}}]}}]\n"
    );
    let meta = |name: &str| json!({"name": name, "namespace": "monitoring"});
    let watched = json!({"name": "watched", "namespace": "monitoring", "labels": {"app": "watched"}});
    let selector = json!({"app.kubernetes.io/name": "alertmanager", "alertmanager": MANAGER});
    let rule = json!({"alert": "Fires", "expr": "up{service=\"watched\"} == 1", "labels": {"severity": "page"}, "annotations": {"summary": "{{ $labels.pod }} is up"}});
    let (front, port) = ALERTMANAGER.split_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    all.extend([
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta(&format!("alertmanager-{MANAGER}")), "stringData": {"alertmanager.yaml": secret}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("counted"), "spec": {"ports": [{"name": "web", "port": port}]}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta("counted"), "subsets": [{"addresses": [{"ip": front}], "ports": [{"name": "web", "port": port}]}]}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": watched, "spec": {"selector": selector, "ports": [{"name": "web", "port": 9093, "targetPort": 9093}]}}),
        custom("ServiceMonitor", "watched", &json!({"selector": {"matchLabels": {"app": "watched"}}, "endpoints": [{"port": "web"}]})),
        custom("PrometheusRule", "fires", &json!({"groups": [{"name": "fires", "interval": "1s", "rules": [{"record": "watched:up:sum", "expr": "sum(up{service=\"watched\"})"}, rule]}]})),
    ]);
    all
}

fn tortie(bed: &Bed, name: &str, suspect: &Suspect, kubeconfig: &Path, more: &[&str]) -> Process {
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.args(["run", "--from-crds", "--kubeconfig"]).arg(kubeconfig).args(more);
    command.arg(format!("--storage.tsdb.path={}", bed.folder().join("tortie-data").display()));
    command.arg(format!("--web.listen-address={ADDRESS}"));
    let process = bed.run(name, command).unwrap();
    suspect.store(process.id(), Ordering::SeqCst);
    process
}

/// Alerts that the Alertmanager knows: fingerprint and when it last heard of them.
fn known(bed: &Bed, alertmanager: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
    let answer = bed.http_get(alertmanager, "/api/v2/alerts")?;
    let all: Vec<Value> = serde_json::from_slice(&answer.body)?;
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    Ok(all.iter().map(|a| (text(&a["fingerprint"]), text(&a["updatedAt"]))).collect())
}

/// Groups of an answer of `/api/v1/rules` without what depends on time.
fn rules(answer: &Value) -> Value {
    let fields = ["name", "query", "type", "labels", "annotations", "duration"];
    let rule = |r: &Value| fields.iter().map(|f| ((*f).to_owned(), r[*f].clone())).collect::<Value>();
    let group = |g: &Value| {
        let rules: Vec<Value> = g["rules"].as_array().unwrap().iter().map(rule).collect();
        json!({"file": g["file"], "name": g["name"], "interval": g["interval"], "rules": rules})
    };
    answer["groups"].as_array().unwrap_or(&Vec::new()).iter().map(group).collect()
}

fn number(bed: &Bed, query: &str) -> f64 {
    let answer = ask(bed, &format!("/api/v1/query?query={query}")).unwrap_or_default();
    answer["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok()).unwrap_or(0.0)
}

#[test]
fn beside_nothing_is_sent_and_taking_over_pages_nobody_again() {
    let bed = Bed::start(Options { port_forward: false, audit: false, ..Options::default() }).unwrap();
    installs::install_monitoring_crds(&bed).unwrap();
    let stack = installs::kube_prometheus_stack("prometheus");
    bed.api().create_all(&objects(), stack.manager).unwrap();
    let arguments: Vec<&str> = stack.arguments.iter().map(String::as_str).collect();
    let operator = operators::prometheus_operator(&bed, &arguments).unwrap();
    let kubelet = Kubelet::start(&bed).unwrap();
    let ready = |pod: &str| {
        kubelet.ready(&format!("monitoring/{pod}")).unwrap_or_else(|e| panic!("{e:#}\n{}", operator.tail(20)))
    };
    let alertmanager = ready(&format!("alertmanager-{MANAGER}-0"));
    let suspect = Suspect::default();
    let told = Counted::before(&bed, ALERTMANAGER, alertmanager, &suspect);
    let receiver = Counted::taking(&bed, RECEIVER, &suspect);
    let paged = Counted::taking(&bed, PAGED, &suspect);

    // Both run, and both see the alert fire.
    let observing = tortie(&bed, "tortie-observing", &suspect, &bed.kubeconfig(), &[]);
    let prometheus = ready(&format!("prometheus-{NAME}-0"));
    let beside = format!("observing beside monitoring/{NAME}");
    wait(&bed, "/api/tortie/v1/status", |s| s["followed"]["observing"] == json!(beside));
    wait(&bed, "/api/v1/alerts", |a| a["alerts"][0]["state"] == json!("firing"));
    bed.wait("the real ones' alert", |_| {
        let known = known(&bed, alertmanager)?;
        Ok((known.len() == 1 && paged.bodies().len() == 1).then_some(()))
    })
    .unwrap();
    let theirs = bed.prometheus(prometheus, "/api/v1/rules").unwrap();
    let ours = wait(&bed, "/api/v1/rules", |r| r["groups"][0]["rules"][1]["state"] == json!("firing"));
    assert_eq!(rules(&ours), rules(&theirs));
    // Ten evaluations after it fired, of which each would have told.
    let evaluations = "prometheus_rule_group_iterations_total";
    let metric = |name: &str| -> f64 {
        let text = bed.http_get(ADDRESS.parse().unwrap(), "/metrics").unwrap().text();
        text.lines()
            .filter(|l| l.starts_with(name))
            .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    };
    let begun = metric(evaluations);
    assert!(begun >= 1.0, "{begun}");
    bed.wait("ten evaluations", |_| Ok((metric(evaluations) >= begun + 10.0).then_some(()))).unwrap();
    for (what, listener) in [("Alertmanager", &told), ("receiver", &receiver), ("paged", &paged)] {
        let (of_tortie, others) = listener.counts();
        assert_eq!(of_tortie, 0, "connections of tortie to the {what}");
        assert!(others > 0, "nobody came to the {what}");
    }
    let flags = ask(&bed, "/api/v1/status/flags").unwrap();
    assert_eq!(flags["rules.alert.resend-delay"], json!("15s"), "as the Prometheus object has it");

    // The operator's Prometheus goes.
    let before = known(&bed, alertmanager).unwrap();
    let path = format!("/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/{NAME}");
    bed.api().merge(&path, &json!({"spec": {"replicas": 0}}), "test").unwrap();
    wait(&bed, "/api/tortie/v1/status", |s| {
        s["followed"]["readyBeside"] == json!(false) && s["followed"]["sends"] == json!(false)
    });
    bed.wait("no pod of the operator's", |_| {
        let set = bed.api().get(STATEFUL_SET)?;
        let gone = !kubelet.pods().iter().any(|(name, _)| name.ends_with(&format!("prometheus-{NAME}-0")));
        Ok((gone && set["status"]["readyReplicas"].as_i64().unwrap_or(0) == 0).then_some(()))
    })
    .unwrap();
    assert_eq!((told.counts().0, receiver.counts().0), (0, 0), "without --take-over nothing is sent");
    let samples = number(&bed, "count_over_time(up{service=%22watched%22}[10m])");
    assert!(samples > 5.0, "{samples} samples before");
    observing.stop(Duration::from_secs(20)).unwrap();

    // tortie takes over.
    let proxy = FaultyProxy::open(&bed, "10.99.0.1:7180").unwrap();
    let kubeconfig = through(&bed, "taking-over", &admin_token(&bed), &proxy);
    let taken_over = tortie(&bed, "tortie-taking-over", &suspect, &kubeconfig, &["--take-over"]);
    bed.wait("tortie at the Alertmanager", |_| {
        let now = known(&bed, alertmanager)?;
        let later = now.len() == 1 && now[0].1 > before[0].1;
        if later && told.counts().0 > 0 {
            return Ok(Some(()));
        }
        anyhow::bail!("{now:?} after {before:?}, connections {:?}\n{}", told.counts(), taken_over.tail(15))
    })
    .unwrap();
    let status = ask(&bed, "/api/tortie/v1/status").unwrap();
    assert_eq!(
        (&status["followed"]["sends"], &status["followed"]["observing"]),
        (&json!(true), &Value::Null)
    );
    // Some rounds of the Alertmanager's group later.
    let more = number(&bed, "count_over_time(up{service=%22watched%22}[10m])");
    bed.wait("samples that go on", |_| {
        let now = number(&bed, "count_over_time(up{service=%22watched%22}[10m])");
        Ok((now >= more + 5.0 && now > samples).then_some(()))
    })
    .unwrap();
    let after = known(&bed, alertmanager).unwrap();
    assert_eq!(after.iter().map(|a| &a.0).collect::<Vec<_>>(), [&before[0].0], "the same fingerprint");
    let bodies = paged.bodies();
    assert_eq!(bodies.len(), 1, "one notification in all: {bodies:#?}");
    assert!(
        !bodies[0].contains("prometheus_replica") && bodies[0].contains("\"cluster\":\"eu\""),
        "{}",
        bodies[0]
    );
    // K-10: the API server goes away; whom to tell stays known, and they are told.
    proxy.set(Some(Arc::new(|_| Act::HangUp)));
    proxy.cut();
    bed.wait("it says that the API server is away", |_| {
        let text = bed.http_get(ADDRESS.parse()?, "/metrics")?.text();
        let mut stale =
            text.lines().filter(|l| l.starts_with("tortie_kubernetes_watch_stale_since_seconds{"));
        Ok(stale.any(|l| !l.ends_with(" 0")).then_some(()))
    })
    .unwrap();
    let before = known(&bed, alertmanager).unwrap();
    bed.wait("the Alertmanager is told without an API server", |_| {
        let now = known(&bed, alertmanager)?;
        Ok((now.len() == 1 && now[0].1 > before[0].1).then_some(()))
    })
    .unwrap();
    assert_eq!(paged.bodies().len(), 1, "{:#?}", paged.bodies());
    println!(
        "connections to the Alertmanager and the receiver: tortie {:?} and {:?} at the end, 0 while observing",
        told.counts(),
        receiver.counts()
    );
}
