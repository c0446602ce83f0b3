//! Starting on a used port, and ending.

use crate::http::{ask, get, metric, post, query, send};
use crate::process::{Ended, folder, serve, tortie, until_true};
use crate::target::{Reply, Target, job, jobs};
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn a_used_port_says_what_to_do() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = format!("--web.listen-address={address}");
    let check = |ended: Ended| {
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        for part in [
            &format!("cannot listen on {address}: Address already in use"),
            "hint: another process listens there",
            "--web.listen-address=",
        ] {
            assert!(ended.err.contains(part), "{part:?} is not in\n{}", ended.err);
        }
    };
    check(tortie(dir.path(), &["run", &listen]));
    check(tortie(dir.path(), &["demo", "--nodes=1", "--history=1m", &listen]));
    let left = std::fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("tortie-demo"));
    assert_eq!(left.count(), 0, "the demo left its folder");
}

/// A scrape hangs, a client is idle and another waits for a long query: it ends with 0 within 10 s, and what it had is there again.
#[test]
fn sigterm_ends_in_time_and_keeps_the_data() {
    let good = Target::start("a 1\n");
    let hanging = Target::start_at("127.0.0.1:0", Reply::Nothing);
    let slow = format!(
        "- job_name: slow\n  scrape_interval: 1m\n  scrape_timeout: 1m\n  static_configs: [{{targets: ['{}']}}]\n",
        hanging.address
    );
    let dir = folder();
    // The offset within the interval is decided by a hash; a short first interval makes it come soon.
    let config = jobs(&[job("x", &[good.address]), slow.replace("1m", "3s")]);
    let run = serve(dir.path(), &config, &[]);
    until_true("a sample", || !query(run.address(), "a").is_empty());
    until_true("a scrape hangs", || hanging.asked() > 0);
    let _idle = std::net::TcpStream::connect(run.address()).unwrap();
    let _query = ask(run.address(), "GET", &crate::flags::slow_query(), &[], b"").unwrap();
    let ended = run.end("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.took < Duration::from_secs(10), "took {:?}", ended.took);
    assert!(ended.err.contains("See you next time!"), "{}", ended.err);

    // Nothing is scraped any more; look-back still finds the last sample.
    let again = serve(dir.path(), "", &[]);
    assert_eq!(query(again.address(), "a"), [(format!("instance={},job=x", good.address), "1".to_owned())]);
    assert_eq!(metric(again.address(), "prometheus_tsdb_wal_corruptions_total").as_deref(), Some("0"));
    assert_eq!(metric(again.address(), "prometheus_tsdb_clean_start").as_deref(), Some("1"));
}

#[test]
fn sigkill_loses_nothing_that_was_written() {
    let t = Target::start("a 1\n");
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    until_true("samples", || query(run.address(), "count_over_time(a[1m]) > 2").len() == 1);
    let ended = run.end("KILL");
    assert_eq!(ended.code, None);
    let again = serve(dir.path(), "", &[]);
    assert_eq!(query(again.address(), "count_over_time(a[5m]) > 2").len(), 1);
}

#[test]
fn sigint_and_quit_end_it_too() {
    let dir = folder();
    let ended = serve(dir.path(), "", &[]).end("INT");
    assert_eq!(ended.code, Some(0), "{}", ended.err);

    let run = serve(dir.path(), "", &[]);
    let refused = post(run.address(), "/-/quit", "");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("--web.enable-lifecycle"), "{}", refused.text());
    assert_eq!(get(run.address(), "/-/healthy").status, 200);
    drop(run);

    let run = serve(dir.path(), "", &["--web.enable-lifecycle"]);
    assert_eq!(get(run.address(), "/-/quit").status, 405);
    let answer = send(run.address(), "PUT", "/-/quit", &[], b"").unwrap();
    assert_eq!(answer.text(), "Requesting termination... Goodbye!");
    assert_eq!(run.ended().code, Some(0));
}
