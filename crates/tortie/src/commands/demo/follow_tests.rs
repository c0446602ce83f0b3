//! The demo's cluster beside its fleet: the same names and addresses, and each break with its consequence.

use super::cluster::DemoCluster;
use super::follow::{Wanted, reconcile, wanted};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::judge;
use tortie_calico::facts::Facts;
use tortie_calico::snapshot::{Snapshot, Source};
use tortie_cluster::object::Object;
use tortie_host::SystemClock;
use tortie_sim::{Bind, Component, Fleet, FleetOptions, SimTarget};

const NOW: i64 = 1_795_000_000_000;

async fn bench(nodes: usize) -> (DemoCluster, Fleet) {
    let options = FleetOptions { nodes, bind: Bind::AnyPort, ..FleetOptions::default() };
    let fleet = Fleet::start(options).await.expect("a fleet");
    let clock = Arc::new(SystemClock::new());
    let alertmanager = "127.0.0.1:9".parse().expect("an address");
    let cluster = DemoCluster::start(fleet.targets(), nodes, alertmanager, clock).await.expect("a cluster");
    (cluster, fleet)
}

fn scraped(w: &Wanted, targets: &[SimTarget]) -> BTreeSet<String> {
    targets.iter().filter(|t| w.yaml.contains(&t.pod)).map(|t| t.pod.clone()).collect()
}

#[tokio::test]
async fn a_healthy_cluster_of_any_size_scrapes_its_whole_fleet() {
    for nodes in [1, 2, 3, 4, 7, 60] {
        let (cluster, fleet) = bench(nodes).await;
        let targets = fleet.targets();
        let w = wanted(&cluster, targets, NOW);
        assert_eq!(w.silent, BTreeSet::new(), "{nodes} nodes");
        assert_eq!(scraped(&w, targets).len(), targets.len(), "{nodes} nodes: {}", w.yaml);
        for t in targets {
            let pod = cluster
                .kube
                .objects("", "pods")
                .into_iter()
                .find(|p| p["metadata"]["name"] == t.pod.as_str());
            let pod = pod.unwrap_or_else(|| panic!("{nodes} nodes: no pod {}", t.pod));
            assert_eq!(pod["status"]["podIP"], t.address.ip().to_string(), "{}", t.pod);
            assert_eq!(pod["spec"]["nodeName"], t.node.as_str(), "{}", t.pod);
        }
        let text: String = cluster.kube.everything().iter().map(Value::to_string).collect();
        assert!(!text.contains("10.99.1."), "{nodes} nodes: an address of the model is left");
        assert!(!text.contains("tortie-felix-metrics"), "{nodes} nodes: a Service of the model is left");
    }
}

#[tokio::test]
async fn every_break_is_told_and_heals_without_a_trace() {
    let (cluster, _fleet) = bench(3).await;
    let before = objects(&cluster);
    let names: Vec<&str> = cluster.faults().iter().map(|(e, _)| e.name).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        assert_eq!(cluster.switch(name, true), Ok(true), "{name}");
        let check = cluster.faults().into_iter().find(|(e, _)| e.name == name).map(|(e, _)| e.check);
        let told = told(&cluster);
        assert!(told.iter().any(|id| Some(*id) == check), "{name}: {check:?} is not in {told:?}");
        assert_eq!(cluster.switch(name, false), Ok(true), "{name}");
        assert_eq!(objects(&cluster), before, "{name}");
    }
}

#[tokio::test]
async fn what_is_broken_is_what_goes() {
    let (cluster, fleet) = bench(3).await;
    let targets = fleet.targets();
    let check = |fault: &str, component: Component, goes: bool, silent: usize| {
        assert_eq!(cluster.switch(fault, true), Ok(true), "{fault}");
        let w = wanted(&cluster, targets, NOW);
        let there = scraped(&w, targets);
        let own = targets.iter().filter(|t| t.component == component);
        assert!(own.clone().all(|t| there.contains(&t.pod) != goes), "{fault}: {}", w.yaml);
        let others = targets.iter().filter(|t| t.component != component);
        assert!(others.clone().all(|t| there.contains(&t.pod)), "{fault}: {}", w.yaml);
        assert_eq!(w.silent.len(), silent, "{fault}");
        assert_eq!(cluster.switch(fault, false), Ok(true), "{fault}");
    };
    check("port-name", Component::KubeControllers, true, 0);
    check("felix-off", Component::Felix, false, 3);
    check("felix-node-override", Component::Felix, false, 1);
    check("release-label-typha", Component::Typha, true, 0);
    check("tier-denies", Component::KubeControllers, false, 1);
}

/// Rules of objects are those that the Prometheus takes and the operator does not refuse; where alerts go follows its object.
#[tokio::test]
async fn rules_and_the_alertmanager_follow_the_objects() {
    let (cluster, fleet) = bench(3).await;
    let healthy = wanted(&cluster, fleet.targets(), NOW);
    assert_eq!(healthy.rules, []);
    let check = |fault: &str, rules: usize, receives: bool| {
        assert_eq!(cluster.switch(fault, true), Ok(true), "{fault}");
        let w = wanted(&cluster, fleet.targets(), NOW);
        assert_eq!(w.rules.len(), rules, "{fault}");
        assert_eq!(w.yaml.contains("127.0.0.1:9\"]"), receives, "{fault}: {}", w.yaml);
        assert_eq!(cluster.switch(fault, false), Ok(true), "{fault}");
        let w = wanted(&cluster, fleet.targets(), NOW);
        assert_eq!((w.rules, w.yaml), (vec![], healthy.yaml.clone()), "{fault}");
    };
    for fault in ["rule-label", "rule-selector-null", "rule-namespace", "rule-syntax", "rule-refused"] {
        check(fault, 0, true);
    }
    check("rule-total", 1, true);
    check("no-alertmanager", 1, false);
    check("alertmanager-down", 1, false);
}

/// What the operator and the controller of slices do once somebody sets the field.
#[tokio::test]
async fn typhas_port_set_by_hand_brings_typha_back() {
    let (cluster, fleet) = bench(3).await;
    let targets = fleet.targets();
    let healthy = wanted(&cluster, targets, NOW);
    assert_eq!(cluster.switch("typha-off", true), Ok(true));
    assert_ne!(wanted(&cluster, targets, NOW).yaml, healthy.yaml);
    reconcile(&cluster);
    assert_ne!(wanted(&cluster, targets, NOW).yaml, healthy.yaml, "nobody set the port");
    let mut installation = cluster.kube.objects("operator.tigera.io", "installations").remove(0);
    installation["spec"]["typhaMetricsPort"] = json!(9093);
    assert!(cluster.kube.place(&installation));
    cluster.forget_mended();
    assert!(cluster.faults().iter().all(|(_, on)| !on));
    reconcile(&cluster);
    let mended = wanted(&cluster, targets, NOW);
    assert_eq!((mended.yaml, mended.silent), (healthy.yaml, healthy.silent));
}

#[tokio::test]
async fn faults_that_exclude_each_other_are_refused_and_change_nothing() {
    let (cluster, _fleet) = bench(3).await;
    assert_eq!(cluster.switch("no-monitor", true), Ok(true));
    let before = objects(&cluster);
    let refused = cluster.switch("port-name-felix", true).expect_err("the monitor is gone");
    assert!(
        refused.contains("port-name-felix does not go together") && refused.contains("hint: "),
        "{refused}"
    );
    assert_eq!(objects(&cluster), before);
    assert_eq!(cluster.switch("no-such-fault", true), Ok(false));
}

/// What the doctor tells from the objects alone.
fn told(cluster: &DemoCluster) -> Vec<&'static str> {
    let mut snap = Snapshot::new(Source::Dump);
    snap.at = NOW;
    let parsed = |v| Object::parse(v).expect("an object");
    assert!(snap.add(cluster.kube.everything().into_iter().map(parsed).collect()).is_empty());
    judge(ALL, &Facts::of(&snap)).findings.iter().map(|f| f.id).collect()
}

/// All objects without their versions.
fn objects(cluster: &DemoCluster) -> Vec<Value> {
    let mut all = cluster.kube.everything();
    for o in &mut all {
        o["metadata"]["resourceVersion"] = Value::Null;
    }
    all
}
