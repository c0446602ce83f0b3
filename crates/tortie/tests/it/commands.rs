//! The commands beside the server: simulated targets, scripts, checks, completions.

use crate::http::{get, query};
use crate::process::{Running, folder, serve, tortie, until, until_true};
use crate::target::{job, jobs};
use std::net::SocketAddr;

/// The targets that a simulation prints: address and name.
fn printed(run: &Running, n: usize) -> Vec<(SocketAddr, String)> {
    until("the list of targets", || {
        let out = run.out();
        let all: Vec<_> = out
            .lines()
            .filter_map(|l| l.split_once(' '))
            .map(|(a, name)| (a.parse().unwrap(), name.to_owned()))
            .collect();
        (all.len() >= n && out.ends_with('\n')).then_some(all)
    })
}

#[test]
fn a_recording_is_replayed_body_by_body() {
    let dir = folder();
    let recording = dir.path().join("recording");
    std::fs::create_dir(&recording).unwrap();
    for (file, body) in
        [("felix.00", "a 1\n"), ("felix.01", "a 2\n"), ("typha.00", "b 5\n"), ("typha.01", "b 6\n")]
    {
        std::fs::write(recording.join(format!("{file}.prom")), body).unwrap();
    }
    let all = Running::start(dir.path(), &["sim", "replay", "recording", "--copies=2"]);
    let targets = printed(&all, 4);
    let names: Vec<&str> = targets.iter().map(|(_, n)| n.as_str()).collect();
    assert_eq!(names.iter().filter(|n| n.starts_with("felix")).count(), 2, "{names:?}");
    let felix: Vec<SocketAddr> =
        targets.iter().filter(|(_, n)| n.starts_with("felix")).map(|(a, _)| *a).collect();
    // Each port counts for itself.
    assert_eq!(get(felix[0], "/metrics").text(), "a 1\n");
    assert_eq!(get(felix[0], "/metrics").text(), "a 2\n");
    assert_eq!(get(felix[1], "/metrics").text(), "a 1\n");
    assert_eq!(all.end("TERM").code, Some(0));

    let stamped = [
        "sim",
        "replay",
        "recording",
        "--only=typha",
        "--timestamps",
        "--start=1000",
        "--interval=5s",
        "--cycle",
    ];
    let one = Running::start(dir.path(), &stamped);
    let targets = printed(&one, 1);
    assert_eq!(targets.len(), 1, "{targets:?}");
    assert_eq!(get(targets[0].0, "/metrics").text(), "b 5 1000000\n");
    assert_eq!(get(targets[0].0, "/metrics").text(), "b 6 1005000\n");
    assert!(get(targets[0].0, "/metrics").text().starts_with("b 5 "));
    assert_eq!(one.end("INT").code, Some(0));

    let none = tortie(dir.path(), &["sim", "replay", "recording", "--only=calico"]);
    assert_eq!(none.code, Some(1));
    assert!(none.err.contains("calico"), "{}", none.err);
    let none = tortie(dir.path(), &["sim", "replay", "missing"]);
    assert_eq!(none.code, Some(1));
    assert!(none.err.contains("missing"), "{}", none.err);
}

/// The server scrapes a replay with timestamps of its own: they are the ones that are stored.
#[test]
fn timestamps_of_a_replay_are_stored_as_they_are() {
    let dir = folder();
    let recording = dir.path().join("recording");
    std::fs::create_dir(&recording).unwrap();
    for k in 0..3 {
        std::fs::write(recording.join(format!("felix.{k:02}.prom")), format!("a {k}\n")).unwrap();
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let start = now - 30;
    let start_flag = format!("--start={start}");
    let sim_dir = folder();
    let path = recording.to_str().unwrap();
    let sim = Running::start(
        sim_dir.path(),
        &["sim", "replay", path, "--timestamps", "--interval=5s", &start_flag],
    );
    let targets = printed(&sim, 1);
    let run = serve(dir.path(), &jobs(&[job("x", &[targets[0].0])]), &[]);
    let last = format!("a @ {}", start + 10);
    until_true("the last body", || query(run.address(), &last).first().is_some_and(|(_, v)| v == "2"));
    let raw = get(run.address(), "/api/v1/query?query=a[1h]").json()["data"]["result"][0]["values"].clone();
    assert_eq!(raw, serde_json::json!([[start, "0"], [start + 5, "1"], [start + 10, "2"]]));
}

#[test]
fn a_fleet_serves_every_component_and_can_be_discovered() {
    let dir = folder();
    let run =
        Running::start(dir.path(), &["sim", "fleet", "--nodes=2", "--ports", "--write-targets=targets.json"]);
    let text = until("the file of targets", || std::fs::read_to_string(dir.path().join("targets.json")).ok());
    let groups: serde_json::Value = serde_json::from_str(&text).unwrap();
    let addresses: Vec<&str> = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["targets"].as_array().unwrap())
        .map(|t| t.as_str().unwrap())
        .collect();
    let bodies: Vec<String> = addresses.iter().map(|a| get(a.parse().unwrap(), "/metrics").text()).collect();
    for (metric, n) in [
        ("felix_active_local_endpoints ", 2),
        ("typha_connections_accepted ", 1),
        ("ipam_allocations_in_use", 1),
    ] {
        let having = bodies.iter().filter(|b| b.lines().any(|l| l.starts_with(metric))).count();
        assert!(having >= n, "{metric}: {having} of {} targets", bodies.len());
    }
    assert_eq!(run.end("TERM").code, Some(0));
}

#[test]
fn scripts_are_counted_and_decide_the_exit_code() {
    let dir = folder();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "good.test",
        "load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 3\n\neval instant at 0 a + 1\n  {} 2\n",
    );
    write("bad.test", "load 1m\n  a 1 2 3\n\neval instant at 2m a\n  a 4\n");
    let last = |out: &str| out.lines().last().unwrap().to_owned();
    let good = tortie(dir.path(), &["test", "promql", "good.test"]);
    assert_eq!((good.code, good.out.as_str()), (Some(0), "2 passed, 0 failed\n"));
    let both = tortie(dir.path(), &["test", "promql", "good.test", "bad.test"]);
    assert_eq!((both.code, last(&both.out).as_str()), (Some(1), "2 passed, 1 failed"));
    assert!(both.out.contains("bad.test:4"), "{}", both.out);
    let quiet = tortie(dir.path(), &["test", "promql", "-q", "bad.test"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (Some(1), "0 passed, 1 failed\n"));
    let missing = tortie(dir.path(), &["test", "promql", "none.test"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("none.test: "), "{}", missing.err);
}

#[test]
fn a_good_configuration_is_checked_without_starting() {
    let dir = folder();
    std::fs::write(dir.path().join("p.yml"), jobs(&[job("x", &[]), job("y", &[])])).unwrap();
    let fine = tortie(dir.path(), &["check", "config", "p.yml"]);
    assert_eq!((fine.code, fine.out.as_str()), (Some(0), "p.yml: fine, 2 scrape jobs\n"), "{}", fine.err);
    assert!(!dir.path().join("data").exists());
}

#[test]
fn version_completions_and_usage() {
    let dir = folder();
    let version = tortie(dir.path(), &["--version"]);
    assert_eq!((version.code, version.out), (Some(0), format!("tortie {}\n", env!("CARGO_PKG_VERSION"))));
    for shell in ["bash", "zsh", "fish"] {
        let script = tortie(dir.path(), &["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(
            script.out.contains("storage.tsdb.path") && script.out.contains("demo"),
            "{shell}:\n{}",
            script.out
        );
    }
    let nothing = tortie(dir.path(), &[]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("Usage: tortie"), "{}", nothing.err);
    assert_eq!(tortie(dir.path(), &["frobnicate"]).code, Some(2));
}
