//! Ended before or after a write, setup is run again, or taken back at once: the end is the same as without the accident.
//!
//! Every moment is tried against the simulated API server; here a few, which stay the same from run to run.

use super::stage::{Dump, Stage};
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_calico::collect::{Wants, collect};
use tortie_calico::facts::Facts;
use tortie_calico::setup::apply::{Making, SetupError, apply};
use tortie_calico::setup::{Options, plan, undo};
use tortie_cluster::client::{Cluster, ConnectOptions};
use tortie_cluster::writer::Writer;
use tortie_host::RealFs;

/// All that setup writes, and what follows from it.
const KINDS: &str = "felixconfigurations,installations,kubecontrollersconfigurations,services,servicemonitors,\
                     prometheusrules,configmaps,deployments,replicasets,tiers.projectcalico.org,networkpolicies.projectcalico.org";

type Gate<'g> = &'g (dyn Fn() -> bool + Send + Sync);

/// Plans anew and makes it, or takes it back.
fn run(stage: &Stage, back: bool, gate: Gate<'_>) -> Result<(), SetupError> {
    let bed = &stage.cluster.bed;
    let connect = ConnectOptions { kubeconfig: Some(bed.kubeconfig()), ..ConnectOptions::default() };
    let inside = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(once(&connect, back, gate)))
    };
    bed.namespace().enter(inside).unwrap()
}

async fn once(connect: &ConnectOptions, back: bool, gate: Gate<'_>) -> Result<(), SetupError> {
    let wants = Wants { probes: 0, ask: false, twice: false, ..Wants::default() };
    let snap = collect(connect, &wants, Vec::new(), 1_767_776_400_000).await;
    let writer = Writer::new(&Cluster::connect(connect).await.unwrap().0);
    let making = Making { fs: &RealFs, file: None, by: "admin".to_owned(), now: 1, gate };
    if back {
        let undone = undo::undo(&writer, "monitoring", &snap.identity.uid, &making).await?;
        assert!(undone.iter().flatten().all(|u| u.back), "{undone:?}");
        return Ok(());
    }
    let options = Options { no_dashboards: true, no_rules: true, ..Options::default() };
    let plan = plan(&Facts::of(&snap), &options).unwrap();
    apply(&plan, &writer, &making, &mut |_| {}).await.map(|_| ())
}

/// What stands when setup is through: without the journal, and identities that are new each time.
fn made(stage: &Stage) -> Dump {
    let mut dump = stage.dump_of(KINDS);
    dump.retain(|k, _| !k.ends_with("/tortie-setup-journal") && !k.starts_with("ReplicaSet "));
    for object in dump.values_mut() {
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.remove("uid");
        meta.remove("creationTimestamp");
        // A Service gets another address each time.
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
    }
    dump
}

/// What stands once the operator has made Typha's Service, where it was asked to. Who runs setup again before that finds
/// none and makes one.
fn answered(stage: &Stage) -> Dump {
    let settled = stage.cluster.bed.wait("the operator's Service", |_| {
        let dump = made(stage);
        let asked = dump
            .iter()
            .any(|(k, o)| k.starts_with("Installation ") && !o["spec"]["typhaMetricsPort"].is_null());
        let there = dump.keys().any(|k| k.ends_with("/calico-typha-metrics"));
        Ok((!asked || there).then_some(dump))
    });
    settled.unwrap()
}

fn open() -> bool {
    true
}

pub(super) fn check(stage: &Stage) {
    let before = stage.dump_of(KINDS);
    let calls = AtomicUsize::new(0);
    let count = || calls.fetch_add(1, Ordering::SeqCst) < usize::MAX;
    run(stage, false, &count).unwrap();
    let whole = answered(stage);
    run(stage, true, &open).unwrap();
    stage.settles(&before, || stage.dump_of(KINDS));
    let moments = calls.load(Ordering::SeqCst);
    assert!(moments > 40, "{moments}");
    // Each write is asked about before and after; odd ones have been made.
    for (i, moment) in [1, moments / 3, moments / 2 + 1, moments - 1].into_iter().enumerate() {
        let passed = AtomicUsize::new(0);
        let gate = || passed.fetch_add(1, Ordering::SeqCst) < moment;
        let ended = run(stage, false, &gate);
        assert!(matches!(ended, Err(SetupError::Stopped)), "moment {moment}: {ended:?}");
        if i % 2 == 1 {
            answered(stage);
            run(stage, false, &open).unwrap();
            stage.settles(&whole, || made(stage));
        }
        run(stage, true, &open).unwrap();
        stage.settles(&before, || stage.dump_of(KINDS));
    }
    // Undo may be ended too.
    run(stage, false, &open).unwrap();
    let passed = AtomicUsize::new(0);
    let gate = || passed.fetch_add(1, Ordering::SeqCst) < 9;
    let ended = run(stage, true, &gate);
    assert!(matches!(ended, Err(SetupError::Stopped)), "{ended:?}");
    run(stage, true, &open).unwrap();
    stage.settles(&before, || stage.dump_of(KINDS));
}
