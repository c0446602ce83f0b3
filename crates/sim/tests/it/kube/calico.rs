//! The aggregated `projectcalico.org/v3`.

use serde_json::{Value, json};
use tortie_sim::kube::{CalicoApi, KubeOptions};

use super::Server;

const V3: &str = "/apis/projectcalico.org/v3";
const V1: &str = "/apis/crd.projectcalico.org/v1";

async fn start(calico: CalicoApi) -> Server {
    Server::start(KubeOptions { calico, ..KubeOptions::default() }).await
}

fn tier(name: &str) -> Value {
    json!({
        "apiVersion": "projectcalico.org/v3", "kind": "Tier",
        "metadata": {"name": name, "labels": {"a": "b"}}, "spec": {"order": 90, "defaultAction": "Pass"},
    })
}

#[tokio::test]
async fn metadata_is_kept_in_an_annotation_and_the_uid_is_its_own() {
    let server = start(CalicoApi::Aggregated).await;
    let made = server.apply(&format!("{V3}/tiers/tortie"), "tortie-setup", &tier("tortie")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["apiVersion"], "projectcalico.org/v3");
    assert_eq!(made.body["metadata"]["managedFields"][0]["manager"], "tortie-setup");
    let kept = server.ask("GET", &format!("{V1}/tiers/tortie"), &Value::Null).await.body;
    let own: Value =
        serde_json::from_str(kept["metadata"]["annotations"]["projectcalico.org/metadata"].as_str().unwrap())
            .unwrap();
    assert_eq!(own["labels"], json!({"a": "b"}));
    assert_ne!(kept["metadata"]["uid"], made.body["metadata"]["uid"]);
    let read = server.ask("GET", &format!("{V3}/tiers/tortie"), &Value::Null).await.body;
    assert_eq!(read["metadata"]["uid"], made.body["metadata"]["uid"]);
    assert_eq!(read["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(read["metadata"].get("annotations"), None);
}

#[tokio::test]
async fn conflicts_and_preconditions_hold() {
    let server = start(CalicoApi::Aggregated).await;
    let path = format!("{V3}/tiers/t");
    let made = server.apply(&path, "one", &tier("t")).await.body;
    let mut other = tier("t");
    other["spec"]["order"] = 80.into();
    assert_eq!(server.apply(&path, "two", &other).await.status, 409);
    assert_eq!(server.apply(&path, "one", &other).await.body["spec"]["order"], 80);
    let delete = |uid: &Value| json!({"preconditions": {"uid": uid}});
    assert_eq!(server.ask("DELETE", &path, &delete(&json!("x"))).await.status, 409);
    let gone = server.ask("DELETE", &path, &delete(&made["metadata"]["uid"])).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert!(server.kube.objects("crd.projectcalico.org", "tiers").is_empty());
}

#[tokio::test]
async fn a_policys_name_begins_with_its_tiers() {
    let server = start(CalicoApi::Aggregated).await;
    let policy = |name: &str| {
        json!({
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy", "metadata": {"name": name},
            "spec": {"tier": "tortie", "ingress": [{"action": "Allow"}]},
        })
    };
    let at = |name: &str| format!("{V3}/namespaces/default/networkpolicies/{name}");
    assert_eq!(server.apply(&at("allow"), "m", &policy("allow")).await.status, 422);
    assert_eq!(server.apply(&at("tortie.allow"), "m", &policy("tortie.allow")).await.status, 201);
}

#[tokio::test]
async fn release_3_32_0_does_not_create_by_apply() {
    let server = start(CalicoApi::AggregatedNoCreateOnApply).await;
    let path = format!("{V3}/tiers/t");
    let refused = server.apply(&path, "m", &tier("t")).await;
    assert_eq!((refused.status, refused.body["reason"].as_str()), (404, Some("NotFound")));
    let post = format!("{V3}/tiers?fieldManager=m");
    assert_eq!(server.ask("POST", &post, &tier("t")).await.status, 201);
    assert_eq!(server.apply(&path, "m", &tier("t")).await.status, 200);
}
