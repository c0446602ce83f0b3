//! The client against a real API server, beside kubectl.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tortie_cluster::client::{Access, ConnectClass, ListOptions, pod_proxy_path};
use tortie_cluster::object::{Gvk, Object, ObjectRef, Pod};
use tortie_cluster::writer::{ApplyError, Mode, Writer};
use tortie_cluster::{Cluster, ConnectError, ConnectOptions, Identity, ReadError};
use tortie_testbed::{Bed, Options};

fn options(kubeconfig: &Path) -> ConnectOptions {
    // The machine may be busy with other tests.
    let request_timeout = Duration::from_secs(30);
    ConnectOptions { kubeconfig: Some(kubeconfig.to_owned()), request_timeout, ..ConnectOptions::default() }
}

async fn connect(kubeconfig: &Path) -> Result<(Cluster, Identity), ConnectError> {
    Cluster::connect(&options(kubeconfig)).await
}

/// Runs a future on a thread inside the bed's network.
pub(crate) fn inside<F: Future<Output = ()>>(bed: &Bed, run: impl FnOnce() -> F + Send) {
    bed.namespace()
        .enter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let bounded = async { tokio::time::timeout(Duration::from_secs(180), run()).await };
            Ok(runtime.block_on(bounded)?)
        })
        .unwrap();
}

fn object(v: Value) -> Object {
    Object::parse(v).unwrap()
}

fn service(name: &str, port_name: &str) -> Object {
    object(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": port_name, "port": 9091, "protocol": "TCP"}]},
    }))
}

#[test]
fn a_real_api_server() {
    let bed = Bed::start(Options::default()).unwrap();
    bed.apply_objects(&[
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 5, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "a", "image": "a", "ports": [{"name": "metrics", "containerPort": 9091}]}]}}},
        }),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": "default"}}),
    ])
    .unwrap();
    bed.wait("pods running", |api| {
        let pods = api.list("/api/v1/namespaces/default/pods")?;
        Ok((pods.len() == 5 && pods.iter().all(|p| p["status"]["phase"] == "Running")).then_some(()))
    })
    .unwrap();
    bed.forward_ports().unwrap();

    inside(&bed, || async {
        let (cluster, identity) = connect(&bed.kubeconfig()).await.unwrap();
        assert_eq!((identity.context.as_str(), identity.user.as_str()), ("bed", "admin"));
        // What failed is said by the last of these lines when the time is over.
        println!("lists");
        lists(&bed, &cluster).await;
        println!("what is served");
        what_is_served(&bed, &cluster).await;
        println!("ways to a pod");
        ways_to_a_pod(&bed, &cluster).await;
        println!("reads only");
        let mark = bed.audit_events_since(0).unwrap().1;
        reads_only(&cluster).await;
        let writes: Vec<String> = bed
            .audit_events_since(mark)
            .unwrap()
            .0
            .iter()
            .filter(|e| e.user == "admin" && !e.is_read())
            .map(|e| format!("{} {}", e.verb, e.resource))
            .collect();
        assert_eq!(writes, [] as [String; 0], "reading writes nothing but reviews");
        println!("rights");
        rights(&bed).await;
        println!("writes");
        writes_and_conflicts(&bed, &Writer::new(&cluster)).await;
        crate::tunnel::through_a_proxy(&bed).await;
    });
}

async fn lists(bed: &Bed, cluster: &Cluster) {
    let version = cluster.version().await.unwrap();
    assert_eq!(version.major, 1, "{version:?}");
    let said =
        bed.kubectl_ok(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]).unwrap();
    assert_eq!(cluster.cluster_uid().await.unwrap(), said);
    // Pages of two, and what kubectl says of the same pods.
    let paged = ListOptions { page: 2, ..ListOptions::labelled("app=web") };
    let mut pods = cluster.list_pods(Some("default"), &paged).await.unwrap();
    let said = bed.kubectl_ok(&["get", "pods", "-n", "default", "-l", "app=web", "-o", "json"]).unwrap();
    let (objects, problems) = tortie_cluster::files::parse("kubectl", &said);
    assert!(problems.is_empty(), "{problems:?}");
    let mut theirs: Vec<Pod> = objects.iter().map(|o| Pod::from_object(o).unwrap()).collect();
    pods.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    theirs.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    assert_eq!(pods.len(), 5);
    assert_eq!(pods, theirs);
    assert!(pods.iter().all(|p| p.ready && !p.ip.is_empty() && !p.node.is_empty()), "{pods:?}");
    assert_eq!(cluster.list_nodes(&ListOptions::default()).await.unwrap().len(), bed.nodes().len());
    let deployments = cluster.resource(&Gvk::new("apps", "v1", "Deployment")).await.unwrap();
    let list = cluster.list(&deployments, None, &ListOptions::default()).await.unwrap();
    assert_eq!(list[0].reference().to_string(), "Deployment default/web");
    assert!(
        list[0].meta.managed.iter().any(|m| m.manager == "kubectl-client-side-apply"),
        "{:?}",
        list[0].meta
    );
    let none =
        cluster.resource(&Gvk::new("monitoring.coreos.com", "v1", "ServiceMonitor")).await.unwrap_err();
    assert!(none.is_not_served(), "{none:?}");
    let gone = cluster.get(&deployments, Some("default"), "none").await.unwrap_err();
    assert_eq!(gone, ReadError::NotFound { what: "deployments.apps none".to_owned(), served: true });
}

/// The names and groups of all kinds, as `kubectl api-resources` prints them.
async fn what_is_served(bed: &Bed, cluster: &Cluster) {
    let resources = cluster.resources().await.unwrap();
    assert_eq!(resources.failed, []);
    let ours: BTreeSet<String> = resources.all.iter().map(|r| r.full_name()).collect();
    let said = bed.kubectl_ok(&["api-resources", "-o", "name"]).unwrap();
    let theirs: BTreeSet<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(ours, theirs);
    for resource in resources.all.iter().filter(|r| r.can("list")).take(12) {
        bed.kubectl_ok(&["get", &resource.kubectl_name(), "-A", "--ignore-not-found"]).unwrap();
    }
}

async fn ways_to_a_pod(bed: &Bed, cluster: &Cluster) {
    let pods = cluster.list_pods(Some("default"), &ListOptions::labelled("app=web")).await.unwrap();
    let pod = &pods[0];
    let listener = bed.namespace().listen(format!("{}:9091", pod.ip).parse().unwrap()).unwrap();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nup 1\n")
                .unwrap();
        }
    });
    let answer =
        cluster.proxy_get(&pod_proxy_path("default", &pod.meta.name, 9091, "/metrics")).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"up 1\n"[..]));
    let mut stream = cluster.port_forward("default", &pod.meta.name, 9091).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    while !all.ends_with(b"up 1\n") {
        all.push(stream.read_u8().await.unwrap());
    }
    assert!(all.starts_with(b"HTTP/1.1 200 OK"), "{all:?}");
    server.join().unwrap();
    // Nothing listens there any more.
    let closed =
        cluster.proxy_get(&pod_proxy_path("default", &pod.meta.name, 9091, "/metrics")).await.unwrap_err();
    assert!(
        matches!(&closed, ReadError::Other { status: 502 | 503, message } if message.contains("refused")),
        "{closed:?}"
    );
    let none = cluster.port_forward("default", "none", 9091).await.err().unwrap();
    assert!(matches!(none, ReadError::NotFound { served: true, .. }), "{none:?}");
}

async fn reads_only(cluster: &Cluster) {
    let all = ListOptions::default();
    cluster.version().await.unwrap();
    cluster.cluster_uid().await.unwrap();
    cluster.resources().await.unwrap();
    cluster.list_pods(None, &all).await.unwrap();
    cluster.list_services(None, &all).await.unwrap();
    cluster.list_endpoint_slices(None, &all).await.unwrap();
    cluster.list_namespaces(&all).await.unwrap();
    let wanted =
        [Access::new("list", "", "pods"), Access::new("delete", "apps", "deployments").within("default")];
    assert_eq!(cluster.review(&wanted).await.unwrap(), [true, true]);
}

async fn rights(bed: &Bed) {
    let token = bed.token("default", "nobody").unwrap();
    let (cluster, _) = connect(&bed.kubeconfig_with("nobody", &token).unwrap()).await.unwrap();
    let e = cluster.list_pods(None, &ListOptions::default()).await.unwrap_err();
    let expect = ReadError::Forbidden {
        verb: "list".to_owned(),
        resource: "pods".to_owned(),
        namespace: None,
        user: "system:serviceaccount:default:nobody".to_owned(),
    };
    assert_eq!(e, expect);
    let e = cluster.port_forward("default", "x", 1).await.err().unwrap();
    assert!(e.missing_right().unwrap().ends_with("pods/portforward in namespace default"), "{e:?}");
    let e = Writer::new(&cluster).apply(&service("s", "a"), "m", false, Mode::DryRun).await.unwrap_err();
    assert_eq!(e.to_string(), "no right to patch services in namespace default");
    assert_eq!(cluster.review(&[Access::new("list", "", "pods")]).await.unwrap(), [false]);
    // The administrator may act as another.
    let jane = ConnectOptions { impersonate: Some("jane".to_owned()), ..options(&bed.kubeconfig()) };
    let (jane, _) = Cluster::connect(&jane).await.unwrap();
    let e = jane.list_nodes(&ListOptions::default()).await.unwrap_err();
    assert!(matches!(&e, ReadError::Forbidden { user, .. } if user == "jane"), "{e:?}");
    let other = bed.kubeconfig_with("nobody", &token).unwrap();
    let other = ConnectOptions { impersonate: Some("jane".to_owned()), ..options(&other) };
    let e = Cluster::connect(&other).await.err().unwrap();
    assert!(e.message.ends_with("nobody has no right to act as jane"), "{e}");
    // A token that is none, and an authority that is another's.
    let e = connect(&bed.kubeconfig_with("forged", "forged").unwrap()).await.err().unwrap();
    assert_eq!(e.class, ConnectClass::Unauthorized, "{e}");
    let text = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let stranger = bed.folder().join("stranger.kubeconfig");
    let lines: Vec<&str> = text.lines().filter(|l| !l.contains("certificate-authority")).collect();
    std::fs::write(&stranger, lines.join("\n")).unwrap();
    let e = connect(&stranger).await.err().unwrap();
    assert_eq!(e.class, ConnectClass::Tls, "{e}");
}

async fn writes_and_conflicts(bed: &Bed, writer: &Writer) {
    let target = service("shared", "a").reference();
    // A dry run leaves nothing.
    let shown = writer.apply(&service("shared", "a"), "tortie-setup", false, Mode::DryRun).await.unwrap();
    assert!(shown.text("/spec/clusterIP").is_some(), "{shown:?}");
    assert!(matches!(writer.get(&target).await, Err(ReadError::NotFound { served: true, .. })));
    // kubectl keeps the port's name; ours is another.
    bed.apply_objects(&[service("shared", "theirs").body]).unwrap();
    let e = writer.apply(&service("shared", "ours"), "tortie-setup", false, Mode::Real).await.unwrap_err();
    let ApplyError::Conflict { conflicts, .. } = &e else { panic!("{e:?}") };
    assert_eq!(conflicts.len(), 1, "{e}");
    assert_eq!(
        (conflicts[0].manager.as_str(), conflicts[0].path.as_str(), conflicts[0].api_version.as_str()),
        ("kubectl-client-side-apply", ".spec.ports[port=9091,protocol=\"TCP\"].name", "v1")
    );
    // The server leaves the time to managedFields.
    let there = writer.get(&target).await.unwrap();
    let by = there.meta.managed.iter().find(|m| m.manager == conflicts[0].manager).unwrap();
    assert!(by.time.is_some(), "{by:?}");
    // The same value is no conflict, and then both keep it; by force it is ours alone.
    writer.apply(&service("shared", "theirs"), "tortie-setup", false, Mode::Real).await.unwrap();
    let forced = writer.apply(&service("shared", "ours"), "tortie-setup", true, Mode::Real).await.unwrap();
    assert_eq!(forced.text("/spec/ports/0/name"), Some("ours"));
    assert!(
        forced.meta.managed.iter().any(|m| m.manager == "tortie-setup" && m.operation == "Apply"),
        "{forced:?}"
    );
    // Strict: a field that the kind does not have.
    let mut wrong = service("shared", "ours");
    wrong.body["spec"]["nope"] = json!(1);
    let e = writer.apply(&wrong, "tortie-setup", false, Mode::DryRun).await.unwrap_err();
    assert!(matches!(e, ApplyError::Invalid { .. }), "{e:?}");
    // Patches, with a test that holds and one that does not.
    let renamed = |from: &str| {
        [
            json!({"op": "test", "path": "/spec/ports/0/name", "value": from}),
            json!({"op": "replace", "path": "/spec/ports/0/name", "value": "third"}),
        ]
    };
    let patched = writer.patch_json(&target, &renamed("ours"), "m", Mode::Real).await.unwrap();
    assert_eq!(patched.text("/spec/ports/0/name"), Some("third"));
    let e = writer.patch_json(&target, &renamed("ours"), "m", Mode::Real).await.unwrap_err();
    assert!(matches!(e, ApplyError::Invalid { .. }), "{e:?}");
    let labelled = json!({"metadata": {"labels": {"a": "b"}}});
    let merged = writer.merge_patch(&target, &labelled, "m", Mode::Real).await.unwrap();
    assert_eq!(merged.meta.labels["a"], "b");
    // An older state does not replace a newer one.
    let mut old = patched;
    old.body["metadata"]["labels"] = json!({});
    let e = writer.replace(&old, "m", Mode::Real).await.unwrap_err();
    assert!(matches!(e, ApplyError::Changed { .. }), "{e:?}");
    let e = writer.create(&service("shared", "a"), "m", Mode::Real).await.unwrap_err();
    assert!(matches!(e, ApplyError::Exists { .. }), "{e:?}");
    // Only the one that is meant is deleted, and only once.
    let e = writer.delete(&target, "another-uid", Mode::Real).await.unwrap_err();
    assert!(matches!(e, ApplyError::Changed { .. }), "{e:?}");
    assert_eq!(writer.delete(&target, &merged.meta.uid, Mode::DryRun).await, Ok(true));
    assert_eq!(writer.delete(&target, &merged.meta.uid, Mode::Real).await, Ok(true));
    assert_eq!(writer.delete(&target, &merged.meta.uid, Mode::Real).await, Ok(false));
    // Objects of the whole cluster.
    let space = object(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made", "labels": {"x": "y"}}}),
    );
    assert!(!writer.apply(&space, "tortie-setup", false, Mode::Real).await.unwrap().meta.uid.is_empty());
    let made = ObjectRef::new(Gvk::new("", "v1", "Namespace"), "", "made");
    assert_eq!(writer.get(&made).await.unwrap().meta.labels["x"], "y");
}
