//! A disk that takes nothing more, stood in for by a limit of zero on the size of files.

use crate::http::{get, metric, query, targets, value};
use crate::process::{Running, folder, serve, until_true};
use crate::target::{Target, job, jobs};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Sets the limit of the running process.
fn limit(run: &Running, bytes: Option<u64>) {
    let process = Pid::from_raw(run.id() as i32);
    let maximum = getrlimit(Resource::Fsize).maximum;
    prlimit(process, Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

fn notices(run: &Running) -> String {
    get(run.address(), "/api/v1/notifications").json()["data"].to_string()
}

#[test]
fn samples_are_refused_and_said_so_and_taken_again_once_there_is_room() {
    let t = Target::start("a 1\n");
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    let a = run.address();
    until_true("a sample", || value(a, "a").as_deref() == Some("1"));
    limit(&run, Some(0));
    t.set("a 2\nb 2\n");
    until_true("the notice", || notices(&run).contains("Samples are not stored: write-ahead log: "));
    let failed: u64 = metric(a, "prometheus_tsdb_wal_writes_failed_total").unwrap().parse().unwrap();
    assert!(failed > 0);
    until_true("the target says so", || {
        targets(a).iter().any(|t| {
            t["lastWarning"].as_str().unwrap().starts_with("samples were not stored: write-ahead log: ")
        })
    });
    // What is there is answered meanwhile, and what is new was not stored.
    assert_eq!(value(a, "a").as_deref(), Some("1"));
    assert_eq!(query(a, "b"), []);
    limit(&run, None);
    t.set("a 3\nb 3\n");
    until_true("new samples", || {
        value(a, "a").as_deref() == Some("3") && value(a, "b").as_deref() == Some("3")
    });
    until_true("the notice went", || notices(&run) == "[]");
    let ended = run.end("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.err);

    let again = serve(dir.path(), "", &[]);
    assert_eq!(value(again.address(), "a").as_deref(), Some("3"));
    assert_eq!(query(again.address(), "count_over_time(a[5m]) > 1").len(), 1);
    assert_eq!(metric(again.address(), "prometheus_tsdb_wal_corruptions_total").as_deref(), Some("0"));
}
