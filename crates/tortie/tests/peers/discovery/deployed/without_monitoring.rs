//! Calico's components are found by their pods, follow what becomes of them, and cost the API server nothing while nothing
//! changes.

use super::super::{admin_token, through};
use super::exports::Exported;
use super::{Plain, pod, pods};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tortie_testbed::{AuditEvent, Bed, FaultyProxy, until};

/// How soon a change is followed.
const SOON: Duration = Duration::from_secs(10);
/// What used to be looked at again after half a minute is not.
const STILL: Duration = Duration::from_secs(35);

/// Targets that are up: component, pod, address.
fn up(bed: &Bed, address: &str) -> BTreeSet<(String, String, String)> {
    let Ok(targets) = bed.prometheus(address.parse().unwrap(), "/api/v1/targets?state=active") else {
        return BTreeSet::new();
    };
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = targets["activeTargets"].as_array().cloned().unwrap_or_default();
    let one = |t: &Value| (text(&t["scrapePool"]), text(&t["labels"]["pod"]), text(&t["labels"]["instance"]));
    all.iter().filter(|t| t["health"] == "up").map(one).collect()
}

/// Pods by the name of the job that scrapes them.
fn wanted(bed: &Bed) -> BTreeSet<(String, String)> {
    let component = |app: &str| match app {
        "calico-node" => "calico/felix",
        "calico-typha" => "calico/typha",
        _ => "calico/kube-controllers",
    };
    pods(bed.api()).unwrap().into_iter().map(|(_, name, app)| (component(&app).to_owned(), name)).collect()
}

#[track_caller]
fn follows(bed: &Bed, what: &str, bound: Duration) {
    let began = Instant::now();
    let same = || {
        up(bed, pod::ADDRESS).into_iter().map(|(job, pod, _)| (job, pod)).collect::<BTreeSet<_>>()
            == wanted(bed)
    };
    until(what, bound, || Ok(same().then_some(())))
        .unwrap_or_else(|e| panic!("{e}: up {:?}, pods {:?}", up(bed, pod::ADDRESS), wanted(bed)));
    println!("{what}: after {:.1?}", began.elapsed());
}

pub(super) fn found_and_followed(plain: &Plain, exported: &Exported) {
    let bed = &plain.bed;
    let (_, mark) = bed.audit_events_since(0).unwrap();
    let tortie = pod::start(bed, exported);
    let patience = Duration::from_secs(60);
    follows(bed, "all three components are up", patience);
    let jobs: BTreeSet<String> = wanted(bed).into_iter().map(|(job, _)| job).collect();
    assert_eq!(jobs.len(), 3, "{jobs:?}");

    // The labels are those that setup's monitors give.
    let targets = bed.prometheus(pod::ADDRESS.parse().unwrap(), "/api/v1/targets?state=active").unwrap();
    for t in targets["activeTargets"].as_array().unwrap() {
        let names: Vec<&str> = t["labels"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["endpoint", "instance", "job", "namespace", "pod", "service"], "{t}");
    }

    // While nothing changes nothing is asked for.
    let (first, quiet) = bed.audit_events_since(mark).unwrap();
    let since = Instant::now();
    // A pod goes and its DaemonSet makes another; the port of one node changes.
    let (node, name, _) = pods(bed.api()).unwrap().into_iter().find(|p| p.2 == "calico-node").unwrap();
    bed.api().delete(&format!("/api/v1/namespaces/calico-system/pods/{name}")).unwrap();
    until("another pod in its place", patience, || {
        let now = pods(bed.api())?;
        Ok(now.iter().any(|p| p.0 == node && p.2 == "calico-node" && p.1 != name).then_some(()))
    })
    .unwrap();
    follows(bed, "a pod that was made anew", patience);
    let other = json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "FelixConfiguration", "metadata": {"name": format!("node.{node}")},
        "spec": {"prometheusMetricsPort": 9191}});
    bed.api().create(&other, "somebody").unwrap();
    until("the node's own port", SOON, || {
        Ok(up(bed, pod::ADDRESS).iter().any(|(_, _, at)| at.ends_with(":9191")).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e}: {:?}\n{}", up(bed, pod::ADDRESS), tortie.tail(20)));
    std::thread::sleep(STILL.saturating_sub(since.elapsed()));
    let (later, _) = bed.audit_events_since(quiet).unwrap();

    let own = |events: &[AuditEvent]| -> Vec<AuditEvent> {
        events.iter().filter(|e| e.user == "system:serviceaccount:watchers:tortie").cloned().collect()
    };
    let (first, later) = (own(&first), own(&later));
    let all: Vec<&AuditEvent> = first.iter().chain(&later).collect();
    let wrong: Vec<_> = all
        .iter()
        .filter(|e| !["get", "list", "watch"].contains(&e.verb.as_str()) || e.code >= 400)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut lists: BTreeMap<&str, usize> = BTreeMap::new();
    for e in all.iter().filter(|e| e.verb == "list") {
        *lists
            .entry(e.uri.split('&').next().unwrap_or_default().trim_end_matches("?limit=500"))
            .or_default() += 1;
    }
    println!("lists from first to last: {lists:?}");
    assert!(!lists.is_empty() && lists.values().all(|n| *n == 1), "{lists:?}");
    let again: Vec<_> = later.iter().filter(|e| e.verb == "list").collect();
    assert!(again.is_empty(), "{again:?}");
    bed.api().delete(&format!("/apis/crd.projectcalico.org/v1/felixconfigurations/node.{node}")).unwrap();
}

/// In a pod, without a word of what to scrape, it is as if `--calico` was said.
pub(super) fn chosen_in_a_pod(plain: &Plain) {
    const HERE: &str = "127.0.0.1:9192";
    let bed = &plain.bed;
    let tortie = pod::start_bare(bed, "bare-pod", HERE);
    let found = || -> BTreeSet<(String, String)> {
        let Ok(targets) = bed.prometheus(HERE.parse().unwrap(), "/api/v1/targets?state=active") else {
            return BTreeSet::new();
        };
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let all = targets["activeTargets"].as_array().cloned().unwrap_or_default();
        all.iter().map(|t| (text(&t["scrapePool"]), text(&t["labels"]["pod"]))).collect()
    };
    until("targets in a pod", Duration::from_secs(60), || Ok((found() == wanted(bed)).then_some(())))
        .unwrap_or_else(|e| panic!("{e}: {:?}\n{}", found(), tortie.tail(20)));
    assert!(tortie.log().contains("scraping Calico's components, as --calico does"), "{}", tortie.tail(20));
}

/// Without a configuration and with a kubeconfig it is as if `--calico` was said; when the API server goes away, that is said
/// and the targets stay. Where the cluster has prometheus-operator's kinds, somebody must say what is meant.
pub(super) fn chosen_by_default(plain: &Plain) {
    const HERE: &str = "127.0.0.1:9191";
    let bed = &plain.bed;
    let proxy = FaultyProxy::open(bed, "10.99.0.1:7190").unwrap();
    let token = std::fs::read_to_string(bed.folder().join("account/token")).unwrap();
    let kubeconfig = through(bed, "through", &token, &proxy);
    let empty = bed.folder().join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let run = |name: &str| {
        let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
        command.current_dir(&empty).arg("run").arg("--kubeconfig").arg(&kubeconfig);
        command.arg(format!("--storage.tsdb.path={}", bed.folder().join(name).display()));
        command.arg(format!("--web.listen-address={HERE}")).env_remove("KUBECONFIG");
        command
    };
    let tortie = bed.run("by-default", run("by-default")).unwrap();
    let count = wanted(bed).len();
    until("targets by default", Duration::from_secs(60), || Ok((up(bed, HERE).len() == count).then_some(())))
        .unwrap_or_else(|e| panic!("{e}: {:?}\n{}", up(bed, HERE), tortie.tail(20)));
    assert!(tortie.log().contains("scraping Calico's components, as --calico does"), "{}", tortie.tail(20));

    proxy.set(Some(std::sync::Arc::new(|_| tortie_testbed::Act::HangUp)));
    proxy.cut();
    let metrics = || Ok::<_, anyhow::Error>(bed.http_get(HERE.parse()?, "/metrics")?.text());
    let stale = |text: &str| {
        let own = text.lines().filter(|l| l.starts_with("tortie_kubernetes_watch_stale_since_seconds{"));
        own.filter(|l| !l.ends_with(" 0")).count()
    };
    until("its metric says since when", SOON, || Ok((stale(&metrics()?) > 0).then_some(()))).unwrap();
    until("the page says it", Duration::from_secs(30), || {
        let status = bed.http_get(HERE.parse()?, "/api/v1/notifications")?.text();
        Ok(status.contains("Discovery is stale: ").then_some(()))
    })
    .unwrap_or_else(|e| {
        panic!("{e}: {}", bed.http_get(HERE.parse().unwrap(), "/api/v1/notifications").unwrap().text())
    });
    assert_eq!(up(bed, HERE).len(), count, "targets stay");
    proxy.set(None);
    until("it says nothing any more", SOON + Duration::from_secs(1), || {
        Ok((stale(&metrics()?) == 0).then_some(()))
    })
    .unwrap();
    drop(tortie);

    tortie_testbed::installs::install_monitoring_crds(bed).unwrap();
    // What is served is told a moment after it is.
    let kinds = ["api-resources", "--api-group=monitoring.coreos.com", "--no-headers"];
    until("the kinds are told", Duration::from_secs(60), || {
        Ok(bed.kubectl_ok(&kinds)?.contains("prometheuses").then_some(()))
    })
    .unwrap();
    let by_kubeconfig = bed.run("refused", run("refused")).unwrap();
    for mut refused in [by_kubeconfig, pod::start_bare(bed, "refused-pod", "127.0.0.1:9192")] {
        let ended = until("it ends", Duration::from_secs(60), || Ok(refused.check().is_err().then_some(())));
        let told = refused.log();
        assert!(ended.is_ok(), "{told}");
        assert!(told.contains("this cluster has prometheus-operator's kinds\nhint: --from-crds"), "{told}");
    }
}

/// An API server that answers each call after half a minute, or does so for one kind alone: the doctor ends all the same, with
/// what it saw.
pub(super) fn doctor_ends(plain: &Plain) {
    let bed = &plain.bed;
    let proxy = FaultyProxy::open(bed, "10.99.0.1:7191").unwrap();
    let kubeconfig = through(bed, "slow", &admin_token(bed), &proxy);
    let doctor = || {
        let began = Instant::now();
        let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
        command
            .args([
                "doctor",
                "-o",
                "json",
                "--no-prometheus",
                "--probe-nodes=0",
                "--timeout=8s",
                "--kubeconfig",
            ])
            .arg(&kubeconfig);
        let out = command.env_remove("KUBECONFIG").output().unwrap();
        let (text, err) = (
            String::from_utf8_lossy(&out.stdout).into_owned(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        );
        (out.status.code(), text, err, began.elapsed())
    };
    let late = |_: &tortie_testbed::Asked| tortie_testbed::Act::Late(Duration::from_secs(30));
    proxy.set(Some(std::sync::Arc::new(late)));
    let (code, text, err, took) = doctor();
    println!("doctor at a slow API server: {code:?} after {took:.1?}");
    assert!(took < Duration::from_secs(20) && code != Some(0), "{took:?} {code:?}: {text}{err}");
    proxy.set(Some(std::sync::Arc::new(move |a| {
        if a.resource() == "nodes" { late(a) } else { tortie_testbed::Act::Pass }
    })));
    let (code, text, err, took) = doctor();
    println!("doctor at an API server that is slow with nodes: {code:?} after {took:.1?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{err}"));
    assert_eq!(report["cluster"]["calico"], "3.30.7", "what answers is judged: {report:#}");
    assert!(report["findings"].as_array().is_some_and(|f| !f.is_empty()), "{report:#}");
    proxy.set(None);
}
