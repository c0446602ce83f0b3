//! Plans follow what is found: fresh samples, who keeps an object, which Prometheus and Grafana there are and what they take.

use super::step::{Plan, Step, Write};
use super::{FelixThrough, Options, plan};
use crate::component::Component;
use crate::facts::Facts;
use crate::snapshot::Snapshot;
use crate::testing::{running, snapshot};
use serde_json::{Value, json};
use tortie_sim::installs::{self, Kind, Objects, set};

const PROMETHEUS: &str = "prometheus-kube-prometheus-prometheus";

fn options(chain: bool) -> installs::Options {
    installs::Options { calico: 30, chain, ..installs::Options::default() }
}

fn planned(snap: &Snapshot) -> Plan {
    plan(&Facts::of(snap), &Options::default()).unwrap()
}

fn names(plan: &Plan) -> Vec<String> {
    plan.writes().map(|s| s.target.reference().to_string()).collect()
}

fn applied<'p>(plan: &'p Plan, kind: &str, name: &str) -> &'p Value {
    let step = plan.steps.iter().find(|s| s.target.kind == kind && s.target.name == name);
    match step.map(|s| &s.write) {
        Some(Write::Apply { object, .. }) => object,
        other => panic!("{kind} {name}: {other:?} of {:?}", names(plan)),
    }
}

/// What arrives gets nothing new, whichever way it comes; what does not is brought.
#[test]
fn a_component_whose_samples_are_fresh_is_left_alone() {
    let by_hand = running(&options(true), |o| {
        // The jobs stand in a Secret that nobody reads here.
        o.0.retain(|o| o["kind"] != "ServiceMonitor" && o["metadata"]["name"] != "tortie-felix-metrics");
        let place = json!({"name": "calico-jobs", "key": "jobs.yaml"});
        set(o.get("Prometheus", PROMETHEUS), "/spec/additionalScrapeConfigs", place);
    });
    let plan = planned(&by_hand);
    let told = ["Felix", "Typha", "kube-controllers"]
        .map(|c| format!("{c}: its samples arrive; nothing is changed"));
    assert_eq!(plan.notes[..3], told);
    assert!(plan.steps.iter().all(|s| s.component.is_none()), "{:?}", names(&plan));

    let mut one_missing = by_hand.clone();
    one_missing.collectors[0].targets.retain(|t| !t.url.contains(":9093"));
    let plan = planned(&one_missing);
    assert!(plan.steps.iter().all(|s| s.component.is_none_or(|c| c == Component::Typha)), "{:?}", plan.steps);
    applied(&plan, "ServiceMonitor", "tortie-typha");
    // In another Prometheus than the one that is chosen they do not arrive.
    let mut elsewhere = by_hand;
    elsewhere.collectors[0].object = "monitoring/other".to_owned();
    assert!(planned(&elsewhere).steps.iter().any(|s| s.component == Some(Component::Felix)));
}

/// Owners by their marks: nothing of theirs is written, and the fragment for them is printed.
#[test]
fn what_somebody_else_keeps_is_printed_for_them() {
    #[track_caller]
    fn check(mark: &Value, expect: &str) {
        let snap = snapshot(&options(false), |o| {
            for (place, value) in mark.as_object().unwrap() {
                set(o.get("FelixConfiguration", "default"), place, value.clone());
            }
        });
        let plan = planned(&snap);
        let step = plan.steps.iter().find(|s| s.target.kind == "FelixConfiguration").unwrap();
        let Write::Elsewhere { advice, fragment } = &step.write else { panic!("{mark}: {step:?}") };
        assert_eq!(advice, expect);
        assert!(fragment.contains("prometheusMetricsEnabled: true"), "{fragment}");
    }
    check(
        &json!({"/metadata/labels": {"kustomize.toolkit.fluxcd.io/name": "net", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
        "kept by Flux' Kustomization flux-system/net: change it in the repository of Flux' Kustomization flux-system/net",
    );
    check(
        &json!({"/metadata/annotations": {"argocd.argoproj.io/tracking-id": "net:projectcalico.org/FelixConfiguration:/default"}}),
        "kept by Argo CD's application net: change it in the repository of Argo CD's application net",
    );
    check(
        &json!({"/metadata/annotations": {"meta.helm.sh/release-name": "net"}}),
        "kept by the Helm release net: change it in the values of the Helm release net",
    );
    check(
        &json!({"/metadata/labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}),
        "kept by the add-on manager: change the manifest in the add-on manager's folder on the control plane",
    );
    check(
        &json!({"/metadata/labels": {"kubernetes.azure.com/managedby": "aks"}}),
        "kept by AKS: change it through AKS",
    );
}

/// With a label that is forced onto its samples a monitor speaks for its own namespace alone, so it stands beside Calico.
#[test]
fn a_bound_prometheus_gets_monitors_beside_calico() {
    for (field, value) in
        [("enforcedNamespaceLabel", json!("namespace")), ("ignoreNamespaceSelectors", json!(true))]
    {
        let snap = snapshot(&options(false), |o| {
            set(o.get("Prometheus", PROMETHEUS), &format!("/spec/{field}"), value.clone())
        });
        let plan = planned(&snap);
        let monitors = plan.writes().filter(|s| s.target.kind == "ServiceMonitor");
        let namespaces: Vec<&str> = monitors.map(|s| s.target.namespace.as_str()).collect();
        assert_eq!(namespaces, ["calico-system"; 3], "{field}");
    }
}

/// Label, value and namespace of dashboards are those of the side-car in Grafana's Deployment.
#[test]
fn dashboards_stand_where_grafanas_side_car_takes_them() {
    let snap = snapshot(&options(false), |o| {
        let env = json!([{"name": "LABEL", "value": "board"}, {"name": "LABEL_VALUE", "value": "yes"},
            {"name": "NAMESPACE", "value": "screens,other"}, {"name": "FOLDER", "value": "/tmp/dashboards"}]);
        set(o.get("Deployment", "prometheus-grafana"), "/spec/template/spec/containers/0/env", env);
    });
    let plan = planned(&snap);
    let board = applied(&plan, "ConfigMap", "tortie-dashboard-felix");
    assert_eq!(
        (&board["metadata"]["namespace"], &board["metadata"]["labels"]["board"]),
        (&json!("screens"), &json!("yes"))
    );
    let none = snapshot(&options(false), |o| drop(o.remove("Deployment", "prometheus-grafana")));
    let plan = planned(&none);
    assert!(plan.writes().all(|s| s.target.kind != "ConfigMap"));
    assert!(plan.notes.iter().any(|n| n.starts_with("no dashboards: no side-car")), "{:?}", plan.notes);
}

#[test]
fn the_installations_port_counts_as_felix_on() {
    let snap = snapshot(&options(false), |o| {
        set(o.get("Installation", "default"), "/spec/nodeMetricsPort", json!(9191));
    });
    let plan = planned(&snap);
    let felix = plan.steps.iter().find(|s| s.component == Some(Component::Felix)).unwrap();
    assert_eq!(felix.write, Write::Nothing, "{felix:?}");
    assert_eq!(felix.remark, "already on by Installation.nodeMetricsPort, port 9191");
    let service = applied(&plan, "Service", "tortie-felix-metrics");
    assert_eq!(service["spec"]["ports"][0]["targetPort"], 9191);
}

/// On many nodes one of two ways is chosen; the other field is not written.
#[test]
fn felix_is_turned_on_the_way_that_was_chosen() {
    let check = |way, kind: &str, field: &str| {
        let many = installs::Options { nodes: 201, ..options(false) };
        let snap = snapshot(&many, |_| {});
        let plan = plan(&Facts::of(&snap), &Options { felix: Some(way), ..Options::default() }).unwrap();
        let felix = |s: &&Step| s.component == Some(Component::Felix) && !s.changes.is_empty();
        let changed: Vec<String> = plan
            .steps
            .iter()
            .filter(felix)
            .flat_map(|s| s.changes.iter().map(|c| format!("{} {}", s.target.kind, c.pointer)))
            .collect();
        assert_eq!(changed, [format!("{kind} /spec/{field}")]);
    };
    check(FelixThrough::Configuration, "FelixConfiguration", "prometheusMetricsEnabled");
    check(FelixThrough::Installation, "Installation", "nodeMetricsPort");
}

/// From Calico 3.32 on every Prometheus that scrapes kube-controllers is admitted, in a tier before Calico's that passes on.
#[test]
fn every_scraper_that_is_found_is_admitted() {
    let second = |o: &mut Objects| {
        let mut copy = o.get("Prometheus", PROMETHEUS).clone();
        set(&mut copy, "/metadata/name", json!("second"));
        set(&mut copy, "/metadata/namespace", json!("apps"));
        o.add(copy);
        let mut space = o.get("Namespace", "monitoring").clone();
        space["metadata"]["name"] = json!("apps");
        o.add(space);
    };
    let snap = snapshot(&installs::Options { calico: 32, ..options(false) }, second);
    let wish = Options { prometheus: Some(format!("monitoring/{PROMETHEUS}")), ..Options::default() };
    let plan = plan(&Facts::of(&snap), &wish).unwrap();
    let tier = applied(&plan, "Tier", "tortie");
    assert_eq!(tier["spec"]["defaultAction"], "Pass");
    assert!(tier["spec"]["order"].as_f64().unwrap() < 100.0, "{tier}");
    let policy = applied(&plan, "NetworkPolicy", "tortie.kube-controllers-metrics");
    assert_eq!(policy["spec"]["tier"], "tortie");
    let mut admitted: Vec<&str> = policy["spec"]["ingress"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["source"]["namespaceSelector"].as_str().unwrap())
        .collect();
    admitted.sort_unstable();
    // The plan is made for one Prometheus; the other scrapes too, and is not shut out.
    assert_eq!(admitted, ["projectcalico.org/name == 'apps'", "projectcalico.org/name == 'monitoring'"]);
}

/// What the operator keeps is never written, only the resource above it.
#[test]
fn nothing_that_an_operator_owns_is_written() {
    for calico in [27, 28, 30, 32, 33] {
        for kind in [Kind::Operator, Kind::Helm] {
            let wish = installs::Options { calico, kind, ..options(false) };
            let snap = snapshot(&wish, |_| {});
            for step in planned(&snap).writes() {
                let r = step.target.reference();
                let there = snap.find(&r.gvk.group, &r.gvk.kind, &r.namespace, &r.name);
                let owned = there.is_some_and(|o| o.meta.controller().is_some());
                assert!(!owned, "Calico 3.{calico}, {kind:?}: {r}");
                assert!(!["Deployment", "DaemonSet"].contains(&r.gvk.kind.as_str()), "{r}");
            }
        }
    }
}
