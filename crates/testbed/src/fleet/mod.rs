//! The processes behind the pods: simulated Felix, Typha and kube-controllers, which answer at their pods' own
//! addresses, on the ports and in the way that the cluster's objects ask for.
//!
//! A thread follows the cluster as the real processes do: environment of the pods, FelixConfiguration,
//! KubeControllersConfiguration; Calico's policies silence a process that does not use its host's network. Faults of
//! the process or of its network are put in on top.

mod behaviour;
mod fault;
mod kubernetes_policy;
mod listener;
mod policy;
mod selector;
mod wanted;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tortie_sim::Component;

use crate::api::Api;
use crate::bed::Bed;
use crate::namespace::Namespace;
use crate::watch::Follower;

use behaviour::Behaviour;
pub use fault::{Fault, Where};
use listener::Listener;
pub use wanted::Listening;

/// The fleet looks again after this time even if nobody told of a change.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Labels of the pods that have a process here.
const PODS: &str =
    "/api/v1/pods?labelSelector=k8s-app+in+(calico-node,canal,calico-typha,calico-kube-controllers)";

/// Kubernetes' own policies.
const NETWORK_POLICIES: &str = "/apis/networking.k8s.io/v1/networkpolicies";

/// Pods that scrape.
const SCRAPERS: &str = "/api/v1/pods?labelSelector=app.kubernetes.io/name=prometheus";

/// The running processes. Dropping it closes all their sockets.
#[derive(Debug)]
pub struct Fleet {
    inner: Arc<Inner>,
    follower: Follower,
}

struct Inner {
    api: Api,
    namespace: Arc<Namespace>,
    runtime: tokio::runtime::Runtime,
    simulated: tortie_sim::Fleet,
    /// Names of the nodes, as the simulated fleet numbers them.
    nodes: Vec<String>,
    /// Folder of the certificates.
    certificates: std::path::PathBuf,
    faults: Mutex<Vec<(Where, Fault)>>,
    open: Mutex<BTreeMap<SocketAddr, (String, Behaviour, Listener)>>,
    /// Told in [`Fleet::listening`].
    shown: Mutex<Vec<Listening>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Fleet {
    /// Starts the processes of all pods of `bed`, also of those to come. `release` is Calico's.
    ///
    /// # Errors
    /// When the simulated fleet cannot start.
    pub fn start(bed: &Bed, release: (u16, u16)) -> anyhow::Result<Fleet> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let nodes: Vec<String> = bed.nodes().into_iter().map(|(name, _)| name).collect();
        let options = tortie_sim::FleetOptions {
            nodes: nodes.len(),
            typhas: Some(nodes.len().min(3)),
            release: (release.0 as _, release.1 as _),
            bind: tortie_sim::Bind::AnyPort,
            warm_up_s: 60,
            ..tortie_sim::FleetOptions::default()
        };
        let simulated = runtime.block_on(tortie_sim::Fleet::start(options))?;
        let inner = Arc::new(Inner {
            api: bed.api().clone(),
            namespace: bed.namespace().clone(),
            runtime,
            simulated,
            nodes,
            certificates: bed.folder().join("certs"),
            faults: Mutex::default(),
            open: Mutex::default(),
            shown: Mutex::default(),
        });
        let watch = bed.watch(&[
            PODS,
            "/apis/crd.projectcalico.org/v1/felixconfigurations",
            "/apis/crd.projectcalico.org/v1/kubecontrollersconfigurations",
            "/apis/projectcalico.org/v3/felixconfigurations",
            "/apis/projectcalico.org/v3/kubecontrollersconfigurations",
            "/apis/crd.projectcalico.org/v1/networkpolicies",
            "/apis/projectcalico.org/v3/networkpolicies",
            "/apis/crd.projectcalico.org/v1/tiers",
            "/apis/projectcalico.org/v3/tiers",
            "/apis/crd.projectcalico.org/v1/globalnetworkpolicies",
            "/apis/projectcalico.org/v3/globalnetworkpolicies",
            "/apis/crd.projectcalico.org/v1/hostendpoints",
            "/apis/projectcalico.org/v3/hostendpoints",
            NETWORK_POLICIES,
            SCRAPERS,
        ]);
        let own = inner.clone();
        let follower = Follower::start(watch, AT_LEAST_EVERY, move || {
            // The next look tries again.
            let _ = own.settle();
        });
        Ok(Fleet { inner, follower })
    }

    /// What listens now, by address.
    pub fn listening(&self) -> Vec<Listening> {
        lock(&self.inner.shown).clone()
    }

    /// Puts a fault in, at once. A later one at the same place takes the earlier one's place.
    ///
    /// # Errors
    /// When an address cannot be had.
    pub fn inject(&self, place: Where, fault: Fault) -> anyhow::Result<()> {
        let mut faults = lock(&self.inner.faults);
        faults.retain(|(p, _)| *p != place);
        faults.push((place, fault));
        drop(faults);
        self.inner.settle()
    }

    /// Takes the fault at a place away, at once.
    ///
    /// # Errors
    /// When an address cannot be had.
    pub fn heal(&self, place: &Where) -> anyhow::Result<()> {
        lock(&self.inner.faults).retain(|(p, _)| p != place);
        self.inner.settle()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.follower.end();
        lock(&self.inner.open).clear();
    }
}

impl Inner {
    /// Opens and closes what the cluster and the faults ask for.
    fn settle(&self) -> anyhow::Result<()> {
        let pods = self.api.list(PODS)?;
        let wanted = wanted::all(
            &pods,
            &self.configurations("felixconfigurations")?,
            &self.configurations("kubecontrollersconfigurations")?,
        );
        let policies = self.policies()?;
        let mut plan: BTreeMap<SocketAddr, (Listening, Behaviour)> = BTreeMap::new();
        let faults = lock(&self.faults).clone();
        for mut listening in wanted {
            let fault = faults.iter().rev().find(|(place, _)| place.holds(&listening)).map(|(_, f)| f);
            let relay = self.upstream(&listening)?;
            let pod = pods.iter().find(|p| crate::api::name_of(p) == listening.pod);
            listening.denied =
                pod.is_some_and(|p| !policies.admit(&end(p, &Value::Null), listening.address.port()));
            let fault = if listening.denied && fault.is_none() { Some(&Fault::Silent) } else { fault };
            if let Some((address, behaviour)) = fault::outcome(fault, &listening, relay) {
                // The first to have an address keeps it: the other's process goes on without its metrics.
                plan.entry(address).or_insert((Listening { address, ..listening }, behaviour));
            }
        }
        let mut open = lock(&self.open);
        open.retain(|address, (pod, behaviour, _)| {
            plan.get(address).is_some_and(|(l, b)| l.pod == *pod && b == behaviour)
        });
        for (address, (listening, behaviour)) in &plan {
            if open.contains_key(address) {
                continue;
            }
            let socket = self.namespace.listen(*address)?;
            let certificate = match behaviour {
                Behaviour::Expired(_) => crate::bed::certificates::expired(&self.certificates)?,
                _ => (self.certificates.join("apiserver.crt"), self.certificates.join("apiserver.key")),
            };
            let listener = Listener::start(&self.runtime, socket, behaviour.clone(), &certificate)?;
            open.insert(*address, (listening.pod.clone(), behaviour.clone(), listener));
        }
        *lock(&self.shown) = plan.into_values().map(|(listening, _)| listening).collect();
        Ok(())
    }

    /// All policies, and who scrapes.
    fn policies(&self) -> anyhow::Result<policy::Policies> {
        let policies = self.configurations("networkpolicies")?;
        let host_endpoints = self.configurations("hostendpoints")?;
        let kubernetes = self.api.list(NETWORK_POLICIES)?;
        if policies.is_empty() && host_endpoints.is_empty() && kubernetes.is_empty() {
            return Ok(policy::Policies::default());
        }
        let namespaces = self.api.list("/api/v1/namespaces")?;
        let scrapers = self.api.list(SCRAPERS)?.into_iter().map(|pod| {
            let own = namespaces.iter().find(|n| n["metadata"]["name"] == pod["metadata"]["namespace"]);
            end(&pod, own.map_or(&Value::Null, |n| &n["metadata"]["labels"]))
        });
        Ok(policy::Policies {
            scrapers: scrapers.collect(),
            tiers: self.configurations("tiers")?,
            global: self.configurations("globalnetworkpolicies")?,
            policies,
            host_endpoints,
            kubernetes,
        })
    }

    /// Objects of the user's API if it is served, else of the storage's.
    fn configurations(&self, plural: &str) -> anyhow::Result<Vec<Value>> {
        for group in ["projectcalico.org/v3", "crd.projectcalico.org/v1"] {
            if let Some(mut list) = self.api.find(&format!("/apis/{group}/{plural}"))?
                && let Value::Array(items) = list["items"].take()
            {
                return Ok(items);
            }
        }
        Ok(Vec::new())
    }

    /// Where the simulated process of this pod answers, outside of the namespace.
    fn upstream(&self, listening: &Listening) -> anyhow::Result<SocketAddr> {
        let own: Vec<_> =
            self.simulated.targets().iter().filter(|t| t.component == listening.component).collect();
        let i = match listening.component {
            Component::Felix => self.nodes.iter().position(|n| *n == listening.node).unwrap_or(0),
            _ => listening.ordinal,
        };
        Ok(own.get(i % own.len().max(1)).context("no simulated process of this kind")?.address)
    }
}

/// A pod as policies see it; `labels` are its namespace's.
fn end(pod: &Value, labels: &Value) -> policy::End {
    let mut namespace_labels = labels.clone();
    // Calico adds it.
    namespace_labels["projectcalico.org/name"] = pod["metadata"]["namespace"].clone();
    policy::End {
        namespace: pod["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        namespace_labels,
        labels: pod["metadata"]["labels"].clone(),
        node: pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(),
        address: pod["status"]["podIP"].as_str().and_then(|a| a.parse().ok()),
        host: pod["spec"]["hostNetwork"] == true,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
