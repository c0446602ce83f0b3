//! What the builders make is taken by a real API server, and lives there as it should.

use serde_json::json;
use tortie_sim::Component;
use tortie_testbed::{Actor, Bed, Fleet, Options, installs};

#[test]
fn manifests_charts_and_kube_prometheus_are_taken() {
    let bed =
        Bed::start(Options { port_forward: false, nodes: 2, windows: 0, audit: true, ..Options::default() })
            .unwrap();
    installs::install_calico_crds(&bed, false).unwrap();
    installs::install_monitoring_crds(&bed).unwrap();
    let stack = installs::kube_prometheus();
    bed.api().create_all(&stack.objects, stack.manager).unwrap();
    bed.api().create_all(&installs::chart((3, 30)), "helm").unwrap();
    let by_hand = "kubectl-client-side-apply";
    bed.api().create_all(&installs::manifest((3, 27), installs::Manifest::Typha), by_hand).unwrap();
    let canal = installs::manifest((3, 27), installs::Manifest::Canal);
    let own: Vec<_> = canal.into_iter().filter(|o| o["metadata"]["name"] == "canal").collect();
    assert_eq!(own.len(), 2);
    bed.api().create_all(&own, by_hand).unwrap();
    let fleet = Fleet::start(&bed, (3, 27)).unwrap();
    let ports = |component: Component| -> Vec<u16> {
        fleet.listening().iter().filter(|l| l.component == component).map(|l| l.address.port()).collect()
    };
    bed.wait("kube-controllers with its own default", |_| {
        Ok((ports(Component::KubeControllers) == [9094]).then_some(()))
    })
    .unwrap();
    assert!(
        ports(Component::Typha).is_empty() && ports(Component::Felix).is_empty(),
        "{:?}",
        fleet.listening()
    );
    // Nothing sets back what a person does to a manifest's Typha.
    let env =
        ["set", "env", "-n", "kube-system", "deployment/calico-typha", "TYPHA_PROMETHEUSMETRICSENABLED=true"];
    bed.kubectl_ok(&env).unwrap();
    bed.wait("Typha with its metrics", |_| Ok((ports(Component::Typha) == [9093]).then_some(()))).unwrap();
    let at = fleet.listening().into_iter().find(|l| l.component == Component::Typha).unwrap().address;
    let body = bed.http_get(at, "/metrics").unwrap();
    assert!(body.text().contains("typha_connections_active"), "{}", body.text());
    // A second look of a person leaves nothing but reads.
    let (_, mark) = bed.audit_events_since(0).unwrap();
    bed.kubectl_ok(&["get", "pods", "-A"]).unwrap();
    let (seen, _) = bed.audit_events_since(mark).unwrap();
    assert!(!seen.is_empty() && seen.iter().filter(|e| e.user == "admin").all(|e| e.is_read()), "{seen:?}");
}

#[test]
fn policies_of_3_32_silence_kube_controllers_until_a_tier_admits() {
    let bed =
        Bed::start(Options { port_forward: false, nodes: 1, windows: 0, audit: false, ..Options::default() })
            .unwrap();
    installs::install_calico_crds(&bed, false).unwrap();
    bed.apply_objects(&[
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "monitoring" } }),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "p", "namespace": "monitoring", "labels": { "app.kubernetes.io/name": "prometheus" } },
            "spec": { "containers": [{ "name": "p", "image": "p" }] },
        }),
        installs::installation(),
    ])
    .unwrap();
    let _actor = Actor::start(&bed, (3, 32));
    let fleet = Fleet::start(&bed, (3, 32)).unwrap();
    let own = || fleet.listening().into_iter().find(|l| l.component == Component::KubeControllers);
    bed.wait("kube-controllers denied", |_| Ok(own().filter(|l| l.denied))).unwrap();
    bed.apply_objects(&[
        json!({
            "apiVersion": "crd.projectcalico.org/v1", "kind": "Tier", "metadata": { "name": "metrics" },
            "spec": { "order": 50, "defaultAction": "Pass" },
        }),
        json!({
            "apiVersion": "crd.projectcalico.org/v1", "kind": "NetworkPolicy",
            "metadata": { "name": "metrics.kube-controllers", "namespace": "calico-system" },
            "spec": {
                "tier": "metrics", "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress"],
                "ingress": [{
                    "action": "Allow", "protocol": "TCP", "destination": { "ports": [9094] },
                    "source": { "namespaceSelector": "projectcalico.org/name == 'monitoring'" },
                }],
            },
        }),
    ])
    .unwrap();
    let open = bed.wait("kube-controllers admitted", |_| Ok(own().filter(|l| !l.denied))).unwrap();
    assert!(bed.http_get(open.address, "/metrics").unwrap().text().contains("ipam_"));
}
