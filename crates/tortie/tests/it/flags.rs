//! Flags of `tortie run` at work, and those that are refused.

use crate::http::{ask, encoded, get, query};
use crate::process::{Running, folder, serve, tortie, until, until_true};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// As a range query of 10,000 steps this takes many minutes, in little memory.
const SLOW: &str = "quantile_over_time(0.5, sum_over_time(vector(1)[4000:1])[40000:1])";

fn range(query: &str) -> String {
    format!("/api/v1/query_range?start=1000000&end=1010000&step=1&query={}", encoded(query))
}

/// The path of a query that takes longer than any test.
pub(crate) fn slow_query() -> String {
    range(SLOW)
}

#[test]
fn flags_that_are_not_there_say_why() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    let check = |arg: &str, wants: &[&str]| {
        let ended = tortie(dir.path(), &["run", arg]);
        assert_eq!(ended.code, Some(2), "{arg}: {}", ended.err);
        for w in wants {
            assert!(ended.err.contains(w), "{arg} wants {w:?} in\n{}", ended.err);
        }
    };
    check("--agent", &["--agent: not supported yet: ", "COMPAT.md, Flags, row `agent`"]);
    check("--web.enable-admin-api", &["not supported yet", "row `web.enable-admin-api`"]);
    check("--nonsense", &["unexpected argument '--nonsense'"]);
    check("--query.timeout=soon", &["--query.timeout"]);
    check("--web.external-url=x.example", &["--web.external-url=x.example: not a URL", "hint: "]);
    check("--web.cors.origin=(", &["--web.cors.origin=(: "]);
}

#[test]
fn help_lists_the_flags() {
    let dir = folder();
    let ended = tortie(dir.path(), &["run", "--help"]);
    assert_eq!(ended.code, Some(0));
    for flag in
        ["--config.file", "--storage.tsdb.path", "--web.listen-address", "--enable-feature", "--log.format"]
    {
        assert!(ended.out.contains(flag), "{flag} is not in\n{}", ended.out);
    }
}

/// Flags stand in the API with their values; those without effect and `--no-` forms are taken.
#[test]
fn flags_stand_in_the_api() {
    let dir = folder();
    let more = [
        "--storage.tsdb.min-block-duration=1h",
        "--storage.tsdb.no-lockfile",
        "--query.lookback-delta=1m",
        "--no-web.enable-lifecycle",
        "--no-auto-gomemlimit",
        "--auto-gomemlimit.ratio",
        "0.5",
    ];
    let run = serve(dir.path(), "", &more);
    let flags = get(run.address(), "/api/v1/status/flags").json()["data"].clone();
    assert_eq!(flags["storage.tsdb.min-block-duration"], "1h");
    assert_eq!(flags["storage.tsdb.no-lockfile"], "true");
    assert_eq!(flags["query.lookback-delta"], "1m");
    assert_eq!(flags["web.enable-lifecycle"], "false");
    assert!(!dir.path().join("data/lock").exists(), "--storage.tsdb.no-lockfile made a lock file");
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let dir = folder();
    let _first = serve(dir.path(), "", &[]);
    let other = folder();
    std::fs::write(other.path().join("prometheus.yml"), "").unwrap();
    let data = format!("--storage.tsdb.path={}", dir.path().join("data").display());
    let second = tortie(other.path(), &["run", "--web.listen-address=127.0.0.1:0", &data]);
    assert_eq!(second.code, Some(1), "{}", second.err);
    assert!(second.err.contains("another process uses this data directory (hint: "), "{}", second.err);
}

#[test]
fn the_log_is_as_verbose_and_in_the_format_that_was_asked_for() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    // The line with the port would be left out too.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = format!("--web.listen-address={port}");
    let quiet = Running::start(dir.path(), &["run", &listen, "--log.level=warn", "--log.format=json"]);
    until_true("ready", || {
        crate::http::send(port, "GET", "/-/ready", &[], b"").is_some_and(|a| a.status == 200)
    });
    let ended = quiet.end("TERM");
    let lines: Vec<serde_json::Value> = ended.err.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(!lines.is_empty());
    for l in &lines {
        assert_eq!(l["level"], "WARN", "{l}");
        assert!(l["time"].is_string() && l["msg"].is_string(), "{l}");
    }
    let verbose = serve(dir.path(), "", &[]).end("TERM");
    assert!(verbose.err.lines().all(|l| l.starts_with("time=")), "{}", verbose.err);
    assert!(verbose.err.contains(" level=INFO msg=\"See you next time!\""), "{}", verbose.err);
}

/// One query at a time, and a client that goes away takes its query with it.
#[test]
fn a_query_ends_when_its_client_goes_and_makes_room_for_the_next() {
    let dir = folder();
    let run = serve(dir.path(), "", &["--query.max-concurrency=1", "--query.timeout=10m"]);
    let slow = ask(run.address(), "GET", &slow_query(), &[], b"").unwrap();
    // The slot is taken when another query runs into its own time-out.
    until_true("the slow query runs", || {
        get(run.address(), "/api/v1/query?query=1&timeout=200ms").status == 503
    });
    let waiting = get(run.address(), "/api/v1/query?query=1&timeout=300ms");
    assert!(waiting.text().contains("query timed out in query queue"), "{}", waiting.text());
    drop(slow);
    let start = Instant::now();
    let next = get(run.address(), "/api/v1/query?query=1&timeout=25s");
    assert_eq!(next.status, 200, "{}", next.text());
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn queries_are_limited_in_time_samples_and_look_back() {
    let dir = folder();
    let run = serve(dir.path(), "", &["--query.max-samples=1000"]);
    let many = get(run.address(), "/api/v1/query?query=sum_over_time(vector(1)[2000:1])");
    assert_eq!(many.status, 422, "{}", many.text());
    assert!(many.text().contains("too many samples"), "{}", many.text());
    drop(run);

    let run = serve(dir.path(), "", &["--query.timeout=300ms"]);
    let start = Instant::now();
    for query in [SLOW, "sum_over_time(vector(1)[400000:1])"] {
        let timed_out = get(run.address(), &range(query));
        assert_eq!(timed_out.status, 503, "{query}: {}", timed_out.text());
        assert!(timed_out.text().contains("\"errorType\":\"timeout\""), "{}", timed_out.text());
    }
    assert!(start.elapsed() < Duration::from_secs(15), "took {:?}", start.elapsed());
}

#[test]
fn a_short_look_back_forgets_sooner() {
    let t = crate::target::Target::start("a 1\n");
    let dir = folder();
    let config = crate::target::jobs(&[crate::target::job("x", &[t.address])]);
    let run = serve(dir.path(), &config, &["--query.lookback-delta=1s"]);
    until_true("a sample", || !query(run.address(), "a").is_empty());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let at = |s: u64| {
        get(run.address(), &format!("/api/v1/query?query=a&time={s}")).json()["data"]["result"]
            .as_array()
            .unwrap()
            .len()
    };
    // Five minutes would still find it.
    assert_eq!(at(now + 30), 0);
}

#[test]
fn connections_are_limited_and_idle_ones_closed() {
    let dir = folder();
    let run = serve(dir.path(), "", &["--web.max-connections=1", "--web.read-timeout=700ms"]);
    let ready = |s: &mut TcpStream| {
        s.write_all(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut some = [0; 4096];
        let n = s.read(&mut some).unwrap();
        assert!(some[..n].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&some[..n]));
    };
    let mut first = connect(run.address());
    ready(&mut first);
    // The second is served once the first, which stays idle, was closed.
    let start = Instant::now();
    let mut second = connect(run.address());
    ready(&mut second);
    assert!(start.elapsed() >= Duration::from_millis(300), "two connections were served at a time");
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "the idle connection is open");
    drop((first, second));

    // A form that does not come is not waited for.
    let mut half = connect(run.address());
    half.write_all(b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nquery=").unwrap();
    let mut text = String::new();
    half.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("did not come in time"), "{text}");
}

fn connect(to: SocketAddr) -> TcpStream {
    let s = until("a connection", || TcpStream::connect(to).ok());
    s.set_read_timeout(Some(crate::process::SOON)).unwrap();
    s
}
