//! Both servers scrape the same replay with explicit timestamps: what they stored is equal, and so are the answers to
//! all queries of the bundled dashboards and of those that Calico ships.

use crate::ask;
use crate::process::{Running, Server, fixtures, folder, replay, serve};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Bodies of a recording.
const BODIES: i64 = 36;
/// Time between the bodies, seconds.
const STEP: i64 = 5;

struct Pair {
    prometheus: Running,
    tortie: Running,
    /// Time of the last body, seconds.
    end: i64,
    _replay: Running,
    _folders: [tempfile::TempDir; 3],
}

/// Both servers after they have scraped all bodies of `mode`.
fn scraped(mode: &str) -> Pair {
    let folders = [folder(), folder(), folder()];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    // The last body is of now, so that staleness and look-back are those of a live server.
    let start = now - BODIES * STEP;
    let start_flag = format!("--start={start}");
    let (replay, targets) = replay(
        folders[2].path(),
        &fixtures().join("calico").join(mode),
        &["--timestamps", "--interval=5s", "--copies=2", &start_flag],
    );
    // Ports are counted apart, so each server has a copy of its own.
    let prometheus = serve(Server::Prometheus, folders[0].path(), &config(&targets, 0), &[]);
    let tortie = serve(Server::Tortie, folders[1].path(), &config(&targets, 1), &[]);
    let end = start + (BODIES - 1) * STEP;
    for server in [&prometheus, &tortie] {
        let began = Instant::now();
        // The newest explicit timestamp says that the last body is in.
        while last_time(server.port, now + 60) < end {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "the last body is not there:\n{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    Pair { prometheus, tortie, end, _replay: replay, _folders: folders }
}

fn last_time(port: u16, at: i64) -> i64 {
    let r = ask::instant(
        port,
        "min(max by (job) (timestamp({__name__=~\"process_cpu_seconds_total\"})))",
        at as f64,
    );
    r[0]["value"][1].as_str().and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0) as i64
}

/// One job a recording, with the labels that the real ones have; targets are named alike for both servers.
fn config(targets: &[(String, String)], copy: usize) -> String {
    let mut out = "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n".to_owned();
    let names: BTreeSet<&str> = targets.iter().map(|(n, _)| n.as_str()).collect();
    for name in names {
        let address = &targets.iter().filter(|(n, _)| n == name).nth(copy).unwrap().1;
        out.push_str(&format!(
            "- job_name: {name}\n  static_configs: [{{targets: [\"{address}\"], labels: {{instance: \"{name}-0\", pod: \"{name}-pod\"}}}}]\n"
        ));
    }
    out
}

#[test]
fn stored_samples_are_equal() {
    for mode in ["iptables", "nftables"] {
        let pair = scraped(mode);
        let at = pair.end as f64 + 1.0;
        let selector = "{__name__!~\"up|scrape_.*\",__name__!=\"\"}";
        let theirs = ask::raw(pair.prometheus.port, selector, "10m", at);
        let ours = ask::raw(pair.tortie.port, selector, "10m", at);
        assert!(theirs.len() > 700, "only {} series in {mode}", theirs.len());
        let samples: usize = theirs.values().map(Vec::len).sum();
        for (labels, samples) in &theirs {
            assert_eq!(ours.get(labels), Some(samples), "{mode}: {labels}");
        }
        assert_eq!(ours.len(), theirs.len(), "{mode}: series");
        println!("{mode}: {} series, {samples} samples equal", theirs.len());
        dashboards_answer_equal(&pair);
    }
}

fn dashboards_answer_equal(pair: &Pair) {
    let mut asked = 0;
    let mut empty = 0;
    let mut different = Vec::new();
    for query in queries() {
        let path = format!(
            "/api/v1/query_range?query={}&start={}&end={}&step=5",
            ask::encoded(&query),
            pair.end - 150,
            pair.end
        );
        let theirs = ask::get(pair.prometheus.port, &path).unwrap();
        let ours = ask::get(pair.tortie.port, &path).unwrap();
        asked += 1;
        let (t, o) = (theirs.json(), ours.json());
        if t["data"]["result"].as_array().is_some_and(Vec::is_empty) {
            empty += 1;
        }
        if theirs.status != ours.status || !ask::same(&t["data"]["result"], &o["data"]["result"], true) {
            different.push(format!("{query}\n  theirs {}\n  ours   {}", cut(&theirs.body), cut(&ours.body)));
        }
    }
    println!("{asked} dashboard queries compared, {empty} of them empty");
    assert!(asked > 60, "only {asked} queries found");
    assert!(empty < asked / 2, "{empty} of {asked} queries are empty on both sides");
    assert!(different.is_empty(), "{} of {asked} answers differ:\n{}", different.len(), different.join("\n"));
}

fn cut(s: &str) -> String {
    s.chars().take(600).collect()
}

/// The expressions of all panels, with variables replaced.
fn queries() -> BTreeSet<String> {
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../calico/dashboards");
    for dir in [own, fixtures().join("dashboards/calico")] {
        files.extend(std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()));
    }
    let mut found = BTreeSet::new();
    for f in files.iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
        let v: Value = serde_json::from_slice(&std::fs::read(f).unwrap()).unwrap();
        collect(&v, &mut found);
    }
    found
}

fn collect(v: &Value, found: &mut BTreeSet<String>) {
    match v {
        Value::Object(map) => {
            if let Some(Value::String(e)) = map.get("expr") {
                found.insert(substituted(e));
            }
            map.values().for_each(|v| collect(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| collect(v, found)),
        _ => {}
    }
}

fn substituted(expr: &str) -> String {
    let mut out = expr.to_owned();
    for (macro_name, value) in [
        ("$__rate_interval", "1m"),
        ("${__rate_interval}", "1m"),
        ("$__interval", "15s"),
        ("$__range", "150s"),
    ] {
        out = out.replace(macro_name, value);
    }
    // Any other variable is a label value: all of them.
    let mut result = String::new();
    let mut rest = out.as_str();
    while let Some(i) = rest.find('$') {
        let (before, after) = rest.split_at(i);
        result.push_str(before);
        let name_end = if after.starts_with("${") {
            after.find('}').map_or(after.len(), |e| e + 1)
        } else {
            after[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(after.len(), |e| e + 1)
        };
        let inside_quotes =
            before.ends_with(['"', '\'']) || before.ends_with(|c: char| c.is_alphanumeric() || c == '|');
        result.push_str(if inside_quotes { ".*" } else { "64" });
        rest = &after[name_end..];
    }
    result.push_str(rest);
    result
}
