//! What the doctor looks at: plain data, taken once, from a cluster or from files.
//!
//! Judging never reads anything but this, so a finding can be had again from a bundle, and every check has its test
//! without a cluster.

use crate::component::Component;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{EndpointSlice, Namespace, Node, Object, ObjectRef, Pod, Service};

/// Where a snapshot comes from; it decides which goals can be judged at all.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Source {
    /// A cluster, now.
    Live,
    /// A bundle or a dump of a whole cluster: what is not in it was not there.
    Dump,
    /// Files of a repository: what is not in it may well be in the cluster.
    Files,
    /// A cluster, with objects laid over it that were not sent yet.
    Overlay,
}

/// Which cluster, as the person who asked knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// Name of the kubeconfig's context; empty for files.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// uid of the namespace `kube-system`: the cluster's own name.
    pub uid: String,
    /// Version of the API server without the `v`; empty when unknown.
    pub kubernetes: String,
    /// What kubectl must be told besides the context to come to the same place: the flags of a command line that named a
    /// kubeconfig, a cluster or a user. They mean something on that machine alone, so no bundle holds them.
    #[serde(skip)]
    pub there: Vec<String>,
}

impl Identity {
    /// The flags of kubectl, context included.
    pub fn flags(&self) -> Vec<String> {
        let context = (!self.context.is_empty()).then(|| format!("--context={}", self.context));
        self.there.iter().cloned().chain(context).collect()
    }
}

/// What is not seen when time runs out on the way ([`Unseen::what`]); lists that were under way stand beside it by name.
pub const THE_REST: &str = "the rest";

/// What is not seen when the cluster does not tell who it is ([`Unseen::what`]).
pub const THE_UID: &str = "read the uid of namespace kube-system";

/// What is not seen when the server does not tell which kinds it serves ([`Unseen::what`]).
pub const KINDS_SERVED: &str = "the kinds that are served";

/// Something the snapshot should hold and does not, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unseen {
    /// What was asked: `list pods`, `port-forward to calico-system/calico-node-x:9091`.
    pub what: String,
    /// The plural resource with its group (`servicemonitors.monitoring.coreos.com`) when it was a list; else empty.
    pub resource: String,
    /// Namespace asked for; empty for all.
    pub namespace: String,
    /// Whether it was a refusal of rights (then T102 speaks of it).
    pub forbidden: bool,
    /// The reason in words.
    pub reason: String,
}

impl Unseen {
    /// Something that is not about one namespace or one list, and was not refused for want of rights.
    pub fn of(what: impl Into<String>, reason: impl Into<String>) -> Unseen {
        Unseen {
            what: what.into(),
            resource: String::new(),
            namespace: String::new(),
            forbidden: false,
            reason: reason.into(),
        }
    }
}

/// From where a probe was made; each proves something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Vantage {
    /// Through the kubelet into the pod's own network: the process, no policy.
    PortForward,
    /// From the API server to the pod's address: address and port.
    ApiProxy,
    /// From where this program runs.
    Direct,
}

impl Vantage {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Vantage::PortForward => "port-forward",
            Vantage::ApiProxy => "api-proxy",
            Vantage::Direct => "direct",
        }
    }
}

/// One look at one port of one pod.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Probe {
    /// The component whose pod it is.
    pub component: Component,
    /// Namespace and name of the pod.
    pub pod: (String, String),
    /// The node it runs on.
    pub node: String,
    /// The port.
    pub port: u16,
    /// From where.
    pub from: Vantage,
    /// What came back.
    pub outcome: ProbeOutcome,
}

/// What a probe saw.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum ProbeOutcome {
    /// A body: its families (name → number of series), the first line that does not parse, the content type.
    Answered {
        /// Families and how many series each has.
        families: BTreeMap<String, u64>,
        /// `line 214: ...` when the body is not wholly readable.
        broken: Option<String>,
        /// As the server said it.
        content_type: String,
    },
    /// An HTTP status other than 200.
    Status(u16),
    /// No answer; the text is that of the network.
    Failed(String),
}

/// Lines of a log that matter, already cut to them.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    /// Namespace and name of the pod.
    pub pod: (String, String),
    /// The line.
    pub text: String,
}

/// What one Prometheus (or tortie) says of itself.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Collector {
    /// The Prometheus object it belongs to, `namespace/name`; empty when it was given by address.
    pub object: String,
    /// Replica or address: `pod/prometheus-k8s-0` or the URL.
    pub replica: String,
    /// How it was reached, in words.
    pub via: String,
    /// Why it could not be reached; then all else is empty.
    pub unreachable: Option<String>,
    /// Its version.
    pub version: String,
    /// Milliseconds its clock is ahead of the snapshot's time: the API server's clock, or this machine's where the API
    /// server did not tell its own ([`Snapshot::machine_ahead`]).
    pub clock_ahead: Option<i64>,
    /// `/api/v1/status/config`.
    pub config: Option<String>,
    /// Whether the last reload of the configuration succeeded, by its own metric.
    pub reload_ok: Option<bool>,
    /// When it loaded its configuration, milliseconds since 1970 by its own clock.
    #[serde(default)]
    pub loaded_at: Option<i64>,
    /// Whether the log is still replayed: fraction done.
    pub replaying: Option<f64>,
    /// Active targets.
    pub targets: Vec<Target>,
    /// Dropped targets as far as it keeps them: scrape pool and discovered labels.
    pub dropped: Vec<(String, BTreeMap<String, String>)>,
    /// How many each pool dropped.
    pub dropped_counts: BTreeMap<String, u64>,
    /// Names of all pools.
    pub pools: Vec<String>,
    /// Rules as `/api/v1/rules` gives them.
    pub rules: Option<serde_json::Value>,
    /// Active Alertmanagers' addresses.
    pub alertmanagers: Option<Vec<String>>,
    /// Answers to instant queries that checks ask for ahead: expression → result or error.
    pub answers: BTreeMap<String, Result<Vec<Sample>, String>>,
}

/// One sample of an instant answer.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The value.
    #[serde(with = "crate::bundle::number")]
    pub value: f64,
}

/// One active target.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// Name of the scrape pool.
    pub pool: String,
    /// The address that is asked.
    pub url: String,
    /// Labels after relabelling.
    pub labels: BTreeMap<String, String>,
    /// Labels before. They are not collected: nothing is judged by them, and they are most of a large answer.
    pub discovered: BTreeMap<String, String>,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Text of the last error; empty when there was none.
    pub last_error: String,
    /// When it was last asked, milliseconds since 1970.
    pub last_scrape: Option<i64>,
    /// How long that took, seconds.
    pub duration: f64,
    /// Its interval, seconds.
    pub interval: f64,
    /// Its timeout, seconds.
    pub timeout: f64,
}

/// What Grafana's API says. To collect: `/api/datasources` and, of `/api/search?type=dash-db`, each
/// `/api/dashboards/uid/UID`'s `dashboard` whose text holds a Calico name (`felix_`, `typha_`, `ipam_`).
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Grafana {
    /// Where it was asked.
    pub via: String,
    /// Its data sources.
    pub data_sources: Vec<GrafanaDataSource>,
    /// Its dashboards, as their JSON.
    pub dashboards: Vec<serde_json::Value>,
}

/// One data source of Grafana.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GrafanaDataSource {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its type: `prometheus`.
    pub kind: String,
}

/// What is taken for granted where files do not say it (`--assume`).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Assumptions {
    /// `3.32`.
    pub calico: Option<String>,
    /// `operator`, `manifest` or `helm`.
    pub install: Option<String>,
    /// The stack that reads the monitors, `kube-prometheus-stack:RELEASE`.
    pub stack: Option<String>,
}

/// One field that `tortie setup` set, as its journal holds it.
#[derive(Debug, Clone)]
pub struct Written {
    /// The object.
    pub object: ObjectRef,
    /// JSON pointer of the field.
    pub pointer: String,
    /// What setup wrote.
    pub value: serde_json::Value,
    /// When, milliseconds since 1970.
    pub at: i64,
}

/// What the journal of `tortie setup` says it holds in this cluster.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Fields of objects that others own too.
    pub fields: Vec<Written>,
    /// Objects that setup made.
    pub objects: Vec<ObjectRef>,
}

/// Everything that was seen.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Where it comes from.
    pub source: Source,
    /// Which cluster.
    pub identity: Identity,
    /// When it was taken, milliseconds since 1970, by the clock of the API server as far as it is known.
    pub at: i64,
    /// Milliseconds that the clock of the machine on which it was taken is ahead of the API server's, to a second; none
    /// when the API server did not tell its time.
    pub machine_ahead: Option<i64>,
    /// What was assumed.
    pub assume: Assumptions,
    /// Pods: those of Calico, of Prometheus, of Grafana, and all that use host ports.
    pub pods: Vec<Pod>,
    /// Services.
    pub services: Vec<Service>,
    /// EndpointSlices.
    pub slices: Vec<EndpointSlice>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// All other objects.
    pub objects: Vec<Arc<Object>>,
    /// Kinds that the server serves, `plural.group/version`; empty for files.
    pub served: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// Probes of the processes.
    pub probes: Vec<Probe>,
    /// Lines of logs.
    pub logs: Vec<LogLine>,
    /// Prometheus and its like.
    pub collectors: Vec<Collector>,
    /// The configuration that prometheus-operator generated for a Prometheus object (`namespace/name`): the text in
    /// `prometheus.yaml.gz` of the Secret `prometheus-NAME`, credentials masked. Optional: it asks for the right to read
    /// that one Secret. Dumps may hold the Secret itself among the objects ([`crate::generated`] reads both).
    pub generated: BTreeMap<String, String>,
    /// Managed fields read a second time a while later, for two writers of one field: object → (field path, manager).
    pub second_look: Vec<Arc<Object>>,
    /// The journal of `tortie setup`; none when it was not looked for, empty when there is none. To collect: the ConfigMap
    /// and the local folder in which setup keeps it.
    pub setup: Option<Journal>,
    /// What Grafana's API said; none when it was not asked. Its ConfigMaps stand among the objects: to collect are those
    /// whose `data` has a `.json` key, in all namespaces that may be read.
    pub grafana: Option<Grafana>,
}

impl Snapshot {
    /// An empty one.
    pub fn new(source: Source) -> Snapshot {
        Snapshot {
            source,
            identity: Identity::default(),
            at: 0,
            machine_ahead: None,
            assume: Assumptions::default(),
            pods: Vec::new(),
            services: Vec::new(),
            slices: Vec::new(),
            nodes: Vec::new(),
            namespaces: Vec::new(),
            objects: Vec::new(),
            served: Vec::new(),
            unseen: Vec::new(),
            probes: Vec::new(),
            logs: Vec::new(),
            collectors: Vec::new(),
            generated: BTreeMap::new(),
            second_look: Vec::new(),
            setup: None,
            grafana: None,
        }
    }

    /// Sorts a mixed heap of objects (a dump, files) into the snapshot. Objects that are malformed are given back with
    /// the reason.
    pub fn add(&mut self, objects: Vec<Object>) -> Vec<(Object, String)> {
        let mut bad = Vec::new();
        for object in objects {
            let kind = object.gvk.kind.as_str();
            let group = object.gvk.group.as_str();
            let placed = match (group, kind) {
                ("", "Pod") => Pod::from_object(&object).map(|p| self.pods.push(p)),
                ("", "Service") => Service::from_object(&object).map(|s| self.services.push(s)),
                ("", "Node") => Node::from_object(&object).map(|n| self.nodes.push(n)),
                ("", "Namespace") => Namespace::from_object(&object).map(|n| self.namespaces.push(n)),
                ("discovery.k8s.io", "EndpointSlice") => {
                    EndpointSlice::from_object(&object).map(|s| self.slices.push(s))
                }
                _ => {
                    self.objects.push(Arc::new(object));
                    continue;
                }
            };
            if let Err(e) = placed {
                bad.push((object, e.to_string()));
            }
        }
        bad
    }

    /// Objects of a kind, whatever its group's version.
    pub fn of<'a>(&'a self, group: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Arc<Object>> + 'a {
        self.objects.iter().filter(move |o| o.gvk.group == group && o.gvk.kind == kind)
    }

    /// One object by kind, namespace and name.
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.objects.iter().find(|o| {
            o.gvk.group == group && o.gvk.kind == kind && o.meta.namespace == namespace && o.meta.name == name
        })
    }

    /// Labels of a namespace; empty when it is not known.
    pub fn namespace_labels(&self, name: &str) -> BTreeMap<String, String> {
        let known = self.namespaces.iter().find(|n| n.meta.name == name);
        let mut labels = known.map(|n| n.meta.labels.clone()).unwrap_or_default();
        // The API server puts this label on every namespace (since 1.21); files leave it out.
        labels.entry("kubernetes.io/metadata.name".to_owned()).or_insert_with(|| name.to_owned());
        labels
    }

    /// Whether the absence of an object means that it is absent from the cluster.
    pub fn is_whole(&self) -> bool {
        self.source != Source::Files
    }

    /// Lists that did not come, for another reason than a right that is missing; a resource once.
    pub fn late(&self) -> Vec<&Unseen> {
        let late = |u: &&Unseen| !u.forbidden && (u.what.starts_with("list ") || u.what == THE_REST);
        let mut out: Vec<&Unseen> = self.unseen.iter().filter(late).collect();
        out.sort_by_key(|u| &u.resource);
        out.dedup_by_key(|u| &u.resource);
        out
    }

    /// Why a list is missing, when it is.
    pub fn unseen_of(&self, resource: &str) -> Option<&Unseen> {
        self.unseen.iter().find(|u| u.resource == resource)
    }
}
