//! Plans over installs and states, in short lines: sign, object, remark.

use super::step::{Plan, Write};
use super::{Options, PlanError, future::Future, plan, screen};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::branch::Branch;
use crate::render::ink::Ink;
use crate::snapshot::{Snapshot, Source};
use crate::testing::snapshot;
use serde_json::json;
use tortie_sim::installs::{self, Kind, Objects, Stack, set};

fn empty(options: installs::Options) -> installs::Options {
    installs::Options { chain: false, ..options }
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |s: &super::Step| {
        let sign = match &s.write {
            Write::Nothing => "=",
            Write::Conflict => "conflict",
            Write::Elsewhere { .. } => "elsewhere",
            Write::Patch { .. } => "patch",
            Write::Apply { .. } if s.own && s.uid.is_empty() => "+",
            Write::Apply { .. } => "~",
        };
        format!("{sign} {}", s.target.reference())
    };
    plan.steps.iter().map(line).collect()
}

#[track_caller]
fn check(options: installs::Options, change: impl FnOnce(&mut Objects), expect: &[&str]) -> Plan {
    let snap = snapshot(&options, change);
    let plan = plan(&Facts::of(&snap), &Options::default()).unwrap();
    assert_eq!(lines(&plan), expect, "{:?}", plan.notes);
    plan
}

/// The cluster after the plan, in which every component's best way must be whole.
#[track_caller]
fn whole_after(snap: &Snapshot, plan: &Plan) {
    let mut future = Future::of(snap);
    plan.steps.iter().for_each(|s| future.make(s));
    let facts = Facts::of(&future.snap);
    for component in facts.installed() {
        let on = facts.settings.of_component(component).is_some_and(|e| e.enabled.value);
        assert!(on, "{component} is off after {:?}", lines(plan));
        assert!(
            facts.best(component).is_some_and(Branch::whole),
            "{component} is not whole after {:?}",
            lines(plan)
        );
    }
    let again = super::plan(&facts, &Options::default()).unwrap();
    assert_eq!(again.writes().count(), 0, "a second plan writes {:?}", lines(&again));
}

const BOARDS: [&str; 4] = [
    "+ PrometheusRule monitoring/tortie-calico",
    "+ ConfigMap monitoring/tortie-dashboard-felix",
    "+ ConfigMap monitoring/tortie-dashboard-typha",
    "+ ConfigMap monitoring/tortie-dashboard-kube-controllers",
];

fn with_boards<'a>(steps: &[&'a str]) -> Vec<&'a str> {
    steps.iter().copied().chain(BOARDS).collect()
}

#[test]
fn an_empty_operator_install_gets_all() {
    check(
        empty(installs::Options::default()),
        |_| {},
        &with_boards(&[
            "~ FelixConfiguration default",
            "~ Installation default",
            "= KubeControllersConfiguration default",
            "+ Service calico-system/tortie-felix-metrics",
            "+ ServiceMonitor monitoring/tortie-felix",
            "+ ServiceMonitor monitoring/tortie-typha",
            "+ ServiceMonitor monitoring/tortie-kube-controllers",
            "+ Tier tortie",
            "+ NetworkPolicy calico-system/tortie.kube-controllers-metrics",
        ]),
    );
}

#[test]
fn the_typha_service_is_our_own_before_3_28() {
    check(
        empty(installs::Options { calico: 27, ..installs::Options::default() }),
        |_| {},
        &with_boards(&[
            "~ FelixConfiguration default",
            "~ Installation default",
            "= KubeControllersConfiguration default",
            "+ Service calico-system/tortie-felix-metrics",
            "+ ServiceMonitor monitoring/tortie-felix",
            "+ Service calico-system/tortie-typha-metrics",
            "+ ServiceMonitor monitoring/tortie-typha",
            "+ ServiceMonitor monitoring/tortie-kube-controllers",
        ]),
    );
}

/// Run again before the operator has answered, setup does not make a Service beside the one that comes.
#[test]
fn what_the_operator_was_told_is_waited_for() {
    #[track_caller]
    fn check_typha(change: impl Fn(&mut Objects), expect: &[&str]) {
        let snap = snapshot(&empty(installs::Options { calico: 30, ..installs::Options::default() }), change);
        let plan = plan(&Facts::of(&snap), &Options::default()).unwrap();
        let of_typha = |s: &&super::Step| s.component == Some(Component::Typha);
        let steps = Plan { steps: plan.steps.iter().filter(of_typha).cloned().collect(), ..plan.clone() };
        assert_eq!(lines(&steps), expect, "{:?}", plan.notes);
        whole_after(&snap, &plan);
    }
    fn told(o: &mut Objects) {
        set(o.get("Installation", "default"), "/spec/typhaMetricsPort", json!(9095));
    }
    fn carried_out(o: &mut Objects, kind: &str, at: &str) {
        let own = |o: &&mut serde_json::Value| {
            o["kind"] == kind && o["metadata"]["name"].as_str().is_some_and(|n| n.starts_with("calico-typha"))
        };
        for object in o.0.iter_mut().filter(own) {
            let env = json!([{"name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true"},
                {"name": "TYPHA_PROMETHEUSMETRICSPORT", "value": "9095"}]);
            set(object, at, env);
        }
    }
    let deployment = |o: &mut Objects| {
        told(o);
        carried_out(o, "Deployment", "/spec/template/spec/containers/0/env");
    };
    let all = |o: &mut Objects| {
        deployment(o);
        carried_out(o, "Pod", "/spec/containers/0/env");
    };
    check_typha(told, &["= Installation default", "+ ServiceMonitor monitoring/tortie-typha"]);
    check_typha(deployment, &["= Installation default", "+ ServiceMonitor monitoring/tortie-typha"]);
    // The rollout is over, so no operator is at it any more.
    check_typha(
        all,
        &[
            "= Installation default",
            "+ Service calico-system/tortie-typha-metrics",
            "+ ServiceMonitor monitoring/tortie-typha",
        ],
    );
}

#[test]
fn a_manifest_install_gets_its_own_services_and_one_patch_of_typha() {
    let plan = check(
        empty(installs::Options { kind: Kind::Manifest, calico: 30, ..installs::Options::default() }),
        |_| {},
        &with_boards(&[
            "~ FelixConfiguration default",
            "patch Deployment kube-system/calico-typha",
            "= KubeControllersConfiguration default",
            "+ Service kube-system/tortie-felix-metrics",
            "+ ServiceMonitor monitoring/tortie-felix",
            "+ Service kube-system/tortie-typha-metrics",
            "+ ServiceMonitor monitoring/tortie-typha",
            "+ Service kube-system/tortie-kube-controllers-metrics",
            "+ ServiceMonitor monitoring/tortie-kube-controllers",
        ]),
    );
    let Write::Patch { operations } = &plan.steps[1].write else { panic!("{:?}", plan.steps[1]) };
    let paths: Vec<&str> = operations.iter().filter_map(|o| o["path"].as_str()).collect();
    let env = "/spec/template/spec/containers/0/env/-";
    assert_eq!(paths, ["/spec/template/spec/containers/0/name", env, env]);
}

#[test]
fn after_the_plan_every_chain_is_whole_and_a_second_plan_writes_nothing() {
    let stacks = [
        Stack::KubePrometheusStack { release: "prometheus".to_owned() },
        Stack::KubePrometheusStack { release: "mon-7".to_owned() },
        Stack::KubePrometheus,
    ];
    for kind in [Kind::Operator, Kind::Manifest, Kind::Canal] {
        for calico in [21, 27, 28, 30, 32, 33] {
            for stack in &stacks {
                for typha in [true, false] {
                    for chain in [false, true] {
                        let options =
                            installs::Options { calico, kind, typha, nodes: 3, stack: stack.clone(), chain };
                        let snap = snapshot(&options, |_| {});
                        let plan = plan(&Facts::of(&snap), &Options::default()).unwrap();
                        whole_after(&snap, &plan);
                    }
                }
            }
        }
    }
}

#[test]
fn a_half_made_chain_is_mended_and_not_doubled() {
    let broken = |change: fn(&mut Objects), expect: &[&str]| {
        let options = installs::Options { calico: 30, ..installs::Options::default() };
        let plan = check(options.clone(), change, &with_boards(expect));
        whole_after(&snapshot(&options, change), &plan);
    };
    let on =
        ["= FelixConfiguration default", "= Installation default", "= KubeControllersConfiguration default"];
    let and = |step| [on.as_slice(), &[step]].concat();
    broken(|_| {}, &on);
    broken(
        |o| set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("metrics")),
        &and("patch ServiceMonitor monitoring/calico-felix"),
    );
    broken(
        |o| set(o.get("ServiceMonitor", "calico-felix"), "/metadata/labels", json!({"release": "other"})),
        &and("patch ServiceMonitor monitoring/calico-felix"),
    );
    // Somebody's monitor waits for a Service: it gets the labels and the port's name that it asks for.
    broken(
        |o| drop(o.remove("Service", "tortie-felix-metrics")),
        &and("+ Service calico-system/tortie-felix-metrics"),
    );
}

#[test]
fn what_helm_or_git_keeps_is_left_to_it() {
    let plan = check(
        empty(installs::Options { kind: Kind::Helm, calico: 30, ..installs::Options::default() }),
        |o| {
            let mark = json!({"argocd.argoproj.io/tracking-id": "calico:projectcalico.org/FelixConfiguration:/default"});
            set(o.get("FelixConfiguration", "default"), "/metadata/annotations", mark);
        },
        &with_boards(&[
            "elsewhere FelixConfiguration default",
            "elsewhere Installation default",
            "= KubeControllersConfiguration default",
            "+ Service calico-system/tortie-felix-metrics",
            "+ ServiceMonitor monitoring/tortie-felix",
            "+ ServiceMonitor monitoring/tortie-typha",
            "+ ServiceMonitor monitoring/tortie-kube-controllers",
        ]),
    );
    let Write::Elsewhere { advice, fragment } = &plan.steps[1].write else { panic!("{:?}", plan.steps[1]) };
    assert_eq!(advice, "kept by the Helm release calico: change it in the values of the Helm release calico");
    assert_eq!(fragment, "installation:\n  typhaMetricsPort: 9093\n");
}

#[test]
fn another_value_is_a_conflict_until_its_manager_is_named() {
    let options = installs::Options { calico: 30, ..installs::Options::default() };
    let off = |o: &mut Objects| {
        set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsEnabled", json!(false))
    };
    let snap = snapshot(&options, off);
    let facts = Facts::of(&snap);
    let kept = plan(&facts, &Options::default()).unwrap();
    assert_eq!(kept.steps[0].write, Write::Conflict);
    assert_eq!(kept.steps[0].changes[0].manager, "kubectl-patch");
    let taken =
        plan(&facts, &Options { take: vec!["kubectl-patch".to_owned()], ..Options::default() }).unwrap();
    assert!(taken.steps[0].write.writes(), "{:?}", taken.steps[0]);
    let other = plan(&facts, &Options { take: vec!["helm".to_owned()], ..Options::default() }).unwrap();
    assert_eq!(other.steps[0].write, Write::Conflict);
}

#[test]
fn decisions_that_are_missing_are_asked_for() {
    #[track_caller]
    fn check(options: installs::Options, wish: &Options, change: impl FnOnce(&mut Objects), expect: &str) {
        let snap = snapshot(&options, change);
        let got = plan(&Facts::of(&snap), wish).map(|p| lines(&p)).map_err(|e| e.to_string());
        assert_eq!(got, Err(expect.to_owned()));
    }
    let fresh = || empty(installs::Options { calico: 30, ..installs::Options::default() });
    let second = |o: &mut Objects| {
        let mut copy = o.get("Prometheus", "prometheus-kube-prometheus-prometheus").clone();
        copy["metadata"]["name"] = json!("second");
        o.add(copy);
    };
    check(
        fresh(),
        &Options::default(),
        second,
        "there are several Prometheus objects: monitoring/prometheus-kube-prometheus-prometheus, monitoring/second (hint: \
         --prometheus monitoring/prometheus-kube-prometheus-prometheus)",
    );
    let same = Options { ports: [(Component::Typha, 9091)].into(), ..Options::default() };
    check(
        fresh(),
        &same,
        |_| {},
        "typha cannot listen on port 9091: Felix has it on n2, n3 (hint: --typha-port with another port)",
    );
    check(
        installs::Options { nodes: 201, ..fresh() },
        &Options::default(),
        |_| {},
        "this cluster has 201 nodes: choose how Felix is turned on (hint: --felix-through configuration restarts all Felix at \
         once inside their pods; --felix-through installation rolls the DaemonSet)",
    );
    check(
        installs::Options { nodes: 201, kind: Kind::Manifest, ..fresh() },
        &Options::default(),
        |_| {},
        "this cluster has 201 nodes: choose how Felix is turned on (hint: --felix-through configuration restarts all Felix at \
         once inside their pods, the only way without Tigera's operator)",
    );
    // Up to here nobody is asked.
    let snap = snapshot(&installs::Options { nodes: 200, ..fresh() }, |_| {});
    assert!(plan(&Facts::of(&snap), &Options::default()).is_ok());
    let snap = Snapshot::new(Source::Dump);
    assert_eq!(plan(&Facts::of(&snap), &Options::default()), Err(PlanError::NoCalico));
}

#[test]
fn labels_are_solved_from_the_selector_as_it_is() {
    let options = empty(installs::Options { calico: 30, ..installs::Options::default() });
    let snap = snapshot(&options, |o| {
        let p = o.get("Prometheus", "prometheus-kube-prometheus-prometheus");
        let selector = json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["net", "core"]},
            {"key": "skip", "operator": "DoesNotExist"}]});
        set(p, "/spec/serviceMonitorSelector", selector);
        set(p, "/spec/serviceMonitorNamespaceSelector", json!({"matchLabels": {"name": "calico-system"}}));
    });
    let plan = plan(&Facts::of(&snap), &Options::default()).unwrap();
    let step = plan.steps.iter().find(|s| s.target.kind == "ServiceMonitor").unwrap();
    assert_eq!(step.target.namespace, "calico-system");
    let Write::Apply { object, .. } = &step.write else { panic!("{step:?}") };
    let value = object["metadata"]["labels"]["team"].as_str();
    assert!(matches!(value, Some("net" | "core")), "{object}");
    assert_eq!(object["metadata"]["labels"].get("release"), None);
    whole_after(&snap, &plan);
}

#[test]
fn screens() {
    let mut snap = snapshot(&empty(installs::Options { nodes: 12, ..installs::Options::default() }), |_| {});
    snap.identity.server = "https://10.0.0.1:6443".to_owned();
    snap.identity.uid = "9e3d2b1c-0f52-4c7e-9f0e-5a1d6f3f9a10".to_owned();
    let plan = plan(&Facts::of(&snap), &Options::default()).unwrap();
    for width in [60, 80, 100] {
        let text = screen::plan(&plan, Some((7, 7)), Ink::plain(width));
        let longest = text.lines().map(|l| l.chars().count()).max().unwrap_or(0);
        assert!(longest <= width, "{longest} columns of {width}:\n{text}");
        let file = format!("{}/src/setup/screens/plan-{width}.txt", env!("CARGO_MANIFEST_DIR"));
        crate::testing::same_as_file(&file, &text);
    }
}

/// A tortie that finds the components by itself needs the settings and to be let through, and nothing for others.
#[test]
fn beside_a_tortie_that_finds_calico_by_itself() {
    let deployed = |o: &mut Objects| {
        let chosen =
            crate::deploy::Options { image: "registry.example/tortie:1".to_owned(), ..Default::default() };
        o.0.extend(crate::deploy::objects(&chosen));
    };
    let options = || empty(installs::Options { stack: Stack::None, ..installs::Options::default() });
    let plan = check(
        options(),
        deployed,
        &[
            "~ FelixConfiguration default",
            "~ Installation default",
            "= KubeControllersConfiguration default",
            "+ Tier tortie",
            "+ NetworkPolicy calico-system/tortie.kube-controllers-metrics",
        ],
    );
    assert!(plan.notes.iter().any(|n| n.starts_with("tortie tortie/tortie finds")), "{:?}", plan.notes);
    let policy = plan.steps.last().unwrap();
    let Write::Apply { object, .. } = &policy.write else { panic!("{policy:?}") };
    assert_eq!(
        object["spec"]["ingress"][0]["source"],
        json!({"namespaceSelector": "projectcalico.org/name == 'tortie'", "selector": "app.kubernetes.io/name == 'tortie'"})
    );
    // One that reads the custom resources needs what everybody needs.
    let follows = |o: &mut Objects| {
        let chosen =
            crate::deploy::Options { arguments: vec!["--from-crds".to_owned()], ..Default::default() };
        o.0.extend(crate::deploy::objects(&chosen));
    };
    let snap = snapshot(&options(), follows);
    let plan = super::plan(&Facts::of(&snap), &Options::default()).unwrap();
    assert!(lines(&plan).iter().any(|l| l.contains("Service ")), "{:?}", lines(&plan));
}
