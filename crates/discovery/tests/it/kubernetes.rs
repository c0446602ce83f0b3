//! Discovery by an API server in this process: jobs share what they can, follow what changes, and ask seldom.

use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch::Receiver;
use tortie_config::Config;
use tortie_discovery::{Groups, Job, Manager};
use tortie_host::{MemFs, SystemClock};
use tortie_sim::kube::{KubeOptions, KubeServer, User};

/// Longest wait for anything that should happen soon.
const SOON: Duration = Duration::from_secs(30);

struct Rig {
    kube: KubeServer,
    manager: Manager,
    streams: HashMap<String, Receiver<Groups>>,
}

/// Pods of a large cluster, ten to a slice.
const PODS: usize = 5000;

impl Rig {
    /// With [`PODS`] in namespace `a`.
    async fn with_many_pods() -> Rig {
        let rig = Rig::start().await;
        for i in 0..PODS {
            rig.kube.place(&pod("a", i));
            if i % 10 == 0 {
                let name = format!("a{}", i / 10);
                rig.kube.place(&service("a", &name));
                rig.kube.place(&slice("a", &name, i..i + 10));
            }
        }
        rig
    }

    async fn start() -> Rig {
        let anyone = User::administrator("anyone");
        let kube = KubeServer::start(KubeOptions { anonymous: Some(anyone), ..KubeOptions::default() })
            .await
            .unwrap();
        let manager = Manager::new(Arc::new(MemFs::default()), Arc::new(SystemClock::new()));
        Rig { kube, manager, streams: HashMap::new() }
    }

    /// Makes these the jobs: name and the rest of `kubernetes_sd_configs`.
    fn apply(&mut self, jobs: &[(&str, &str)]) {
        let mut text = "scrape_configs:\n".to_owned();
        for (name, sd) in jobs {
            let url = self.kube.url();
            text +=
                &format!("- {{job_name: {name}, kubernetes_sd_configs: [{{api_server: '{url}', {sd}}}]}}\n");
        }
        let config = Config::load(&text, "/p.yml").unwrap_or_else(|e| panic!("{e}"));
        self.streams = self.manager.apply(config.scrape_configs.iter().map(Job::from_config).collect());
    }

    /// Waits until a job has so many targets that meet a test.
    async fn until(&self, job: &str, count: usize, fits: impl Fn(&str) -> bool) {
        let mut stream = self.streams[job].clone();
        let mut seen = Vec::new();
        let wait = async {
            loop {
                let groups = Arc::clone(&stream.borrow_and_update());
                seen = groups
                    .iter()
                    .flat_map(|g| g.targets.iter().map(|t| format!("{:?} {t:?}", g.labels)))
                    .filter(|t| fits(t))
                    .collect();
                if seen.len() == count {
                    return;
                }
                stream.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(SOON, wait).await.is_err() {
            panic!("{job}: not {count} but {} fit: {:.1000}", seen.len(), seen.join("\n"));
        }
    }

    /// Requests by what they are, since the last call.
    fn asked(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for r in self.kube.take_requests() {
            let kind = if r.query.contains("watch=true") { "watch" } else { "list" };
            *all.entry(format!("{kind} {}", r.path.rsplit('/').next().unwrap_or(""))).or_default() += 1;
        }
        all
    }
}

fn pod(namespace: &str, i: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("p{i}"), "namespace": namespace, "uid": format!("u{i}"), "labels": {"app": format!("a{}", i / 10), "n": i.to_string()}},
        "spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}]}]},
        "status": {"phase": "Running", "podIP": ip(i), "hostIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn ip(i: usize) -> String {
    format!("10.{}.{}.{}", 1 + i / 65536, i / 256 % 256, i % 256)
}

fn service(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}})
}

fn slice(namespace: &str, service: &str, pods: std::ops::Range<usize>) -> Value {
    let endpoint = |i: usize| {
        json!({"addresses": [ip(i)], "conditions": {"ready": true}, "nodeName": "node1",
        "targetRef": {"kind": "Pod", "namespace": namespace, "name": format!("p{i}")}})
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("{service}-x"), "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "endpoints": pods.map(endpoint).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn jobs_share_watches_and_follow_changes() {
    let mut rig = Rig::start().await;
    assert!((0..3).all(|i| rig.kube.place(&pod("a", i))));
    assert!(rig.kube.place(&service("a", "a0")) && rig.kube.place(&slice("a", "a0", 0..3)));
    let jobs = [
        ("pods", "role: pod"),
        ("pods-too", "role: pod"),
        ("pods-with-nodes", "role: pod, attach_metadata: {node: true}"),
        ("slices", "role: endpointslice"),
        ("services", "role: service, namespaces: {names: [a]}"),
    ];
    rig.apply(&jobs);
    for (job, n) in [("pods", 3), ("pods-too", 3), ("slices", 3), ("services", 1)] {
        rig.until(job, n, |_| true).await;
    }
    let with_service = |t: &str| t.contains("__meta_kubernetes_service_name\": \"a0\"");
    rig.until("slices", 3, with_service).await;
    let asked = rig.asked();
    for kind in ["pods", "endpointslices", "nodes"] {
        assert_eq!(
            (asked.get(&format!("list {kind}")), asked.get(&format!("watch {kind}"))),
            (Some(&1), Some(&1)),
            "{asked:?}"
        );
    }
    // All Services and those of one namespace are two watches.
    assert_eq!(asked.get("list services"), Some(&2), "{asked:?}");

    // A pod that a slice names changes: the slice's target has its label at once.
    let mut other = pod("a", 1);
    other["metadata"]["labels"]["fresh"] = json!("yes");
    rig.kube.place(&other);
    rig.until("pods-too", 1, |t| t.contains("label_fresh")).await;
    rig.until("slices", 1, |t| t.contains("label_fresh")).await;
    rig.kube.remove(&pod("a", 0));
    rig.until("pods", 2, |_| true).await;
    rig.kube.place(
        &json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1", "labels": {"zone": "z"}}}),
    );
    rig.until("pods-with-nodes", 2, |t| t.contains("node_label_zone")).await;

    // The Service goes: what it gave to the slices' targets goes with it.
    rig.asked();
    rig.kube.remove(&service("a", "a0"));
    rig.until("services", 0, |_| true).await;
    rig.until("slices", 0, with_service).await;

    // Jobs that go take their watches along; the others' go on.
    rig.apply(&[("pods", "role: pod")]);
    tokio::time::timeout(SOON, async {
        while rig.manager.clusters().status().len() != 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    rig.kube.place(&pod("a", 7));
    rig.until("pods", 3, |_| true).await;
    let asked = rig.asked();
    assert!(!asked.keys().any(|k| k.starts_with("list")), "{asked:?}");
}

/// Many pods: what it takes is printed; the bounds are for slow machines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_pods() {
    let mut rig = Rig::with_many_pods().await;
    let began = Instant::now();
    rig.apply(&[("pods", "role: pod"), ("slices", "role: endpointslice")]);
    rig.until("slices", PODS, |_| true).await;
    rig.until("pods", PODS, |_| true).await;
    let first = began.elapsed();
    let began = Instant::now();
    rig.kube.place(&pod("a", PODS));
    rig.kube.place(&slice("a", "a0", PODS..PODS + 1));
    rig.until("slices", 1, |t| t.contains(&format!("pod_name\": \"p{PODS}\""))).await;
    let added = began.elapsed();
    println!("{PODS} pods in 500 slices: all targets after {first:?}, one more after {added:?}");
    assert!(first < Duration::from_secs(20) && added < Duration::from_secs(5));
    rig.asked();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(rig.asked().is_empty(), "nothing is asked while nothing changes");
}

/// K-11: all of 5,000 pods behind 500 slices are made anew, ten at a time. The targets are handed over a few times a second
/// at most, are right soon after the last change, and nothing is listed again for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_of_five_thousand_pods_is_handed_over_in_few_sets() {
    let mut rig = Rig::with_many_pods().await;
    rig.apply(&[("slices", "role: endpointslice")]);
    rig.until("slices", PODS, |_| true).await;
    rig.asked();
    let mut stream = rig.streams["slices"].clone();
    stream.mark_unchanged();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let counting = tokio::spawn(async move {
        let mut sets = 0;
        loop {
            tokio::select! {
                changed = stream.changed() => changed.unwrap(),
                _ = &mut stopped => return sets,
            }
            stream.mark_unchanged();
            sets += 1;
        }
    });
    let began = Instant::now();
    for group in 0..PODS / 10 {
        let (old, new) = (group * 10..group * 10 + 10, PODS + group * 10..PODS + group * 10 + 10);
        assert!(new.clone().all(|i| rig.kube.place(&pod("a", i))));
        rig.kube.place(&slice("a", &format!("a{group}"), new));
        for i in old {
            assert!(rig.kube.remove(&pod("a", i)));
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let rolled = began.elapsed();
    let is_new = |t: &str| {
        let number =
            t.split_once("pod_name\": \"p").and_then(|(_, n)| n.split('"').next()?.parse::<usize>().ok());
        number.is_some_and(|n| n >= PODS)
    };
    rig.until("slices", PODS, is_new).await;
    let right = began.elapsed() - rolled;
    stop.send(()).unwrap();
    let sets: u32 = counting.await.unwrap();
    println!("{PODS} pods made anew within {rolled:.1?}: {sets} sets, the last right {right:.1?} after");
    let most = (rolled + right).as_millis() / 200 + 2;
    assert!(sets > 1 && u128::from(sets) <= most, "{sets} sets, at most {most}");
    assert!(right < Duration::from_secs(10), "{right:?}");
    let asked = rig.asked();
    assert!(!asked.keys().any(|k| k.starts_with("list")), "{asked:?}");
}
