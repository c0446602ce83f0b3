//! A bed starts, schedules pods at their nodes' addresses, keeps an audit log, and goes.

use std::time::Instant;

use serde_json::json;
use tortie_testbed::{Bed, Options};

#[test]
fn pods_run_at_their_addresses() {
    let begin = Instant::now();
    let bed = Bed::start(Options::default()).unwrap();
    println!("bed ready in {:?}", begin.elapsed());
    bed.apply_objects(&[
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": { "name": "agent", "namespace": "default" },
            "spec": {
                "selector": { "matchLabels": { "app": "agent" } },
                "template": {
                    "metadata": { "labels": { "app": "agent" } },
                    "spec": { "hostNetwork": true, "containers": [{ "name": "a", "image": "a" }] },
                },
            },
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "default" },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [{ "name": "a", "image": "a" }] },
                },
            },
        }),
    ])
    .unwrap();
    let pods = bed
        .wait("pods running", |api| {
            let pods = api.list("/api/v1/namespaces/default/pods")?;
            Ok((pods.len() == 5 && pods.iter().all(|p| p["status"]["phase"] == "Running")).then_some(pods))
        })
        .unwrap();
    println!("pods running after {:?}", begin.elapsed());
    let nodes = bed.nodes();
    let mut addresses = std::collections::HashSet::new();
    for pod in &pods {
        let host = nodes.iter().find(|n| pod["spec"]["nodeName"] == n.0.as_str()).unwrap();
        assert_eq!(pod["status"]["hostIP"], host.1.as_str());
        let own = pod["spec"]["hostNetwork"] != json!(true);
        assert_eq!(pod["status"]["podIP"] != host.1.as_str(), own);
        assert!(addresses.insert(pod["status"]["podIP"].to_string()), "{}", pod["status"]["podIP"]);
    }
    let seen = bed.audit_events().unwrap();
    let write = seen.iter().find(|e| e.resource == "daemonsets" && !e.is_read()).unwrap();
    assert_eq!((write.user.as_str(), write.verb.as_str(), write.code), ("admin", "create", 201));
    let begin = Instant::now();
    drop(bed);
    println!("bed gone in {:?}", begin.elapsed());
}
