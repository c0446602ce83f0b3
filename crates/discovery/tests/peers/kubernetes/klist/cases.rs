//! The faults: what begins each, what goes on each second, what ends it.

use super::stage::{KINDS, Scene};
use super::watcher::JOBS;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tortie_testbed::{Act, Asked, FaultyProxy, Piece};

/// A fault on one way to the API server.
#[derive(Clone, Copy)]
pub(super) struct Case {
    /// Name of its ServiceAccount.
    pub(super) name: &'static str,
    /// What is wrong, in words.
    pub(super) what: &'static str,
    pub(super) begin: fn(&Scene<'_>),
    /// Called each second.
    pub(super) during: fn(&Scene<'_>, u64),
    pub(super) end: fn(&Scene<'_>),
    /// Whether the watches say that they are stale when it has lasted.
    pub(super) stale: bool,
    /// Jobs that the fault leaves alone.
    pub(super) unharmed: &'static [&'static str],
    /// Namespaces of its jobs; all when empty.
    pub(super) namespaces: &'static [&'static str],
}

const WELL: Case = Case {
    name: "well",
    what: "nothing",
    begin: |_| (),
    during: |_, _| (),
    end: |s| all_is_well(s.proxy),
    stale: false,
    unharmed: &[],
    namespaces: &[],
};

/// Lets all through on new connections.
fn all_is_well(proxy: &FaultyProxy) {
    proxy.set(None);
    proxy.cut();
}

/// A rule for all requests on new connections.
fn rule(proxy: &FaultyProxy, rule: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
    proxy.set(Some(Arc::new(rule)));
    proxy.cut();
}

/// The same for watches alone.
fn watches(proxy: &FaultyProxy, act: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
    rule(proxy, move |a| if a.is_watch() { act(a) } else { Act::Pass });
}

fn refuse(status: u16, message: &str) -> Act {
    Act::Refuse { status, retry_after: None, message: message.to_owned() }
}

fn too_old() -> Act {
    let status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (2)"});
    Act::Say(format!("{}\n", json!({"type": "ERROR", "object": status})))
}

pub(super) const HALF_OPEN: Case = Case {
    name: "half-open",
    what: "K-07: nothing comes any more, nobody closes",
    begin: |s| s.proxy.freeze(),
    end: |_| (),
    ..WELL
};

pub(super) const CASES: &[Case] = &[
    Case { name: "unharmed", unharmed: &JOBS, end: |_| (), ..WELL },
    Case {
        name: "away",
        what: "K-01: the API server is away",
        begin: |s| rule(s.proxy, |_| Act::HangUp),
        stale: true,
        ..WELL
    },
    Case {
        name: "closed",
        what: "K-02: watches are closed every two seconds",
        during: |s, second| {
            if second % 2 == 0 {
                s.proxy.cut();
            }
        },
        unharmed: &JOBS,
        ..WELL
    },
    Case {
        name: "gone-code",
        what: "K-03: 410 as the answer to each watch",
        begin: |s| watches(s.proxy, |_| refuse(410, "too old resource version")),
        unharmed: &JOBS,
        ..WELL
    },
    Case {
        name: "gone-event",
        what: "K-03: 410 as an event of each watch",
        begin: |s| watches(s.proxy, |_| too_old()),
        unharmed: &JOBS,
        ..WELL
    },
    Case {
        name: "gone-page",
        what: "K-03: 410 on the second page of each list",
        begin: |s| {
            rule(s.proxy, |a| match a {
                a if a.is_watch() => refuse(410, "too old resource version"),
                a if a.is_next_page() => refuse(410, "the provided continue parameter is too old"),
                a if a.path.contains("limit=500") => Act::Instead(a.path.replace("limit=500", "limit=2")),
                _ => Act::Pass,
            });
        },
        unharmed: &JOBS,
        ..WELL
    },
    Case {
        name: "busy",
        what: "K-04: 429 with Retry-After: 5",
        begin: |s| {
            rule(s.proxy, |_| Act::Refuse { status: 429, retry_after: Some(5), message: "busy".to_owned() });
        },
        stale: true,
        ..WELL
    },
    Case {
        name: "storm",
        what: "K-04: 500, 502, 503, 504 in turn",
        begin: |s| rule(s.proxy, |a| refuse([500, 502, 503, 504][a.number % 4], "a storm")),
        stale: true,
        ..WELL
    },
    Case {
        name: "kind",
        what: "K-05: no right to one kind, given later",
        begin: |s| {
            s.rights(&["pods", "services", "namespaces", "nodes", "endpoints"]);
            s.proxy.cut();
        },
        during: |s, second| {
            if second % 2 == 0 {
                s.proxy.cut();
            }
        },
        end: |s| s.rights(KINDS),
        stale: true,
        unharmed: &["pod", "endpoints"],
        ..WELL
    },
    Case {
        name: "namespace",
        what: "K-05: no right in one of two namespaces, given later",
        begin: |s| {
            s.bound_in_other(false);
            s.proxy.cut();
        },
        during: |s, second| {
            if second % 2 == 0 {
                s.proxy.cut();
            }
        },
        end: |s| s.bound_in_other(true),
        stale: true,
        namespaces: &["default", "other"],
        ..WELL
    },
    Case {
        name: "token",
        what: "K-06: the token is no good any more, its file has another later",
        begin: |s| s.another_account(),
        during: |s, second| {
            if second % 2 == 0 {
                s.proxy.cut();
            }
        },
        end: |s| s.write_token(),
        stale: true,
        ..WELL
    },
    Case {
        name: "odd",
        what: "K-08: events doubled, late, of unknown kinds and fields, of 10 MB; no bookmarks",
        begin: |s| watches(s.proxy, odd),
        ..WELL
    },
    Case {
        name: "lost",
        what: "K-08: no event tells that an object went, until 410",
        begin: |s| watches(s.proxy, |_| Act::Lines(Arc::new(without_deletions))),
        end: |s| {
            let asked = Mutex::new(Vec::new());
            watches(s.proxy, move |a| {
                let path = a.path.split('?').next().unwrap_or_default().to_owned();
                let mut asked = asked.lock().unwrap();
                let first = !asked.contains(&path);
                asked.push(path);
                if first { too_old() } else { Act::Pass }
            });
        },
        ..WELL
    },
    Case {
        name: "halved",
        what: "watches are cut in the middle of an event",
        begin: |s| watches(s.proxy, |_| halved()),
        ..WELL
    },
    Case {
        name: "silent",
        what: "K-09: no answer begins",
        begin: |s| rule(s.proxy, |_| Act::Held),
        end: |s| s.proxy.set(None),
        ..WELL
    },
    Case {
        name: "slow",
        what: "K-19: each answer begins after three seconds",
        begin: |s| rule(s.proxy, |_| Act::Late(Duration::from_secs(3))),
        ..WELL
    },
    Case {
        name: "clock",
        what: "K-20: the API server's clock stands in another year",
        begin: |s| rule(s.proxy, |_| Act::Dated("Mon, 01 Jan 2035 00:00:00 GMT".to_owned())),
        unharmed: &JOBS,
        ..WELL
    },
];

/// Every event twice and once more after the next, unknown kinds between, unknown fields inside, an object of 10 MB.
fn odd(asked: &Asked) -> Act {
    let pods = asked.resource() == "pods";
    let (count, before) = (AtomicUsize::new(0), Mutex::new(None));
    Act::Lines(Arc::new(move |line| {
        let Ok(mut event) = serde_json::from_str::<Value>(line) else {
            return vec![Piece::Line(line.to_owned())];
        };
        if event["type"] == "BOOKMARK" {
            return Vec::new();
        }
        event["object"]["fieldOfALaterRelease"] = json!({"a": [1, 2]});
        event["object"]["metadata"]["fieldOfALaterRelease"] = json!("x");
        let text = event.to_string();
        let mut out = vec![text.clone(), text.clone()];
        out.push(json!({"type": "SYNC", "object": {"metadata": {"name": "x"}}}).to_string());
        out.extend(before.lock().unwrap().replace(text));
        if pods && count.fetch_add(1, Ordering::SeqCst) == 0 {
            let mut huge = event.clone();
            huge["type"] = json!("ADDED");
            huge["object"]["metadata"]["name"] = json!("huge");
            huge["object"]["metadata"]["annotations"] = json!({"huge": "x".repeat(10 << 20)});
            huge["object"]["status"]["podIP"] = json!("10.99.250.250");
            out.push(huge.to_string());
            huge["type"] = json!("DELETED");
            out.push(huge.to_string());
        }
        out.into_iter().map(Piece::Line).collect()
    }))
}

fn without_deletions(line: &str) -> Vec<Piece> {
    let event: Value = serde_json::from_str(line).unwrap_or_default();
    if event["type"] == "DELETED" { Vec::new() } else { vec![Piece::Line(line.to_owned())] }
}

/// The second event breaks off in its middle.
fn halved() -> Act {
    let count = AtomicUsize::new(0);
    Act::Lines(Arc::new(move |line| match count.fetch_add(1, Ordering::SeqCst) {
        0 => vec![Piece::Line(line.to_owned())],
        _ => vec![Piece::Last(line.chars().take(line.len() / 2).collect())],
    }))
}
