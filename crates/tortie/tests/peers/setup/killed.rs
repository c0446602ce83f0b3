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

pub(super) const INSTALLATION: &str = "/apis/operator.tigera.io/v1/installations/default";
const RULES: &str = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheusrules/tortie-calico";

type Gate<'g> = &'g (dyn Fn() -> bool + Send + Sync);

/// Plans anew and makes it, or takes it back.
fn run(stage: &Stage, back: bool, gate: Gate<'_>) -> Result<(), Box<SetupError>> {
    let bed = &stage.cluster.bed;
    let connect = ConnectOptions { kubeconfig: Some(bed.kubeconfig()), ..ConnectOptions::default() };
    let inside = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(once(&connect, back, gate)).map_err(Box::new))
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
    let options = Options { no_dashboards: true, ..Options::default() };
    let plan = plan(&Facts::of(&snap), &options).unwrap();
    apply(&plan, &writer, &making, &mut |_| {}).await.map(|_| ())
}

/// What stands when setup is through: without the journal, and identities that are new each time.
fn made(stage: &Stage) -> Dump {
    let mut dump = stage.dump_of(KINDS);
    // prometheus-operator calls rule files after the uid of their object.
    let anew = ["/tortie-setup-journal", "-rulefiles-0"];
    dump.retain(|k, _| !anew.iter().any(|n| k.ends_with(n)) && !k.starts_with("ReplicaSet "));
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

/// What stands once the operator has made Typha's Service, where it was asked to.
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

/// Ended at this moment and, `again`, run anew at once: it ends as `whole`. Taken back, it ends as `before`.
fn ended_at(stage: &Stage, gate: Gate<'_>, again: bool, (before, whole): (&Dump, &Dump), what: &str) {
    let ended = run(stage, false, gate);
    assert!(matches!(ended.as_ref().map_err(|e| &**e), Err(SetupError::Stopped)), "{what}: {ended:?}");
    if again {
        run(stage, false, &open).unwrap();
        stage.settles(whole, || made(stage));
    }
    run(stage, true, &open).unwrap();
    stage.settles(before, || stage.dump_of(KINDS));
}

/// A gate that closes after so many calls.
fn after(moment: usize) -> impl Fn() -> bool + Send + Sync {
    let passed = AtomicUsize::new(0);
    move || passed.fetch_add(1, Ordering::SeqCst) < moment
}

/// Without an accident: what is there before and when it is through, and how often the gate is asked.
fn through(stage: &Stage) -> (Dump, Dump, usize) {
    let before = stage.dump_of(KINDS);
    let calls = AtomicUsize::new(0);
    let count = || calls.fetch_add(1, Ordering::SeqCst) < usize::MAX;
    run(stage, false, &count).unwrap();
    let whole = answered(stage);
    run(stage, true, &open).unwrap();
    stage.settles(&before, || stage.dump_of(KINDS));
    (before, whole, calls.load(Ordering::SeqCst))
}

pub(super) fn check(stage: &Stage) {
    let (before, whole, moments) = through(stage);
    assert!(moments > 50, "{moments}");
    let both = (&before, &whole);
    // Each write is asked about before and after; odd ones have been made.
    for (i, moment) in [1, moments / 3, moments / 2 + 1, moments - 1].into_iter().enumerate() {
        ended_at(stage, &after(moment), i % 2 == 1, both, &format!("moment {moment}"));
    }
    // Right after the field from which the operator makes Typha's Service, before it has come to it: no second one is made.
    let told = || stage.cluster.bed.api().get(INSTALLATION).unwrap()["spec"]["typhaMetricsPort"].is_null();
    ended_at(stage, &told, true, both, "the operator was told");
    ended_at(stage, &told, false, both, "the operator was told");
    // While the rules are written.
    let rules = || stage.cluster.bed.api().find(RULES).unwrap().is_none();
    ended_at(stage, &rules, true, both, "the rules are there");
    // Undo may be ended too.
    run(stage, false, &open).unwrap();
    let ended = run(stage, true, &after(9));
    assert!(matches!(ended.as_ref().map_err(|e| &**e), Err(SetupError::Stopped)), "{ended:?}");
    run(stage, true, &open).unwrap();
    stage.settles(&before, || stage.dump_of(KINDS));
}

/// Before and after every write: run again, and taken back at once.
#[test]
#[ignore = "a campaign: make campaign NAME=faults"]
fn at_every_moment() {
    let stage = Stage::start(32, false);
    let (before, whole, moments) = through(&stage);
    for moment in 0..moments {
        for again in [true, false] {
            let what = format!("moment {moment} of {moments}, run again: {again}");
            ended_at(&stage, &after(moment), again, (&before, &whole), &what);
        }
    }
    println!("{moments} moments, {} runs", 2 * moments);
}
