//! Objects and slim structs out of JSON.

use serde_json::{Value, json};
use tortie_cluster::object::{
    Endpoint, EndpointSlice, Gvk, Namespace, Node, Object, ObjectRef, Pod, Service, ServicePort, Target,
};

#[test]
fn metadata_is_decoded_and_the_body_kept() {
    let body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "calico-typha", "namespace": "calico-system", "uid": "u1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-11-23T23:18:44Z", "labels": {"k8s-app": "calico-typha"}, "annotations": null,
            "finalizers": ["x/y"],
            "ownerReferences": [{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "u0", "controller": true}],
            "managedFields": [{"manager": "operator", "operation": "Update", "apiVersion": "apps/v1",
                "time": "2026-11-23T23:18:44.5Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}, "subresource": "status"}],
        },
        "spec": {"replicas": 2, "paused": null},
    });
    let object = Object::parse(body.clone()).unwrap();
    assert_eq!(object.gvk, Gvk::new("apps", "v1", "Deployment"));
    assert_eq!(object.gvk.api_version(), "apps/v1");
    assert_eq!(object.meta.created, Some(1_795_475_924_000));
    assert_eq!(object.meta.controller().unwrap().kind, "Installation");
    let managed = &object.meta.managed[0];
    assert_eq!((managed.manager.as_str(), managed.subresource.as_str()), ("operator", "status"));
    assert_eq!((managed.time, &managed.fields), (Some(1_795_475_924_500), &json!({"f:spec": {}})));
    assert_eq!(object.at("/spec/replicas"), Some(&json!(2)));
    assert_eq!(object.at("/spec/paused"), None);
    assert_eq!(object.reference().to_string(), "Deployment calico-system/calico-typha");
    assert_eq!(object.body, body);
}

#[test]
fn references_read_as_people_say_them() {
    let installation =
        ObjectRef::new(Gvk::from_api_version("operator.tigera.io/v1", "Installation"), "", "default");
    assert_eq!(installation.to_string(), "Installation default");
    assert_eq!(Gvk::from_api_version("v1", "Pod").to_string(), "v1 Pod");
}

#[test]
fn what_is_no_object_is_refused_with_its_place() {
    fn check(input: Value, pointer: &str, message: &str) {
        let e = Object::parse(input.clone()).unwrap_err();
        assert_eq!((e.pointer.as_str(), e.message.as_str()), (pointer, message), "{input}");
    }
    check(json!([]), "", "an object must be a mapping, not a list");
    check(json!({"kind": "Pod"}), "", "the field apiVersion is not set");
    check(json!({"apiVersion": "v1", "kind": ""}), "", "the field kind is not set");
    check(
        json!({"apiVersion": 1, "kind": "Pod"}),
        "/apiVersion",
        "the field apiVersion must be a text, not a number",
    );
    check(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a/b": true}}}),
        "/metadata/labels/a~1b",
        "a/b must be a text, not a boolean",
    );
    check(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5}}),
        "/metadata/name",
        "name must be a text, not a number",
    );
    check(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"ownerReferences": {}}}),
        "/metadata/ownerReferences",
        "ownerReferences must be a list, not a mapping",
    );
    check(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": "x"}),
        "/metadata",
        "metadata must be a mapping, not a text",
    );
}

fn object(v: Value) -> Object {
    Object::parse(v).unwrap()
}

#[test]
fn a_pod() {
    let pod = Pod::from_object(&object(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "calico-node-x", "namespace": "calico-system", "labels": {"k8s-app": "calico-node"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "prometheus.io/scrape": "true", "long": "x".repeat(2000)},
            "managedFields": [{"manager": "m"}]},
        "spec": {"nodeName": "n1", "hostNetwork": true, "serviceAccountName": "calico-node", "volumes": [{"name": "v"}],
            "initContainers": [{"name": "install-cni", "image": "i"}],
            "containers": [{"name": "calico-node", "image": "calico/node:v3.29.1",
                "env": [{"name": "FELIX_A", "value": "true"}, {"name": "EMPTY"}, {"name": "NODENAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "ports": [{"containerPort": 9091, "hostPort": 9091, "name": "metrics"}]}]},
        "status": {"phase": "Running", "podIP": "10.99.1.1", "podIPs": [{"ip": "10.99.1.1"}, {"ip": "fd00::1"}], "hostIP": "10.99.1.1",
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "calico-node", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]},
    })))
    .unwrap();
    assert_eq!((pod.node.as_str(), pod.host_network, pod.ready), ("n1", true, true));
    assert_eq!(pod.ips, ["10.99.1.1", "fd00::1"]);
    assert_eq!(pod.meta.annotations.keys().collect::<Vec<_>>(), ["prometheus.io/scrape"]);
    let [container] = pod.containers.as_slice() else { panic!("{pod:?}") };
    assert_eq!(
        container.env.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
        ["EMPTY=", "FELIX_A=true"]
    );
    assert_eq!(
        (container.restarts, container.waiting.as_deref(), container.ended.as_deref()),
        (4, Some("CrashLoopBackOff"), Some("OOMKilled"))
    );
    assert_eq!(
        (container.ports[0].port, container.ports[0].host_port, container.ports[0].protocol.as_str()),
        (9091, 9091, "TCP")
    );
    assert_eq!(Pod::from_object(&object(pod.to_json())).unwrap(), pod);
}

#[test]
fn nulls_and_absent_fields_are_empty() {
    for body in [
        json!({"apiVersion": "v1", "kind": "Pod"}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": null, "spec": null, "status": null}),
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": null}, "status": {"conditions": null, "podIPs": null}}),
    ] {
        assert_eq!(Pod::from_object(&object(body)).unwrap(), Pod::default());
    }
}

#[test]
fn a_service_and_its_target_ports() {
    let service = Service::from_object(&object(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"},
        "spec": {"clusterIP": "None", "ipFamilies": ["IPv4"], "selector": {"k8s-app": "x"}, "ports": [
            {"name": "a", "port": 9091, "targetPort": 9091}, {"name": "b", "port": 1, "targetPort": "metrics-port", "protocol": "UDP"},
            {"port": 2}, {"port": 3, "targetPort": 0}, {"port": 4, "targetPort": null}]},
    })))
    .unwrap();
    assert!(service.headless());
    let targets: Vec<&Target> = service.ports.iter().map(|p| &p.target).collect();
    assert_eq!(
        targets,
        [
            &Target::Number(9091),
            &Target::Name("metrics-port".to_owned()),
            &Target::None,
            &Target::None,
            &Target::None
        ]
    );
    assert_eq!(
        service.ports[2],
        ServicePort { name: String::new(), port: 2, target: Target::None, protocol: "TCP".to_owned() }
    );
    assert_eq!(Service::from_object(&object(service.to_json())).unwrap(), service);
    let wrong = object(json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 99999}]}}));
    assert!(Service::from_object(&wrong).unwrap_err().message.contains("expected u16"));
}

#[test]
fn a_slice() {
    let slice = EndpointSlice::from_object(&object(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "s-1", "labels": {"kubernetes.io/service-name": "s"}},
        "ports": [{"name": "metrics", "port": 9091, "protocol": "TCP"}, {"name": null, "port": null}],
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": false, "serving": true}, "nodeName": "n1",
             "targetRef": {"kind": "Pod", "namespace": "ns", "name": "p", "uid": "u"}},
            {"addresses": ["10.0.0.2"], "conditions": {}}],
    })))
    .unwrap();
    assert_eq!((slice.service.as_str(), slice.ports[1].port), ("s", None));
    assert_eq!(slice.endpoints[0].target, Some(("Pod".to_owned(), "ns".to_owned(), "p".to_owned())));
    assert!(!slice.endpoints[0].ready);
    // Kubernetes: an unknown state counts as ready.
    assert_eq!(
        slice.endpoints[1],
        Endpoint { addresses: vec!["10.0.0.2".to_owned()], ready: true, node: String::new(), target: None }
    );
    assert_eq!(EndpointSlice::from_object(&object(slice.to_json())).unwrap(), slice);
}

#[test]
fn nodes_and_namespaces() {
    let node = Node::from_object(&object(json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"kubernetes.io/os": "windows"}},
        "status": {"addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "Unknown"}], "nodeInfo": {"kubeletVersion": "v1.36.3", "operatingSystem": ""}},
    })))
    .unwrap();
    assert_eq!(
        (node.internal_ips.as_slice(), node.os.as_str(), node.ready),
        (["10.0.0.1".to_owned()].as_slice(), "windows", false)
    );
    assert_eq!(Node::from_object(&object(node.to_json())).unwrap(), node);
    let gone = Namespace::from_object(&object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}, "status": {"phase": "Terminating"}}))).unwrap();
    assert!(gone.terminating);
    assert_eq!(Namespace::from_object(&object(gone.to_json())).unwrap(), gone);
}
