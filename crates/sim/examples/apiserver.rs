//! Starts the simulated API server, defines the kinds of the JSON files that are given (one object or a List a file),
//! prints a kubeconfig and serves until it is ended.

#![allow(clippy::disallowed_methods, clippy::print_stdout, missing_docs)] // a tool for the terminal that reads files

use serde_json::Value;
use tortie_sim::kube::{KubeOptions, KubeServer, User};

#[tokio::main]
async fn main() {
    let user = |name: &str| (name.to_owned(), User { name: name.into(), groups: Vec::new() });
    let options = KubeOptions {
        tokens: vec![user("viewer"), user("stranger")],
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::default()
    };
    let server = KubeServer::start(options).await.expect("a free port");
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let all: Value = serde_json::from_str(&text).expect("JSON");
        let items = all["items"].as_array().cloned().unwrap_or_else(|| vec![all.clone()]);
        for mut item in items {
            if let Some(meta) = item.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.retain(|k, _| matches!(&**k, "name" | "annotations" | "labels"));
            }
            let made = server.create("apiextensions.k8s.io/v1", "customresourcedefinitions", "", &item);
            assert!(made.is_some(), "{file}: {}", item["metadata"]["name"]);
        }
    }
    println!("{}", server.kubeconfig("admin"));
    std::future::pending::<()>().await;
}
