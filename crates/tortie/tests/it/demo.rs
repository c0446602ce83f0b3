//! `tortie demo`: its past, its faults, its end.

use crate::http::{get, query, targets};
use crate::process::{Running, folder, tortie, until, until_true};
use std::net::SocketAddr;
use std::path::Path;

/// A demo of two nodes with ten minutes of past, once its address is in the file.
fn demo(dir: &Path) -> (Running, SocketAddr) {
    let args =
        ["demo", "--nodes=2", "--history=10m", "--web.listen-address=127.0.0.1:0", "--ready-file=ready"];
    let run = Running::start(dir, &args);
    let url = until("the ready file", || {
        assert!(!run.err().contains("hint:"), "{}", run.err());
        std::fs::read_to_string(dir.join("ready")).ok()
    });
    (run, url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap())
}

fn health(to: SocketAddr, job: &str) -> Vec<String> {
    let rows = targets(to);
    let of_job = rows.iter().filter(|t| t["labels"]["job"].as_str().is_some_and(|j| j.contains(job)));
    of_job.map(|t| t["health"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_demo_has_a_past_breaks_heals_and_leaves_nothing() {
    let dir = folder();
    let (run, a) = demo(dir.path());
    let screen = run.out();
    for part in
        ["past      10m scraped in ", &format!("address   http://{a}/"), "tortie demo break felix-down"]
    {
        assert!(screen.contains(part), "{part:?} is not in\n{screen}");
    }
    // Ten minutes at 15 s, whole: from a scrape every 15 s there are 36 or more in nine minutes.
    let past = query(a, "min(count_over_time(up[9m]))");
    assert!(past[0].1.parse::<u32>().unwrap() >= 35, "{past:?}");
    assert_eq!(query(a, "min(up)"), [(String::new(), "1".to_owned())]);
    assert!(!query(a, "felix_active_local_endpoints").is_empty());
    assert!(!query(a, "increase(process_cpu_seconds_total[5m]) > 0").is_empty(), "counters do not move");
    until_true("the first live scrapes", || {
        !health(a, "felix").is_empty() && health(a, "").iter().all(|h| h == "up")
    });

    let fired = || -> Vec<String> {
        let alerts = get(a, "/api/v1/alerts").json();
        let alerts = alerts["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let firing = alerts.iter().filter(|a| a["state"] == "firing");
        firing.filter_map(|a| a["labels"]["alertname"].as_str().map(str::to_owned)).collect()
    };
    until_true("an alert fires", || !fired().is_empty());
    assert_eq!(fired(), ["Watchdog"]);

    let url = format!("--url=http://{a}");
    let at = |args: &[&str]| {
        let args: Vec<&str> = ["demo"].iter().chain(args).copied().chain([url.as_str()]).collect();
        let other = folder();
        tortie(other.path(), &args)
    };
    let listed = at(&["faults"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    for fault in ["felix-down", "typha-metrics-off", "typha-on-felix-port", "kube-controllers-slow"] {
        assert!(listed.out.contains(fault), "{fault} is not in\n{}", listed.out);
    }
    assert!(!listed.out.contains('✕'), "{}", listed.out);
    let broken = at(&["break", "felix-down"]);
    assert_eq!(broken.code, Some(0), "{}", broken.err);
    assert!(broken.out.contains("felix-down: ") && broken.out.contains("you will see: "), "{}", broken.out);
    assert!(at(&["faults"]).out.lines().any(|l| l.starts_with("✕ felix-down")));
    until_true("one Felix is down", || health(a, "felix").iter().filter(|h| *h == "down").count() == 1);
    let rows = targets(a);
    let down = rows.iter().find(|t| t["health"] == "down").unwrap();
    assert!(down["lastError"].as_str().unwrap().contains("connection refused"), "{down}");
    assert_eq!(at(&["heal", "felix-down"]).out, "felix-down: mended\n");
    until_true("all are up again", || health(a, "").iter().all(|h| h == "up"));

    let unknown = at(&["break", "everything"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.err.contains("there is no fault \"everything\"") && unknown.err.contains("hint: "),
        "{}",
        unknown.err
    );

    // Pages of other sites cannot flip the switches.
    let plain = crate::http::post(a, "/api/tortie/v1/demo/break?fault=felix-down", "");
    assert_eq!(plain.status, 400, "{}", plain.text());
    assert!(health(a, "").iter().all(|h| h == "up"));

    let ended = run.end("INT");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    no_folder_left(dir.path());
    let none = at(&["faults"]);
    assert_eq!(none.code, Some(1));
    assert!(none.err.contains("no demo answers at ") && none.err.contains("hint: "), "{}", none.err);
}

/// Told to end in the middle of making the past, it does.
#[test]
fn a_demo_ends_while_it_makes_its_past_and_keeps_a_directory_that_was_named() {
    let dir = folder();
    let args = ["demo", "--nodes=3", "--history=30d", "--web.listen-address=127.0.0.1:0", "--log.level=info"];
    let run = Running::start(dir.path(), &args);
    until_true("it listens", || run.err().contains("Listening on"));
    let ended = run.end("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.out.contains("address "), "the past was finished:\n{}", ended.out);
    no_folder_left(dir.path());

    let args = [
        "demo",
        "--nodes=1",
        "--history=1m",
        "--web.listen-address=127.0.0.1:0",
        "--dir=kept",
        "--ready-file=ready",
    ];
    let run = Running::start(dir.path(), &args);
    let url = until("the ready file", || std::fs::read_to_string(dir.path().join("ready")).ok());
    let a = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    assert_eq!(get(a, "/-/ready").status, 200);
    assert_eq!(run.end("INT").code, Some(0));
    assert!(dir.path().join("kept/wal").exists());
}

#[test]
fn a_wrong_history_is_a_usage_error() {
    let dir = folder();
    let ended = tortie(dir.path(), &["demo", "--history=long"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("--history=long: "), "{}", ended.err);
}

fn no_folder_left(dir: &Path) {
    let left: Vec<_> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().starts_with("tortie-demo")), "{left:?}");
}
