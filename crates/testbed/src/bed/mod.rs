//! A bed: one whole control plane with nodes whose kubelets pretend, in a namespace of its own.

mod audit;
pub(crate) mod certificates;
mod cluster_files;
mod control_plane;
pub(crate) mod custom_resources;
mod forwards;
mod generated;
mod kubectl;
mod leftovers;
mod logs;
mod mishaps;
mod nodes;
mod options;
mod roads;
mod stages;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::wait::until;
use crate::watch::Watch;

pub use audit::AuditEvent;
pub use kubectl::Output;
pub use options::Options;
pub use roads::Road;

/// Address of the API server, of `kubectl proxy` and of whatever has no pod.
pub(crate) const HOST: &str = "10.99.0.1";
/// Port of the API server.
pub(crate) const API_PORT: u16 = 6443;
/// Port of `kubectl proxy`.
pub(crate) const PROXY_PORT: u16 = 8001;

/// How long a part may take to begin or to follow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster. Dropping it ends all its processes.
#[derive(Debug)]
pub struct Bed {
    options: Options,
    /// Ended in this order: what looks at the API server first, etcd last.
    processes: Vec<Process>,
    namespace: Arc<Namespace>,
    api: Api,
    folder: TempDir,
}

impl Bed {
    /// Starts a cluster and waits until its nodes are ready.
    ///
    /// # Errors
    /// Without root or the peers' binaries, and when a part does not start.
    pub fn start(options: Options) -> anyhow::Result<Bed> {
        leftovers::remove(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(leftovers::PREFIX).tempdir()?;
        leftovers::own(folder.path())?;
        let namespace = Arc::new(Namespace::make()?);
        cluster_files::write(folder.path())?;
        let processes = control_plane::start(&namespace, folder.path(), &options)?;
        let api = Api::new(namespace.clone(), format!("{HOST}:{PROXY_PORT}").parse()?);
        let mut bed = Bed { options, processes, namespace, api, folder };
        bed.wait_for_api()?;
        bed.write_kubeconfig_authority()?;
        nodes::create(&bed.api, &bed.options)?;
        control_plane::start_followers(&mut bed)?;
        bed.wait("nodes ready", |api| {
            let nodes = api.list("/api/v1/nodes")?;
            Ok((nodes.len() == bed.options.nodes && nodes.iter().all(is_ready)).then_some(()))
        })?;
        Ok(bed)
    }

    fn wait_for_api(&mut self) -> anyhow::Result<()> {
        let (api, processes) = (self.api.clone(), &mut self.processes);
        until("API server ready", PATIENCE, || {
            for process in processes.iter_mut() {
                process.check()?;
            }
            let answer = api.send("GET", "/readyz", "", b"")?;
            Ok((answer.status == 200).then_some(()))
        })
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// A way to the API server as a cluster administrator, whose requests the audit log shows under user `bed`.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The folder of its files; the logs of its processes are in `logs` there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The logs of its processes.
    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The names of its nodes with their addresses.
    pub fn nodes(&self) -> Vec<(String, String)> {
        (0..self.options.nodes).map(|i| (nodes::name(i, self.options.nodes), nodes::address(i))).collect()
    }

    /// Watches the lists at `paths`.
    pub(crate) fn watch(&self, paths: &[&str]) -> Watch {
        let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        Watch::start(self.namespace.clone(), self.api.proxy(), &paths)
    }

    /// Waits until `ready` answers with a value, a minute at most.
    ///
    /// # Errors
    /// When the minute is over.
    pub fn wait<T>(
        &self,
        what: &str,
        mut ready: impl FnMut(&Api) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        until(what, PATIENCE, || ready(&self.api))
    }

    /// That all its processes still run.
    ///
    /// # Errors
    /// When one has ended: its status and the end of its log.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }

    /// Stops a process of the cluster (`kube-controller-manager`, …) in the middle of what it does, or lets it go on.
    ///
    /// # Errors
    /// When it is not there.
    pub fn freeze(&self, name: &str, frozen: bool) -> anyhow::Result<()> {
        let process = self.processes.iter().find(|p| p.name() == name);
        process.with_context(|| format!("no process {name} on this bed"))?.freeze(frozen)
    }

    /// Adds a process that ends with the bed, before those that were there.
    pub(crate) fn keep(&mut self, process: Process) {
        self.processes.insert(0, process);
    }

    /// Starts `command` (made by [`Namespace::command`]) as `name`, with its log among the others.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, name: &str, command: std::process::Command) -> anyhow::Result<Process> {
        Process::start(name, command, &self.logs().join(format!("{name}.log")))
    }

    /// A token for ServiceAccount `namespace/name`, which must be there, good for two hours.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn token(&self, namespace: &str, name: &str) -> anyhow::Result<String> {
        token(&self.api, namespace, name)
    }

    /// Kubeconfig of the operators: requests of user `bed`, which the audit log leaves out.
    pub(crate) fn operator_kubeconfig(&self) -> PathBuf {
        cluster_files::path(self.folder(), "bed")
    }
}

/// A token for ServiceAccount `namespace/name`.
pub(crate) fn token(api: &Api, namespace: &str, name: &str) -> anyhow::Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let body = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":7200}}"#;
    let answer = api.send("POST", &path, "application/json", body)?;
    let value: Value = serde_json::from_slice(&answer.body)?;
    let token = value["status"]["token"].as_str();
    Ok(token.with_context(|| format!("token of {namespace}/{name}: {}", answer.text()))?.to_owned())
}

impl Drop for Bed {
    fn drop(&mut self) {
        // In order, one by one: none waits for another that is gone.
        for process in self.processes.drain(..) {
            drop(process);
        }
    }
}

/// Whether the object's condition `Ready` is true.
pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}
