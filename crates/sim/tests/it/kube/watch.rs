//! Watches: events in order, selectors, 410.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tortie_sim::kube::KubeOptions;

use super::Server;

/// An open watch.
struct Watching(BufReader<TcpStream>);

impl Watching {
    async fn open(server: &Server, path: &str) -> Watching {
        let mut stream = TcpStream::connect(server.kube.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer admin\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut out = Watching(BufReader::new(stream));
        let first = out.line().await;
        assert!(first.contains(" 200 "), "{first}");
        while !out.line().await.trim().is_empty() {}
        out
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("an event").unwrap();
        line
    }

    /// The next event; the lines of the chunks' lengths are passed over.
    async fn next(&mut self) -> Value {
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the watch ended");
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    async fn told(&mut self) -> (String, String) {
        let event = self.next().await;
        let text = |p: &str| event.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("/type"), text("/object/metadata/name"))
    }
}

fn map(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"l": label}}})
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_in_order_and_by_selector() {
    let server = Server::start(KubeOptions::default()).await;
    server.kube.create("v1", "configmaps", "default", &map("there", "a")).unwrap();
    let mut all = Watching::open(&server, &format!("{MAPS}?watch=1")).await;
    let mut some = Watching::open(&server, &format!("{MAPS}?watch=1&labelSelector=l%3Da")).await;
    let check = |got: (String, String), kind: &str, name: &str| assert_eq!(got, (kind.into(), name.into()));
    check(all.told().await, "ADDED", "there");
    check(some.told().await, "ADDED", "there");
    server.ask("POST", MAPS, &map("other", "b")).await;
    check(all.told().await, "ADDED", "other");
    // It leaves the selection, which is a deletion to those who selected it.
    let patch = json!({"metadata": {"labels": {"l": "b"}}});
    server.ask_as("admin", "PATCH", &format!("{MAPS}/there"), "application/merge-patch+json", &patch).await;
    check(all.told().await, "MODIFIED", "there");
    check(some.told().await, "DELETED", "there");
    server.ask("DELETE", &format!("{MAPS}/other"), &Value::Null).await;
    check(all.told().await, "DELETED", "other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_goes_on_from_a_version_or_answers_410() {
    let server = Server::start(KubeOptions::default()).await;
    let made = server.kube.create("v1", "configmaps", "default", &map("one", "a")).unwrap();
    let version = made["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    server.kube.create("v1", "configmaps", "default", &map("two", "a")).unwrap();
    let path = format!("{MAPS}?watch=1&resourceVersion={version}");
    let mut watching = Watching::open(&server, &path).await;
    assert_eq!(watching.told().await, ("ADDED".into(), "two".into()));
    server.kube.compact();
    let mut late = Watching::open(&server, &path).await;
    let event = late.next().await;
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_may_begin_with_what_is_there() {
    let server = Server::start(KubeOptions::default()).await;
    server.kube.create("v1", "configmaps", "default", &map("one", "a")).unwrap();
    let path = format!(
        "{MAPS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    );
    let mut watching = Watching::open(&server, &path).await;
    assert_eq!(watching.told().await, ("ADDED".into(), "one".into()));
    let mark = watching.next().await;
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn a_page_that_is_too_old_answers_410() {
    let server = Server::start(KubeOptions::default()).await;
    for name in ["a", "b", "c"] {
        server.kube.create("v1", "configmaps", "default", &map(name, "a")).unwrap();
    }
    let page = server.ask("GET", &format!("{MAPS}?limit=1"), &Value::Null).await;
    let token = page.body["metadata"]["continue"].as_str().unwrap();
    let next = format!("{MAPS}?limit=1&continue={token}");
    assert_eq!(server.ask("GET", &next, &Value::Null).await.body["items"][0]["metadata"]["name"], "b");
    server.kube.create("v1", "configmaps", "default", &map("d", "a")).unwrap();
    server.kube.compact();
    let late = server.ask("GET", &next, &Value::Null).await;
    assert_eq!((late.status, late.body["reason"].as_str()), (410, Some("Expired")));
}
