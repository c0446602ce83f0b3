//! The API server goes and comes while pods go and come: targets stay, then are right again within ten seconds, and the
//! API server is not asked more often than it must be. `TORTIE_EFFORT=full` does each for an hour instead of a minute.

use super::gate::Gate;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch::Receiver;
use tortie_config::Config;
use tortie_discovery::{Groups, Job, Manager};
use tortie_host::{RealFs, SystemClock};
use tortie_testbed::{Bed, Options};

/// Where the way to the API server begins.
const GATE: &str = "10.99.0.1:7443";
/// How long targets may be other than the cluster once all is well.
const BOUND: Duration = Duration::from_secs(10);

struct Watched {
    streams: HashMap<String, Receiver<Groups>>,
    manager: Manager,
    _runtime: Runtime,
    gate: Gate,
    bed: Bed,
    made: usize,
}

impl Watched {
    fn start() -> Watched {
        let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "all", "namespace": "default"}, "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]}});
        bed.api().create(&service, "outages").unwrap();
        let gate = Gate::open_at(bed.namespace(), GATE);
        let kubeconfig = std::fs::read_to_string(bed.folder().join("admin.kubeconfig")).unwrap();
        let own = bed.folder().join("gate.kubeconfig");
        std::fs::write(&own, through_gate(&kubeconfig)).unwrap();
        let namespace = Arc::clone(bed.namespace());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(move || namespace.enter_for_good().unwrap())
            .build()
            .unwrap();
        let mut text = "scrape_configs:\n".to_owned();
        for role in ["pod", "endpoints", "endpointslice", "service"] {
            text += &format!(
                "- {{job_name: {role}, kubernetes_sd_configs: [{{role: {role}, kubeconfig_file: {}}}]}}\n",
                own.display()
            );
        }
        let config = Config::load(&text, "/p.yml").unwrap_or_else(|e| panic!("{e}"));
        let manager = Manager::new(Arc::new(RealFs), Arc::new(SystemClock::new()));
        let streams = {
            let _inside = runtime.enter();
            manager.apply(config.scrape_configs.iter().map(Job::from_config).collect())
        };
        let mut this = Watched { streams, manager, _runtime: runtime, gate, bed, made: 0 };
        (0..5).for_each(|_| this.change());
        this.right_within(Duration::from_secs(60), "at first");
        this
    }

    /// Makes a pod, and deletes the oldest when there are many.
    fn change(&mut self) {
        self.made += 1;
        let pod = |i: usize| format!("p{i}");
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod(self.made), "namespace": "default", "labels": {"app": "x"}},
            "spec": {"nodeName": format!("node{}", 1 + self.made % 3), "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}});
        self.bed.api().create(&object, "outages").unwrap();
        if self.made > 8 {
            self.bed
                .api()
                .delete(&format!("/api/v1/namespaces/default/pods/{}", pod(self.made - 8)))
                .unwrap();
        }
    }

    /// Addresses of running pods, as the API server lists them, and those of each job that has pods.
    fn sets(&self) -> (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) {
        let pods = self.bed.api().list("/api/v1/namespaces/default/pods").unwrap();
        let ip = |p: &Value| Some(p["status"]["podIP"].as_str()?.to_owned()).filter(|ip| !ip.is_empty());
        let listed: BTreeSet<String> = pods.iter().filter_map(ip).collect();
        let of = |job: &str| -> BTreeSet<String> {
            let groups = self.streams[job].borrow().clone();
            let all = groups
                .iter()
                .flat_map(|g| &g.targets)
                .map(|t| t.value("__address__").trim_end_matches(":80").to_owned());
            // The API server's own Service is in the same namespace.
            all.filter(|a| !a.starts_with("10.99.0.1")).collect()
        };
        (listed, ["pod", "endpoints", "endpointslice"].map(|job| (job.to_owned(), of(job))).into())
    }

    fn right(&self) -> bool {
        let (listed, jobs) = self.sets();
        jobs.values().all(|of_job| *of_job == listed)
    }

    #[track_caller]
    fn right_within(&self, bound: Duration, what: &str) -> Duration {
        let began = Instant::now();
        while !self.right() {
            assert!(
                began.elapsed() < bound,
                "{what}: not right after {bound:?}: {:?}\n{:?}",
                self.sets(),
                self.manager.clusters().status()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        began.elapsed()
    }

    /// Requests by verb and resource after a mark of the audit log.
    fn asked(&self, mark: u64) -> (BTreeMap<(String, String), usize>, u64) {
        let (events, mark) = self.bed.audit_events_since(mark).unwrap();
        let mut all = BTreeMap::new();
        for e in events.iter().filter(|e| e.agent.starts_with("tortie/") && !e.resource.is_empty()) {
            *all.entry((e.verb.clone(), e.resource.clone())).or_default() += 1;
        }
        (all, mark)
    }
}

/// The kubeconfig with the gate for a server.
fn through_gate(kubeconfig: &str) -> String {
    kubeconfig.replace("https://10.99.0.1:6443", &format!("https://{GATE}"))
}

fn minute() -> Duration {
    let full = std::env::var("TORTIE_EFFORT").is_ok_and(|e| e == "full");
    Duration::from_secs(if full { 3600 } else { 60 })
}

#[test]
fn targets_outlive_the_api_server() {
    let mut w = Watched::start();
    let (first, mark) = w.asked(0);
    println!("at first: {first:?}");
    assert!(first.iter().all(|((verb, _), n)| verb != "list" || *n == 1), "{first:?}");

    // It is cut off every five seconds.
    let began = Instant::now();
    let mut worst = Duration::ZERO;
    while began.elapsed() < minute() {
        w.change();
        w.gate.cut();
        let round = Instant::now();
        worst = worst.max(w.right_within(BOUND, "cut off"));
        std::thread::sleep(Duration::from_secs(5).saturating_sub(round.elapsed()));
    }
    let (cut, mark) = w.asked(mark);
    println!(
        "cut off every 5 s: right again after at most {worst:?}; {cut:?}; {} connections",
        w.gate.connections.load(Ordering::SeqCst)
    );
    assert!(!cut.keys().any(|(verb, _)| verb == "list"), "watches go on where they were: {cut:?}");

    // It is away for a while.
    w.gate.close();
    std::thread::sleep(Duration::from_secs(1));
    let before = w.sets().1;
    let away = minute();
    let began = Instant::now();
    while began.elapsed() < away {
        w.change();
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(w.sets().1, before, "targets stay");
    }
    let status = w.manager.clusters().status();
    assert!(status.iter().all(|s| s.health.stale_since.is_some() && s.health.error.is_some()), "{status:?}");
    w.gate.open();
    let took = w.right_within(BOUND, "back again");
    let (back, _) = w.asked(mark);
    println!("away for {away:?}: right {took:?} after it was back; {back:?}");
    assert!(back.iter().all(|((verb, _), n)| verb != "list" || *n <= 1), "{back:?}");
    let fresh = || w.manager.clusters().status().iter().all(|s| s.health.stale_since.is_none());
    while !fresh() {
        assert!(
            began.elapsed() < away + BOUND + Duration::from_secs(5),
            "{:?}",
            w.manager.clusters().status()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
