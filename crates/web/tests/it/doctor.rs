//! The doctor's routes: who may ask what, and what each answer carries.

use crate::stand_in::{StandIn, app};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tortie_web::sources::{BoxFuture, Doctor, Refused};
use tortie_web::{App, router};

/// Counts looks; writes only for the token `t` and the plan `p`.
#[derive(Default)]
struct Patient {
    looks: AtomicUsize,
}

impl Doctor for Patient {
    fn state(&self) -> BoxFuture<'_, Value> {
        Box::pin(async { json!({"looks": self.looks.load(Ordering::SeqCst)}) })
    }

    fn begin(&self) {
        self.looks.fetch_add(1, Ordering::SeqCst);
    }

    fn checks(&self) -> Value {
        json!([{"id": "T507"}])
    }

    fn check(&self, name: &str) -> Option<Value> {
        (name == "T507").then(|| json!({"page": "# Title"}))
    }

    fn plan(&self) -> BoxFuture<'_, Result<Value, Refused>> {
        Box::pin(async { Ok(json!({"plan": "p"})) })
    }

    fn apply<'a>(&'a self, token: &'a str, plan: &'a str) -> BoxFuture<'a, Result<Value, Refused>> {
        Box::pin(async move {
            match (token, plan) {
                ("t", "p") => Ok(json!({"written": ["a"]})),
                ("t", _) => Err(Refused::Moved("another plan".to_owned())),
                _ => Err(Refused::NotAllowed("--allow-setup".to_owned())),
            }
        })
    }
}

type Headers = &'static [(&'static str, &'static str)];

async fn ask(app: &Arc<App>, method: &str, path: &str, headers: Headers) -> (u16, Value) {
    let mut r = Request::builder().method(method).uri(format!("/api/tortie/v1/doctor{path}"));
    for (name, value) in headers {
        r = r.header(*name, *value);
    }
    let r = router(Arc::clone(app), r.body(Full::<Bytes>::default()).unwrap()).await;
    let status = r.status().as_u16();
    let body = r.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

const MARK: (&str, &str) = ("x-tortie-doctor", "1");
const HERE: (&str, &str) = ("host", "127.0.0.1:9090");

#[tokio::test]
async fn without_a_cluster_the_reason_is_said() {
    let app = app(StandIn::default());
    for (method, path) in [("GET", ""), ("GET", "/checks/T507"), ("POST", "/setup")] {
        let (status, body) = ask(&app, method, path, &[MARK]).await;
        assert_eq!((status, body["errorType"].as_str()), (503, Some("unavailable")), "{method} {path}");
        assert!(body["error"].as_str().unwrap().contains("tortie run --kubeconfig"), "{body}");
    }
}

#[tokio::test]
async fn a_look_is_begun_by_pages_of_this_server_alone() {
    let patient = Arc::new(Patient::default());
    let app = app(StandIn { doctor: Some(patient.clone()), ..StandIn::default() });
    assert_eq!(ask(&app, "GET", "", &[]).await, (200, json!({"status": "success", "data": {"looks": 0}})));
    let (status, body) = ask(&app, "POST", "", &[]).await;
    assert_eq!(status, 403, "{body}");
    assert_eq!(patient.looks.load(Ordering::SeqCst), 0);
    let (status, body) = ask(&app, "POST", "", &[MARK]).await;
    assert_eq!((status, &body["data"]), (200, &json!({"looks": 1})));
    assert_eq!(ask(&app, "DELETE", "", &[MARK]).await.0, 405);
    assert_eq!(ask(&app, "GET", "/checks", &[]).await.1["data"][0]["id"], "T507");
    assert_eq!(ask(&app, "GET", "/checks/T507", &[]).await.1["data"]["page"], "# Title");
    let (status, body) = ask(&app, "GET", "/checks/T999", &[]).await;
    assert_eq!(status, 404);
    assert!(body["error"].as_str().unwrap().contains("no check is called \"T999\""), "{body}");
    assert_eq!(ask(&app, "GET", "/nothing", &[]).await.0, 404);
}

#[tokio::test]
async fn nothing_is_written_for_another_site() {
    let app = app(StandIn { doctor: Some(Arc::new(Patient::default())), ..StandIn::default() });
    let check = async |headers: Headers, expect: u16| {
        let (status, body) = ask(&app, "POST", "/setup/apply?plan=p", headers).await;
        assert_eq!(status, expect, "{headers:?}: {body}");
    };
    check(&[MARK, HERE, ("x-tortie-token", "t")], 200).await;
    check(&[MARK, HERE, ("x-tortie-token", "t"), ("origin", "http://127.0.0.1:9090")], 200).await;
    check(&[HERE, ("x-tortie-token", "t")], 403).await;
    check(&[MARK, ("x-tortie-token", "t")], 403).await;
    check(&[MARK, ("host", "evil.example"), ("x-tortie-token", "t")], 403).await;
    check(&[MARK, HERE, ("x-tortie-token", "t"), ("origin", "http://evil.example")], 403).await;
    check(&[MARK, HERE, ("x-tortie-token", "t"), ("origin", "https://127.0.0.1:9090")], 403).await;
    check(&[MARK, HERE, ("x-tortie-token", "t"), ("origin", "null")], 403).await;
    check(&[MARK, HERE, ("x-tortie-token", "guessed")], 403).await;
    check(&[MARK, HERE], 403).await;
    assert_eq!(ask(&app, "POST", "/setup/apply?plan=q", &[MARK, HERE, ("x-tortie-token", "t")]).await.0, 409);
    assert_eq!(ask(&app, "GET", "/setup/apply", &[]).await.0, 405);
    assert_eq!(ask(&app, "POST", "/setup", &[MARK, HERE]).await.1["data"]["plan"], "p");
}
