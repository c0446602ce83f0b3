//! The printed rights where Calico's own API server minds tiers: enough to make the plan and to take it back, and each one
//! that is about a tier is missed when it is taken away.

use super::Options;
use super::apply::{Making, apply};
use super::rights::{doctor_yaml, of_plan, plan_yaml};
use super::{Plan, plan, undo};
use crate::collect::{Wants, collect};
use crate::facts::Facts;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use tortie_cluster::client::{Cluster, ConnectOptions};
use tortie_cluster::writer::Writer;
use tortie_host::RealFs;
use tortie_sim::installs::{self, Objects};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

/// Calico 3.32, whose policies keep Prometheus away from kube-controllers, behind its aggregated API server.
struct Bench {
    server: KubeServer,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Bench {
        let somebody = |name: &str| (name.to_owned(), User { name: name.to_owned(), groups: Vec::new() });
        let server = KubeServer::start(KubeOptions {
            tokens: vec![somebody("setter"), somebody("looker")],
            ..KubeOptions::monitored(CalicoApi::Aggregated)
        })
        .await
        .unwrap();
        let options = installs::Options { calico: 32, chain: false, ..installs::Options::default() };
        for object in Objects::of(&options).0 {
            assert!(server.place(&object), "{object}");
        }
        let dir = tempfile::tempdir().unwrap();
        for name in ["admin", "setter", "looker"] {
            std::fs::write(dir.path().join(name), server.kubeconfig(name)).unwrap();
        }
        Bench { server, dir }
    }

    fn connect(&self, who: &str) -> ConnectOptions {
        ConnectOptions { kubeconfig: Some(self.dir.path().join(who)), ..ConnectOptions::default() }
    }

    async fn look(&self, who: &str) -> Snapshot {
        let wants = Wants { probes: 0, ask: false, twice: false, ..Wants::default() };
        collect(&self.connect(who), &wants, Vec::new(), 1_767_776_400_000).await
    }

    async fn writer(&self, who: &str) -> Writer {
        Writer::new(&Cluster::connect(&self.connect(who)).await.unwrap().0)
    }

    /// Gives a user exactly these roles.
    fn grant(&self, who: &str, roles: &[Value]) {
        for role in roles {
            let mut role = role.clone();
            let kind = role["kind"].as_str().unwrap().to_owned();
            role["metadata"]["name"] = json!(who);
            let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"),
                "metadata": role["metadata"], "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": who},
                "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": who}]});
            assert!(self.server.place(&role) && self.server.place(&binding));
        }
    }
}

fn documents(yaml: &str) -> Vec<Value> {
    let (objects, problems) = tortie_cluster::files::parse("rights.yaml", yaml);
    assert!(problems.is_empty(), "{problems:?}");
    objects.into_iter().map(|o| o.body).collect()
}

/// The same roles without one right: a verb of the rules about a resource.
fn without(roles: &[Value], resource: &str, verb: &str) -> Vec<Value> {
    let mut out = roles.to_vec();
    let mut taken = 0;
    for rule in out.iter_mut().flat_map(|r| r["rules"].as_array_mut().unwrap()) {
        if rule["resources"].as_array().unwrap().iter().any(|r| r == resource) {
            let verbs = rule["verbs"].as_array_mut().unwrap();
            let before = verbs.len();
            verbs.retain(|v| v != verb);
            taken += before - verbs.len();
        }
    }
    assert!(taken > 0, "{verb} {resource} is in no rule");
    out
}

fn open() -> bool {
    true
}

fn making() -> Making<'static> {
    Making { fs: &RealFs, file: None, by: "setter".to_owned(), now: 1, gate: &open }
}

async fn planned(bench: &Bench) -> Plan {
    let snap = bench.look("admin").await;
    let options = Options { no_dashboards: true, no_rules: true, ..Options::default() };
    let plan = plan(&Facts::of(&snap), &options).unwrap();
    let kinds: Vec<&str> = plan.writes().map(|s| s.target.kind.as_str()).collect();
    assert!(kinds.contains(&"Tier") && kinds.contains(&"NetworkPolicy"), "{kinds:?}");
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_rights_are_enough_and_none_about_a_tier_is_too_many() {
    let bench = Bench::start().await;
    let plan = planned(&bench).await;
    let roles = documents(&plan_yaml(&plan));
    let uid = bench.look("admin").await.identity.uid;
    let later = Making { now: 600_000, ..making() };
    bench.grant("setter", &roles);
    let writer = bench.writer("setter").await;
    let wanted = of_plan(&plan);
    let have = writer.cluster().review(&wanted).await.unwrap();
    assert!(
        have.iter().all(|h| *h),
        "{:?}",
        wanted.iter().zip(&have).filter(|(_, h)| !**h).collect::<Vec<_>>()
    );
    apply(&plan, &writer, &making(), &mut |_| {}).await.unwrap();
    let undone = undo::undo(&writer, &plan.namespace, &uid, &later).await.unwrap().unwrap();
    assert!(undone.iter().all(|u| u.back), "{undone:?}");

    // Each one taken away: the review names it, and the server refuses with it.
    for (resource, verb, refused) in [
        ("tier.networkpolicies", "create", false),
        ("tier.networkpolicies", "patch", true),
        ("tier.networkpolicies", "update", false),
        ("tier.networkpolicies", "delete", true),
        ("tier.networkpolicies", "get", true),
        ("tier.tiers", "delete", true),
        ("tiers", "get", true),
    ] {
        bench.grant("setter", &without(&roles, resource, verb));
        let writer = bench.writer("setter").await;
        let have = writer.cluster().review(&wanted).await.unwrap();
        let missing: Vec<String> =
            wanted.iter().zip(&have).filter(|(_, h)| !**h).map(|(a, _)| a.to_string()).collect();
        let named = format!("{verb} {resource}.projectcalico.org");
        assert!(!missing.is_empty() && missing.iter().all(|m| m.starts_with(&named)), "{named}: {missing:?}");
        // A create is an apply here, and an update one through native v3's webhook.
        let made = apply(&plan, &writer, &making(), &mut |_| {}).await.map(|_| ());
        let made = match made {
            Ok(()) => undo::undo(&writer, &plan.namespace, &uid, &later).await.map(|_| ()),
            Err(e) => Err(e),
        };
        let told = made.map_err(|e| e.to_string());
        let words = format!("no right to {named}");
        assert_eq!(told.as_ref().is_err_and(|e| e.contains(&words)), refused, "{named}: {told:?}");
        bench.grant("setter", &roles);
        let writer = bench.writer("setter").await;
        undo::undo(&writer, &plan.namespace, &uid, &later).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doctor_without_rights_in_tiers_names_them() {
    let bench = Bench::start().await;
    let roles = documents(&doctor_yaml(false));
    bench.grant("looker", &roles);
    let whole = bench.look("looker").await;
    assert!(whole.unseen.iter().all(|u| !u.forbidden), "{:?}", whole.unseen);
    let seen = |snap: &Snapshot| snap.of("projectcalico.org", "NetworkPolicy").count();
    assert!(seen(&whole) > 0);
    for (resource, verb, named) in [
        ("tier.networkpolicies", "list", "tier.networkpolicies.projectcalico.org"),
        ("tiers", "get", "tier.networkpolicies.projectcalico.org"),
    ] {
        bench.grant("looker", &without(&roles, resource, verb));
        let snap = bench.look("looker").await;
        let told: Vec<&str> = snap.unseen.iter().map(|u| u.resource.as_str()).collect();
        assert!(told.contains(&named), "{verb} {resource}: {told:?}");
        assert_eq!(seen(&snap), 0);
        let facts = Facts::of(&snap);
        let report = crate::doctor::engine::judge(crate::doctor::checks::ALL, &facts);
        assert!(report.findings.iter().any(|f| f.id == "T102" && f.cause.path == named), "{resource}");
    }
}
