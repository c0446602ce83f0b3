//! Groups of single objects. That all of it is as Prometheus has it is shown beside real Prometheus.

use super::*;
use serde_json::{Value, json};
use std::collections::HashMap;
use tortie_cluster::watch::{EndpointSlice, Endpoints, Ingress};

/// Objects by kind and key.
#[derive(Default)]
struct Objects {
    services: HashMap<String, Arc<Service>>,
    pods: HashMap<String, Arc<Pod>>,
    nodes: HashMap<String, Arc<Node>>,
    replica_sets: HashMap<String, Arc<ReplicaSet>>,
}

impl Around for Objects {
    fn service(&self, key: &str) -> Option<Arc<Service>> {
        self.services.get(key).cloned()
    }
    fn pod(&self, key: &str) -> Option<Arc<Pod>> {
        self.pods.get(key).cloned()
    }
    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.nodes.get(name).cloned()
    }
    fn namespace(&self, _: &str) -> Option<Arc<Namespace>> {
        None
    }
    fn replica_set(&self, key: &str) -> Option<Arc<ReplicaSet>> {
        self.replica_sets.get(key).cloned()
    }
    fn job(&self, _: &str) -> Option<Arc<Job>> {
        None
    }
}

fn read<T: serde::de::DeserializeOwned>(v: Value) -> T {
    serde_json::from_value(v).unwrap()
}

fn a_pod() -> Pod {
    read(json!({
        "metadata": {"name": "p", "namespace": "n", "labels": {"a.b/c": "x", "a_b_c": "y", "empty": ""},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "controller": true}]},
        "spec": {"nodeName": "no", "containers": [
            {"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}, {"containerPort": 81, "protocol": "TCP"}]},
            {"name": "bare", "image": "j"},
        ], "initContainers": [{"name": "first", "image": "k", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]},
        "status": {"podIP": "fd00::1", "phase": "Running"},
    }))
}

const NOTHING: AttachMetadata =
    AttachMetadata { node: false, namespace: false, deployment: false, job: false, cronjob: false };

fn addresses(group: &crate::TargetGroup) -> Vec<&str> {
    group.targets.iter().map(|t| t.value("__address__")).collect()
}

#[test]
fn a_pod_has_a_target_for_each_port_and_bare_container() {
    let group = pod(&a_pod(), &Objects::default(), NOTHING);
    assert_eq!(group.source, "pod/n/p");
    assert_eq!(addresses(&group), ["[fd00::1]:80", "[fd00::1]:81", "fd00::1", "[fd00::1]:80"]);
    assert_eq!(group.targets[3].value("__meta_kubernetes_pod_container_init"), "true");
    assert_eq!(group.labels.value("__meta_kubernetes_pod_ready"), "unknown");
    assert_eq!(group.labels.value("__meta_kubernetes_pod_labelpresent_empty"), "true");
    assert_eq!(group.labels.get("__meta_kubernetes_pod_label_empty"), None);
    assert_eq!(group.labels.value("__meta_kubernetes_pod_controller_kind"), "ReplicaSet");
    assert_eq!(group.labels.get("__meta_kubernetes_pod_deployment_name"), None);
    let nodes = AttachMetadata { node: true, ..NOTHING };
    assert!(pod(&a_pod(), &Objects::default(), nodes).targets.is_empty(), "its node is not selected");
}

#[test]
fn a_deployment_is_found_through_its_replica_set() {
    let mut objects = Objects::default();
    let owner = json!({"metadata": {"name": "r", "ownerReferences": [{"kind": "Deployment", "name": "d", "controller": true}]}});
    objects.replica_sets.insert("n/r".to_owned(), Arc::new(read(owner)));
    let attach = AttachMetadata { deployment: true, ..NOTHING };
    let group = pod(&a_pod(), &objects, attach);
    assert_eq!(group.labels.value("__meta_kubernetes_pod_deployment_name"), "d");
}

#[test]
fn ports_that_a_slice_does_not_name_are_targets_too() {
    let mut objects = Objects::default();
    objects.pods.insert("n/p".to_owned(), Arc::new(a_pod()));
    let of = |ports: Value| -> EndpointSlice {
        read(json!({
            "metadata": {"name": "s", "namespace": "n", "labels": {"kubernetes.io/service-name": "svc"}},
            "addressType": "IPv6", "ports": ports,
            "endpoints": [{"addresses": ["fd00::1"], "targetRef": {"kind": "Pod", "namespace": "n", "name": "p"}}],
        }))
    };
    let group = slice(&of(json!([{"name": "http", "port": 80}])), &objects, NOTHING);
    assert_eq!(addresses(&group), ["[fd00::1]:80", "[fd00::1]:81"]);
    // Of containers that declare the same port the last one names it.
    assert_eq!(group.targets[0].value("__meta_kubernetes_pod_container_name"), "first");
    assert_eq!(group.targets[1].get("__meta_kubernetes_endpointslice_port"), None);
    let group = slice(&of(json!([{}])), &objects, NOTHING);
    assert_eq!(addresses(&group), ["fd00::1", "[fd00::1]:80", "[fd00::1]:81", "[fd00::1]:80"]);

    let service = json!({"metadata": {"name": "svc", "namespace": "n"}, "spec": {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}});
    objects.services.insert("n/svc".to_owned(), Arc::new(read(service)));
    assert!(slice(&of(json!([{"port": 80}])), &objects, NOTHING).targets.is_empty(), "the second family");
}

#[test]
fn endpoints_say_which_are_ready() {
    let endpoints: Endpoints = read(json!({
        "metadata": {"name": "e", "namespace": "n"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{"ip": "10.0.0.2"}], "ports": [{"name": "a", "port": 1, "protocol": "TCP"}]}],
    }));
    let group = super::endpoints(&endpoints, &Objects::default(), NOTHING);
    let ready: Vec<_> = group.targets.iter().map(|t| t.value("__meta_kubernetes_endpoint_ready")).collect();
    assert_eq!(
        (addresses(&group).as_slice(), ready.as_slice()),
        (&["10.0.0.1:1", "10.0.0.2:1"][..], &["true", "false"][..])
    );
}

#[test]
fn a_node_without_an_address_keeps_its_group() {
    let of = |addresses: Value| -> Node {
        read(json!({"metadata": {"name": "x"}, "status": {"addresses": addresses}}))
    };
    assert_eq!(node(&of(json!([]))), None);
    assert_eq!(node(&of(json!([{"type": "Odd", "address": "a"}]))), None);
    let both = json!([{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "1.2.3.4"}, {"type": "InternalIP", "address": "::2"}]);
    let group = node(&of(both)).unwrap();
    assert_eq!(addresses(&group), ["1.2.3.4:0"]);
    assert_eq!(group.targets[0].value("__meta_kubernetes_node_address_InternalIP"), "1.2.3.4");
    assert_eq!(group.targets[0].value("instance"), "x");
}

#[test]
fn hosts_with_a_certificate_are_https() {
    #[track_caller]
    fn check(tls: &str, host: &str, expect: &str) {
        let object: Ingress = read(json!({
            "metadata": {"name": "i", "namespace": "n"},
            "spec": {"tls": [{"hosts": [tls]}], "rules": [{"host": host, "http": {"paths": [{"path": ""}]}}]},
        }));
        let group = ingress(&object, &Objects::default(), NOTHING);
        let target = &group.targets[0];
        let got = [
            target.value("__meta_kubernetes_ingress_scheme"),
            target.value("__meta_kubernetes_ingress_path"),
        ];
        assert_eq!(got, [expect, "/"], "{tls} {host}");
    }
    check("a.b", "a.b", "https");
    check("*.b", "a.b", "https");
    check("*.b", "c.a.b", "http");
    check("*.b", "b", "http");
    check("a.b", "", "http");
}

#[test]
fn names_are_made_legacy() {
    #[track_caller]
    fn check(name: &str, expect: &str) {
        assert_eq!(sanitize(name), expect);
    }
    check("app.kubernetes.io/name", "app_kubernetes_io_name");
    check("1-é", "1__");
}
