//! What is seen of the custom resources: a watch a kind, for kinds that the cluster serves.

use super::choose::StartError;
use crate::crds::objects::{Name, Objects, Unreadable};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tortie_cluster::Cluster;
use tortie_cluster::watch::{Custom, Health, Listener, MissingRight, Namespace, Selection, Watch, Watches};

const GROUP: &str = "monitoring.coreos.com";
const KINDS: [&str; 8] = [
    "Prometheus",
    "ServiceMonitor",
    "PodMonitor",
    "Probe",
    "ScrapeConfig",
    "PrometheusRule",
    "Alertmanager",
    "AlertmanagerConfig",
];
/// Kinds that nothing waits for: they are only shown.
const SHOWN: [&str; 2] = ["Alertmanager", "AlertmanagerConfig"];
/// How long the first lists may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the lists of other kinds are waited for once one was refused, so that all missing rights are told together.
const PATIENCE_REFUSED: Duration = Duration::from_secs(1);
/// From one look at what is missing to the next: errors do not wake.
const LOOK: Duration = Duration::from_millis(100);
/// How long the first lists of kinds may take that nothing waits for.
const PATIENCE_SHOWN: Duration = Duration::from_secs(5);
/// How long that of the StatefulSets of the Prometheus object may take.
const PATIENCE_BESIDE: Duration = Duration::from_secs(10);

/// The watches and what they told.
pub(super) struct Sight {
    kinds: Vec<Seen>,
    namespaces: Watch<Namespace>,
    of_namespaces: Listener,
    /// The StatefulSets of the Prometheus object.
    sets: Option<(Watch<Custom>, Listener)>,
    objects: Objects,
    unreadable: Vec<Unreadable>,
}

struct Seen {
    kind: &'static str,
    watch: Watch<Custom>,
    changes: Listener,
}

impl Sight {
    pub(super) async fn open(
        cluster: &Cluster,
        watches: &Watches,
        wake: &Arc<Notify>,
    ) -> Result<Sight, StartError> {
        let namespaces = watches.watch::<Namespace>(None);
        let of_namespaces = namespaces.listen(wake);
        let mut sight = Sight {
            kinds: Vec::new(),
            namespaces,
            of_namespaces,
            sets: None,
            objects: Objects::default(),
            unreadable: Vec::new(),
        };
        sight.add(cluster, watches, wake).await.map_err(StartError::Cluster)?;
        if !sight.kinds.iter().any(|s| s.kind == "Prometheus") {
            return Err(StartError::NoKind);
        }
        Ok(sight)
    }

    /// Watches the kinds that are served and not watched yet; whether there are any.
    async fn add(
        &mut self,
        cluster: &Cluster,
        watches: &Watches,
        wake: &Arc<Notify>,
    ) -> Result<bool, String> {
        let served = cluster.resources().await.map_err(|e| e.to_string())?;
        let mut more = false;
        for kind in KINDS {
            if self.kinds.iter().any(|s| s.kind == kind) {
                continue;
            }
            let Some(resource) = served.find(GROUP, kind) else { continue };
            let watch = watches.select::<Custom>(Selection::of_resource(resource, None));
            let changes = watch.listen(wake);
            self.kinds.push(Seen { kind, watch, changes });
            more = true;
        }
        Ok(more)
    }

    /// Looks whether kinds that were not served are now.
    pub(super) async fn look_for_more(
        &mut self,
        cluster: &Cluster,
        watches: &Watches,
        wake: &Arc<Notify>,
    ) -> bool {
        self.kinds.len() < KINDS.len() && self.add(cluster, watches, wake).await.unwrap_or(false)
    }

    /// Waits until everything was listed once. Rights that are missing are no reason to wait: nobody else gives them.
    pub(super) async fn all_there(&self, wake: &Arc<Notify>) -> Result<(), StartError> {
        let end = Instant::now() + PATIENCE;
        let mut refused = None;
        loop {
            let missing = self.missing();
            if missing.is_empty() {
                return Ok(());
            }
            let rights: Vec<MissingRight> =
                missing.iter().filter_map(|(_, h)| h.missing_right.clone()).collect();
            let now = Instant::now();
            if !rights.is_empty() {
                let since = *refused.get_or_insert(now);
                if rights.len() == missing.len() || now >= since + PATIENCE_REFUSED {
                    return Err(StartError::Rights(rights));
                }
            }
            let left = end.saturating_duration_since(now);
            if left.is_zero() {
                let named = missing.iter().map(|(name, h)| match &h.error {
                    Some(e) => format!("{name} ({e})"),
                    None => (*name).to_owned(),
                });
                return Err(StartError::Cluster(format!(
                    "within {} s these could not be listed: {}",
                    PATIENCE.as_secs(),
                    named.collect::<Vec<_>>().join("; ")
                )));
            }
            let _ = timeout(left.min(LOOK), wake.notified()).await;
        }
    }

    /// Waits a little for the kinds that are only shown; what may not be read is not waited for.
    pub(super) async fn shown_there(&self, wake: &Arc<Notify>) {
        let end = Instant::now() + PATIENCE_SHOWN;
        let late = |s: &Seen| SHOWN.contains(&s.kind) && !s.watch.synced() && !s.watch.health().refused;
        while self.kinds.iter().any(late) && Instant::now() < end {
            let _ = timeout(LOOK, wake.notified()).await;
        }
    }

    /// Kinds that were not listed yet, and how their watches do.
    fn missing(&self) -> Vec<(&'static str, Health)> {
        let needed = self.kinds.iter().filter(|s| !SHOWN.contains(&s.kind));
        let all = needed.map(|s| (s.kind, s.watch.health()));
        all.chain([("Namespace", self.namespaces.health())]).filter(|(_, h)| !h.synced).collect()
    }

    /// Watches the StatefulSets of a Prometheus object too.
    pub(super) fn beside(&mut self, watches: &Watches, (namespace, name): &Name, wake: &Arc<Notify>) {
        let selection = Selection {
            path: "/apis/apps/v1".to_owned(),
            plural: "statefulsets".to_owned(),
            namespace: Some(namespace.clone()),
            labels: format!("operator.prometheus.io/name={name}"),
            fields: String::new(),
        };
        let watch = watches.select::<Custom>(selection);
        let changes = watch.listen(wake);
        self.sets = Some((watch, changes));
    }

    /// Waits until the StatefulSets were listed once, or cannot be: then they count as ready.
    pub(super) async fn beside_known(&self, wake: &Arc<Notify>) {
        let Some((watch, _)) = &self.sets else { return };
        let end = Instant::now() + PATIENCE_BESIDE;
        while !watch.synced() && Instant::now() < end {
            if watch.health().refused {
                return;
            }
            let _ = timeout(Duration::from_millis(100), wake.notified()).await;
        }
    }

    /// Whether the operator's own pods of the object are ready. Until that is known they count as ready: then nothing is
    /// sent twice.
    pub(super) fn ready_beside(&self) -> bool {
        let Some((watch, _)) = &self.sets else { return true };
        let ready =
            |set: &Custom| set.body.pointer("/status/readyReplicas").and_then(Value::as_i64).unwrap_or(0);
        !watch.synced() || watch.all().iter().any(|(_, set)| ready(set) > 0)
    }

    /// Why it is not known whether the operator's own pods are ready; `None` when it is.
    pub(super) fn beside_unknown(&self) -> Option<String> {
        let (watch, _) = self.sets.as_ref()?;
        let health = watch.health();
        (!health.synced).then(|| match health.error.as_deref().and_then(|e| e.lines().next()) {
            Some(e) => e.to_owned(),
            None => "the list of StatefulSets has not come yet".to_owned(),
        })
    }

    /// Takes what has changed since the last time; whether anything has.
    pub(super) fn take(&mut self) -> bool {
        let mut changed = false;
        for seen in &self.kinds {
            for key in seen.changes.take().keys {
                changed = true;
                let (namespace, name) = key.split_once('/').unwrap_or(("", &key));
                self.unreadable.retain(|u| u.kind != seen.kind || u.key != *key);
                let taken = match seen.watch.get(&key) {
                    Some(object) => self.objects.insert_as(seen.kind, &object.body),
                    None => Ok(self.objects.remove(seen.kind, namespace, name)),
                };
                self.unreadable.extend(taken.err());
            }
        }
        for key in self.of_namespaces.take().keys {
            changed = true;
            match self.namespaces.get(&key) {
                Some(n) => {
                    let labels = n.meta.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                    self.objects.namespaces.insert(key.to_string(), labels);
                }
                None => drop(self.objects.namespaces.remove(&*key)),
            }
        }
        if let Some((_, changes)) = &self.sets {
            let told = changes.take();
            changed |= told.synced || !told.keys.is_empty();
        }
        changed
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(super) fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }
}
