//! Setup, undo and what lies between, against the simulated API server.

use super::apply::{Making, SetupError, apply};
use super::step::{Checked, Plan};
use super::{Options, plan, saved, standing, trial, undo};
use crate::collect::{Wants, collect};
use crate::component::Component;
use crate::facts::Facts;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tortie_cluster::client::{Cluster, ConnectOptions, ListOptions};
use tortie_cluster::writer::Writer;
use tortie_host::RealFs;
use tortie_sim::installs::{self, Kind, Objects};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

/// Kinds that setup writes, and their groups.
const WRITTEN: [(&str, &str); 11] = [
    ("", "Service"),
    ("", "ConfigMap"),
    ("apps", "Deployment"),
    ("apps", "DaemonSet"),
    ("operator.tigera.io", "Installation"),
    ("projectcalico.org", "FelixConfiguration"),
    ("projectcalico.org", "KubeControllersConfiguration"),
    ("projectcalico.org", "Tier"),
    ("projectcalico.org", "NetworkPolicy"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("monitoring.coreos.com", "PrometheusRule"),
];

/// When things are taken back: longer after they were made than an operator takes to answer.
const LATER: i64 = 600_000;

/// A cluster behind a simulated API server.
struct Bench {
    server: KubeServer,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn start(options: &installs::Options, calico: CalicoApi) -> Bench {
        let server = KubeServer::start(KubeOptions {
            anonymous: Some(User::administrator("admin")),
            ..KubeOptions::monitored(calico)
        })
        .await
        .unwrap();
        for mut object in Objects::of(options).0 {
            let api = object["apiVersion"].as_str().unwrap().to_owned();
            // The aggregated server keeps its objects as the group of storage.
            let api = if api == "projectcalico.org/v3" { "crd.projectcalico.org/v1".to_owned() } else { api };
            object["apiVersion"] = json!(api);
            let kind = object["kind"].as_str().unwrap().to_owned();
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
            server.create(&api, &crate::doctor::mend::plural(&kind), &namespace, &object);
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), server.kubeconfig("admin")).unwrap();
        Bench { server, dir }
    }

    fn connect(&self) -> ConnectOptions {
        ConnectOptions { kubeconfig: Some(self.dir.path().join("kubeconfig")), ..ConnectOptions::default() }
    }

    async fn look(&self) -> Snapshot {
        let wants =
            Wants { probes: 0, ask: false, limit: Duration::from_secs(60), twice: false, ..Wants::default() };
        collect(&self.connect(), &wants, Vec::new(), 1_767_776_400_000).await
    }

    async fn writer(&self) -> Writer {
        Writer::new(&Cluster::connect(&self.connect()).await.unwrap().0)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("state/journal.json")
    }

    /// All that setup may write, as the API shows it, without what every write moves.
    async fn dump(&self) -> Vec<Value> {
        let cluster = Cluster::connect(&self.connect()).await.unwrap().0;
        let served = cluster.resources().await.unwrap();
        let mut out = Vec::new();
        for (group, kind) in WRITTEN {
            // What the aggregated server shows counts; its storage has notes of its own.
            let shown = if group == "projectcalico.org" && !served.has_group(group) {
                "crd.projectcalico.org"
            } else {
                group
            };
            let resource = served.find(shown, kind).unwrap();
            for object in cluster.list(resource, None, &ListOptions::default()).await.unwrap() {
                let mut o = object.body;
                let meta = o["metadata"].as_object_mut().unwrap();
                meta.remove("resourceVersion");
                meta.remove("generation");
                // A DaemonSet counts its templates, also the one back.
                if let Some(notes) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
                    notes.remove("deprecated.daemonset.template.generation");
                }
                let managers =
                    meta.entry("managedFields").or_insert_with(|| json!([])).as_array_mut().unwrap();
                for entry in managers.iter_mut() {
                    entry.as_object_mut().unwrap().remove("time");
                }
                managers.sort_by_key(Value::to_string);
                out.push(o);
            }
        }
        out
    }

    /// The same when setup is through: without its journal and identities that are new each time.
    async fn made(&self) -> Vec<Value> {
        let mut out = self.dump().await;
        out.retain(|o| o["metadata"]["name"] != super::JOURNAL);
        for object in &mut out {
            let meta = object["metadata"].as_object_mut().unwrap();
            meta.remove("uid");
            meta.remove("creationTimestamp");
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
        }
        out
    }

    async fn plan(&self, options: &Options) -> Plan {
        let snap = self.look().await;
        assert!(snap.unseen.iter().all(|u| u.what != "api"), "{:?}", snap.unseen);
        plan(&Facts::of(&snap), options).unwrap()
    }

    async fn apply(&self, plan: &Plan, gate: &(dyn Fn() -> bool + Send + Sync)) -> Result<usize, SetupError> {
        let making = Making { fs: &RealFs, file: Some(self.file()), by: "admin".to_owned(), now: 1, gate };
        apply(plan, &self.writer().await, &making, &mut |_| {}).await
    }

    async fn undo(
        &self,
        namespace: &str,
        gate: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<Vec<undo::Undone>>, SetupError> {
        let uid = self.look().await.identity.uid;
        let making =
            Making { fs: &RealFs, file: Some(self.file()), by: "admin".to_owned(), now: LATER, gate };
        undo::undo(&self.writer().await, namespace, &uid, &making).await
    }

    /// Writes since the last call, dry runs and reviews left out.
    fn writes(&self) -> Vec<String> {
        let seen = self.server.take_requests().into_iter();
        seen.filter(|r| r.method != "GET" && !r.query.contains("dryRun") && !r.path.contains("selfsubject"))
            .map(|r| format!("{} {} {}", r.method, r.path, r.status))
            .collect()
    }
}

fn operator(calico: u32) -> installs::Options {
    installs::Options { calico, chain: false, ..installs::Options::default() }
}

fn open() -> bool {
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setup_then_undo_leaves_no_trace_and_a_second_setup_writes_nothing() {
    for (options, calico) in [
        (operator(32), CalicoApi::Aggregated),
        (operator(30), CalicoApi::AggregatedNoCreateOnApply),
        (installs::Options { kind: Kind::Manifest, ..operator(30) }, CalicoApi::Absent),
    ] {
        let bench = Bench::start(&options, calico).await;
        let before = bench.dump().await;
        let mut plan = bench.plan(&Options::default()).await;
        trial::rehearse_all(&mut plan, &bench.writer().await).await.unwrap();
        for step in plan.writes() {
            assert!(!matches!(step.checked, Checked::Refused { .. } | Checked::No), "{step:?}");
        }
        let _ = bench.writes();
        let made = bench.apply(&plan, &open).await.unwrap();
        assert_eq!(made, plan.writes().count());
        assert!(bench.writes().len() >= made);
        // The operator is not here to act on its Installation, so its part is told to be there by the second look only
        // for what setup itself wrote.
        let again = bench.plan(&Options::default()).await;
        let touched: Vec<_> =
            again.writes().filter(|s| plan.writes().any(|p| p.target == s.target)).collect();
        assert!(touched.is_empty(), "{touched:?}");
        let snap = bench.look().await;
        let journal = super::journal::of_snapshot(&snap).unwrap().unwrap();
        let standing = standing::standing(&journal, &snap);
        assert!(standing.iter().all(|s| s.ours), "{standing:?}");
        let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
        assert!(undone.iter().all(|u| u.back), "{undone:?}");
        assert!(!bench.file().exists());
        same(&before, &bench.dump().await);
    }
}

#[track_caller]
fn same(before: &[Value], after: &[Value]) {
    let name = |o: &Value| format!("{} {} {}", o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]);
    let names = |list: &[Value]| list.iter().map(name).collect::<Vec<_>>();
    assert_eq!(names(before), names(after));
    for (b, a) in before.iter().zip(after) {
        assert_eq!(b, a, "{}", name(b));
    }
}

/// All kinds that setup writes but dashboards, whose ConfigMaps are written as the others are; a rule as good as sixty.
fn little() -> Options {
    let rule = json!({"alert": "FelixDown", "expr": "up{job=\"felix\"} == 0", "for": "5m"});
    let rules = Some(json!({"groups": [{"name": "calico", "rules": [rule]}]}));
    Options { no_dashboards: true, rules, ..Options::default() }
}

/// An apply that leaves out what its manager applied before takes it away: both ports of an Installation stand, also when a
/// later run writes one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_setup_applied_before_stays_when_it_applies_more() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let before = bench.dump().await;
    let ports = || {
        let list = bench.server.objects("operator.tigera.io", "installations");
        ["nodeMetricsPort", "typhaMetricsPort"].map(|field| list[0]["spec"][field].clone())
    };
    let through = Options { felix: Some(super::FelixThrough::Installation), ..little() };
    let plan = bench.plan(&through).await;
    bench.apply(&plan, &open).await.unwrap();
    assert_eq!(ports(), [json!(9091), json!(9093)]);
    let later = Options { ports: [(Component::Typha, 9193)].into(), ..through };
    bench.apply(&bench.plan(&later).await, &open).await.unwrap();
    assert_eq!(ports(), [json!(9091), json!(9193)]);
    bench.undo(&plan.namespace, &open).await.unwrap();
    assert_eq!(ports(), [Value::Null, Value::Null]);
    same(&before, &bench.dump().await);
}

/// What a later version wrote down is not read as if it were of this one: neither setup nor undo touches anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_of_another_form_is_refused() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let plan = bench.plan(&little()).await;
    bench.apply(&plan, &open).await.unwrap();
    let there = bench.server.objects("", "configmaps");
    let journal = there.iter().find(|o| o["metadata"]["name"] == super::JOURNAL).unwrap();
    let text =
        journal["data"]["journal.json"].as_str().unwrap().replace("setup.journal/v1", "setup.journal/v2");
    let target = super::Target::new("v1", "ConfigMap", &plan.namespace, super::JOURNAL).reference();
    let newer = json!({"data": {"journal.json": text}});
    let mode = tortie_cluster::writer::Mode::Real;
    bench.writer().await.merge_patch(&target, &newer, "tortie-setup", mode).await.unwrap();
    let _ = bench.writes();
    let port = Options { ports: [(Component::Typha, 9193)].into(), ..little() };
    let more = bench.plan(&port).await;
    let refused = bench
        .apply(&more, &open)
        .await
        .err()
        .into_iter()
        .chain(bench.undo(&plan.namespace, &open).await.err());
    let told: Vec<String> = refused.map(|e| e.to_string()).collect();
    let why = "it is of form \"tortie.setup.journal/v2\", this version reads tortie.setup.journal/v1";
    assert!(told.len() == 2 && told.iter().all(|t| t.ends_with(why)), "{told:?}");
    assert_eq!(bench.writes(), [""; 0]);
}

/// A journal speaks of all that setup makes; that is not a dashboard which stands somewhere already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dashboards_that_were_left_out_come_later() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    bench.apply(&bench.plan(&little()).await, &open).await.unwrap();
    let more = bench.plan(&Options { no_rules: true, ..Options::default() }).await;
    let boards: Vec<&str> =
        more.writes().filter(|s| s.target.kind == "ConfigMap").map(|s| s.target.name.as_str()).collect();
    let all = ["tortie-dashboard-felix", "tortie-dashboard-typha", "tortie-dashboard-kube-controllers"];
    assert_eq!(boards, all);
}

/// Ended before and after each write, that of the rules included: running setup again and undo leave the same as without the
/// accident.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_can_be_run_again_and_undone() {
    let options = little();
    let bench = Bench::start(&operator(32), CalicoApi::Aggregated).await;
    let before = bench.dump().await;
    let calls = AtomicUsize::new(0);
    let count = || calls.fetch_add(1, Ordering::SeqCst) < usize::MAX;
    let plan = bench.plan(&options).await;
    bench.apply(&plan, &count).await.unwrap();
    let whole = bench.made().await;
    for kind in ["PrometheusRule", "Tier", "NetworkPolicy", "ServiceMonitor"] {
        let written = plan.writes().any(|s| s.target.kind == kind);
        assert!(written, "{kind} is not written, so ending before it is not tried");
    }
    bench.undo(&plan.namespace, &open).await.unwrap();
    same(&before, &bench.dump().await);
    let moments = calls.load(Ordering::SeqCst);
    // Each step has its write and its two of the journal, each asked about before and after.
    assert_eq!(moments, 6 * plan.writes().count());
    // Each moment is run again, and the end of that taken back; some are taken back at once as well.
    let at_once = (0..moments).step_by(7).map(|m| (m, false));
    for (moment, again) in (0..moments).map(|m| (m, true)).chain(at_once) {
        let passed = AtomicUsize::new(0);
        let gate = || passed.fetch_add(1, Ordering::SeqCst) < moment;
        let plan = bench.plan(&options).await;
        let ended = bench.apply(&plan, &gate).await;
        assert!(matches!(ended, Err(SetupError::Stopped)), "moment {moment}: {ended:?}");
        if again {
            let plan = bench.plan(&options).await;
            bench.apply(&plan, &open).await.unwrap();
            same(&whole, &bench.made().await);
        }
        bench.undo(&plan.namespace, &open).await.unwrap();
        same(&before, &bench.dump().await);
    }
}

/// The same of undo: it is run again, and the end is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_that_was_killed_is_run_again() {
    let options = little();
    let bench = Bench::start(&operator(32), CalicoApi::Aggregated).await;
    let before = bench.dump().await;
    let mut moment = 0;
    loop {
        let plan = bench.plan(&options).await;
        bench.apply(&plan, &open).await.unwrap();
        let passed = AtomicUsize::new(0);
        let gate = || passed.fetch_add(1, Ordering::SeqCst) < moment;
        let ended = bench.undo(&plan.namespace, &gate).await;
        bench.undo(&plan.namespace, &open).await.unwrap();
        same(&before, &bench.dump().await);
        if ended.is_ok() {
            break;
        }
        moment += 1;
    }
    assert!(moment > 10, "{moment}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_managers_value_is_taken_only_when_it_is_named_and_given_back_with_its_owner() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let writer = bench.writer().await;
    let felix = tortie_cluster::object::Object::parse(json!({
        "apiVersion": "projectcalico.org/v3", "kind": "FelixConfiguration", "metadata": {"name": "default"},
        "spec": {"prometheusMetricsEnabled": false},
    }))
    .unwrap();
    writer.apply(&felix, "colleague", false, tortie_cluster::writer::Mode::Real).await.unwrap();
    let before = bench.dump().await;
    let kept = bench.plan(&Options::default()).await;
    assert_eq!(kept.steps[0].write, super::Write::Conflict, "{:?}", kept.steps[0]);
    let options = Options { take: vec!["colleague".to_owned()], ..Options::default() };
    let plan = bench.plan(&options).await;
    bench.apply(&plan, &open).await.unwrap();
    let on = writer.get(&felix.reference()).await.unwrap();
    assert_eq!(on.at("/spec/prometheusMetricsEnabled"), Some(&json!(true)));
    let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
    assert!(undone.iter().all(|u| u.back), "{undone:?}");
    same(&before, &bench.dump().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changed_since_is_left_to_them() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let plan = bench.plan(&Options::default()).await;
    bench.apply(&plan, &open).await.unwrap();
    let writer = bench.writer().await;
    let installation =
        plan.steps.iter().find(|s| s.target.kind == "Installation").unwrap().target.reference();
    let patch = json!({"spec": {"typhaMetricsPort": 9099}});
    writer.merge_patch(&installation, &patch, "colleague", tortie_cluster::writer::Mode::Real).await.unwrap();
    let snap = bench.look().await;
    let journal = super::journal::of_snapshot(&snap).unwrap().unwrap();
    let standing = standing::standing(&journal, &snap);
    let line = standing.iter().find(|s| !s.ours).unwrap();
    assert_eq!(line.how, "9099, setup left 9093: changed by colleague");
    // The doctor reads the same journal.
    assert!(snap.setup.as_ref().is_some_and(|j| j.fields.len() == 2), "{:?}", snap.setup);
    let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
    let left: Vec<_> = undone.iter().filter(|u| !u.back).map(|u| u.how.as_str()).collect();
    assert_eq!(left, ["left alone: changed since by colleague"]);
    let now = writer.get(&installation).await.unwrap();
    assert_eq!(now.at("/spec/typhaMetricsPort"), Some(&json!(9099)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_plan_is_refused_when_what_it_was_made_for_moved() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let plan = bench.plan(&Options::default()).await;
    let read = saved::read(saved::write(&plan).as_bytes()).unwrap();
    assert_eq!(read, plan);
    let snap = bench.look().await;
    assert_eq!(saved::drift(&read, &snap), [""; 0]);
    let other = Plan { cluster_uid: "other".to_owned(), ..plan.clone() };
    assert_eq!(saved::drift(&other, &snap).len(), 1);
    let writer = bench.writer().await;
    let felix = plan.steps[0].target.reference();
    let mode = tortie_cluster::writer::Mode::Real;
    let stands = |p: &Plan| p.steps.iter().position(|s| !s.uid.is_empty() && s.write.writes()).unwrap();
    let mut anew = plan.clone();
    let step = stands(&anew);
    anew.steps[step].uid = "of-an-earlier-object".to_owned();
    assert_eq!(saved::drift(&anew, &snap).len(), 1, "{:?}", saved::drift(&anew, &snap));
    // Another field moves the resourceVersion alone.
    writer
        .merge_patch(&felix, &json!({"spec": {"logSeverityScreen": "Info"}}), "colleague", mode)
        .await
        .unwrap();
    assert_eq!(saved::drift(&read, &bench.look().await), [""; 0]);
    writer
        .merge_patch(&felix, &json!({"spec": {"prometheusMetricsEnabled": false}}), "colleague", mode)
        .await
        .unwrap();
    let moved = saved::drift(&read, &bench.look().await);
    assert_eq!(
        moved,
        ["/spec/prometheusMetricsEnabled of FelixConfiguration default is false since the plan"]
    );
}

/// Two setups at once do not mix: who read the journal before the other wrote it stops, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_setups_at_once_do_not_mix() {
    use super::apply::Work;
    let bench = Bench::start(&operator(32), CalicoApi::Aggregated).await;
    let plan = bench.plan(&Options::default()).await;
    let writer = bench.writer().await;
    let making = Making { fs: &RealFs, file: None, by: "admin".to_owned(), now: 1, gate: &open };
    let mut first = Work::begin(&plan, &writer, &making).await.unwrap();
    let mut second = Work::begin(&plan, &writer, &making).await.unwrap();
    let steps: Vec<_> = plan.writes().collect();
    first.make(steps[0]).await.unwrap();
    let refused = second.make(steps[1]).await.unwrap_err().to_string();
    let words = "was written by another setup at this moment (hint: run it again)";
    assert!(refused.contains(words), "{refused}");
    // The step that was not entered was not made either.
    let snap = bench.look().await;
    let journal = super::journal::of_snapshot(&snap).unwrap().unwrap();
    assert_eq!(journal.entries.len(), 1);
    let again = bench.plan(&Options::default()).await;
    assert_eq!(again.writes().count(), steps.len() - 1);
    let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
    assert!(undone.iter().all(|u| u.back), "{undone:?}");
}

/// A tier that still has policies cannot be deleted, so undo takes the policy first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policy_goes_before_its_tier() {
    let bench = Bench::start(&operator(32), CalicoApi::Aggregated).await;
    let plan = bench.plan(&Options::default()).await;
    bench.apply(&plan, &open).await.unwrap();
    let _ = bench.writes();
    bench.undo(&plan.namespace, &open).await.unwrap();
    let gone: Vec<String> = bench.writes().into_iter().filter(|w| w.starts_with("DELETE")).collect();
    let at =
        |what: &str| gone.iter().position(|w| w.contains(what)).unwrap_or_else(|| panic!("{what}: {gone:?}"));
    assert!(at("/networkpolicies/tortie.") < at("/tiers/tortie"), "{gone:?}");
}

/// The operator's Service that comes with the port goes with it, and one that a user had is put back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_that_the_operator_leaves_is_taken_away() {
    for users in [false, true] {
        let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
        if users {
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "calico-typha-metrics"},
                "spec": {"selector": {"k8s-app": "calico-typha"}, "ports": [{"name": "typha-metrics", "port": 9093}]}});
            bench.server.create("v1", "services", "calico-system", &service).unwrap();
        }
        let before = bench.server.objects("", "services");
        let plan = bench.plan(&Options::default()).await;
        bench.apply(&plan, &open).await.unwrap();
        // What the operator does.
        let writer = bench.writer().await;
        let target = super::Target::new("v1", "Service", "calico-system", "calico-typha-metrics").reference();
        if users {
            let uid = writer.get(&target).await.unwrap().meta.uid;
            writer.delete(&target, &uid, tortie_cluster::writer::Mode::Real).await.unwrap();
        }
        let owner = json!([{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "u", "controller": true}]);
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "calico-typha-metrics", "ownerReferences": owner},
            "spec": {"selector": {"k8s-app": "calico-typha"}, "ports": [{"name": "calico-typha-metrics", "port": 9093}]}});
        bench.server.create("v1", "services", "calico-system", &service).unwrap();
        bench.undo(&plan.namespace, &open).await.unwrap();
        let ports = |list: &[Value]| {
            list.iter()
                .map(|o| format!("{} {}", o["metadata"]["name"], o["spec"]["ports"]))
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(&before), ports(&bench.server.objects("", "services")), "users: {users}");
    }
}

/// A rollout leaves a ReplicaSet, and the operator keeps annotations that it no longer asks for: undo takes both away, but
/// not what was there before or has pods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rollout_left_is_taken_away() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let set = |name: &str, port: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "labels": {"k8s-app": "calico-typha"}, "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "calico-typha", "uid": "u", "controller": true}]},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"k8s-app": "calico-typha"}},
                "template": {"metadata": {"labels": {"k8s-app": "calico-typha"}}, "spec": {"containers": [{"name": "calico-typha", "image": "i",
                    "env": [{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": port}]}]}}}})
    };
    let names = || -> Vec<String> {
        let sets = bench.server.objects("apps", "replicasets");
        let mut names: Vec<_> =
            sets.iter().filter_map(|o| o["metadata"]["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    };
    let make = |name: &str, port: &str| {
        bench.server.create("apps/v1", "replicasets", "calico-system", &set(name, port)).unwrap();
    };
    make("before", "9093");
    let (kept, plan) = (names(), bench.plan(&Options::default()).await);
    bench.apply(&plan, &open).await.unwrap();
    make("rolled", "9093");
    let writer = bench.writer().await;
    let typha = super::Target::new("apps/v1", "Deployment", "calico-system", "calico-typha").reference();
    let notes = |o: &tortie_cluster::object::Object| o.at("/spec/template/metadata/annotations").cloned();
    let template = notes(&writer.get(&typha).await.unwrap());
    let scraped = json!({"spec": {"template": {"metadata": {"annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9093"}}}}});
    writer.merge_patch(&typha, &scraped, "operator", tortie_cluster::writer::Mode::Real).await.unwrap();
    let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
    assert!(undone.iter().all(|u| u.back), "{undone:?}");
    assert_eq!(names(), kept);
    let now = notes(&writer.get(&typha).await.unwrap());
    let filled = |v: Option<Value>| v.filter(|v| v.as_object().is_some_and(|m| !m.is_empty()));
    assert_eq!(filled(now), filled(template));
}

/// `nodeMetricsPort` rolls the DaemonSet of calico-node: its annotations go as Typha's do, its ControllerRevisions when their
/// pods are gone. Until then the journal stays, and a second undo ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_rollout_of_the_nodes_left_is_taken_away_when_it_is_over() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let options = Options { felix: Some(super::FelixThrough::Installation), ..Options::default() };
    let before = bench.dump().await;
    let plan = bench.plan(&options).await;
    bench.apply(&plan, &open).await.unwrap();
    let writer = bench.writer().await;
    let node = super::Target::new("apps/v1", "DaemonSet", "calico-system", "calico-node").reference();
    let mode = tortie_cluster::writer::Mode::Real;
    // What the operator leaves on the template, and the DaemonSet controller beside it.
    let notes = json!({"prometheus.io/scrape": "true", "prometheus.io/port": "9091"});
    let scraped = json!({"spec": {"template": {"metadata": {"annotations": notes}}}});
    writer.merge_patch(&node, &scraped, "operator", mode).await.unwrap();
    let revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 2,
        "metadata": {"name": "calico-node-7d9", "labels": {"k8s-app": "calico-node", "controller-revision-hash": "7d9"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "calico-node", "uid": "u", "controller": true}]},
        "data": {"spec": {"template": {"metadata": {"annotations": notes}, "spec": {"containers": [{"name": "calico-node",
            "env": [{"name": "FELIX_PROMETHEUSMETRICSENABLED", "value": "true"}, {"name": "FELIX_PROMETHEUSMETRICSPORT", "value": "9091"}]}]}}}}});
    bench.server.create("apps/v1", "controllerrevisions", "calico-system", &revision).unwrap();
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "calico-node-old", "labels": {"k8s-app": "calico-node", "controller-revision-hash": "7d9"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "calico-node", "image": "i"}]}});
    let pod = bench.server.create("v1", "pods", "calico-system", &pod).unwrap();
    let undone = bench.undo(&plan.namespace, &open).await.unwrap().unwrap();
    let waits: Vec<&str> =
        undone.iter().filter(|u| u.how.contains("still has pods")).map(|u| u.what.as_str()).collect();
    assert_eq!(waits, ["ControllerRevision calico-system/calico-node-7d9"]);
    let snap = bench.look().await;
    let journal = super::journal::of_snapshot(&snap).unwrap().unwrap();
    let standing = standing::standing(&journal, &snap);
    assert!(standing.iter().all(|s| s.ours && s.how.starts_with("taken back")), "{standing:?}");
    assert!(
        snap.setup.as_ref().is_none_or(|j| j.fields.is_empty() && j.objects.is_empty()),
        "{:?}",
        snap.setup
    );
    assert!(bench.server.remove(&pod));
    bench.undo(&plan.namespace, &open).await.unwrap();
    assert!(bench.server.objects("apps", "controllerrevisions").is_empty());
    same(&before, &bench.dump().await);
}

/// What an operator read a moment before the undo it may still write: undo waits for it, and takes that back too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_is_behind_is_waited_for() {
    let bench = Bench::start(&operator(30), CalicoApi::Aggregated).await;
    let plan = bench.plan(&Options::default()).await;
    bench.apply(&plan, &open).await.unwrap();
    let before = bench.server.objects("", "services").len();
    let writer = bench.writer().await;
    let typha = super::Target::new("apps/v1", "Deployment", "calico-system", "calico-typha").reference();
    let mode = tortie_cluster::writer::Mode::Real;
    let late = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let there = writer.get(&typha).await.unwrap();
        let mut env = there.list("/spec/template/spec/containers/0/env").to_vec();
        let own = env.clone();
        env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"}));
        env.push(json!({"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9093"}));
        let set =
            |env| [json!({"op": "replace", "path": "/spec/template/spec/containers/0/env", "value": env})];
        writer.patch_json(&typha, &set(json!(env)), "operator", mode).await.unwrap();
        let owner = json!([{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "u", "controller": true}]);
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "calico-typha-metrics", "ownerReferences": owner},
            "spec": {"selector": {"k8s-app": "calico-typha"}, "ports": [{"name": "calico-typha-metrics", "port": 9093}]}});
        bench.server.create("v1", "services", "calico-system", &service).unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        writer.patch_json(&typha, &set(json!(own)), "operator", mode).await.unwrap();
    };
    let uid = bench.look().await.identity.uid;
    let making =
        Making { fs: &RealFs, file: Some(bench.file()), by: "admin".to_owned(), now: 2, gate: &open };
    let (undone, ()) = tokio::join!(undo::undo(&writer, &plan.namespace, &uid, &making), late);
    let undone = undone.unwrap().unwrap();
    assert!(undone.iter().any(|u| u.how == "left over by the operator: deleted"), "{undone:?}");
    let ours = plan.writes().filter(|s| s.target.kind == "Service").count();
    assert_eq!(bench.server.objects("", "services").len(), before - ours);
}

/// Who applies a value that stands there already gets no time from the server, and keeps it all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_plan_is_refused_when_somebody_else_keeps_the_value_too() {
    let bench = Bench::start(&operator(30), CalicoApi::Absent).await;
    let writer = bench.writer().await;
    let felix = tortie_cluster::object::Object::parse(json!({
        "apiVersion": "crd.projectcalico.org/v1", "kind": "FelixConfiguration", "metadata": {"name": "default"},
        "spec": {"prometheusMetricsEnabled": false},
    }))
    .unwrap();
    let mode = tortie_cluster::writer::Mode::Real;
    writer.apply(&felix, "colleague", true, mode).await.unwrap();
    let plan = bench.plan(&Options { take: vec!["colleague".to_owned()], ..Options::default() }).await;
    assert_eq!(saved::drift(&plan, &bench.look().await), [""; 0]);
    writer.apply(&felix, "another", false, mode).await.unwrap();
    assert_eq!(
        saved::drift(&plan, &bench.look().await),
        ["/spec/prometheusMetricsEnabled of FelixConfiguration default is kept by another since the plan"]
    );
}
