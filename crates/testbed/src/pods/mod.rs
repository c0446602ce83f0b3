//! Pods that run for real: a kubelet in small, which starts the real Prometheus and Alertmanager in the pods that
//! prometheus-operator made, with their arguments, volumes and ServiceAccount's token, at the pod's address.
//!
//! The configuration reloader beside them is played too: it unpacks the Secret, fills variables in, and reloads.

mod container;
mod files;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::api::Api;
use crate::bed::Bed;
use crate::http::{Answer, exchange};
use crate::namespace::Namespace;
use crate::process::Process;
use crate::watch::Stop;

/// Pods that are run.
const PODS: &str = "/api/v1/pods?labelSelector=app.kubernetes.io/name+in+(prometheus,alertmanager)";

/// Looked at again after this time even if nobody told of a change.
const AT_LEAST_EVERY: Duration = Duration::from_secs(2);

/// Changes come in groups: what comes within this time is looked at once.
const GATHER: Duration = Duration::from_millis(100);

/// Runs pods while it lives.
#[derive(Debug)]
pub struct Kubelet {
    shared: Arc<Shared>,
    follower: Option<JoinHandle<()>>,
    stop: Stop,
}

#[derive(Debug)]
struct Shared {
    api: Api,
    namespace: Arc<Namespace>,
    folder: PathBuf,
    authority: PathBuf,
    running: Mutex<BTreeMap<String, Running>>,
    /// Why a pod does not run.
    trouble: Mutex<BTreeMap<String, String>>,
}

/// A pod with its process.
#[derive(Debug)]
struct Running {
    uid: String,
    address: SocketAddr,
    root: PathBuf,
    process: Process,
}

impl Kubelet {
    /// Runs the pods of Prometheus and Alertmanager of `bed`, also those to come.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn start(bed: &Bed) -> anyhow::Result<Kubelet> {
        let folder = bed.folder().join("pods");
        std::fs::create_dir_all(&folder)?;
        let shared = Arc::new(Shared {
            api: bed.api().clone(),
            namespace: bed.namespace().clone(),
            folder,
            authority: bed.authority(),
            running: Mutex::default(),
            trouble: Mutex::default(),
        });
        let watch = bed.watch(&[PODS, "/api/v1/secrets", "/api/v1/configmaps"]);
        let stop = watch.stopper();
        let follower = std::thread::spawn({
            let shared = shared.clone();
            move || {
                while watch.next(AT_LEAST_EVERY) {
                    std::thread::sleep(GATHER);
                    // The API server may be away; the next look tells.
                    let _ = shared.settle();
                }
            }
        });
        Ok(Kubelet { shared, follower: Some(follower), stop })
    }

    /// The pods that run, `NAMESPACE/NAME`, with the address of their server.
    pub fn pods(&self) -> Vec<(String, SocketAddr)> {
        lock(&self.shared.running).iter().map(|(name, r)| (name.clone(), r.address)).collect()
    }

    /// The address of the pod `NAMESPACE/NAME` once its server is ready.
    ///
    /// # Errors
    /// When it is not within a minute: with what went wrong.
    pub fn ready(&self, pod: &str) -> anyhow::Result<SocketAddr> {
        crate::wait::until(&format!("{pod} ready"), Duration::from_secs(60), || {
            let Some(address) = lock(&self.shared.running).get(pod).map(|r| r.address) else {
                match lock(&self.shared.trouble).get(pod) {
                    Some(why) => bail!("{why}"),
                    None => return Ok(None),
                }
            };
            let answer = get(&self.shared.namespace, address, "/-/ready")?;
            Ok((answer.status == 200).then_some(address))
        })
    }

    /// The log of the pod `NAMESPACE/NAME`, empty when it does not run.
    pub fn log(&self, pod: &str) -> String {
        lock(&self.shared.running).get(pod).map(|r| r.process.log()).unwrap_or_default()
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(follower) = self.follower.take() {
            // A panic of the follower has said so on standard error.
            let _ = follower.join();
        }
        lock(&self.shared.running).clear();
    }
}

impl Bed {
    /// `GET path` of a server inside.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn http_get(&self, address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
        get(self.namespace(), address, path)
    }

    /// The `data` of an answer of Prometheus' API, such as `/api/v1/targets`.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub fn prometheus(&self, address: SocketAddr, path: &str) -> anyhow::Result<Value> {
        let answer = self.http_get(address, path)?;
        let mut value: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{path}: {} {}", answer.status, answer.text()))?;
        if value["status"] != "success" {
            bail!("{path}: {}", answer.text());
        }
        Ok(value["data"].take())
    }
}

fn get(namespace: &Namespace, address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    exchange(namespace.connect(address)?, "GET", path, "", b"")
}

impl Shared {
    fn settle(&self) -> anyhow::Result<()> {
        let pods = self.api.list(PODS)?;
        let alive: BTreeMap<String, &Value> = pods
            .iter()
            .filter(|p| p["metadata"]["deletionTimestamp"].is_null() && p["status"]["podIP"].is_string())
            .map(|p| (crate::api::name_of(p), p))
            .collect();
        lock(&self.running).retain(|name, running| {
            let same = alive.get(name).is_some_and(|p| p["metadata"]["uid"] == running.uid.as_str());
            same && running.process.check().is_ok()
        });
        let mut trouble = BTreeMap::new();
        for (name, pod) in &alive {
            if let Err(e) = self.settle_pod(name, pod) {
                trouble.insert(name.clone(), format!("{e:#}"));
            }
        }
        *lock(&self.trouble) = trouble;
        Ok(())
    }

    /// Brings the files of a pod up to date, and starts or reloads its process.
    fn settle_pod(&self, name: &str, pod: &Value) -> anyhow::Result<()> {
        let wanted = files::wanted(&self.api, pod)?;
        if let Some(running) = lock(&self.running).get(name) {
            if files::write(&running.root, &wanted)? {
                running.process.hang_up()?;
            }
            return Ok(());
        }
        let uid = pod["metadata"]["uid"].as_str().context("a pod without uid")?.to_owned();
        let root = self.folder.join(&uid);
        let address = container::prepare(&self.api, pod, &root, &self.authority)?;
        files::write(&root, &wanted)?;
        let command = container::command(&self.namespace, pod, &root, address)?;
        let log = self.folder.join(format!("{}.log", name.replace('/', "_")));
        let process = Process::start(name, command, &log)?;
        lock(&self.running).insert(name.to_owned(), Running { uid, address, root, process });
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
