//! CPU that a sample costs the scraping side over real connections: request, read, inflate, recognise, commit.
//!
//! `cargo bench -p tortie-scrape --bench loopback`: all scrapes run on one thread, whose CPU time is read from
//! `/proc/thread-self/schedstat`; the servers are other threads and do not count. The head is in memory, without a WAL.
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // a program that measures

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use tokio::sync::watch;
use tortie_discovery::TargetGroup;
use tortie_host::{CpuPool, MemFs, SystemClock};
use tortie_model::Labels;
use tortie_scrape::{Options, PoolConfig, PoolInput, ScrapeManager};
use tortie_tsdb::head::{Head, HeadOptions};

const TARGETS: usize = 50;
const ROUNDS: i64 = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for compress in [false, true] {
        let what = if compress { "gzip" } else { "identity" };
        let (ns, samples) = runtime.block_on(measure(compress));
        println!(
            "{what}: {:.0} ns CPU a sample ({samples} samples a scrape, {TARGETS} targets, {ROUNDS} rounds)",
            ns
        );
    }
}

async fn measure(compress: bool) -> (f64, u64) {
    let addresses: Vec<String> = (0..TARGETS).map(|i| serve(i as u64, compress)).collect();
    let head = Arc::new(Head::in_memory(HeadOptions::default()));
    let manager = ScrapeManager::new(
        head,
        Arc::new(SystemClock::new()),
        Arc::new(MemFs::new()),
        CpuPool::start(1, 4),
        Options::default(),
    );
    let targets = addresses.iter().map(|a| Labels::from_pairs([("__address__", a.as_str())])).collect();
    let groups = watch::Sender::new(Arc::new(vec![TargetGroup {
        source: "0".into(),
        labels: Labels::empty(),
        targets,
    }]));
    let config = PoolConfig { enable_compression: compress, ..PoolConfig::new("felix") };
    manager.apply(vec![PoolInput { config, groups: groups.subscribe() }]).expect("a valid configuration");
    for at in 0..3 {
        manager.scrape_all_at(at * 1000).await;
    }
    assert!(manager.targets().iter().all(|t| t.last_error.is_empty()), "{}", manager.targets()[0].last_error);
    let (before, stored) = (thread_cpu_ns(), manager.stats().samples.get());
    for at in 3..3 + ROUNDS {
        manager.scrape_all_at(at * 1000).await;
    }
    let cpu = thread_cpu_ns() - before;
    let samples = manager.stats().samples.get() - stored;
    (cpu as f64 / samples as f64, samples / (TARGETS as u64 * ROUNDS as u64))
}

fn thread_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("the kernel counts CPU time of threads");
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

/// A server with two bodies in turn, each answer rendered ahead.
fn serve(seed: u64, compress: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let answers = [answer(&body(seed * 2), compress), answer(&body(seed * 2 + 1), compress)];
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer_all(stream, &answers);
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, answers: &[Vec<u8>; 2]) {
    let mut buf = [0; 4096];
    for i in 0.. {
        // The request is small and arrives whole.
        if !matches!(stream.read(&mut buf), Ok(n) if n > 0) || stream.write_all(&answers[i % 2]).is_err() {
            return;
        }
    }
}

fn answer(body: &str, compress: bool) -> Vec<u8> {
    let (bytes, header) = if compress {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        e.write_all(body.as_bytes()).expect("memory does not fail");
        (e.finish().expect("memory does not fail"), "Content-Encoding: gzip\r\n")
    } else {
        (body.as_bytes().to_vec(), "")
    };
    let mut out = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n{header}Content-Length: {}\r\n\r\n",
        bytes.len()
    )
    .into_bytes();
    out.extend_from_slice(&bytes);
    out
}

#[path = "felix.rs"]
mod felix;
use felix::body;
