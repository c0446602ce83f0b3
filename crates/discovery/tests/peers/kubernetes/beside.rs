//! A cluster with objects of every shape, real Prometheus in it, and the manager of this crate in it.

use super::jobs;
use crate::real::{self, PROMETHEUS};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch::Receiver;
use tortie_config::Config;
use tortie_discovery::{Groups, Job, Manager, TargetGroup};
use tortie_host::{RealFs, SystemClock};
use tortie_testbed::{Bed, Options, Process, shapes};

/// Labels of targets by job, each target a text with a label a line.
pub(super) type Targets = BTreeMap<String, Vec<String>>;

/// Both of them, beside one another.
pub(super) struct Beside {
    streams: HashMap<String, Receiver<Groups>>,
    pub(super) manager: Manager,
    _runtime: Runtime,
    _prometheus: Process,
    pub(super) bed: Bed,
}

impl Beside {
    /// Starts a cluster with all shapes in it, and both.
    pub(super) fn start() -> Beside {
        let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
        for object in shapes::objects() {
            let made = bed.api().create(&object, "shapes").unwrap_or_else(|e| panic!("{object}: {e:?}"));
            if made["kind"] == "CronJob" {
                bed.api().create(&shapes::job_of(&made), "shapes").unwrap();
            }
        }
        let mut balanced = bed.api().get("/api/v1/namespaces/shapes/services/balanced").unwrap();
        balanced["status"]["loadBalancer"]["ingress"] =
            serde_json::json!([{"ip": "192.0.2.1"}, {"hostname": "lb"}, {"ip": "192.0.2.2"}]);
        bed.api().update_status(&balanced, "shapes").unwrap();

        let kubeconfig = bed.folder().join("admin.kubeconfig").display().to_string();
        let text = jobs::configuration(&kubeconfig);
        let prometheus = real::prometheus(&bed, &text);
        let runtime = real::runtime(&bed);
        let config = Config::load(&text, "/prometheus.yml").unwrap_or_else(|e| panic!("{e}"));
        let manager = Manager::new(Arc::new(RealFs), Arc::new(SystemClock::new()));
        let streams = {
            let _inside = runtime.enter();
            manager.apply(config.scrape_configs.iter().map(Job::from_config).collect())
        };
        Beside { streams, manager, _runtime: runtime, _prometheus: prometheus, bed }
    }

    /// What this crate discovered.
    pub(super) fn ours(&self) -> Targets {
        let mut all = Targets::new();
        for (job, stream) in &self.streams {
            let mut targets: Vec<String> = stream.borrow().iter().flat_map(of_group).collect();
            targets.sort();
            all.insert(job.clone(), targets);
        }
        all
    }

    /// What Prometheus discovered; nothing while it does not answer.
    pub(super) fn theirs(&self) -> Targets {
        let mut all: Targets = self.streams.keys().map(|j| (j.clone(), Vec::new())).collect();
        let Some(answer) = self.ask("/api/v1/targets") else { return all };
        let dropped = answer["data"]["droppedTargets"].as_array().cloned().unwrap_or_default();
        assert_eq!(answer["data"]["activeTargets"].as_array().map(Vec::len), Some(0));
        for target in dropped {
            let labels = target["discoveredLabels"].as_object().unwrap();
            let job = labels["job"].as_str().unwrap();
            let pairs = labels.iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap()));
            all.entry(job.to_owned()).or_default().push(text(pairs));
        }
        all.values_mut().for_each(|t| t.sort());
        all
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let mut stream = self.bed.namespace().connect(PROMETHEUS.parse().unwrap()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// Waits until both have discovered the same, and that is what `fits` says; answers with it and the time it took.
    #[track_caller]
    pub(super) fn agree(&self, what: &str, fits: impl Fn(&Targets) -> bool) -> (Targets, Duration) {
        let began = Instant::now();
        loop {
            let (theirs, ours) = (self.theirs(), self.ours());
            if theirs == ours && fits(&ours) {
                return (ours, began.elapsed());
            }
            if began.elapsed() > Duration::from_secs(60) {
                std::fs::write(self.bed.folder().join("differences"), differences(&theirs, &ours)).unwrap();
                panic!(
                    "{what}: they differ, or it is not what was expected\n{}",
                    cut(&differences(&theirs, &ours))
                );
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// A path in the folder of the cluster.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.bed.folder().join(name)
    }
}

fn of_group(group: &TargetGroup) -> Vec<String> {
    let of_target = |target: &tortie_model::Labels| {
        let mut all = target.builder();
        for (name, value) in &group.labels {
            if all.get(name).is_empty() {
                all.set(name, value);
            }
        }
        text(all.iter())
    };
    group.targets.iter().map(of_target).collect()
}

/// The labels that discovery gives, one a line. Those that the job adds are left out.
fn text<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<_> = pairs.filter(|(n, v)| !v.is_empty() && is_discovered(n)).collect();
    pairs.sort_unstable();
    let mut out = String::new();
    for (name, value) in pairs {
        let _ = writeln!(out, "{name}={value:?}");
    }
    out
}

fn is_discovered(name: &str) -> bool {
    name.starts_with("__meta_") || name == "__address__" || !(name.starts_with("__") || name == "job")
}

fn differences(theirs: &Targets, ours: &Targets) -> String {
    let mut out = String::new();
    for (job, targets) in theirs {
        let own = ours.get(job).cloned().unwrap_or_default();
        let missing: Vec<_> = targets.iter().filter(|t| !own.contains(t)).collect();
        let extra: Vec<_> = own.iter().filter(|t| !targets.contains(t)).collect();
        if targets.len() != own.len() || !missing.is_empty() {
            let _ = writeln!(out, "job {job}: {} of theirs, {} of ours", targets.len(), own.len());
        }
        for (what, list) in [("only theirs", missing), ("only ours", extra)] {
            for target in list.iter().take(2) {
                let _ = writeln!(out, "{what}:\n{target}");
            }
        }
    }
    out
}

fn cut(text: &str) -> String {
    text.chars().take(6000).collect()
}
