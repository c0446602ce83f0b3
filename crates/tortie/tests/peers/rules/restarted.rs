//! Alerts after a restart, beside the real Prometheus: which go on since when, which wait on, which begin anew.

use super::fleet;
use super::same::now;
use crate::ask;
use crate::process::{Running, SOON, Server, folder, serve};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_model::Labels;

/// With 50 s of grace and 18 s before the end: what fired, what waits longer than the grace and has long to go, what has less
/// than the grace to go, what waits shorter than the grace.
const RULES: &str = "groups:
- name: g
  interval: 1s
  rules:
  - {alert: Fired, expr: lasting > 0, for: 3s, labels: {of: '{{ $labels.i }}'}}
  - {alert: Waits, expr: lasting > 0, for: 1h}
  - {alert: Near, expr: lasting > 0, for: 60s}
  - {alert: Short, expr: lasting > 0, for: 40s}
  - {alert: Kept, expr: lasting > 0, keep_firing_for: 1h}
";
const FLAGS: [&str; 1] = ["--rules.alert.for-grace-period=50s"];
/// Seconds of evaluations before the end, and between end and start.
const BEFORE: u64 = 18;
const AWAY: u64 = 6;

/// State and beginning, in seconds, of each alert by its labels.
pub(super) fn alerts(server: &Running) -> BTreeMap<String, (String, f64)> {
    let answer = ask::get(server.port, "/api/v1/alerts").unwrap().json();
    let list = answer["data"]["alerts"].as_array().unwrap().clone();
    let one = |a: &serde_json::Value| {
        let labels: BTreeMap<_, _> = a["labels"].as_object().unwrap().clone().into_iter().collect();
        let since = tortie_model::timestamp::parse(a["activeAt"].as_str().unwrap()).unwrap();
        (
            serde_json::to_string(&labels).unwrap(),
            (a["state"].as_str().unwrap().to_owned(), since as f64 / 1000.0),
        )
    };
    list.iter().map(one).collect()
}

fn until(server: &Running, what: &str, done: &dyn Fn(&Running) -> bool) {
    let began = Instant::now();
    while !done(server) {
        assert!(began.elapsed() < SOON, "{what}:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ticks(server: &Running) -> f64 {
    super::usage::metric(
        &ask::get(server.port, "/metrics").unwrap().body,
        "prometheus_rule_group_iterations_total",
    )
}

/// By alert: its state after the restart, and by how many seconds its beginning moved.
fn moved(server: Server, dir: &Path) -> BTreeMap<String, (String, f64)> {
    std::fs::write(dir.join("rules.yml"), RULES).unwrap();
    let config = "rule_files: [rules.yml]\n";
    let first = serve(server, dir, config, &FLAGS);
    until(&first, "alerts", &|s| alerts(s).len() == 10);
    std::thread::sleep(Duration::from_secs(BEFORE));
    let before = alerts(&first);
    first.kill();
    std::thread::sleep(Duration::from_secs(AWAY));
    let again = serve(server, dir, config, &FLAGS);
    // Two ticks, what storage knew, and one more.
    until(&again, "a tick after the restoration", &|s| ticks(s) >= 4.0 && alerts(s).len() == 10);
    let after = alerts(&again);
    let one = |(labels, (state, since)): (&String, &(String, f64))| {
        (labels.clone(), (state.clone(), since - before[labels].1))
    };
    after.iter().map(one).collect()
}

#[test]
fn alerts_go_on_after_a_restart_as_in_prometheus() {
    let all: Vec<Labels> =
        ["a", "b"].iter().map(|i| Labels::from_pairs([("__name__", "lasting"), ("i", i)])).collect();
    let dirs = [folder(), folder()];
    let begin = now() - 5;
    for dir in &dirs {
        fleet::store(&dir.path().join("data"), &all, (begin..begin + 300).map(|t| t * 1000), |_, _| 1.0);
    }
    let [theirs, ours] = std::thread::scope(|s| {
        let run = |server, i: usize| {
            let dir = dirs[i].path();
            s.spawn(move || moved(server, dir))
        };
        let both = [run(Server::Prometheus, 0), run(Server::Tortie, 1)];
        both.map(|t| t.join().unwrap())
    });
    println!("theirs {theirs:#?}\nours   {ours:#?}");
    assert_eq!(theirs.len(), 10);
    for (labels, (state, by)) in &theirs {
        let (our_state, our_by) = &ours[labels];
        assert_eq!(our_state, state, "{labels}");
        // Both were away for about as long.
        let may = if labels.contains("Fired") || labels.contains("Kept") { 1.1 } else { 4.0 };
        assert!((our_by - by).abs() <= may, "{labels}: theirs moved by {by} s, ours by {our_by} s");
    }
    let of = |name: &str| theirs.iter().find(|(l, _)| l.contains(name)).unwrap().1.1;
    let all = [of("Fired"), of("Waits"), of("Near"), of("Short")];
    assert!(all.windows(2).all(|w| w[1] - w[0] > 4.0), "the four are not told apart: {all:?}");
}
