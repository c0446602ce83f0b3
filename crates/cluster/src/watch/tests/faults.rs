//! What goes wrong: the API server is asked seldom enough, and all is right again soon after it is.

use super::script::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const FIVE: Duration = Duration::from_secs(5);

fn at_least_five_seconds_apart(asked: &[(Duration, String)]) {
    let first_pages = asked.iter().filter(|(_, uri)| !uri.contains("continue="));
    let times: Vec<Duration> = first_pages.map(|(t, _)| *t).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] >= FIVE), "{times:?}");
}

/// A server that is broken for a while in some way, then well, which must show `within` seconds.
async fn broken_for(
    seconds: u64,
    within: u64,
    broken: impl Fn() -> Answer + Send + Sync + 'static,
) -> Script {
    let works = Arc::new(AtomicBool::new(false));
    let (switch, keep) = (Arc::clone(&works), Mutex::new(Vec::new()));
    let script = Script::new(move |uri, _| {
        if !switch.load(Ordering::SeqCst) {
            return broken();
        }
        if !uri.contains("watch=true") {
            return page(&["a"], 10, "");
        }
        let (send, answer) = stream(&[]);
        keep.lock().unwrap().push(send);
        answer
    });
    let (_watches, watch) = script.watch();
    pass(seconds).await;
    let health = watch.health();
    assert!(!health.synced && health.stale_since.is_some() && health.error.is_some(), "{health:?}");
    works.store(true, Ordering::SeqCst);
    pass(within).await;
    assert_eq!(names(&watch), ["a"], "{within} s after it works");
    assert!(watch.health().stale_since.is_none());
    at_least_five_seconds_apart(&script.asked(false));
    script
}

#[tokio::test(start_paused = true)]
async fn storms_of_errors() {
    for status in [500, 502, 503, 504] {
        let script = broken_for(600, 9, move || refusal(status)).await;
        let asked = script.asked(false).len();
        assert!((70..=105).contains(&asked), "{status}: {asked} lists in ten minutes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_as_long_as_it_asks() {
    let works = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&works);
    let script = Script::new(move |uri, _| match switch.load(Ordering::SeqCst) {
        false => Answer::Now(429, vec![("retry-after", "20")], String::new()),
        true if uri.contains("watch=true") => Answer::Silence,
        true => page(&["a"], 10, ""),
    });
    let (_watches, watch) = script.watch();
    pass(205).await;
    let times: Vec<Duration> = script.asked(false).iter().map(|(t, _)| *t).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] >= Duration::from_secs(20)), "{times:?}");
    assert!(times.len() >= 10, "{times:?}");
    works.store(true, Ordering::SeqCst);
    pass(20).await;
    assert_eq!(names(&watch), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_place_is_found_by_a_list() {
    for as_event in [true, false] {
        let keep = Mutex::new(Vec::new());
        let lists = Mutex::new(0);
        let script = Script::new(move |uri, _| {
            if !uri.contains("watch=true") {
                let mut lists = lists.lock().unwrap();
                *lists += 1;
                return if *lists == 1 { page(&["a", "old"], 10, "") } else { page(&["a", "new"], 50, "") };
            }
            if uri.ends_with("resourceVersion=10") {
                let status = json!({"kind": "Status", "code": 410, "message": "too old resource version"});
                return if as_event { ends(&[line("ERROR", &status)]) } else { refusal(410) };
            }
            let (send, answer) = stream(&[]);
            keep.lock().unwrap().push(send);
            answer
        });
        let (_watches, watch) = script.watch();
        pass(1).await;
        assert_eq!(names(&watch), ["a", "old"], "what is known stays");
        pass(10).await;
        assert_eq!(names(&watch), ["a", "new"], "what is gone goes");
        assert_eq!(watch.get("a").unwrap().meta.labels.get("v"), Some("50"));
        at_least_five_seconds_apart(&script.asked(false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_always_lost_is_no_hot_loop() {
    let script =
        Script::new(|uri, _| if uri.contains("watch=true") { refusal(410) } else { page(&["a"], 10, "") });
    let (_watches, _watch) = script.watch();
    pass(600).await;
    at_least_five_seconds_apart(&script.asked(false));
    assert!(script.asked(true).len() <= 121);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_between_pages_is_asked_for_whole() {
    let keep = Mutex::new(Vec::new());
    let script = Script::new(move |uri, _| match uri {
        u if u.contains("watch=true") => {
            let (send, answer) = stream(&[]);
            keep.lock().unwrap().push(send);
            answer
        }
        u if u.contains("continue=") => refusal(410),
        u if u.contains("limit=") => page(&["a"], 10, "next"),
        _ => page(&["a", "b"], 20, ""),
    });
    let (_watches, watch) = script.watch();
    pass(1).await;
    assert_eq!(names(&watch), ["a", "b"]);
    assert_eq!(script.asked(false).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_left() {
    let keep = Mutex::new(Vec::new());
    let script = Script::new(move |uri, _| {
        if !uri.contains("watch=true") {
            return page(&["a"], 10, "");
        }
        let (send, answer) = stream(&[line("ADDED", &object("b", 11))]);
        keep.lock().unwrap().push(send);
        answer
    });
    let (_watches, watch) = script.watch();
    pass(149).await;
    assert_eq!(script.asked(true).len(), 1);
    pass(10).await;
    let watched = script.asked(true);
    assert_eq!(watched.len(), 2);
    assert!(watched[1].1.ends_with("resourceVersion=11"), "it goes on where it was");
    assert_eq!((script.asked(false).len(), watch.health().failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn rights_that_come_later_are_seen_without_a_restart() {
    let works = Arc::new(AtomicBool::new(false));
    let (switch, keep) = (Arc::clone(&works), Mutex::new(Vec::new()));
    let script = Script::new(move |uri, _| match switch.load(Ordering::SeqCst) {
        false => refusal(403),
        true if uri.contains("watch=true") => {
            let (send, answer) = stream(&[]);
            keep.lock().unwrap().push(send);
            answer
        }
        true => page(&["a"], 10, ""),
    });
    let (_watches, watch) = script.watch();
    pass(600).await;
    assert!((70..=105).contains(&script.asked(false).len()), "{}", script.asked(false).len());
    assert!(watch.health().refused && watch.health().error.unwrap().contains("no right to list namespaces"));
    at_least_five_seconds_apart(&script.asked(false));
    works.store(true, Ordering::SeqCst);
    pass(9).await;
    assert!(watch.synced() && !watch.health().refused);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_makes_a_new_connection() {
    let keep = Mutex::new(Vec::new());
    let script = Script::new(move |uri, before| {
        if uri.contains("watch=true") && before == 1 {
            return refusal(401);
        }
        if !uri.contains("watch=true") {
            return page(&["a"], 10, "");
        }
        let (send, answer) = stream(&[]);
        keep.lock().unwrap().push(send);
        answer
    });
    let (_watches, watch) = script.watch();
    pass(5).await;
    assert_eq!(script.connections.load(Ordering::SeqCst), 2);
    assert!(watch.health().stale_since.is_none());
    assert_eq!(script.asked(false).len(), 1, "no list is needed for that");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_in_time() {
    // Each attempt takes as long as an answer may.
    let script = broken_for(300, 50, || Answer::Silence).await;
    assert!(script.asked(false).len() >= 6);
}
