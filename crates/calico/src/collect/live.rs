//! A live cluster as a snapshot: about thirty lists, then Prometheus, then probes. What cannot be read is noted with the
//! reason and the rest is read all the same; nothing is ever written.

use crate::collect::prometheus::{PrometheusAddress, Refused, Way};
use crate::collect::second_look::{SecondLook, again};
use crate::collect::{objects, overlay, probes, prometheus_api};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::samples::{family_query, host_port};
use crate::snapshot::{Identity, Snapshot, Source, THE_REST, THE_UID, Unseen};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tortie_cluster::client::{Cluster, ConnectOptions, LogOptions, ReadError};
use tortie_cluster::object::{Object, Pod};

/// What to look at besides objects.
#[derive(Debug, Clone)]
pub struct Wants {
    /// Probes a component, beside those of failing targets; 0 makes none.
    pub probes: usize,
    /// A Prometheus given by address; it is asked instead of those in the cluster.
    pub prometheus: Option<PrometheusAddress>,
    /// Whether to ask Prometheus at all.
    pub ask: bool,
    /// A Grafana given by address; without one only the cluster's objects tell of dashboards.
    pub grafana: Option<PrometheusAddress>,
    /// Longest time for everything.
    pub limit: Duration,
    /// Whether objects that seem to be written in turn are read a second time, some seconds later.
    pub twice: bool,
}

impl Default for Wants {
    fn default() -> Wants {
        Wants {
            probes: 10,
            prometheus: None,
            ask: true,
            grafana: None,
            limit: Duration::from_secs(30),
            twice: true,
        }
    }
}

/// Rounds of queries that follow from answers (which matcher kills a selector).
const ROUNDS: usize = 12;

/// Milliseconds by which two clocks seem to differ when they do not: the server's knows whole seconds, and an answer takes
/// its time.
const BLUR: i64 = 2_000;

/// The time in milliseconds since 1970, by the clock that was right at `at`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    at: i64,
    start: Instant,
}

impl Watch {
    pub(super) fn now(&self) -> i64 {
        self.at.saturating_add(i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// Takes a snapshot. An API server that cannot be reached gives an empty one that says so. `files` are laid over it; `now`
/// is milliseconds since 1970 by this machine's clock. The snapshot's time is the API server's, by which all objects are
/// stamped, where the two differ.
pub async fn collect(options: &ConnectOptions, wants: &Wants, files: Vec<Object>, now: i64) -> Snapshot {
    let mut snap = Snapshot::new(Source::Live);
    snap.at = now;
    let mut watch = Watch { at: now, start: Instant::now() };
    let (cluster, identity) = match Cluster::connect(options).await {
        Ok(connected) => connected,
        Err(e) => {
            snap.identity.context = options.context.clone().unwrap_or_default();
            let text = e.to_string();
            snap.unseen.push(Unseen::of("api", text));
            return snap;
        }
    };
    snap.identity = Identity {
        context: identity.context.clone(),
        server: identity.server.clone(),
        ..Identity::default()
    };
    let whole = tokio::time::timeout(wants.limit, fill(&cluster, wants, files, &mut snap, &mut watch)).await;
    if whole.is_err() {
        objects::ordered(&mut snap);
        let limit = wants.limit.as_secs();
        let reason = format!("not everything could be read within {limit} s (hint: --timeout)");
        snap.unseen.push(Unseen::of(THE_REST, reason));
    }
    snap
}

async fn fill(cluster: &Cluster, wants: &Wants, files: Vec<Object>, snap: &mut Snapshot, watch: &mut Watch) {
    match cluster.version().await {
        Ok(v) => {
            snap.identity.kubernetes = v.git_version.trim_start_matches('v').to_owned();
            // It says whole seconds: the middle of the second is at most half a second off.
            if let Some(clock) = v.clock {
                let ahead = watch.now() - (clock + 500);
                snap.machine_ahead = Some(ahead);
                if ahead.abs() >= BLUR {
                    snap.at = snap.at.saturating_sub(ahead);
                    watch.at = snap.at;
                }
            }
        }
        Err(e) => unseen(snap, "version of the API server", "", &e),
    }
    match cluster.cluster_uid().await {
        Ok(uid) => snap.identity.uid = uid,
        Err(e) => unseen(snap, THE_UID, "namespaces", &e),
    }
    let resources = objects::read(cluster, snap).await;
    let over = !files.is_empty();
    let second = SecondLook::of(snap, watch);
    if over {
        for (object, reason) in overlay::lay(snap, files) {
            let text = format!("{}: {reason}", object.reference());
            snap.unseen.push(Unseen::of(text.clone(), text));
        }
    }
    if let Some(address) = &wants.grafana {
        grafana(address, snap).await;
    }
    // With files over it, what would be is judged: what Prometheus has and what processes answer now says nothing of that.
    if wants.ask && !over {
        prometheuses(cluster, wants, snap, watch).await;
    }
    if wants.probes > 0 && !over {
        processes(cluster, wants, snap).await;
    }
    if wants.twice && !over {
        again(cluster, &resources, second, snap).await;
    }
}

pub(super) fn unseen(snap: &mut Snapshot, what: &str, resource: &str, e: &ReadError) {
    let forbidden = e.missing_right().is_some();
    let resource = match e {
        ReadError::Forbidden { resource, .. } => resource.clone(),
        _ => resource.to_owned(),
    };
    let namespace = match e {
        ReadError::Forbidden { namespace: Some(n), .. } => n.clone(),
        _ => String::new(),
    };
    let reason = e.to_string();
    // The same right is missing for many pods: one line of it is enough.
    let known = snap.unseen.iter().any(|u| forbidden && u.resource == resource && u.namespace == namespace);
    if !known {
        snap.unseen.push(Unseen { what: what.to_owned(), resource, namespace, forbidden, reason });
    }
}

/// Asks Grafana; before the Prometheus, which is asked what its dashboards ask.
async fn grafana(address: &PrometheusAddress, snap: &mut Snapshot) {
    let mut missing = |what: String, reason: String| snap.unseen.push(Unseen::of(what, reason));
    match crate::collect::grafana::read(address).await {
        Ok((grafana, rest)) => {
            rest.into_iter().for_each(|r| missing(format!("Grafana at {}", grafana.via), r));
            snap.grafana = Some(grafana);
        }
        Err(e) => missing(format!("Grafana at {}", address.shown()), e),
    }
}

async fn prometheuses(cluster: &Cluster, wants: &Wants, snap: &mut Snapshot, watch: &Watch) {
    let mut found: Vec<(String, String, Vec<Way>)> = Vec::new();
    if let Some(address) = &wants.prometheus {
        let way = Way::Address(Arc::new(address.clone()));
        found.push((String::new(), way.words(), vec![way]));
    } else {
        for object in snap.of("monitoring.coreos.com", "Prometheus") {
            found.extend(replicas(cluster, object, &snap.pods));
        }
    }
    let mut pools: Vec<String> = Facts::of(snap).monitors.iter().map(|m| m.pool()).collect();
    pools.sort();
    pools.dedup();
    for (object, replica, ways) in found {
        let (mut collector, way) = prometheus_api::read(&object, &replica, &ways, watch, &pools).await;
        if let Some(way) = &way {
            let families = Component::ALL.into_iter().map(family_query).collect();
            prometheus_api::answer(&mut collector, way, families).await;
        }
        snap.collectors.push(collector);
        let Some(way) = way else {
            for way in &ways {
                if let Some(e) = way.refused() {
                    unseen(snap, &format!("ask Prometheus by {}", way.words()), "", &e);
                }
            }
            continue;
        };
        for _ in 0..ROUNDS {
            let wanted = crate::doctor::bisect::wanted(&Facts::of(snap));
            let Some(collector) = snap.collectors.last_mut() else { break };
            let before = collector.answers.len();
            prometheus_api::answer(collector, &way, wanted).await;
            if collector.answers.len() == before {
                break;
            }
        }
    }
}

/// The replicas of a Prometheus object and the ways to each.
fn replicas(cluster: &Cluster, object: &Object, pods: &[Pod]) -> Vec<(String, String, Vec<Way>)> {
    let name = &object.meta.name;
    let prefix = object.at("/spec/routePrefix").and_then(|v| v.as_str()).unwrap_or("").trim_end_matches('/');
    let own = |p: &&Pod| {
        p.meta.namespace == object.meta.namespace
            && p.meta.labels.get("operator.prometheus.io/name").is_some_and(|n| n == name)
            && p.phase == "Running"
    };
    let port_name = object.at("/spec/portName").and_then(|v| v.as_str()).unwrap_or("web");
    let mut out = Vec::new();
    for pod in pods.iter().filter(own) {
        let declared = pod.containers.iter().flat_map(|c| &c.ports).find(|p| p.name == port_name);
        let port = declared.map_or(9090, |p| p.port);
        let (namespace, pod_name) = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let way = |forward: bool| {
            let (cluster, namespace, pod, prefix) =
                (cluster.clone(), namespace.clone(), pod_name.clone(), prefix.to_owned());
            if forward {
                let (line, refused) = (Arc::default(), Refused::default());
                Way::Forward { cluster, namespace, pod, port, prefix, line, refused }
            } else {
                Way::Proxy { cluster, namespace, pod, port, prefix, refused: Refused::default() }
            }
        };
        let label = format!("{}/{name}", object.meta.namespace);
        out.push((label, format!("pod/{pod_name}"), vec![way(true), way(false)]));
    }
    if out.is_empty() {
        out.push((format!("{}/{name}", object.meta.namespace), String::new(), Vec::new()));
    }
    out
}

async fn processes(cluster: &Cluster, wants: &Wants, snap: &mut Snapshot) {
    let failing: Vec<String> = snap
        .collectors
        .iter()
        .flat_map(|c| &c.targets)
        .filter(|t| t.health == "down")
        .map(|t| host_port(&t.url).0.to_owned())
        .collect();
    let (probes, refused) = {
        let facts = Facts::of(snap);
        probes::run(cluster, &facts, wants.probes, &failing, Duration::from_secs(5)).await
    };
    for e in refused {
        unseen(snap, "port-forward to pods", "pods/portforward", &e);
    }
    let refused: Vec<(String, String)> = probes
        .iter()
        .filter(|p| matches!(&p.outcome, crate::snapshot::ProbeOutcome::Failed(_)))
        .map(|p| p.pod.clone())
        .collect();
    snap.probes = probes;
    for pod in refused.into_iter().take(10) {
        logs(cluster, &pod, snap).await;
    }
}

/// Lines of a pod's log that tell why nobody listens.
async fn logs(cluster: &Cluster, pod: &(String, String), snap: &mut Snapshot) {
    let container = snap
        .pods
        .iter()
        .find(|p| (&p.meta.namespace, &p.meta.name) == (&pod.0, &pod.1))
        .and_then(|p| p.containers.first().map(|c| c.name.clone()));
    let options = LogOptions { container, tail_lines: 500, ..LogOptions::default() };
    match cluster.logs(&pod.0, &pod.1, &options).await {
        Ok(text) => {
            let telling = |l: &&str| l.contains("metrics") && (l.contains("failed") || l.contains("in use"));
            let lines = text.lines().filter(telling).rev().take(3);
            snap.logs
                .extend(lines.map(|l| crate::snapshot::LogLine { pod: pod.clone(), text: l.to_owned() }));
        }
        Err(e) => unseen(snap, &format!("log of {}/{}", pod.0, pod.1), "pods/log", &e),
    }
}
