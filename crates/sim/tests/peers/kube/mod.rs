//! The simulated API server beside the real one: the same list of requests, the same answers but for uids, times and
//! versions.

#[path = "../../it/kube/client.rs"]
mod client;
#[path = "../../it/kube/list.rs"]
mod list;
mod masks;
mod real;

use serde_json::{Value, json};
use tortie_sim::kube::{KubeOptions, KubeServer, User};

/// Tokens of both servers; the list names them.
pub const TOKENS: &[(&str, &str)] = &[("viewer", "viewer"), ("stranger", "stranger")];

/// Definitions of custom kinds that the list speaks of.
const DEFINED: &[&str] = &[
    "servicemonitors.monitoring.coreos.com",
    "prometheusrules.monitoring.coreos.com",
    "installations.operator.tigera.io",
    "felixconfigurations.crd.projectcalico.org",
    "felixconfigurations.projectcalico.org",
    "kubecontrollersconfigurations.projectcalico.org",
    "tiers.projectcalico.org",
    "networkpolicies.projectcalico.org",
];

/// The definition as a client would send it.
fn sent(mut definition: Value) -> Value {
    let meta = json!({
        "name": definition["metadata"]["name"],
        "annotations": definition["metadata"]["annotations"],
    });
    definition["metadata"] = meta;
    definition.as_object_mut().unwrap().remove("status");
    definition
}

#[test]
fn answers_equal_the_real_servers() {
    let list = list::read();
    assert!(list.len() >= 300, "the list has {} requests", list.len());
    let real = real::Real::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let user = |name: &str| User { name: name.into(), groups: Vec::new() };
    let options = KubeOptions {
        tokens: TOKENS.iter().map(|(t, u)| ((*t).to_owned(), user(u))).collect(),
        finalize_namespaces: false,
        ..KubeOptions::default()
    };
    let sim = runtime.block_on(KubeServer::start(options)).unwrap();
    for name in DEFINED {
        let definition = sent(real.define(name));
        let made = sim.create("apiextensions.k8s.io/v1", "customresourcedefinitions", "", &definition);
        assert!(made.is_some(), "{name}");
    }
    let theirs = list::run(|a| real.ask(a), &list);
    let ours = list::run(|a| client::ask(sim.address(), a), &list);
    let only = std::env::var("TORTIE_ONLY").unwrap_or_default();
    let mut wrong = 0;
    for ((item, theirs), ours) in list.iter().zip(&theirs).zip(&ours) {
        let (a, b) = (masks::masked(&theirs.body), masks::masked(&ours.body));
        let same = a == b && theirs.status == ours.status;
        if !same {
            wrong += 1;
        }
        if theirs.status != item.status {
            println!("{}: the list says {}, the real server {}", item.place, item.status, theirs.status);
            wrong += 1;
        }
        if !same && item.place.starts_with(&only) {
            println!(
                "{}: {} {}: {} {}",
                item.place, item.ask.method, item.ask.path, theirs.status, ours.status
            );
            masks::print_difference("", &a, &b);
        }
    }
    println!("{} requests, {wrong} answers differ", list.len());
    assert_eq!(wrong, 0);
}
