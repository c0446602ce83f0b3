//! Bad days of a server, and the requests that are not lists.

use crate::scripted::{Asked, Reply, Server, status};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tortie_cluster::client::{
    Access, ListOptions, LogOptions, ServerAccess, WHOLE, pod_proxy_path, service_proxy_path,
};
use tortie_cluster::object::Gvk;
use tortie_cluster::{Cluster, ReadError};

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1/nodes") && count.fetch_add(1, Ordering::SeqCst) < 2 => {
            Reply::Header(429, "retry-after", "0", "slow down".to_owned())
        }
        a if a.is("/api/v1/nodes") => Reply::Json(200, json!({"items": []})),
        a if a.is("/api/v1/pods") => Reply::Header(429, "retry-after", "120", String::new()),
        _ => Reply::Header(429, "retry-after", "0", String::new()),
    })
    .await;
    let cluster = server.cluster().await;
    assert_eq!(cluster.list_nodes(&ListOptions::default()).await, Ok(Vec::new()));
    assert_eq!(server.asked().len(), 3);
    // A long wait is left to the caller, and an endless one ends.
    let long = cluster.list_pods(None, &ListOptions::default()).await;
    assert_eq!(long, Err(ReadError::TooMany { retry_after: Duration::from_secs(120) }));
    let never = cluster.list_services(None, &ListOptions::default()).await;
    assert_eq!(never, Err(ReadError::TooMany { retry_after: Duration::ZERO }));
    assert_eq!(server.asked().len(), 3 + 1 + 4);
}

#[tokio::test]
async fn silence_ends() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1/nodes") => Reply::Hang,
        a if a.is("/api/v1/pods") => Reply::HalfBody,
        _ => Reply::Drip(Duration::from_millis(50)),
    })
    .await;
    let cluster = server.hasty().await;
    let limit = Duration::from_millis(300);
    let all = ListOptions::default();
    let late = |what: &str, after| ReadError::Timeout { what: what.to_owned(), after };
    let started = Instant::now();
    assert_eq!(cluster.list_nodes(&all).await, Err(late("list nodes", limit)));
    assert_eq!(cluster.list_pods(None, &all).await, Err(late("list pods", limit)));
    assert_eq!(cluster.list_services(None, &all).await, Err(late("list services", limit * WHOLE)));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn version_uid_and_logs() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, json!({"gitVersion": "v1.30.2-gke.1", "major": "1", "minor": "30+"})),
        a if a.is("/api/v1/namespaces/kube-system") => {
            Reply::Json(200, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}))
        }
        _ => Reply::Text(200, "line \u{1f408}\n".to_owned()),
    })
    .await;
    let cluster = server.cluster().await;
    let version = cluster.version().await.unwrap();
    assert_eq!((version.major, version.minor, version.git_version.as_str()), (1, 30, "v1.30.2-gke.1"));
    assert_eq!(cluster.cluster_uid().await.unwrap(), "u-1");
    let options =
        LogOptions { container: Some("felix".to_owned()), previous: true, tail_lines: 7, limit_bytes: 9 };
    assert_eq!(cluster.logs("n", "p", &options).await.unwrap(), "line \u{1f408}\n");
    let asked = server.asked().pop().unwrap();
    assert!(asked.is("/api/v1/namespaces/n/pods/p/log"));
    for pair in ["container=felix", "previous=true", "tailLines=7", "limitBytes=9"] {
        assert!(asked.has(pair), "{asked:?}");
    }
}

#[tokio::test]
async fn reviews_keep_their_order() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
            let allowed = a.body.pointer("/spec/resourceAttributes/resource") == Some(&json!("pods"));
            Reply::Json(201, json!({"status": {"allowed": allowed}}))
        }
        _ => Reply::Json(200, Value::Null),
    })
    .await;
    let wanted: Vec<Access> = (0..20)
        .map(|i| {
            Access::new("get", "", if i % 3 == 0 { "pods/portforward" } else { "secrets" })
                .within("n")
                .named(&i.to_string())
        })
        .collect();
    let got = server.cluster().await.review(&wanted).await.unwrap();
    assert_eq!(got, (0..20).map(|i| i % 3 == 0).collect::<Vec<_>>());
    let first = server
        .asked()
        .into_iter()
        .find(|a| a.body.pointer("/spec/resourceAttributes/name") == Some(&json!("0")))
        .unwrap();
    assert_eq!(
        first.body["spec"]["resourceAttributes"],
        json!({"verb": "get", "group": "", "resource": "pods", "subresource": "portforward", "namespace": "n", "name": "0"})
    );
    assert_eq!(
        Access::new("list", "monitoring.coreos.com", "servicemonitors").to_string(),
        "list servicemonitors.monitoring.coreos.com -A"
    );
    assert_eq!(wanted[0].to_string(), "get pods/0 --subresource=portforward -n n");
}

#[tokio::test]
async fn the_other_side_of_the_proxy() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/api/v1/namespaces/n/pods/p:9091/proxy/metrics") => {
            Reply::Header(200, "content-type", "text/plain; version=0.0.4", "up 1\n".to_owned())
        }
        a if a.is("/api/v1/namespaces/n/services/http:prom:web/proxy/api/v1/query") => Reply::Text(422, "bad query".to_owned()),
        a if a.is("/api/v1/namespaces/n/pods/p:1/proxy/") => status(
            503,
            "ServiceUnavailable",
            "error trying to reach service: dial tcp 10.0.0.1:1: connect: connection refused",
            &Value::Null,
        ),
        a if a.is("/api/v1/namespaces/n/pods/p:2/proxy/") => status(
            403,
            "Forbidden",
            "pods \"p:2\" is forbidden: User \"u\" cannot get resource \"pods/proxy\" in API group \"\" in the namespace \"n\"",
            &json!({"name": "p:2", "kind": "pods"}),
        ),
        _ => Reply::Json(200, Value::Null),
    })
    .await;
    let cluster = server.cluster().await;
    let good = cluster.proxy_get(&pod_proxy_path("n", "p", 9091, "/metrics")).await.unwrap();
    assert_eq!(
        (good.status, good.content_type.as_str(), &good.body[..]),
        (200, "text/plain; version=0.0.4", &b"up 1\n"[..])
    );
    let bad = cluster
        .proxy_get(&service_proxy_path("n", "prom", "http", "web", "/api/v1/query?query=up"))
        .await
        .unwrap();
    assert_eq!((bad.status, &bad.body[..]), (422, &b"bad query"[..]));
    let closed = cluster.proxy_get(&pod_proxy_path("n", "p", 1, "/")).await.unwrap_err();
    assert!(
        matches!(&closed, ReadError::Other { status: 503, message } if message.ends_with("connection refused")),
        "{closed:?}"
    );
    let e = cluster.proxy_get(&pod_proxy_path("n", "p", 2, "/")).await.unwrap_err();
    assert_eq!(e.missing_right().as_deref(), Some("get pods/proxy in namespace n"));
}

fn felix() -> Value {
    json!({"name": "felixconfigurations", "namespaced": false, "kind": "FelixConfiguration", "verbs": ["get", "patch"], "shortNames": ["felixconfig"]})
}

#[tokio::test]
async fn what_a_new_server_serves() {
    let server = Server::start(|a: &Asked| {
        let asks = a.headers.get("accept").is_some_and(|v| v.to_str().unwrap().contains("as=APIGroupDiscoveryList"));
        match a {
            a if a.is("/api") && asks => Reply::Json(200, json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [
                {"version": "v1", "resources": [{"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced", "verbs": ["list"],
                    "subresources": [{"subresource": "log"}]}]}]}]})),
            a if a.is("/apis") && asks => Reply::Json(200, json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "projectcalico.org"}, "versions": [
                {"version": "v3", "freshness": "Stale", "resources": []},
                {"version": "v1", "resources": [{"resource": "felixconfigurations", "responseKind": {"kind": "FelixConfiguration"}, "scope": "Cluster"}]}]}]})),
            _ => Reply::Json(200, Value::Null),
        }
    })
    .await;
    let resources = server.cluster().await.resources().await.unwrap();
    assert_eq!(server.asked().len(), 2);
    let pods = resources.find("", "Pod").unwrap();
    assert_eq!(
        (pods.kubectl_name(), pods.path(Some("n"), Some("p")), pods.can("list"), pods.can("watch")),
        ("pods".to_owned(), "/api/v1/namespaces/n/pods/p".to_owned(), true, false)
    );
    let felix = resources.find("projectcalico.org", "FelixConfiguration").unwrap();
    assert_eq!(felix.kubectl_name(), "felixconfigurations.v1.projectcalico.org");
    assert_eq!(felix.path(Some("ignored"), None), "/apis/projectcalico.org/v1/felixconfigurations");
    assert_eq!(
        resources.failed,
        [("projectcalico.org/v3".to_owned(), "its API server does not answer".to_owned())]
    );
    assert!(resources.exact(&Gvk::new("projectcalico.org", "v3", "FelixConfiguration")).is_none());
}

#[tokio::test]
async fn what_an_old_server_serves() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/api") => Reply::Json(200, json!({"kind": "APIVersions", "versions": ["v1"]})),
        a if a.is("/api/v1") => Reply::Json(200, json!({"resources": [
            {"name": "pods", "namespaced": true, "kind": "Pod", "verbs": ["list"]}, {"name": "pods/log", "namespaced": true, "kind": "Pod", "verbs": ["get"]}]})),
        a if a.is("/apis") => Reply::Json(200, json!({"kind": "APIGroupList", "groups": [
            {"name": "projectcalico.org", "versions": [{"version": "v1"}, {"version": "v3"}], "preferredVersion": {"version": "v3"}},
            {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}], "preferredVersion": {"version": "v1beta1"}}]})),
        a if a.is("/apis/projectcalico.org/v3") || a.is("/apis/projectcalico.org/v1") => Reply::Json(200, json!({"resources": [felix()]})),
        a if a.is("/apis/metrics.k8s.io/v1beta1") => Reply::Text(503, "service unavailable".to_owned()),
        _ => Reply::Json(200, Value::Null),
    })
    .await;
    let cluster = server.cluster().await;
    let resources = cluster.resources().await.unwrap();
    let told: Vec<String> = resources.all.iter().map(|r| r.kubectl_name()).collect();
    assert_eq!(
        told,
        ["pods", "felixconfigurations.v3.projectcalico.org", "felixconfigurations.v1.projectcalico.org"]
    );
    assert_eq!(resources.failed.len(), 1);
    // One kind: asked once, and an unknown one is told from an unknown group.
    let before = server.asked().len();
    let v3 = Gvk::new("projectcalico.org", "v3", "FelixConfiguration");
    assert_eq!(cluster.resource(&v3).await.unwrap().plural, "felixconfigurations");
    assert_eq!(cluster.resource(&v3).await.unwrap().short_names, ["felixconfig"]);
    let e = cluster.resource(&Gvk::new("projectcalico.org", "v3", "Nothing")).await.unwrap_err();
    assert_eq!(e.to_string(), "kind Nothing of projectcalico.org/v3 is not served by this cluster");
    assert_eq!(server.asked().len(), before + 1);
}

#[tokio::test]
async fn a_refused_port_forward() {
    let server = Server::start(|a: &Asked| match a {
        a if a.uri.contains("/pods/none/") => status(404, "NotFound", "pods \"none\" not found", &json!({"name": "none"})),
        a if a.uri.contains("/pods/busy/") => Reply::Hang,
        a if a.uri.contains("/portforward") => status(
            403,
            "Forbidden",
            "pods \"p\" is forbidden: User \"u\" cannot create resource \"pods/portforward\" in API group \"\" in the namespace \"n\"",
            &json!({"name": "p"}),
        ),
        _ => Reply::Json(200, Value::Null),
    })
    .await;
    let cluster = server.hasty().await;
    let told = async |pod: &str| match cluster.port_forward("n", pod, 9090).await {
        Ok(_) => "opened".to_owned(),
        Err(e) => e.to_string(),
    };
    assert_eq!(told("p").await, "no right to create pods/portforward in namespace n");
    assert_eq!(told("none").await, "pod n/none not found");
    assert_eq!(told("busy").await, "no answer to port-forward to pod n/busy within 0.3 s");
}

/// Whoever may name a server in a custom resource is not to read what it says; its name goes with the request.
#[tokio::test]
async fn a_servers_words_stay_out_of_errors_where_they_are_not_to_be_shown() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1/pods") => status(422, "Invalid", "hush", &Value::Null),
        _ => Reply::Text(500, "hush".to_owned()),
    })
    .await;
    let limit = Duration::from_secs(20);
    for discreet in [true, false] {
        let headers = vec![("host".to_owned(), tortie_config::Secret::new("api.example:1"))];
        let access =
            ServerAccess { url: server.address.clone(), discreet, headers, ..ServerAccess::default() };
        let (cluster, _) = Cluster::connect_to(&access, limit, limit).await.unwrap();
        let all = ListOptions::default();
        let nodes = cluster.list_nodes(&all).await.unwrap_err().to_string();
        let pods = cluster.list_pods(None, &all).await.unwrap_err().to_string();
        let words = if discreet { "its words are not shown" } else { "hush" };
        assert_eq!(nodes, format!("the server refused with status 500: {words}"));
        assert_eq!(pods, format!("the server refused with status 422: {words}"));
    }
    let hosts: Vec<_> = server.asked().iter().map(|a| a.headers["host"].clone()).collect();
    assert!(!hosts.is_empty() && hosts.iter().all(|h| h == "api.example:1"), "{hosts:?}");
}
