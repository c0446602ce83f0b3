//! Requests to the handlers, without a socket.

use crate::stand_in::{Door, StandIn, app, app_of};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tortie_web::{App, router};

const SOON: Duration = Duration::from_secs(30);

fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

async fn get(app: &Arc<App>, path: &str) -> (u16, String) {
    let r = router(Arc::clone(app), request(path)).await;
    let status = r.status().as_u16();
    let body = r.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_panic_of_a_handler_is_an_answer_and_is_counted() {
    let stand_in = Arc::new(StandIn::default());
    stand_in.opened.store(true, Ordering::SeqCst);
    stand_in.targets_panic.store(true, Ordering::SeqCst);
    stand_in.select_panics.store(true, Ordering::SeqCst);
    let app = app_of(Arc::clone(&stand_in));
    assert_eq!(get(&app, "/api/v1/targets").await, (500, "internal error\n".to_owned()));
    assert!(get(&app, "/metrics").await.1.contains("\ntortie_web_panics_total 1\n"));
    // One on a thread for queries; its slot is free again.
    let (status, body) = get(&app, "/api/v1/query?query=a").await;
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("\"errorType\":\"internal\"") && !body.contains("on purpose"), "{body}");
    assert!(get(&app, "/metrics").await.1.contains("\ntortie_web_panics_total 2\n"));
    stand_in.targets_panic.store(false, Ordering::SeqCst);
    stand_in.select_panics.store(false, Ordering::SeqCst);
    assert_eq!(get(&app, "/api/v1/targets").await.0, 200);
    assert_eq!(get(&app, "/api/v1/query?query=a").await.0, 200);
    assert!(get(&app, "/metrics").await.1.contains("prometheus_http_requests_total{code=\"500\"} 2\n"));
}

#[tokio::test]
async fn until_the_storage_is_open_only_its_progress_is_told() {
    let stand_in = Arc::new(StandIn::default());
    let app = app_of(Arc::clone(&stand_in));
    for path in ["/-/ready", "/api/v1/query?query=1", "/api/v1/targets", "/federate?match[]=a"] {
        assert_eq!(get(&app, path).await, (503, "Service Unavailable".to_owned()), "{path}");
    }
    let progress = r#"{"status":"success","data":{"min":3,"max":9,"current":5}}"#;
    assert_eq!(get(&app, "/api/v1/status/walreplay").await, (200, progress.to_owned()));
    for path in ["/-/healthy", "/metrics", "/"] {
        assert_eq!(get(&app, path).await.0, 200, "{path}");
    }
    stand_in.opened.store(true, Ordering::SeqCst);
    assert_eq!(get(&app, "/-/ready").await.0, 200);
}

#[tokio::test]
async fn a_query_stops_reading_when_its_client_goes_away() {
    const SERIES: usize = 50_000;
    let door = Arc::new(Door::default());
    let stand_in = Arc::new(StandIn { series: SERIES, door: Some(Arc::clone(&door)), ..StandIn::default() });
    stand_in.opened.store(true, Ordering::SeqCst);
    let app = app_of(Arc::clone(&stand_in));
    let asked = tokio::spawn(router(Arc::clone(&app), request("/api/v1/query?query=rate(a[10s])")));
    let at_door = Arc::clone(&door);
    tokio::task::spawn_blocking(move || at_door.wait_for_someone()).await.unwrap();
    assert_eq!(app.slots.available_permits(), 0, "the query has no slot");
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    door.open();
    // The slot comes back when the evaluation has ended.
    let _slot = tokio::time::timeout(SOON, app.slots.acquire()).await.unwrap().unwrap();
    let read = stand_in.read.load(Ordering::SeqCst);
    assert!(read < 1000, "{read} of {SERIES} series were read for nobody");
}

/// The text of an answer is made a piece at a time, as it is read: no piece is large, and the sum is.
#[tokio::test]
async fn a_large_answer_comes_in_small_pieces() {
    let stand_in = StandIn { series: 20, ..StandIn::default() };
    stand_in.opened.store(true, Ordering::SeqCst);
    let app = app(stand_in);
    let path = "/api/v1/query_range?query=a&start=1700000000&end=1700010000&step=1";
    let r = router(Arc::clone(&app), request(path)).await;
    assert_eq!(r.status().as_u16(), 200);
    let mut body = r.into_body();
    let (mut all, mut largest) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        largest = largest.max(piece.len());
        all.extend_from_slice(&piece);
    }
    assert!(all.len() > 4 << 20, "{} bytes are no large answer", all.len());
    assert!(largest < 80 << 10, "a piece of {largest} bytes");
    let v: serde_json::Value = serde_json::from_slice(&all).unwrap();
    let series = v["data"]["result"].as_array().unwrap();
    assert_eq!(series.len(), 20);
    for s in series {
        assert_eq!(s["values"].as_array().unwrap().len(), 10_001);
    }
}

#[tokio::test]
async fn a_condition_is_taken_apart_with_the_series_of_each_part() {
    let stand_in = Arc::new(StandIn { series: 3, ..StandIn::default() });
    stand_in.opened.store(true, Ordering::SeqCst);
    let app = app_of(Arc::clone(&stand_in));
    // The value is 7.25 at second 7.
    let path =
        "/api/tortie/v1/query_parts?query=(a%7Bi%3D%22000001%22%7D%20%3E%207)%20and%20a%20%3C%202&time=7";
    let (status, body) = get(&app, path).await;
    assert_eq!(status, 200, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let whole = &answer["data"];
    assert_eq!((whole["op"].as_str(), whole["count"].as_u64()), (Some("and"), Some(0)), "{body}");
    let [left, right] = [&whole["parts"][0], &whole["parts"][1]];
    assert_eq!((left["op"].as_str(), left["count"].as_u64()), (Some(">"), Some(3)));
    assert_eq!((right["op"].as_str(), right["count"].as_u64()), (Some("<"), Some(0)));
    assert_eq!(left["parts"][1]["scalar"], "7");
    assert_eq!(right["parts"][0]["series"].as_array().unwrap().len(), 3);
    assert_eq!(
        right["parts"][0]["series"][2],
        serde_json::json!({"metric": {"__name__": "a", "i": "000002"}, "value": "7.25"})
    );
    assert_eq!(get(&app, "/api/tortie/v1/query_parts?query=a%5B5m%5D").await.0, 400);
    assert_eq!(get(&app, "/api/tortie/v1/query_parts?query=a%20%3E").await.0, 400);
}
