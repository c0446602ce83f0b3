//! The writing client: what it sends, and what refusals mean.

use crate::scripted::{Asked, Reply, Server, status};
use serde_json::{Value, json};
use tortie_cluster::object::{Gvk, Object, ObjectRef};
use tortie_cluster::writer::{ApplyError, Mode, Writer};

const PATH: &str = "/api/v1/namespaces/n/services/s";

fn service() -> Object {
    Object::parse(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "s", "namespace": "n", "managedFields": [{"manager": "x"}]}, "spec": {"clusterIP": "None"}}))
    .unwrap()
}

fn target() -> ObjectRef {
    service().reference()
}

/// A server that serves Services and answers a write as told.
async fn server(write: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Server, Writer) {
    let server = Server::start(move |a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1") => Reply::Json(200, json!({"resources": [{"name": "services", "namespaced": true, "kind": "Service", "verbs": ["patch"]}]})),
        a if a.is("/apis/none.io/v1") => Reply::Text(404, "404 page not found".to_owned()),
        a => write(a),
    })
    .await;
    let writer = Writer::new(&server.cluster().await);
    (server, writer)
}

fn done() -> Reply {
    Reply::Json(
        200,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n", "uid": "u"}}),
    )
}

fn last(server: &Server) -> Asked {
    server.asked().pop().unwrap()
}

#[tokio::test]
async fn what_is_sent() {
    let (server, writer) = server(|_| done()).await;
    let applied = writer.apply(&service(), "tortie-setup", false, Mode::DryRun).await.unwrap();
    assert_eq!(applied.meta.uid, "u");
    let sent = last(&server);
    assert_eq!((sent.method.as_str(), sent.is(PATH)), ("PATCH", true));
    assert_eq!(sent.headers["content-type"], "application/apply-patch+yaml");
    for pair in ["fieldManager=tortie-setup", "force=false", "dryRun=All", "fieldValidation=Strict"] {
        assert!(sent.has(pair), "{}", sent.uri);
    }
    assert_eq!(
        sent.body["metadata"],
        json!({"name": "s", "namespace": "n"}),
        "managedFields must not be sent"
    );

    writer.apply(&service(), "tortie-setup", true, Mode::Real).await.unwrap();
    let sent = last(&server);
    assert!(sent.has("force=true") && !sent.uri.contains("dryRun"), "{}", sent.uri);

    writer.create(&service(), "m", Mode::Real).await.unwrap();
    let sent = last(&server);
    assert_eq!((sent.method.as_str(), sent.is("/api/v1/namespaces/n/services")), ("POST", true));

    writer.replace(&service(), "m", Mode::Real).await.unwrap();
    assert_eq!(last(&server).method, "PUT");

    let operations =
        [json!({"op": "test", "path": "/spec/x", "value": 1}), json!({"op": "remove", "path": "/spec/x"})];
    writer.patch_json(&target(), &operations, "m", Mode::Real).await.unwrap();
    let sent = last(&server);
    assert_eq!(
        (&sent.headers["content-type"], sent.body.as_array().unwrap().len()),
        (&"application/json-patch+json".parse().unwrap(), 2)
    );

    writer.merge_patch(&target(), &json!({"spec": {"x": null}}), "m", Mode::Real).await.unwrap();
    let sent = last(&server);
    assert_eq!(sent.headers["content-type"], "application/merge-patch+json");
    assert_eq!(sent.body, json!({"spec": {"x": null}}));

    assert_eq!(writer.delete(&target(), "uid-1", Mode::DryRun).await, Ok(true));
    let sent = last(&server);
    assert_eq!(
        (sent.method.as_str(), &sent.body["preconditions"]["uid"], &sent.body["dryRun"]),
        ("DELETE", &json!("uid-1"), &json!(["All"]))
    );
}

async fn refusal(reply: fn() -> Reply) -> ApplyError {
    let (_server, writer) = server(move |_| reply()).await;
    writer.apply(&service(), "m", false, Mode::Real).await.unwrap_err()
}

#[tokio::test]
async fn conflicts_name_manager_time_and_field() {
    let e = refusal(|| {
        status(409, "Conflict", "Apply failed with 2 conflicts: ...", &json!({"causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"operator\" using v1 at 2026-11-26T21:00:00Z", "field": ".spec.ports[port=9093,protocol=\"TCP\"].name"},
            {"reason": "FieldManagerConflict", "message": "conflict with \"flux\"", "field": ".spec.selector"}]}))
    })
    .await;
    assert_eq!(
        e.to_string(),
        "Service n/s: .spec.ports[port=9093,protocol=\"TCP\"].name is kept by operator (last written 2026-11-26T21:00:00Z); .spec.selector is kept by flux"
    );
    let ApplyError::Conflict { conflicts, .. } = e else { panic!() };
    assert_eq!(
        (conflicts[0].manager.as_str(), conflicts[0].api_version.as_str(), conflicts[1].time.as_str()),
        ("operator", "v1", "")
    );
}

#[tokio::test]
async fn refusals_have_classes() {
    async fn check(reply: fn() -> Reply, expect: &str) {
        let e = refusal(reply).await;
        let class = format!("{e:?}");
        let class = class.split([' ', '(', '{']).next().unwrap();
        assert_eq!(format!("{class}: {e}"), expect);
    }
    check(
        || status(409, "Conflict", "the object has been modified", &json!({"name": "s"})),
        "Changed: Service n/s changed in the meantime: the object has been modified",
    )
    .await;
    check(
        || status(409, "AlreadyExists", "exists", &json!({"name": "s"})),
        "Exists: Service n/s exists already",
    )
    .await;
    check(
        || {
            status(
                422,
                "Invalid",
                "spec.ports: Required value",
                &json!({"causes": [{"field": "spec.ports", "message": "Required value"}]}),
            )
        },
        "Invalid: Service n/s is not accepted: spec.ports: Required value",
    )
    .await;
    check(
        || status(500, "InternalError", "failed to create typed patch object: .spec.nope: field not declared in schema", &Value::Null),
        "Invalid: Service n/s is not accepted: failed to create typed patch object: .spec.nope: field not declared in schema",
    )
    .await;
    check(
        || status(400, "BadRequest", "admission webhook \"v.example\" denied the request: no", &Value::Null),
        "Denied: Service n/s was denied: admission webhook \"v.example\" denied the request: no",
    )
    .await;
    check(
        || status(403, "Forbidden", "services \"s\" is forbidden: exceeded quota", &json!({"name": "s"})),
        "Denied: Service n/s was denied: services \"s\" is forbidden: exceeded quota",
    )
    .await;
    check(
        || status(403, "Forbidden", "services \"s\" is forbidden: User \"u\" cannot patch resource \"services\" in API group \"\" in the namespace \"n\"", &json!({"name": "s"})),
        "Read: no right to patch services in namespace n",
    )
    .await;
    check(|| status(404, "NotFound", "not found", &json!({"name": "s"})), "Read: services s not found").await;
    check(
        || status(500, "InternalError", "etcdserver: timeout", &Value::Null),
        "Read: the server refused with status 500: etcdserver: timeout",
    )
    .await;
}

#[tokio::test]
async fn deletes_tell_gone_from_another() {
    let (_server, writer) = server(|_| status(404, "NotFound", "not found", &json!({"name": "s"}))).await;
    assert_eq!(writer.delete(&target(), "u", Mode::Real).await, Ok(false));
    let (_server, writer) = server(|_| {
        status(409, "Conflict", "the UID in the precondition (u) does not match", &json!({"name": "s"}))
    })
    .await;
    assert!(matches!(writer.delete(&target(), "u", Mode::Real).await, Err(ApplyError::Changed { .. })));
}

#[tokio::test]
async fn a_write_is_sent_once_when_its_answer_is_lost() {
    let server = Server::start(|a: &Asked| match a {
        a if a.is("/version") => Reply::Json(200, Value::Null),
        a if a.is("/api/v1") => Reply::Json(
            200,
            json!({"resources": [{"name": "services", "namespaced": true, "kind": "Service"}]}),
        ),
        _ => Reply::Hang,
    })
    .await;
    let writer = Writer::new(&server.hasty().await);
    let e = writer.apply(&service(), "m", false, Mode::Real).await.unwrap_err();
    assert!(e.is_open(), "{e:?}");
    assert_eq!(server.asked().iter().filter(|a| a.method == "PATCH").count(), 1);
}

#[tokio::test]
async fn a_kind_that_is_not_served() {
    let (_server, writer) = server(|_| done()).await;
    let nothing =
        Object::parse(json!({"apiVersion": "none.io/v1", "kind": "X", "metadata": {"name": "x"}})).unwrap();
    let e = writer.apply(&nothing, "m", false, Mode::Real).await.unwrap_err();
    assert!(matches!(&e, ApplyError::Read(e) if e.is_not_served()), "{e:?}");
    assert_eq!(
        writer.get(&ObjectRef::new(Gvk::new("", "v1", "Nope"), "", "x")).await.unwrap_err().to_string(),
        "kind Nope of v1 is not served by this cluster"
    );
}
