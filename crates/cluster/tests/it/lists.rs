//! Lists: pages, lists that expire, and refusals.

use crate::scripted::{Asked, Reply, Server, status};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_cluster::ReadError;
use tortie_cluster::client::{ListOptions, Resource};

fn monitors() -> Resource {
    Resource {
        group: "monitoring.coreos.com".to_owned(),
        version: "v1".to_owned(),
        kind: "ServiceMonitor".to_owned(),
        plural: "servicemonitors".to_owned(),
        namespaced: true,
        ..Resource::default()
    }
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n"}, "spec": {"nodeName": "node", "containers": [{"name": "c"}]}, "status": {"phase": "Running"}})
}

fn page(names: &[&str], next: &str) -> Reply {
    let items: Vec<Value> = names.iter().map(|n| pod(n)).collect();
    Reply::Json(
        200,
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": next, "resourceVersion": "5"}, "items": items}),
    )
}

fn names(pods: &[tortie_cluster::object::Pod]) -> Vec<&str> {
    pods.iter().map(|p| p.meta.name.as_str()).collect()
}

#[tokio::test]
async fn pages_follow_each_other() {
    let server = Server::start(|a: &Asked| match a {
        a if a.has("continue=t%2B1") => page(&["b"], "t2"),
        a if a.has("continue=t2") => page(&["c"], ""),
        a if a.is("/api/v1/namespaces/n/pods") => page(&["a"], "t+1"),
        _ => Reply::Json(200, Value::Null),
    })
    .await;
    let options = ListOptions {
        fields: Some("spec.nodeName=x".to_owned()),
        page: 1,
        ..ListOptions::labelled("k8s-app in (a,b)")
    };
    let pods = server.cluster().await.list_pods(Some("n"), &options).await.unwrap();
    assert_eq!(names(&pods), ["a", "b", "c"]);
    assert_eq!(pods[0].node, "node");
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for a in &asked {
        assert!(
            a.has("limit=1")
                && a.has("labelSelector=k8s-app%20in%20%28a%2Cb%29")
                && a.has("fieldSelector=spec.nodeName%3Dx"),
            "{a:?}"
        );
        assert_eq!(a.headers["authorization"], "Bearer t0ken");
    }
}

#[tokio::test]
async fn an_expired_list_is_begun_anew_once() {
    async fn run(expires: usize) -> (Result<Vec<String>, ReadError>, usize) {
        let left = AtomicUsize::new(expires);
        let server = Server::start(move |a: &Asked| match a {
            a if a.is("/version") => Reply::Json(200, Value::Null),
            a if a.has("continue=t1") => {
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                    status(410, "Expired", "The provided continue parameter is too old", &json!({}))
                } else {
                    page(&["b"], "")
                }
            }
            _ => page(&["a"], "t1"),
        })
        .await;
        let pods = server.cluster().await.list_pods(None, &ListOptions::default()).await;
        (pods.map(|p| p.into_iter().map(|p| p.meta.name).collect()), server.asked().len())
    }
    assert_eq!(run(1).await, (Ok(vec!["a".to_owned(), "b".to_owned()]), 4), "nothing twice");
    assert_eq!(run(9).await, (Err(ReadError::Gone { what: "pods".to_owned() }), 4));
}

#[tokio::test]
async fn items_get_the_kind_that_lists_leave_out() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        _ => Reply::Json(
            200,
            json!({"items": [{"metadata": {"name": "m", "namespace": "x"}, "spec": {"jobLabel": "j"}}]}),
        ),
    })
    .await;
    let list = server.cluster().await.list(&monitors(), None, &ListOptions::default()).await.unwrap();
    assert_eq!(list[0].reference().to_string(), "ServiceMonitor x/m");
    assert_eq!(list[0].gvk.api_version(), "monitoring.coreos.com/v1");
    assert_eq!(list[0].text("/spec/jobLabel"), Some("j"));
    assert!(server.asked()[0].is("/apis/monitoring.coreos.com/v1/servicemonitors"));
}

#[tokio::test]
async fn null_items_and_endless_tokens() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1/nodes") => Reply::Json(200, json!({"items": null, "metadata": {}})),
        _ => page(&["a"], "same"),
    })
    .await;
    let cluster = server.cluster().await;
    assert_eq!(cluster.list_nodes(&ListOptions::default()).await, Ok(Vec::new()));
    let e = cluster.list_pods(None, &ListOptions::default()).await.unwrap_err();
    assert_eq!(
        e.to_string(),
        "the answer to list pods cannot be read: the token of the next page does not change"
    );
    let few = ListOptions { most: 0, ..ListOptions::default() };
    assert!(cluster.list_pods(None, &few).await.unwrap_err().to_string().contains("more than 0 objects"));
}

#[tokio::test]
async fn refusals_have_classes() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1/pods") => status(
            403,
            "Forbidden",
            "pods is forbidden: User \"system:serviceaccount:m:doctor\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
            &json!({"kind": "pods"}),
        ),
        a if a.is("/api/v1/services") => status(401, "Unauthorized", "Unauthorized", &Value::Null),
        a if a.is("/api/v1/nodes") => Reply::Text(200, "{\"items\": [{".to_owned()),
        a if a.is("/api/v1/namespaces") => Reply::Text(502, "<html>bad gateway</html>\nmore".to_owned()),
        a if a.is("/api/v1/namespaces/x/pods/p") => {
            status(404, "NotFound", "pods \"p\" not found", &json!({"name": "p", "kind": "pods"}))
        }
        _ => Reply::Text(404, "404 page not found\n".to_owned()),
    })
    .await;
    let cluster = server.cluster().await;
    let all = ListOptions::default();
    let e = cluster.list_pods(None, &all).await.unwrap_err();
    assert_eq!(e.missing_right().as_deref(), Some("list pods"));
    assert!(
        matches!(&e, ReadError::Forbidden { user, .. } if user == "system:serviceaccount:m:doctor"),
        "{e:?}"
    );
    assert_eq!(cluster.list_services(None, &all).await, Err(ReadError::Unauthorized));
    assert!(matches!(cluster.list_nodes(&all).await, Err(ReadError::Malformed { .. })));
    let e = cluster.list_namespaces(&all).await.unwrap_err();
    assert_eq!(e, ReadError::Other { status: 502, message: "<html>bad gateway</html>".to_owned() });
    let e = cluster.list(&monitors(), None, &all).await.unwrap_err();
    assert!(e.is_not_served());
    assert_eq!(e.to_string(), "servicemonitors.monitoring.coreos.com is not served by this cluster");
    let pods = Resource {
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
        namespaced: true,
        ..Resource::default()
    };
    let e = cluster.get(&pods, Some("x"), "p").await.unwrap_err();
    assert_eq!((e.to_string().as_str(), e.is_not_served()), ("pods p not found", false));
}
