//! `run --from-crds` at an API server in this process: what targets of custom resources may reach and get, which rights are
//! missing, and who tells the Alertmanagers.

mod certificates;
mod foreign;
mod rights;
mod sending;

use crate::http::{get, targets};
use crate::process::{Running, SOON};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer};

/// An API server with namespaces `monitoring` and `apps`, and whatever a test places there.
struct Cluster {
    kube: KubeServer,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    /// With one Prometheus object, `monitoring/k8s`, that selects everything; `more` goes over its `spec`.
    fn start(dir: &Path, more: &Value) -> Cluster {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = KubeOptions::monitored(CalicoApi::Absent);
        let cluster = Cluster { kube: runtime.block_on(KubeServer::start(options)).unwrap(), runtime };
        for name in ["monitoring", "apps"] {
            cluster.place(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
        let mut spec =
            json!({"scrapeInterval": "300ms", "scrapeTimeout": "300ms", "evaluationInterval": "200ms"});
        for kind in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule"] {
            spec[format!("{kind}Selector")] = json!({});
            spec[format!("{kind}NamespaceSelector")] = json!({});
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        cluster.place(&custom("Prometheus", "monitoring", "k8s", &spec));
        std::fs::write(dir.join("kubeconfig"), cluster.kube.kubeconfig("admin")).unwrap();
        cluster
    }

    fn place(&self, object: &Value) {
        assert!(self.kube.place(object), "{object}");
    }

    /// A Secret in namespace `apps`.
    fn secret(&self, name: &str, data: &Value) {
        self.secret_in("apps", name, data);
    }

    fn secret_in(&self, namespace: &str, name: &str, data: &Value) {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data});
        assert!(self.kube.create("v1", "secrets", namespace, &object).is_some(), "{object}");
    }

    /// A Service `name` in a namespace whose endpoints are these addresses, all at one port.
    fn endpoints(&self, namespace: &str, name: &str, addresses: &[&str], port: u16) {
        let meta = json!({"name": name, "namespace": namespace, "labels": {"app": name}});
        let ips: Vec<Value> = addresses.iter().map(|a| json!({"ip": a})).collect();
        self.place(&json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"name": "web", "port": port}]}}));
        self.place(&json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": [{"addresses": ips, "ports": [{"name": "web", "port": port}]}]}));
    }

    /// A ServiceMonitor `apps/name` for the Service of its name; `keys` go over its endpoint.
    fn monitor(&self, name: &str, keys: &Value) {
        let mut endpoint = json!({"port": "web"});
        for (key, value) in keys.as_object().into_iter().flatten() {
            endpoint[key] = value.clone();
        }
        let spec = json!({"selector": {"matchLabels": {"app": name}}, "endpoints": [endpoint]});
        self.place(&custom("ServiceMonitor", "apps", name, &spec));
    }

    /// The StatefulSet of the Prometheus object with so many ready pods.
    fn stateful_set(&self, ready: u64) {
        self.place(&json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "prometheus-k8s", "namespace": "monitoring", "labels": {"operator.prometheus.io/name": "k8s"}},
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": ready},
        }));
    }
}

fn custom(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    let version = if matches!(kind, "ScrapeConfig" | "AlertmanagerConfig") { "v1alpha1" } else { "v1" };
    json!({"apiVersion": format!("monitoring.coreos.com/{version}"), "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

const RUN: [&str; 5] = [
    "run",
    "--from-crds",
    "--kubeconfig=kubeconfig",
    "--storage.tsdb.path=data",
    "--web.listen-address=127.0.0.1:0",
];

/// The program at the cluster whose kubeconfig lies in `dir`.
fn run(dir: &Path, more: &[&str]) -> Running {
    let args: Vec<&str> = RUN.iter().chain(more).copied().collect();
    Running::start(dir, &args).ready(1, "")
}

/// Waits for a target of each of these pools that was scraped, in their order.
#[track_caller]
fn scraped(run: &Running, pools: &[&str]) -> Vec<Value> {
    let one = |pool: &&str| {
        let began = Instant::now();
        loop {
            let all = targets(run.address());
            let found = all.iter().find(|t| t["scrapePool"] == **pool && t["health"] != "unknown");
            if let Some(found) = found {
                return found.clone();
            }
            assert!(began.elapsed() < SOON, "no scraped target of {pool}: {all:#?}\n{}", run.err());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    pools.iter().map(one).collect()
}

/// What the server says of the object that it follows.
fn followed(run: &Running) -> Value {
    get(run.address(), "/api/tortie/v1/status").json()["data"]["followed"].take()
}
