//! Objects as the API server writes them, and as it might.

use super::*;
use serde_json::json;

#[allow(clippy::needless_pass_by_value)]
fn read<T: for<'de> Deserialize<'de>>(v: serde_json::Value) -> T {
    serde_json::from_str(&v.to_string()).unwrap_or_else(|e| panic!("{v}: {e}"))
}

#[test]
fn pods() {
    let pod: Pod = read(json!({
        "kind": "Pod",
        "metadata": {
            "name": "p", "namespace": "n", "uid": "u", "resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"b": "2", "a": "1"}, "managedFields": [{"manager": "x"}],
            "ownerReferences": [{"kind": "Node", "name": "no"}, {"kind": "ReplicaSet", "name": "r", "controller": true}],
        },
        "spec": {
            "nodeName": "node", "volumes": [],
            "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80, "name": "http", "protocol": "TCP"}]}],
            "initContainers": [{"name": "i", "image": "j"}],
        },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1", "hostIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.1"}],
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "other"}, {"name": "c", "containerID": "containerd://1"}],
        },
    }));
    assert_eq!(pod.meta.labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    assert_eq!((pod.meta.controlled_by("ReplicaSet"), pod.meta.controlled_by("Node")), (Some("r"), None));
    assert!(pod.meta.deleting && &*pod.meta.version == "7");
    assert_eq!(
        (&*pod.ip, &*pod.host_ip, &*pod.node, pod.ready.as_deref()),
        ("10.0.0.1", "10.0.0.2", "node", Some("False"))
    );
    let [c, i] = &*pod.containers else { panic!("{:?}", pod.containers) };
    assert_eq!((&*c.id, c.init, c.ports[0].port, &*c.ports[0].name), ("containerd://1", false, 80, "http"));
    assert_eq!((&*i.name, i.init, &*i.id, i.ports.len()), ("i", true, "", 0));
}

#[test]
fn what_is_absent_or_null_is_empty() {
    let empty = json!({"metadata": {"name": "x"}});
    let nulls = json!({
        "metadata": {"name": "x", "labels": null, "annotations": null, "ownerReferences": null, "deletionTimestamp": null},
        "spec": null, "status": null, "subsets": null, "ports": null, "endpoints": null, "addressType": null,
    });
    #[track_caller]
    fn check<T: for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug>(
        a: &serde_json::Value,
        b: &serde_json::Value,
    ) {
        assert_eq!(read::<T>(a.clone()), read::<T>(b.clone()));
    }
    check::<Pod>(&empty, &nulls);
    check::<Node>(&empty, &nulls);
    check::<Service>(&empty, &nulls);
    check::<EndpointSlice>(&empty, &nulls);
    check::<Endpoints>(&empty, &nulls);
    check::<Ingress>(&empty, &nulls);
    check::<Namespace>(&empty, &nulls);
    assert!(read::<Pod>(empty).ready.is_none());
}

#[test]
fn versions_do_not_make_objects_different() {
    let at = |version: &str, label: &str| -> Custom {
        read(
            json!({"metadata": {"name": "x", "resourceVersion": version, "labels": {"l": label}, "managedFields": [{}]}, "spec": {"a": 1}}),
        )
    };
    assert_eq!(at("1", "a"), at("2", "a"));
    assert_ne!(at("1", "a"), at("1", "b"));
    let one = at("1", "a");
    assert_eq!(
        (&*one.meta.version, &one.body),
        ("1", &json!({"metadata": {"name": "x", "labels": {"l": "a"}}, "spec": {"a": 1}}))
    );
    assert!(serde_json::from_str::<Custom>("{}").is_err());
}

#[test]
fn endpoints_of_both_kinds() {
    let slice: EndpointSlice = read(json!({
        "metadata": {"name": "s", "namespace": "n", "labels": {"kubernetes.io/service-name": "svc"}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 80, "protocol": "TCP", "appProtocol": "http"}, {}],
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true, "terminating": false},
            "targetRef": {"kind": "Pod", "namespace": "n", "name": "p"}, "nodeName": "no", "zone": "z", "hostname": "h"}],
    }));
    assert_eq!(slice.service(), Some("svc"));
    assert_eq!((slice.ports[0].name.as_deref(), slice.ports[1].port), (Some(""), None));
    let e = &slice.endpoints[0];
    assert_eq!(
        (e.conditions.ready, e.conditions.serving, e.conditions.terminating),
        (Some(true), None, Some(false))
    );
    assert_eq!(e.target_ref.as_ref().map(|t| &*t.name), Some("p"));

    let endpoints: Endpoints = read(json!({
        "metadata": {"name": "svc"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1", "nodeName": "no"}], "notReadyAddresses": [{"ip": "10.0.0.2", "hostname": "h"}],
            "ports": [{"port": 80, "protocol": "TCP"}]}],
    }));
    let subset = &endpoints.subsets[0];
    assert_eq!(
        (subset.addresses.len(), &*subset.not_ready_addresses[0].hostname, subset.ports[0].port),
        (1, "h", 80)
    );
}
