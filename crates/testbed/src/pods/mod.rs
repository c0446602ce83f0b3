//! Pods that run for real: a kubelet in small, which starts the real Prometheus and Alertmanager in the pods that
//! prometheus-operator made, with their arguments, volumes and ServiceAccount's token, at the pod's address.
//!
//! The configuration reloader beside them is played too: it unpacks the Secret, fills variables in, and reloads.

mod container;
mod files;
mod restarts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::api::Api;
use crate::bed::Bed;
use crate::http::{Answer, exchange};
use crate::namespace::Namespace;
use crate::process::Process;
use crate::watch::Follower;
pub(crate) use files::unpacked;
use restarts::Restarts;

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
    follower: Follower,
}

#[derive(Debug)]
struct Shared {
    api: Api,
    namespace: Arc<Namespace>,
    folder: PathBuf,
    authority: PathBuf,
    running: Mutex<BTreeMap<String, Running>>,
    /// By uid of the pod.
    restarts: Mutex<BTreeMap<String, Restarts>>,
    /// Whether new files are kept back.
    reloader_held: AtomicBool,
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
            restarts: Mutex::default(),
            reloader_held: AtomicBool::new(false),
            trouble: Mutex::default(),
        });
        let watch = bed.watch(&[PODS, "/api/v1/secrets", "/api/v1/configmaps"]);
        let own = shared.clone();
        let follower = Follower::start(watch, AT_LEAST_EVERY, move || {
            std::thread::sleep(GATHER);
            // The API server may be away; the next look tells.
            let _ = own.settle();
        });
        Ok(Kubelet { shared, follower })
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

    /// Keeps new files from running containers, as a reloader that hangs does, or lets them through.
    pub fn hold_reloader(&self, held: bool) {
        self.shared.reloader_held.store(held, Ordering::Release);
    }

    /// Stops the process of the pod `NAMESPACE/NAME` in the middle of what it does, or lets it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self, pod: &str, frozen: bool) -> anyhow::Result<()> {
        let running = lock(&self.shared.running);
        running.get(pod).with_context(|| format!("{pod} does not run"))?.process.freeze(frozen)
    }

    /// Ends the process of the pod `NAMESPACE/NAME`; it is started again in the same pod.
    ///
    /// # Errors
    /// When it does not run.
    pub fn end(&self, pod: &str) -> anyhow::Result<()> {
        lock(&self.shared.running).get(pod).with_context(|| format!("{pod} does not run"))?.process.kill()
    }

    /// The log of the pod `NAMESPACE/NAME`, empty when it does not run.
    pub fn log(&self, pod: &str) -> String {
        lock(&self.shared.running).get(pod).map(|r| r.process.log()).unwrap_or_default()
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.follower.end();
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
        let mut ended = Vec::new();
        lock(&self.running).retain(|name, running| {
            let same = alive.get(name).filter(|p| p["metadata"]["uid"] == running.uid.as_str());
            let ends = running.process.check().is_err();
            ended.extend(same.filter(|_| ends).map(|pod| (running.uid.clone(), *pod)));
            same.is_some() && !ends
        });
        for (uid, pod) in ended {
            let (loops, ends) = {
                let mut all = lock(&self.restarts);
                let own = all.entry(uid).or_default();
                (own.end(), own.ends())
            };
            if loops {
                restarts::report(&self.api, pod, container::name(pod)?, ends, false)?;
            }
        }
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
        let uid = pod["metadata"]["uid"].as_str().context("a pod without uid")?.to_owned();
        let wanted = files::wanted(&self.api, pod)?;
        if let Some(running) = lock(&self.running).get(name) {
            if !self.reloader_held.load(Ordering::Acquire) && files::write(&running.root, &wanted)? {
                running.process.hang_up()?;
            }
            let main = container::name(pod)?;
            let ends = lock(&self.restarts).get(&uid).filter(|r| r.well()).map(Restarts::ends);
            if let Some(ends) = ends.filter(|_| restarts::waits(pod, main)) {
                restarts::report(&self.api, pod, main, ends, true)?;
            }
            return Ok(());
        }
        if lock(&self.restarts).get(&uid).is_some_and(|r| !r.may_start()) {
            return Ok(());
        }
        let root = self.folder.join(&uid);
        let address = container::prepare(&self.api, pod, &root, &self.authority)?;
        files::write(&root, &wanted)?;
        let command = container::command(&self.namespace, pod, &root, address)?;
        let log = self.folder.join(format!("{}.log", name.replace('/', "_")));
        let process = Process::start(name, command, &log)?;
        lock(&self.restarts).entry(uid.clone()).or_default().start();
        lock(&self.running).insert(name.to_owned(), Running { uid, address, root, process });
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
