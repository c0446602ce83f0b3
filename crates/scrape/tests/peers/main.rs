//! Beside the real Prometheus: the same bodies, scraped by both, give the same health, reasons and series.
//!
//! `TORTIE_PEERS_BIN` is the folder with `prometheus`; without it the test fails (hint: make peers-test).
#![allow(clippy::disallowed_methods)] // the test runs a real process on real time

mod bodies;
mod prometheus;
#[path = "../it/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "../it/sink.rs"]
#[allow(dead_code)]
mod sink;

use prometheus::Prometheus;
use server::{Reply, Server, ok};
use sink::TestSink;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tortie_discovery::TargetGroup;
use tortie_host::{CpuPool, MemFs, SystemClock};
use tortie_model::Labels;
use tortie_scrape::{Options, PoolConfig, PoolInput, ScrapeManager};

/// Series of one job: labels in text form to value.
type Series = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_taken_and_refused_alike() {
    let server = Server::start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let bodies = bodies::all(now);
    for (i, body) in bodies.iter().enumerate() {
        server.reply_at(&format!("/{i}"), Reply::Keep(ok(body, "")));
    }
    let prometheus = Prometheus::start(server.addr, bodies.len()).await;
    let (sink, manager) = tortie(&server, bodies.len());
    manager.scrape_all_at(now).await;
    let ours: BTreeMap<String, (String, String)> = manager
        .targets()
        .into_iter()
        .map(|t| (t.pool.to_string(), (t.health.as_str().to_owned(), without_place(&t.last_error))))
        .collect();
    let theirs: BTreeMap<_, _> = prometheus
        .targets(bodies.len())
        .await
        .into_iter()
        .map(|(job, (health, error))| (job, (health, without_place(&error))))
        .collect();
    let mut different = Vec::new();
    for (i, body) in bodies.iter().enumerate() {
        let job = format!("j{i}");
        let shown = String::from_utf8_lossy(body).into_owned();
        if ours.get(&job) != theirs.get(&job) {
            different.push(format!(
                "{shown:?}\n  ours:   {:?}\n  theirs: {:?}",
                ours.get(&job),
                theirs.get(&job)
            ));
            continue;
        }
        let (mine, real) = (sink_series(&sink, &job), prometheus.series(&job).await);
        if mine != real {
            different.push(format!("{shown:?}\n  ours:   {mine:?}\n  theirs: {real:?}"));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {} bodies differ:\n{}",
        different.len(),
        bodies.len(),
        different.join("\n")
    );
}

fn tortie(server: &Server, n: usize) -> (Arc<TestSink>, ScrapeManager) {
    let sink = Arc::new(TestSink::default());
    let cpu = CpuPool::start(1, 64);
    let manager = ScrapeManager::new(
        Arc::clone(&sink) as _,
        Arc::new(SystemClock::new()),
        Arc::new(MemFs::new()),
        cpu,
        Options::default(),
    );
    let targets = vec![Labels::from_pairs([("__address__", server.addr.to_string().as_str())])];
    let groups = watch::Sender::new(Arc::new(vec![TargetGroup {
        source: "0".into(),
        labels: Labels::empty(),
        targets,
    }]));
    let inputs = (0..n).map(|i| {
        let config = PoolConfig {
            metrics_path: format!("/{i}"),
            interval_ms: 1000,
            timeout_ms: 1000,
            ..PoolConfig::new(&format!("j{i}"))
        };
        PoolInput { config, groups: groups.subscribe() }
    });
    manager.apply(inputs.collect()).unwrap();
    (sink, manager)
}

/// The reason without the place, which Prometheus does not tell. Of names that are not UTF-8 Prometheus lists the whole
/// series, this program the name: only that part of the reason is left out.
fn without_place(error: &str) -> String {
    let reason = error.split(" (line ").next().unwrap_or("");
    let names = "invalid metric name or label names:";
    if reason.starts_with(names) { names.to_owned() } else { reason.to_owned() }
}

fn sink_series(sink: &TestSink, job: &str) -> Series {
    sink.newest()
        .into_iter()
        .filter(|(l, _)| l.get("job") == Some(job) && is_compared(l.metric_name()))
        .map(|(l, v)| (prometheus::text(l.iter()), tortie_model::gofloat::format_json(v)))
        .collect()
}

/// All but what depends on when and how long.
fn is_compared(name: &str) -> bool {
    !matches!(name, "scrape_duration_seconds" | "scrape_series_added")
}
