//! The lists of a live cluster, each kept as it comes: one that is slow or refused costs the others nothing, and what did not
//! come stands among what was not seen, also when time runs out in between.

use crate::collect::kinds::KINDS;
use crate::collect::live::unseen;
use crate::component::Component;
use crate::snapshot::{KINDS_SERVED, Snapshot, Unseen};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, stream};
use std::sync::Arc;
use tortie_cluster::client::{Cluster, ListOptions, ReadError, Resources};
use tortie_cluster::object::{EndpointSlice, Namespace, Node, Object, Pod, Service};

/// Lists under way at once.
const AT_ONCE: usize = 8;

/// Namespaces in which all ConfigMaps are looked at.
const MOST_NAMESPACES: usize = 4;

/// What a list says that did not come before time was up.
const LATE: &str = "it did not come in time (hint: --timeout)";

/// Notes a list as one that did not come, until it comes: whatever ends the collecting, what is missing is known.
fn awaited(snap: &mut Snapshot, resource: &str) {
    let late = Unseen::of(format!("list {resource}"), LATE);
    snap.unseen.push(Unseen { resource: resource.to_owned(), ..late });
}

/// A list came, or the reason why it will not.
fn came<T>(snap: &mut Snapshot, resource: &str, list: Result<Vec<T>, ReadError>) -> Vec<T> {
    let own = |u: &Unseen| u.resource == resource && u.reason == LATE;
    if let Some(index) = snap.unseen.iter().position(own) {
        snap.unseen.remove(index);
    }
    list.unwrap_or_else(|e| {
        unseen(snap, &format!("list {resource}"), resource, &e);
        Vec::new()
    })
}

/// The first answers, as they come.
enum First {
    Kinds(Result<Resources, ReadError>),
    Pods(Result<Vec<Pod>, ReadError>),
    Services(Result<Vec<Service>, ReadError>),
    Slices(Result<Vec<EndpointSlice>, ReadError>),
    Nodes(Result<Vec<Node>, ReadError>),
    Namespaces(Result<Vec<Namespace>, ReadError>),
}

/// Reads all objects; the answer is what the server serves.
pub(super) async fn read(cluster: &Cluster, snap: &mut Snapshot) -> Resources {
    const SLICES: &str = "endpointslices.discovery.k8s.io";
    let all = ListOptions::default();
    for resource in ["pods", "services", SLICES, "nodes", "namespaces"] {
        awaited(snap, resource);
    }
    let mut open: FuturesUnordered<BoxFuture<'_, First>> = [
        cluster.resources().map(First::Kinds).boxed(),
        cluster.list_pods(None, &all).map(First::Pods).boxed(),
        cluster.list_services(None, &all).map(First::Services).boxed(),
        cluster.list_endpoint_slices(None, &all).map(First::Slices).boxed(),
        cluster.list_nodes(&all).map(First::Nodes).boxed(),
        cluster.list_namespaces(&all).map(First::Namespaces).boxed(),
    ]
    .into_iter()
    .collect();
    let mut kinds = None;
    while let Some(first) = open.next().await {
        match first {
            First::Kinds(answer) => kinds = Some(answer),
            First::Pods(list) => {
                snap.pods = came(snap, "pods", list);
                snap.pods.retain(worth_keeping);
            }
            First::Services(list) => snap.services = came(snap, "services", list),
            First::Slices(list) => snap.slices = came(snap, SLICES, list),
            First::Nodes(list) => snap.nodes = came(snap, "nodes", list),
            First::Namespaces(list) => snap.namespaces = came(snap, "namespaces", list),
        }
    }
    let resources = match kinds {
        Some(Ok(r)) => r,
        Some(Err(e)) => {
            unseen(snap, KINDS_SERVED, "", &e);
            return Resources::default();
        }
        None => return Resources::default(),
    };
    served(&resources, snap);
    others(cluster, &resources, snap).await;
    if !snap.unseen.iter().any(|u| u.resource == "configmaps") {
        let journal = crate::setup::journal::of_snapshot(snap).unwrap_or_default();
        snap.setup = Some(journal.map(|j| j.seen()).unwrap_or_default());
    }
    unlabelled_boards(cluster, &resources, snap).await;
    events(cluster, &resources, snap).await;
    secrets(cluster, &resources, snap).await;
    resources
}

/// The lists of [`KINDS`].
async fn others(cluster: &Cluster, resources: &Resources, snap: &mut Snapshot) {
    let wanted: Vec<_> = KINDS
        .iter()
        .filter_map(|wanted| Some((wanted, resources.find(wanted.group, wanted.kind).cloned()?)))
        .collect();
    for (_, resource) in &wanted {
        awaited(snap, &resource.full_name());
    }
    let mut lists = stream::iter(wanted)
        .map(|(wanted, resource)| async move {
            let options = ListOptions::labelled(wanted.labels);
            (resource.full_name(), cluster.list(&resource, None, &options).await)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((name, list)) = lists.next().await {
        let list = came(snap, &name, list);
        snap.objects.extend(list.into_iter().map(Arc::new));
    }
    ordered(snap);
}

/// One of each object, in an order that does not hang on which list came first.
pub(super) fn ordered(snap: &mut Snapshot) {
    snap.objects.sort_by_key(|o| o.reference());
    snap.objects.dedup_by(|a, b| a.reference() == b.reference());
}

/// Dashboards that lack the label by which Grafana's side-car finds them, in the namespaces where people put them: Grafana's,
/// Prometheus', Calico's. ConfigMaps without a dashboard of Calico's metrics are not kept.
async fn unlabelled_boards(cluster: &Cluster, resources: &Resources, snap: &mut Snapshot) {
    let Some(resource) = resources.find("", "ConfigMap") else { return };
    let grafana = |p: &&Pod| p.meta.labels.get("app.kubernetes.io/name").is_some_and(|n| n == "grafana");
    let calico = |p: &&Pod| p.meta.labels.get("k8s-app").is_some_and(|n| n == "calico-kube-controllers");
    let pods =
        snap.pods.iter().filter(grafana).chain(snap.pods.iter().filter(calico)).map(|p| &p.meta.namespace);
    let prometheus = snap.of("monitoring.coreos.com", "Prometheus").map(|o| &o.meta.namespace);
    let mut namespaces: Vec<String> = pods.chain(prometheus).cloned().collect();
    namespaces.sort();
    namespaces.dedup();
    for namespace in namespaces.iter().take(MOST_NAMESPACES) {
        let options = ListOptions { most: 500, ..ListOptions::default() };
        match cluster.list(resource, Some(namespace), &options).await {
            Ok(list) => {
                for object in list.into_iter().filter(holds_a_board) {
                    if !snap.objects.iter().any(|o| o.reference() == object.reference()) {
                        snap.objects.push(Arc::new(object));
                    }
                }
            }
            Err(e) => unseen(snap, &format!("list configmaps of {namespace}"), "configmaps", &e),
        }
    }
}

/// Whether a ConfigMap has a file of a dashboard that speaks of Calico's metrics.
fn holds_a_board(object: &Object) -> bool {
    let data = object.body.get("data").and_then(|d| d.as_object());
    data.into_iter().flatten().any(|(key, text)| {
        let text = text.as_str().unwrap_or_default();
        key.ends_with(".json")
            && text.contains("\"panels\"")
            && ["felix_", "typha_", "ipam_"].iter().any(|prefix| text.contains(prefix))
    })
}

/// Warnings of the monitoring objects: the operator says there, and there alone, why it rejected one.
async fn events(cluster: &Cluster, resources: &Resources, snap: &mut Snapshot) {
    let Some(resource) = resources.find("", "Event") else { return };
    for kind in ["ServiceMonitor", "PodMonitor", "PrometheusRule", "ScrapeConfig", "Prometheus"] {
        let options = ListOptions {
            fields: Some(format!("involvedObject.kind={kind}")),
            most: 5_000,
            ..ListOptions::default()
        };
        match cluster.list(resource, None, &options).await {
            Ok(list) => snap.objects.extend(list.into_iter().map(Arc::new)),
            Err(e) => {
                unseen(snap, "list events", "events", &e);
                return;
            }
        }
    }
}

/// The configuration that the operator generated, one Secret a Prometheus object. It is optional: without the right the
/// stations "written" and "loaded" merge.
async fn secrets(cluster: &Cluster, resources: &Resources, snap: &mut Snapshot) {
    let Some(resource) = resources.find("", "Secret") else { return };
    let names: Vec<(String, String)> = snap
        .of("monitoring.coreos.com", "Prometheus")
        .map(|p| (p.meta.namespace.clone(), p.meta.name.clone()))
        .collect();
    for (namespace, name) in names {
        match cluster.get(resource, Some(&namespace), &format!("prometheus-{name}")).await {
            Ok(secret) => {
                if let Some(text) = crate::generated::unpack(&secret) {
                    snap.generated.insert(format!("{namespace}/{name}"), text);
                }
            }
            Err(e) => {
                unseen(snap, &format!("get secret {namespace}/prometheus-{name}"), "secrets", &e);
                // `tortie rbac doctor` does not ask for it: to lack it is no finding.
                snap.unseen.iter_mut().filter(|u| u.resource == "secrets").for_each(|u| u.forbidden = false);
            }
        }
    }
}

fn served(resources: &Resources, snap: &mut Snapshot) {
    snap.served = resources.all.iter().map(|r| format!("{}.{}/{}", r.plural, r.group, r.version)).collect();
    for (group, reason) in &resources.failed {
        let silent = Unseen::of(format!("the API group {group}"), reason);
        snap.unseen.push(Unseen { resource: group.clone(), ..silent });
    }
}

/// Pods that a check may look at: Calico's, the collectors', and all that hold a port of their node.
fn worth_keeping(pod: &Pod) -> bool {
    let app = |key: &str| pod.meta.labels.get(key).map(String::as_str).unwrap_or_default();
    let monitoring = ["prometheus", "grafana", "alertmanager", "prometheus-operator"];
    Component::ALL.iter().any(|c| c.apps().contains(&app("k8s-app")))
        || app("k8s-app") == "calico-node-windows"
        || app("k8s-app").starts_with("tigera-")
        || monitoring.contains(&app("app.kubernetes.io/name"))
        || pod.host_network
        || pod.containers.iter().flat_map(|c| &c.ports).any(|p| p.host_port != 0)
}
