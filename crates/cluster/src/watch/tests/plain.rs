//! What goes as it should.

use super::script::*;
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn pages_are_listed_then_changes_followed() {
    let keep = Mutex::new(Vec::new());
    let script = Script::new(move |uri, _| match uri {
        u if u.contains("watch=true") => {
            let (send, answer) = stream(&[
                line("ADDED", &object("c", 11)),
                line("MODIFIED", &object("a", 12)),
                line("DELETED", &object("b", 13)),
                line("BOOKMARK", &json!({"metadata": {"resourceVersion": "20"}})),
            ]);
            keep.lock().unwrap().push(send);
            answer
        }
        u if u.contains("continue=next") => page(&["b"], 10, ""),
        _ => page(&["a"], 10, "next"),
    });
    let (watches, watch) = script.watch();
    pass(1).await;
    assert_eq!(names(&watch), ["a", "c"]);
    assert_eq!(watch.get("a").unwrap().meta.labels.get("v"), Some("12"));
    let lists = script.asked(false);
    assert_eq!(lists[0].1, "/api/v1/namespaces?limit=500");
    assert_eq!(lists[1].1, "/api/v1/namespaces?limit=500&continue=next");
    let watched = script.asked(true);
    assert!(watched[0].1.contains("allowWatchBookmarks=true&timeoutSeconds="), "{watched:?}");
    assert!(watched[0].1.ends_with("&resourceVersion=10"), "{watched:?}");
    let health = watch.health();
    assert!(health.synced && health.stale_since.is_none() && health.error.is_none(), "{health:?}");
    assert_eq!((health.lists, health.watches, health.events, health.unreadable), (1, 1, 4, 0));
    assert_eq!(watches.health().len(), 1);

    // The same selection is the same watch; the last one that goes ends it.
    let again = watches.watch::<crate::watch::Namespace>(None);
    assert_eq!(names(&again), ["a", "c"]);
    assert_eq!(script.asked(false).len(), 2);
    drop((watch, again));
    pass(1).await;
    assert!(watches.health().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let script = Script::new(|uri, _| {
        if !uri.contains("watch=true") {
            return page(&["a"], 10, "");
        }
        let (send, answer) = stream(&[line("BOOKMARK", &json!({"metadata": {"resourceVersion": "15"}}))]);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(send);
        });
        answer
    });
    let (_watches, watch) = script.watch();
    // Closed every five seconds for an hour: no list but the first, and one after the hour.
    pass(3590).await;
    assert_eq!(script.asked(false).len(), 1);
    let watched = script.asked(true);
    assert!((600..=720).contains(&watched.len()), "{}", watched.len());
    assert!(watched.iter().skip(1).all(|(_, uri)| uri.ends_with("resourceVersion=15")));
    assert!(watch.health().stale_since.is_none());
    pass(60).await;
    assert_eq!(script.asked(false).len(), 2, "what was lost comes back once an hour");
}

#[tokio::test(start_paused = true)]
async fn events_come_twice_late_and_strange() {
    let keep = Mutex::new(Vec::new());
    let large = "x".repeat(10 << 20);
    let mut big = object("big", 30);
    big["metadata"]["annotations"] = json!({"a": large});
    let script = Script::new(move |uri, _| {
        if !uri.contains("watch=true") {
            return page(&["a"], 10, "");
        }
        let (send, answer) = stream(&[
            line("ADDED", &object("b", 12)),
            line("ADDED", &object("b", 12)),
            line("MODIFIED", &object("b", 11)),
            line("DELETED", &object("b", 9)),
            line("REVISED", &object("b", 13)),
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":7}}}\n".to_owned(),
            "not JSON\n".to_owned(),
            line("ADDED", &big),
            format!("{{\"type\":\"ADDED\",\"object\":\"{}\"}}\n", "y".repeat(33 << 20)),
            line(
                "ADDED",
                &json!({"metadata": {"name": "odd", "resourceVersion": "31", "unknown": {"x": []}}, "more": 1}),
            ),
        ]);
        keep.lock().unwrap().push(send);
        answer
    });
    let (_watches, watch) = script.watch();
    pass(1).await;
    assert_eq!(names(&watch), ["a", "b", "big", "odd"]);
    assert_eq!(watch.get("b").unwrap().meta.labels.get("v"), Some("12"));
    assert_eq!(watch.health().unreadable, 4);
}
