//! What `run --calico` looks at: watches of the few objects that say what is scraped, and the snapshot that they make.
//!
//! In the whole cluster these are the pods of the three components, by label, and Calico's settings. Services and workloads
//! are watched in the namespaces of those pods alone, nodes only where a setting selects them. The watches of the pods are
//! the ones that discovery asks for, so nothing is listed twice.

use crate::component::Component;
use crate::snapshot::{Snapshot, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tortie_cluster::object::{self, Gvk, Object};
use tortie_cluster::watch::{
    Custom, Health, Key, Listener, Meta, Node, Pod, Selection, Watch, Watched, Watches,
};

/// Settings: group and kind. Of a kind in two groups the first that was listed counts.
const SETTINGS: [(&str, &str); 5] = [
    ("projectcalico.org", "FelixConfiguration"),
    ("crd.projectcalico.org", "FelixConfiguration"),
    ("projectcalico.org", "KubeControllersConfiguration"),
    ("crd.projectcalico.org", "KubeControllersConfiguration"),
    ("operator.tigera.io", "Installation"),
];
/// Most namespaces whose workloads are watched: one, where nobody plays tricks with labels.
const MOST_NAMESPACES: usize = 8;
/// What may be missed is waited for so long at first.
const PATIENCE: Duration = Duration::from_secs(10);

/// The label selector of a component's pods, as the jobs of discovery have it too.
pub(super) fn pods_of(component: Component) -> String {
    format!("k8s-app in ({})", component.apps().join(","))
}

/// The watches.
pub struct Sight {
    watches: Watches,
    wake: Arc<Notify>,
    began: Instant,
    pods: Vec<Seen<Pod>>,
    settings: BTreeMap<Gvk, Seen<Custom>>,
    near: BTreeMap<String, Vec<(Gvk, Seen<Custom>)>>,
    nodes: Option<Seen<Node>>,
}

/// A watch that wakes.
struct Seen<T> {
    watch: Watch<T>,
    changes: Listener,
}

impl<T: Watched> Seen<T> {
    fn open(watches: &Watches, selection: Selection, wake: &Arc<Notify>) -> Seen<T> {
        let watch = watches.select::<T>(selection);
        Seen { changes: watch.listen(wake), watch }
    }

    /// All objects; what has changed is known from here on.
    fn all(&self) -> Vec<(Key, Arc<T>)> {
        drop(self.changes.take());
        self.watch.all()
    }
}

impl Sight {
    /// Begins with the pods. `wake` is woken by each change. Needs a tokio runtime around it.
    pub fn open(watches: &Watches, wake: &Arc<Notify>) -> Sight {
        let of = |component| Selection::of::<Pod>(None).that(&pods_of(component), "");
        Sight {
            pods: Component::ALL.into_iter().map(|c| Seen::open(watches, of(c), wake)).collect(),
            watches: watches.clone(),
            wake: Arc::clone(wake),
            began: Instant::now(),
            settings: BTreeMap::new(),
            near: BTreeMap::new(),
            nodes: None,
        }
    }

    /// Watches the settings that are served and not watched yet.
    ///
    /// # Errors
    /// When the API server does not tell what it serves.
    pub async fn look_for_settings(&mut self) -> Result<(), String> {
        let known = |g: &str, k: &str| self.settings.keys().any(|gvk| gvk.is(g, k));
        let missing: Vec<_> = SETTINGS.into_iter().filter(|(g, k)| !known(g, k)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let cluster = self.watches.cluster().await.map_err(|e| e.to_string())?;
        let served = cluster.resources().await.map_err(|e| e.to_string())?;
        for (group, kind) in missing {
            let Some(resource) = served.find(group, kind) else { continue };
            let selection = Selection::of_resource(resource, None);
            let seen = Seen::open(&self.watches, selection, &self.wake);
            self.settings.insert(resource.gvk(), seen);
        }
        Ok(())
    }

    /// Watches what stands beside the pods where they are now.
    pub fn follow_pods(&mut self) {
        let namespaces = self.namespaces();
        self.near.retain(|n, _| namespaces.contains(n));
        for namespace in namespaces {
            self.near.entry(namespace.clone()).or_insert_with(|| {
                let kinds = [
                    ("", "Service", "services"),
                    ("apps", "DaemonSet", "daemonsets"),
                    ("apps", "Deployment", "deployments"),
                ];
                let open = |(group, kind, plural): (&str, &str, &str)| {
                    let path =
                        if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
                    let selection = Selection {
                        path,
                        plural: plural.to_owned(),
                        namespace: Some(namespace.clone()),
                        labels: String::new(),
                        fields: String::new(),
                    };
                    (Gvk::new(group, "v1", kind), Seen::open(&self.watches, selection, &self.wake))
                };
                kinds.into_iter().map(open).collect()
            });
        }
        if self.nodes.is_none() && self.selects_nodes() {
            self.nodes = Some(Seen::open(&self.watches, Selection::of::<Node>(None), &self.wake));
        }
    }

    /// Namespaces of the pods, the first few.
    fn namespaces(&self) -> BTreeSet<String> {
        let pods = self.pods.iter().flat_map(|s| s.watch.all());
        let all: BTreeSet<String> = pods.map(|(_, p)| p.meta.namespace.to_string()).collect();
        all.into_iter().take(MOST_NAMESPACES).collect()
    }

    /// Whether a setting is for some nodes alone.
    fn selects_nodes(&self) -> bool {
        let selects = |o: &Custom| o.body.pointer("/spec/nodeSelector").is_some();
        self.settings.values().flat_map(|s| s.watch.all()).any(|(_, o)| selects(&o))
    }

    /// What was seen so far.
    ///
    /// # Errors
    /// What was not listed yet, and why. What may not be read counts as if it were not there; what does not answer would
    /// pass for it, so it is waited for. Settings through Calico's own API server are waited for only a while, where they are
    /// also kept as custom resources.
    pub fn snapshot(&self, now: i64) -> Result<Snapshot, String> {
        let mut missing: Vec<String> =
            self.pods.iter().filter_map(|s| not_listed("pods", &s.watch.health())).collect();
        for (namespace, kinds) in &self.near {
            for (gvk, seen) in kinds {
                let what = format!("{} of namespace {namespace}", gvk.kind);
                missing.extend(not_listed(&what, &seen.watch.health()));
            }
        }
        // Pods and settings may have come since these were last followed.
        let unknown = self.namespaces().into_iter().filter(|n| !self.near.contains_key(n));
        missing.extend(unknown.map(|n| format!("workloads of namespace {n}: not listed yet")));
        if self.nodes.is_none() && self.selects_nodes() {
            missing.push("nodes: not listed yet".to_owned());
        }
        missing.extend(self.nodes.as_ref().and_then(|s| not_listed("nodes", &s.watch.health())));
        let patient = self.began.elapsed() < PATIENCE;
        for (gvk, seen) in &self.settings {
            let elsewhere = self
                .settings
                .iter()
                .any(|(other, s)| other != gvk && other.kind == gvk.kind && s.watch.synced());
            if patient || !elsewhere {
                missing.extend(not_listed(&format!("{} of {}", gvk.kind, gvk.group), &seen.watch.health()));
            }
        }
        if !missing.is_empty() {
            return Err(missing.join("; "));
        }
        Ok(self.seen(now))
    }

    fn seen(&self, now: i64) -> Snapshot {
        let mut snap = Snapshot::new(Source::Live);
        snap.at = now;
        snap.pods = self.pods.iter().flat_map(Seen::all).map(|(_, p)| pod(&p)).collect();
        snap.nodes = self
            .nodes
            .iter()
            .flat_map(Seen::all)
            .map(|(_, n)| object::Node { meta: meta(&n.meta), ..object::Node::default() })
            .collect();
        let mut objects = Vec::new();
        let mut told = BTreeSet::new();
        for (group, kind) in SETTINGS {
            let Some((gvk, seen)) = self.settings.iter().find(|(g, _)| g.is(group, kind)) else { continue };
            let list = seen.all();
            if seen.watch.synced() && told.insert(kind) {
                snap.served.push(seen_as(gvk));
                objects.extend(list.iter().filter_map(|(_, o)| whole(gvk, o)));
            }
        }
        for (gvk, seen) in self.near.values().flatten() {
            objects.extend(seen.all().iter().filter_map(|(_, o)| whole(gvk, o)));
        }
        // One that cannot be read says nothing of ports.
        let _unreadable = snap.add(objects);
        snap
    }
}

/// What is missing, in words, when a watch has not listed yet and may be waited for.
fn not_listed(what: &str, health: &Health) -> Option<String> {
    if health.synced || health.refused {
        return None;
    }
    Some(match &health.error {
        Some(e) => format!("{what}: {e}"),
        None => format!("{what}: not listed yet"),
    })
}

/// As [`Snapshot::served`] names it.
fn seen_as(gvk: &Gvk) -> String {
    format!("{}s.{}", gvk.kind.to_ascii_lowercase(), gvk.api_version())
}

fn whole(gvk: &Gvk, custom: &Custom) -> Option<Object> {
    let mut body = custom.body.clone();
    let map = body.as_object_mut()?;
    map.insert("apiVersion".to_owned(), gvk.api_version().into());
    map.insert("kind".to_owned(), gvk.kind.as_str().into());
    Object::parse(body).ok()
}

fn meta(m: &Meta) -> object::Meta {
    object::Meta {
        name: m.name.to_string(),
        namespace: m.namespace.to_string(),
        uid: m.uid.to_string(),
        labels: m.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        ..object::Meta::default()
    }
}

fn pod(p: &Pod) -> object::Pod {
    let port = |p: &tortie_cluster::watch::ContainerPort| object::ContainerPort {
        name: p.name.to_string(),
        port: u16::try_from(p.port).unwrap_or(0),
        host_port: 0,
        protocol: p.protocol.to_string(),
    };
    let containers = p.containers.iter().filter(|c| !c.init).map(|c| object::Container {
        name: c.name.to_string(),
        image: c.image.to_string(),
        ports: c.ports.iter().map(port).collect(),
        ..object::Container::default()
    });
    object::Pod {
        meta: meta(&p.meta),
        node: p.node.to_string(),
        ip: p.ip.to_string(),
        ips: vec![p.ip.to_string()],
        host_ip: p.host_ip.to_string(),
        phase: p.phase.to_string(),
        ready: p.ready.as_deref() == Some("True"),
        containers: containers.collect(),
        ..object::Pod::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_may_not_be_read_is_not_waited_for() {
        #[track_caller]
        fn check(health: Health, expect: Option<&str>) {
            assert_eq!(not_listed("pods", &health).as_deref(), expect, "{health:?}");
        }
        check(Health { synced: true, error: Some("broken".into()), ..Health::default() }, None);
        check(Health { refused: true, error: Some("no right".into()), ..Health::default() }, None);
        check(Health { error: Some("no answer".into()), ..Health::default() }, Some("pods: no answer"));
        check(Health::default(), Some("pods: not listed yet"));
    }

    #[test]
    fn an_object_of_a_list_gets_its_kind_and_its_name_in_lists() {
        let gvk = Gvk::new("projectcalico.org", "v3", "FelixConfiguration");
        let custom = Custom {
            body: json!({"metadata": {"name": "default"}, "spec": {"prometheusMetricsPort": 1}}),
            ..Custom::default()
        };
        let object = whole(&gvk, &custom).unwrap();
        assert_eq!((object.gvk.clone(), object.meta.name.as_str()), (gvk.clone(), "default"));
        assert_eq!(seen_as(&gvk), "felixconfigurations.projectcalico.org/v3");
    }
}
