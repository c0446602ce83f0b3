//! What follows from the demo's cluster: which processes listen, what a Prometheus behind it would scrape, and what the
//! controllers do about somebody else's changes. So a break in the objects is seen in the samples, and a pasted command mends it.

use super::cluster::{DemoCluster, key};
use super::config::{self, Job, Scraped};
use super::rules::{self, OfObject};
use crate::server::Server;
use crate::server::reload::Text;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tortie_calico::component::Component;
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::judge;
use tortie_calico::doctor::verdict::Level;
use tortie_calico::facts::branch::Branch;
use tortie_calico::facts::{Facts, discovered};
use tortie_calico::snapshot::{Snapshot, Source};
use tortie_cluster::object::Object;
use tortie_host::Clock;
use tortie_sim::{Fleet, SimTarget};
use tortie_web::Sources;

/// Several objects change in one go.
const SETTLE: Duration = Duration::from_millis(300);
/// After so long every target was scraped since a change.
const SCRAPED: Duration = Duration::from_secs(18);
/// Longest wait for the first scrapes.
const FIRST: Duration = Duration::from_secs(30);

/// What the cluster asks of fleet and scraping.
pub(super) struct Wanted {
    /// The configuration.
    pub(super) yaml: String,
    /// Targets whose processes do not listen, by number.
    pub(super) silent: BTreeSet<usize>,
    /// What is scraped: pool and pod.
    scraped: BTreeSet<(String, String)>,
    /// Rule files of the PrometheusRule objects that are taken.
    pub(super) rules: Vec<OfObject>,
}

impl Wanted {
    /// Whether something is to be seen that was not before: it takes a scrape until it is.
    fn brings_back(&self, before: &Wanted) -> bool {
        !before.silent.is_subset(&self.silent) || !self.scraped.is_subset(&before.scraped)
    }
}

/// Works it out from the objects as they are.
pub(super) fn wanted(cluster: &DemoCluster, targets: &[SimTarget], now_ms: i64) -> Wanted {
    let mut snap = Snapshot::new(Source::Dump);
    snap.at = now_ms;
    let objects = cluster.kube.everything().into_iter().filter_map(|v| Object::parse(v).ok()).collect();
    // What is malformed was written by somebody, and the doctor says so.
    let _ = snap.add(objects);
    let facts = Facts::of(&snap);
    let told = Told::of(&facts);
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for component in Component::ALL {
        let Some(mut job) = job(&facts, component, targets) else { continue };
        job.scraped.retain(|_| !told.unscraped.contains(&component));
        jobs.push(job);
    }
    let hears = |t: &SimTarget| {
        let lost = |node: Option<String>| told.unreached.contains(&(component_of(t), node));
        listens(&facts, t) && !lost(None) && !lost(Some(t.node.clone()))
    };
    let silent = (0..targets.len()).filter(|i| !targets.get(*i).is_none_or(hears)).collect();
    let pods = |j: &Job<'_>| j.scraped.iter().map(|s| s.target.pod.clone()).collect::<Vec<_>>();
    let scraped = jobs.iter().flat_map(|j| pods(j).into_iter().map(|p| (j.name.clone(), p))).collect();
    let alertmanager = receives(&facts).then_some(cluster.alertmanager);
    Wanted { yaml: config::yaml(&jobs, alertmanager), silent, scraped, rules: rules::of_objects(&facts) }
}

/// Whether the Alertmanager that the Prometheus object names is there and runs.
fn receives(facts: &Facts<'_>) -> bool {
    let prometheus = facts.prometheuses.iter().find(|p| p.object.gvk.kind == "Prometheus");
    let named = prometheus.map(|p| p.object.list("/spec/alerting/alertmanagers")).unwrap_or_default();
    named.iter().any(|n| {
        facts.snap.of("monitoring.coreos.com", "Alertmanager").any(|o| {
            n["name"] == o.meta.name.as_str()
                && n["namespace"] == o.meta.namespace.as_str()
                && n["port"].as_str() == o.text("/spec/portName")
                && o.at("/spec/replicas").and_then(Value::as_u64) != Some(0)
        })
    })
}

/// What the doctor reads from the objects alone about links that are not played out here: monitors that the operator rejects,
/// rules that drop, policies.
struct Told {
    unscraped: BTreeSet<Component>,
    /// On this node, or on all.
    unreached: BTreeSet<(Component, Option<String>)>,
}

impl Told {
    fn of(facts: &Facts<'_>) -> Told {
        let mut told = Told { unscraped: BTreeSet::new(), unreached: BTreeSet::new() };
        for finding in judge(ALL, facts).findings.iter().filter(|f| f.level == Level::Fail) {
            // A wrong path or scheme: the target stays, and every scrape of it fails.
            let unreached = matches!(finding.id, "T212" | "T307" | "T308" | "T309" | "T511");
            let unscraped = finding.id.starts_with("T5") || finding.id == "T607";
            for entity in finding.entities.iter().filter(|_| unreached || unscraped) {
                let whom = entity.component.map_or(Component::ALL.to_vec(), |c| vec![c]);
                for component in whom {
                    if unreached {
                        told.unreached.insert((component, entity.node.clone()));
                    } else {
                        told.unscraped.insert(component);
                    }
                }
            }
        }
        told
    }
}

/// The job that prometheus-operator would make of a component's best way; none when no Prometheus takes it.
fn job<'t>(facts: &Facts<'_>, component: Component, targets: &'t [SimTarget]) -> Option<Job<'t>> {
    let branch: &Branch = facts.best(component).filter(|b| b.taken.as_ref().is_some_and(|t| t.yes()))?;
    let mut scraped: Vec<Scraped<'t>> = Vec::new();
    for found in discovered::targets(facts, branch) {
        let of = |name: &str| found.labels.get(name).to_owned();
        let Some(target) = targets.iter().find(|t| t.pod == of("pod")) else { continue };
        if !scraped.iter().any(|s| s.target.pod == target.pod) {
            let labels = ["job", "service", "endpoint", "namespace"].map(|n| (n, of(n)));
            scraped.push(Scraped { target, labels: labels.into() });
        }
    }
    Some(Job { name: facts.monitor(branch).pool(), scraped })
}

/// Whether the process behind a target serves its metrics where they are looked for.
fn listens(facts: &Facts<'_>, target: &SimTarget) -> bool {
    let settings = &facts.settings;
    let component = component_of(target);
    let endpoint = match component {
        Component::Felix => settings.felix_on(&target.node),
        Component::Typha => settings.typha.as_ref(),
        Component::KubeControllers => settings.kube_controllers.as_ref(),
    };
    endpoint.is_some_and(|e| {
        let anywhere = matches!(e.host.value.as_str(), "" | "0.0.0.0" | "::");
        e.enabled.value && e.port.value == component.default_port() && anywhere && !e.tls_half
    })
}

fn component_of(target: &SimTarget) -> Component {
    match target.component {
        tortie_sim::Component::Felix => Component::Felix,
        tortie_sim::Component::Typha => Component::Typha,
        tortie_sim::Component::KubeControllers => Component::KubeControllers,
    }
}

/// Follows the cluster until the program ends.
pub(super) async fn follow(
    cluster: Arc<DemoCluster>,
    fleet: Arc<Fleet>,
    server: &Server,
    text: Text,
    rule_file: &Path,
    clock: Arc<dyn Clock>,
) {
    first_scrapes(server).await;
    look(server);
    let mut versions = cluster.kube.versions();
    let mut seen = *versions.borrow_and_update();
    let mut before = wanted(&cluster, fleet.targets(), clock.now_ms());
    let mut scraped: Option<tokio::time::Instant> = None;
    loop {
        let later = async {
            match scraped {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = versions.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = later => {
                scraped = None;
                look(server);
                continue;
            }
        }
        // Reading is told too.
        if *versions.borrow_and_update() == seen {
            continue;
        }
        tokio::time::sleep(SETTLE).await;
        cluster.forget_mended();
        reconcile(&cluster);
        seen = *versions.borrow_and_update();
        // Nobody watches: what happened need not be kept.
        cluster.kube.compact();
        let _ = cluster.kube.take_requests();
        let next = wanted(&cluster, fleet.targets(), clock.now_ms());
        if let Err(e) = fleet.silence(next.silent.clone()).await {
            tracing::warn!(component = "demo", err = %e, "a simulated process cannot listen again");
        }
        match rules::files(rule_file, &next.rules, &before.rules) {
            Ok(files) => {
                if text.replace(rules::named(next.yaml.clone(), &files)) {
                    // The outcome is in the log and among the notices.
                    let _ = server.running.reload().await;
                }
            }
            Err(e) => tracing::warn!(component = "demo", err = %e, "a rule file cannot be written"),
        }
        // What broke is seen in the objects at once; what came back only in its next samples.
        if !next.brings_back(&before) {
            look(server);
        }
        before = next;
        scraped = tokio::time::Instant::now().checked_add(SCRAPED);
    }
}

fn look(server: &Server) {
    if let Some(doctor) = server.running.doctor.get() {
        doctor.look_again();
    }
}

/// Waits until every target was scraped once.
async fn first_scrapes(server: &Server) {
    let wait = async {
        loop {
            let targets = server.running.targets();
            if !targets.is_empty() && targets.iter().all(|t| t.last_scrape_ms >= server.live_since_ms()) {
                return;
            }
            tokio::time::sleep(SETTLE).await;
        }
    };
    // Later looks see what this one may miss.
    let _ = tokio::time::timeout(FIRST, wait).await;
}

/// What Tigera's operator and the controller of EndpointSlices do about what others wrote.
pub(super) fn reconcile(cluster: &DemoCluster) {
    let all = cluster.kube.everything();
    let find =
        |kind: &str, name: &str| all.iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    let mut keep: Vec<(&str, &str)> = Vec::new();
    if let Some(i) = find("Installation", "default").filter(|i| cluster.changed_by_others(i))
        && i["spec"]["typhaMetricsPort"] == 9093
    {
        keep.extend([
            ("Deployment", "calico-typha"),
            ("Service", "calico-typha-metrics"),
            ("Pod", "calico-typha-"),
        ]);
    }
    if let Some(k) = find("KubeControllersConfiguration", "default").filter(|k| cluster.changed_by_others(k))
        && k["spec"]["prometheusMetricsPort"] == 9094
    {
        keep.push(("Service", "calico-kube-controllers-metrics"));
        let mut k = k.clone();
        k["status"] = json!({"runningConfig": {"prometheusMetricsPort": 9094}});
        if find("KubeControllersConfiguration", "default") != Some(&k) {
            cluster.place(&k);
        }
    }
    if !keep.is_empty() {
        for object in cluster.healthy().values() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let kept = keep.iter().any(|(kind, n)| {
                object["kind"] == *kind && if *kind == "Pod" { name.starts_with(n) } else { name == *n }
            });
            let there = all.iter().find(|o| key(o) == key(object));
            if kept && there.is_none_or(|t| t["spec"] != object["spec"]) {
                cluster.place(object);
            }
        }
    }
    let all = cluster.kube.everything();
    for service in all.iter().filter(|o| o["kind"] == "Service") {
        let made = keep.iter().any(|(kind, n)| *kind == "Service" && service["metadata"]["name"] == *n);
        if (made || cluster.changed_by_others(service))
            && let Some(slice) = slice(service, &all)
        {
            cluster.place(&slice);
        }
    }
}

/// The slice that the controller makes of a Service; none when it stands there already or nothing is selected by labels.
fn slice(service: &Value, all: &[Value]) -> Option<Value> {
    let selector = service["spec"]["selector"].as_object().filter(|s| !s.is_empty())?;
    let namespace = &service["metadata"]["namespace"];
    let name = service["metadata"]["name"].as_str()?;
    let chosen = |o: &&Value| {
        o["kind"] == "Pod"
            && o["metadata"]["namespace"] == *namespace
            && selector.iter().all(|(k, v)| o["metadata"]["labels"][k] == *v)
    };
    let pods: Vec<&Value> = all.iter().filter(chosen).collect();
    let named = |port: &str| {
        let ports = pods.iter().flat_map(|p| p["spec"]["containers"].as_array().into_iter().flatten());
        ports
            .flat_map(|c| c["ports"].as_array().into_iter().flatten())
            .find(|p| p["name"] == port)
            .map(|p| p["containerPort"].clone())
    };
    let ports: Vec<Value> = service["spec"]["ports"]
        .as_array()?
        .iter()
        .filter_map(|p| {
            let number = match &p["targetPort"] {
                Value::String(name) => named(name)?,
                Value::Null => p["port"].clone(),
                number => number.clone(),
            };
            Some(json!({"name": p["name"], "port": number, "protocol": "TCP"}))
        })
        .collect();
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|p| {
            let ready = p["status"]["conditions"]
                .as_array()
                .is_some_and(|c| c.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
            json!({
                "addresses": [p["status"]["podIP"]], "nodeName": p["spec"]["nodeName"],
                "conditions": {"ready": ready, "serving": ready, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": p["metadata"]["name"]},
            })
        })
        .collect();
    let there = all.iter().find(|o| {
        o["kind"] == "EndpointSlice"
            && o["metadata"]["namespace"] == *namespace
            && o["metadata"]["labels"]["kubernetes.io/service-name"] == name
    });
    if there.is_some_and(|s| s["endpoints"] == json!(endpoints) && s["ports"] == json!(ports)) {
        return None;
    }
    let slice_name = there.map_or(json!(format!("{name}-dv25j")), |s| s["metadata"]["name"].clone());
    Some(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": ports, "endpoints": endpoints,
        "metadata": {
            "name": slice_name, "namespace": namespace, "uid": format!("{}-slice", service["metadata"]["uid"].as_str().unwrap_or_default()),
            "labels": {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": name, "uid": service["metadata"]["uid"], "controller": true}],
        },
    }))
}
