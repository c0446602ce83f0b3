//! A real API server with monitors of many shapes: the targets by index are those that real Prometheus makes of the
//! operator's own configuration.

use crate::oracle::operator;
use crate::real::{self, PROMETHEUS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tortie_config::{Config, ScrapeConfig};
use tortie_discovery::crds::{self, FollowOptions, Follower, Identity};
use tortie_discovery::kubernetes::{Clusters, Server};
use tortie_discovery::{Groups, Manager};
use tortie_host::{RealFs, SystemClock};
use tortie_model::relabel;
use tortie_testbed::{Bed, Options, shapes};

/// Pool and public labels of a target.
type Target = (String, String);

fn object(kind: &str, version: &str, ns: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind,
        "metadata": {"name": name, "namespace": ns, "labels": {"team": "x"}}, "spec": spec,
    })
}

/// The Prometheus object and its monitors.
fn resources() -> Vec<Value> {
    let sm = |name: &str, spec: Value| object("ServiceMonitor", "v1", "shapes", name, spec);
    let pm = |name: &str, spec: Value| object("PodMonitor", "v1", "shapes", name, spec);
    let any = json!({"any": true});
    let mut all = vec![
        object(
            "Prometheus",
            "v1",
            "shapes",
            "k8s",
            json!({
                "serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "podMonitorSelector": {"matchLabels": {"team": "x"}},
                "podMonitorNamespaceSelector": {}, "probeSelector": {}, "scrapeConfigSelector": {}, "scrapeInterval": "1h", "podTargetLabels": ["app"],
                "scrapeClasses": [{"name": "zoned", "relabelings": [{"targetLabel": "class", "replacement": "zoned"}]}],
            }),
        ),
        sm("all", json!({"selector": {}, "endpoints": [{}]})),
        sm(
            "everywhere",
            json!({"selector": {}, "namespaceSelector": any, "endpoints": [{"port": "http"}, {"port": "http|metrics"}, {"port": "m.trics"}]}),
        ),
        sm(
            "slices",
            json!({"selector": {}, "namespaceSelector": any, "serviceDiscoveryRole": "EndpointSlice", "endpoints": [{}, {"port": "http"}]}),
        ),
        sm(
            "target-port",
            json!({"selector": {}, "endpoints": [{"targetPort": 9100}, {"targetPort": "metrics"}, {"targetPort": "metrics", "filterRunning": false}]}),
        ),
        sm(
            "by-label",
            json!({"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, "endpoints": [{"port": "http"}]}),
        ),
        sm(
            "not-label",
            json!({"selector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, "endpoints": [{}]}),
        ),
        sm(
            "role-selector",
            json!({"selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "selectorMechanism": "RoleSelector", "endpoints": [{}]}),
        ),
        sm(
            "named",
            json!({"selector": {}, "namespaceSelector": {"matchNames": ["other", "nowhere"]}, "endpoints": [{}]}),
        ),
        sm(
            "labelled",
            json!({"selector": {}, "jobLabel": "app", "targetLabels": ["app"], "podTargetLabels": ["pod-template-hash"], "attachMetadata": {"node": true}, "scrapeClass": "zoned",
            "endpoints": [{"port": "http", "relabelings": [
                {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
                {"action": "labelmap", "regex": "__meta_kubernetes_node_label_(.+)", "replacement": "node_$1"},
                {"action": "drop", "sourceLabels": ["pod"], "regex": ".*-0"}]}]}),
        ),
        sm(
            "refused",
            json!({"selector": {}, "endpoints": [{"port": "http", "interval": "5s", "scrapeTimeout": "10s"}]}),
        ),
        sm(
            "no-secret",
            json!({"selector": {}, "endpoints": [{"authorization": {"credentials": {"name": "absent", "key": "k"}}}]}),
        ),
        sm(
            "with-secret",
            json!({"selector": {}, "endpoints": [{"port": "http", "basicAuth": {"username": {"name": "creds", "key": "u"}, "password": {"name": "creds", "key": "p"}}}]}),
        ),
        pm("all", json!({"selector": {}, "podMetricsEndpoints": [{}]})),
        pm(
            "everywhere",
            json!({"selector": {}, "namespaceSelector": any, "podMetricsEndpoints": [{"port": "http"}, {"portNumber": 9100}]}),
        ),
        pm(
            "web",
            json!({"selector": {"matchLabels": {"app": "web"}}, "jobLabel": "app", "podMetricsEndpoints": [{"port": "metrics", "relabelings": [{"action": "labeldrop", "regex": "container"}]}]}),
        ),
        object(
            "Probe",
            "v1",
            "shapes",
            "ingresses",
            json!({"prober": {"url": "blackbox:9115"}, "module": "x", "targets": {"ingress": {"selector": {}, "namespaceSelector": any}}}),
        ),
        object(
            "Probe",
            "v1",
            "shapes",
            "static",
            json!({"prober": {"url": "blackbox:9115"}, "targets": {"staticConfig": {"static": ["a.example", "b.example"]}}}),
        ),
        object(
            "ScrapeConfig",
            "v1alpha1",
            "shapes",
            "static",
            json!({"staticConfigs": [{"targets": ["a:1", "b:2"], "labels": {"env": "p"}}]}),
        ),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds", "namespace": "shapes"}, "data": {"u": "dQ==", "p": "cA=="}}),
    ];
    let mut unselected = pm("unselected", json!({"selector": {}, "podMetricsEndpoints": [{}]}));
    unselected["metadata"]["labels"] = json!({});
    all.push(unselected);
    all
}

/// Lets lookups of a configuration ask the API server of a kubeconfig.
fn with_kubeconfig(config: &str, kubeconfig: &Path) -> String {
    let mut out = String::new();
    let mut lookup = false;
    for line in config.lines() {
        out.push_str(line);
        out.push('\n');
        if lookup && line.starts_with("  - role: ") {
            out.push_str(&format!("    kubeconfig_file: {}\n", kubeconfig.display()));
        }
        lookup = line == "  kubernetes_sd_configs:";
    }
    out.replace("$(POD_NAME)", "p-0").replace("$(SHARD)", "0")
}

fn shown<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<String> = labels
        .filter(|(n, v)| !n.starts_with("__") && !v.is_empty())
        .map(|(n, v)| format!("{n}={v:?}"))
        .collect();
    pairs.sort();
    pairs.join(" ")
}

/// What the rules of a job leave of its groups.
fn targets(job: &ScrapeConfig, groups: &Groups, out: &mut BTreeSet<Target>) {
    for group in groups.iter() {
        for target in &group.targets {
            let mut lb = target.builder();
            let default = [
                ("job", job.job_name.as_str()),
                ("__scheme__", job.scheme.as_str()),
                ("__metrics_path__", job.metrics_path.as_str()),
            ];
            for (n, v) in group.labels.iter().chain(default) {
                if lb.get(n).is_empty() {
                    lb.set(n, v);
                }
            }
            if relabel::process(&job.relabel, &mut lb) {
                if lb.get("instance").is_empty() {
                    let address = lb.get("__address__").to_owned();
                    lb.set("instance", &address);
                }
                out.insert((job.job_name.clone(), shown(lb.iter())));
            }
        }
    }
}

fn theirs(bed: &Bed) -> Option<BTreeSet<Target>> {
    let mut stream = bed.namespace().connect(PROMETHEUS.parse().unwrap()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /api/v1/targets?state=active HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    let active = answer["data"]["activeTargets"].as_array()?;
    let one = |t: &Value| {
        let labels = t["labels"].as_object()?;
        Some((
            t["scrapePool"].as_str()?.to_owned(),
            shown(labels.iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap_or("")))),
        ))
    };
    active.iter().map(one).collect()
}

#[test]
fn targets_of_monitors_are_those_of_the_operator_and_prometheus() {
    let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
    let fixtures =
        std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let definitions =
        ["prometheuses", "servicemonitors", "podmonitors", "probes", "scrapeconfigs"].map(|plural| {
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
    let resources = resources();
    for object in &resources {
        bed.api().create(object, "test").unwrap_or_else(|e| panic!("{object}: {e:?}"));
    }

    // The operator's configuration, run by real Prometheus.
    let mut input = resources;
    let namespaces = bed.api().list("/api/v1/namespaces").unwrap();
    input.extend(namespaces.into_iter().map(|mut n| {
        n["kind"] = json!("Namespace");
        n
    }));
    let answer = operator(&[json!({"objects": input})]).remove(0);
    let kubeconfig = bed.folder().join("admin.kubeconfig");
    let text = with_kubeconfig(answer["config"].as_str().unwrap_or_else(|| panic!("{answer}")), &kubeconfig);
    let _prometheus = real::prometheus(&bed, &text);

    // Ours.
    let runtime = real::runtime(&bed);
    let server = Server::Kubeconfig(kubeconfig);
    let (fs, clock) = (Arc::new(RealFs), Arc::new(SystemClock::new()));
    let clusters = Clusters::new(fs.clone(), clock.clone());
    let options = FollowOptions {
        server: server.clone(),
        prometheus: None,
        identity: Identity { pod: "p-0".into(), ..Identity::default() },
    };
    let accepts: crds::follow::Accepts =
        Arc::new(|text| Config::load(text, "p.yml").map(drop).map_err(|e| e.to_string()));
    let began = Instant::now();
    let follower = runtime
        .block_on(runtime.spawn(async move { Follower::start(options, &clusters, accepts).await }))
        .unwrap()
        .unwrap_or_else(|e| panic!("{e}"));
    let state = Arc::clone(&follower.state().borrow());
    assert_eq!(state.prometheus, "shapes/k8s");
    assert!(!state.ready_beside, "there is no StatefulSet");
    let refused: BTreeMap<String, String> =
        state.verdicts.iter().filter_map(|v| Some((v.key.clone(), v.refused.clone()?))).collect();
    let of_operator: BTreeMap<String, String> = answer["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|v| v["accepted"] == json!(false))
        .map(|v| (v["key"].as_str().unwrap().to_owned(), v["message"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(refused, of_operator);
    assert_eq!(refused.len(), 2, "{refused:?}");
    let named: Vec<_> = state.unselected.iter().map(|u| (u.kind, u.key.as_str())).collect();
    assert_eq!(named, [("PodMonitor", "shapes/unselected")]);
    assert!(state.refused.is_empty() && state.unreadable.is_empty() && state.wrong.is_none(), "{state:?}");

    let config = Config::load(&state.text, "p.yml").unwrap_or_else(|e| panic!("{e}"));
    let manager = Manager::new(fs, clock);
    let streams = {
        let _inside = runtime.enter();
        manager.apply(config.scrape_configs.iter().map(|c| crds::job(c, &server)).collect())
    };
    let ours = || {
        let mut out = BTreeSet::new();
        for job in &config.scrape_configs {
            targets(job, &streams[&job.job_name].borrow(), &mut out);
        }
        out
    };
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let (a, b) = (ours(), theirs(&bed).unwrap_or_default());
        let pools: BTreeSet<&String> = a.iter().map(|(pool, _)| pool).collect();
        if a == b && a.len() > 100 && pools.len() >= 18 {
            println!(
                "{} targets in {} of {} pools equal after {:?}; fell out: {:?}",
                a.len(),
                pools.len(),
                config.scrape_configs.len(),
                began.elapsed(),
                manager.dropped()
            );
            break;
        }
        if Instant::now() > end {
            let only = |x: &BTreeSet<Target>, y: &BTreeSet<Target>| {
                x.difference(y).take(8).map(|t| format!("{t:?}")).collect::<Vec<_>>().join("\n  ")
            };
            panic!(
                "{} of ours in {} pools, {} of theirs\nonly ours:\n  {}\nonly theirs:\n  {}",
                a.len(),
                pools.len(),
                b.len(),
                only(&a, &b),
                only(&b, &a)
            );
        }
        std::thread::sleep(Duration::from_millis(500));
    }

    // A change of a monitor is followed.
    let mut states = follower.state();
    states.mark_unchanged();
    let spec = json!({"spec": {"endpoints": [{"port": "http", "path": "/changed"}]}});
    bed.api()
        .merge("/apis/monitoring.coreos.com/v1/namespaces/shapes/servicemonitors/by-label", &spec, "test")
        .unwrap();
    let began = Instant::now();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), states.wait_for(|s| s.text.contains("/changed")))
            .await
            .unwrap()
            .map(drop)
            .unwrap()
    });
    println!("a changed monitor is in the configuration after {:?}", began.elapsed());
    // The Secret that was missing comes.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "absent", "namespace": "shapes"}, "data": {"k": "dG9r"}});
    bed.api().create(&secret, "test").unwrap();
    runtime.block_on(async {
        tokio::time::timeout(
            Duration::from_secs(90),
            states.wait_for(|s| s.jobs.iter().any(|j| j.0 == "serviceMonitor/shapes/no-secret/0")),
        )
        .await
        .unwrap()
        .map(drop)
        .unwrap()
    });
}
