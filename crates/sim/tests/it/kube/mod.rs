//! The simulated API server over real sockets.

mod calico;
mod client;
mod list;
mod watch;

use serde_json::{Value, json};
use tortie_sim::kube::{KubeOptions, KubeServer, User};

use client::{Answer, Ask};

/// A server with a small way to ask it.
pub struct Server {
    pub kube: KubeServer,
}

impl Server {
    pub async fn start(options: KubeOptions) -> Server {
        Server { kube: KubeServer::start(options).await.unwrap() }
    }

    /// Asks as `token`; `form` is the content type of a PATCH.
    pub async fn ask_as(&self, token: &str, method: &str, path: &str, form: &str, body: &Value) -> Answer {
        let ask = Ask {
            method: method.into(),
            path: path.into(),
            content_type: form.into(),
            token: token.into(),
            agent: "test/1".into(),
            body: if body.is_null() { String::new() } else { body.to_string() },
            ..Ask::default()
        };
        let address = self.kube.address();
        tokio::task::spawn_blocking(move || client::ask(address, &ask)).await.unwrap()
    }

    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_as("admin", method, path, "application/json", body).await
    }

    pub async fn apply(&self, path: &str, manager: &str, body: &Value) -> Answer {
        let path = format!("{path}?fieldManager={manager}");
        self.ask_as("admin", "PATCH", &path, "application/apply-patch+yaml", body).await
    }
}

const GROUPS: &[&str] = &["monitoring.coreos.com", "operator.tigera.io", "crd.projectcalico.org"];

/// Every request of the list that needs no definitions is answered with the status that the real server gives; the
/// bodies are compared with the real server's by `make peers-test`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn statuses_of_the_list() {
    let user = |name: &str| (name.to_owned(), User { name: name.into(), groups: Vec::new() });
    let server = Server::start(KubeOptions {
        tokens: vec![user("viewer"), user("stranger")],
        custom_groups: GROUPS.iter().map(|g| (*g).to_owned()).collect(),
        finalize_namespaces: false,
        ..KubeOptions::default()
    })
    .await;
    let items: Vec<list::Item> = list::read().into_iter().filter(|i| !i.definitions).collect();
    let address = server.kube.address();
    let run = items.clone();
    let answers =
        tokio::task::spawn_blocking(move || list::run(|a| client::ask(address, a), &run)).await.unwrap();
    let wrong: Vec<String> = items
        .iter()
        .zip(&answers)
        .filter(|(i, a)| i.status != a.status)
        .map(|(i, a)| format!("{}: {} instead of {}: {}", i.place, a.status, i.status, a.body))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(items.len() > 250, "{}", items.len());
}

#[tokio::test]
async fn the_same_seed_gives_the_same_uids() {
    let uid = async |seed: u64| {
        let server = Server::start(KubeOptions { seed, ..KubeOptions::default() }).await;
        let made = server.kube.create("v1", "namespaces", "", &json!({"metadata": {"name": "a"}})).unwrap();
        made["metadata"]["uid"].as_str().unwrap().to_owned()
    };
    assert_eq!(uid(7).await, uid(7).await);
    assert_ne!(uid(7).await, uid(8).await);
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = Server::start(KubeOptions::default()).await;
    for (method, path) in [
        ("GET", "/api/v1/persistentvolumes"),
        ("GET", "/apis/batch/v1/jobs"),
        ("GET", "/openapi/v3"),
        ("GET", "/api/v1/namespaces/default/pods/a/log"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
    ] {
        let answer = server.ask(method, path, &Value::Null).await;
        assert_eq!((answer.status, answer.body["reason"].as_str()), (501, Some("NotImplemented")), "{path}");
    }
}

#[tokio::test]
async fn accounts_have_the_rights_of_their_roles() {
    let server = Server::start(KubeOptions::default()).await;
    server.kube.add_account_token("t", "default", "tortie");
    let get = "/api/v1/namespaces/default/services/a";
    let refused = server.ask_as("t", "GET", get, "", &Value::Null).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.body["message"],
        "services \"a\" is forbidden: User \"system:serviceaccount:default:tortie\" cannot get resource \"services\" in API group \"\" in the namespace \"default\""
    );
    let role = json!({"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}]});
    server.kube.create("rbac.authorization.k8s.io/v1", "clusterroles", "", &role).unwrap();
    let binding = json!({
        "metadata": {"name": "r"}, "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "Group", "name": "system:serviceaccounts:default"}],
    });
    server.kube.create("rbac.authorization.k8s.io/v1", "rolebindings", "default", &binding).unwrap();
    assert_eq!(server.ask_as("t", "GET", get, "", &Value::Null).await.status, 404);
}

/// Leaving a field out of the next apply takes it away only when nobody else has it.
#[tokio::test]
async fn fields_go_with_their_last_owner() {
    let server = Server::start(KubeOptions::default()).await;
    let path = "/api/v1/namespaces/default/configmaps/a";
    let with = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    let data = async |manager: &str, body: Value| {
        server.apply(path, manager, &with(body)).await.body["data"].clone()
    };
    assert_eq!(data("one", json!({"a": "1", "b": "2"})).await, json!({"a": "1", "b": "2"}));
    assert_eq!(data("two", json!({"b": "2"})).await, json!({"a": "1", "b": "2"}));
    assert_eq!(data("one", json!({})).await, json!({"b": "2"}));
    assert_eq!(data("two", json!({})).await, Value::Null);
}

/// A second apply of the same writes nothing.
#[tokio::test]
async fn an_idle_write_keeps_the_version() {
    let server = Server::start(KubeOptions::default()).await;
    let path = "/api/v1/namespaces/default/configmaps/a";
    let body =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
    let first = server.apply(path, "m", &body).await;
    let second = server.apply(path, "m", &body).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn a_namespace_goes_with_what_is_in_it() {
    let server = Server::start(KubeOptions::default()).await;
    server.kube.create("v1", "namespaces", "", &json!({"metadata": {"name": "n"}})).unwrap();
    server.kube.create("v1", "configmaps", "n", &json!({"metadata": {"name": "a"}})).unwrap();
    let gone = server.ask("DELETE", "/api/v1/namespaces/n", &Value::Null).await;
    assert_eq!((gone.status, gone.body["status"]["phase"].as_str()), (200, Some("Terminating")));
    assert_eq!(server.ask("GET", "/api/v1/namespaces/n", &Value::Null).await.status, 404);
    assert!(server.kube.objects("", "configmaps").is_empty());
}

#[tokio::test]
async fn requests_are_seen() {
    let server = Server::start(KubeOptions::default()).await;
    server.ask("GET", "/api/v1/nodes?limit=5", &Value::Null).await;
    server.ask("GET", "/api/v1/nodes/x", &Value::Null).await;
    let seen = server.kube.take_requests();
    let shown: Vec<String> =
        seen.iter().map(|s| format!("{} {}?{} {}", s.method, s.path, s.query, s.status)).collect();
    assert_eq!(shown, ["GET /api/v1/nodes?limit=5 200", "GET /api/v1/nodes/x? 404"]);
    assert!(server.kube.take_requests().is_empty());
}
