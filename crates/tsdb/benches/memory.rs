//! Bytes a series, counted at the allocator: a fleet of Felix targets, and mixed labels. Prints the parts.
//!
//! Fails when a series of the fleet takes more than 700 bytes or one of the mixed set more than 1,000.

#![allow(clippy::print_stdout, missing_docs)] // a benchmark prints

use std::sync::Arc;
use tortie_host::{Clock, Counting, Fs, RealFs, Rng, SystemClock};
use tortie_model::Labels;
use tortie_tsdb::append::{Batch, Slot};
use tortie_tsdb::head::{Head, HeadOptions};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Rounds of 15 s: two hours and a half, as much as a head holds between two blocks on average.
const ROUNDS: u64 = 600;

fn fleet() -> Vec<Vec<Labels>> {
    (0..500)
        .map(|target| {
            let (node, pod) = (format!("worker-{target:04}"), format!("calico-node-{:05x}", target * 7919));
            let instance = format!("10.{}.{}.17:9091", target / 250, target % 250);
            (0..290)
                .map(|line| {
                    let (name, q) =
                        (format!("felix_some_metric_{}", line / 2), ["0.5", "0.9", "0.99"][line % 3]);
                    let mut pairs = vec![
                        ("__name__", name.as_str()),
                        ("instance", &instance),
                        ("job", "felix"),
                        ("namespace", "calico-system"),
                        ("node", &node),
                        ("pod", &pod),
                    ];
                    pairs.push(if line % 2 == 0 { ("quantile", q) } else { ("type", "x") });
                    Labels::from_pairs(pairs)
                })
                .collect()
        })
        .collect()
}

fn mixed() -> Vec<Vec<Labels>> {
    let mut rng = Rng::new(3);
    (0..200)
        .map(|group| {
            (0..500)
                .map(|i| {
                    let (name, own) =
                        (format!("metric_{}", rng.below(2000)), format!("{:016x}", rng.next_u64()));
                    let (a, b, c) = (
                        format!("a-{}", rng.below(50)),
                        format!("path/{}", rng.below(3000)),
                        format!("{group}"),
                    );
                    Labels::from_pairs([
                        ("__name__", name.as_str()),
                        ("id", &own),
                        ("instance", &c),
                        ("job", "mixed"),
                        ("method", ["GET", "POST"][i % 2]),
                        ("path", &b),
                        ("region", &a),
                        ("code", ["200", "404", "500"][i % 3]),
                    ])
                })
                .collect()
        })
        .collect()
}

fn measure(what: &str, targets: &[Vec<Labels>], limit: f64) -> bool {
    let dir = std::env::temp_dir().join(format!("tortie-memory-{}-{what}", std::process::id()));
    let (fs, clock): (Arc<dyn Fs>, Arc<dyn Clock>) = (Arc::new(RealFs), Arc::new(SystemClock::new()));
    let before = ALLOCATOR.held();
    let options = HeadOptions { wal_sync_interval_ms: 0, ..HeadOptions::default() };
    let head =
        Head::open(&dir, &fs, &clock, options, &|_| {}).expect("the temporary directory can be written");
    let mut slots: Vec<Vec<Slot>> = Vec::new();
    let mut b = Batch::default();
    for t in targets {
        b.clear();
        t.iter().for_each(|l| b.push_new(l.clone(), 0, 0.0));
        slots.push(head.commit(&b).expect("nothing can refuse it").new.into_iter().flatten().collect());
    }
    let mut rng = Rng::new(9);
    for round in 1..ROUNDS {
        for t in &slots {
            b.clear();
            for (line, slot) in t.iter().enumerate() {
                let v = match line % 10 {
                    0..=5 => line as f64,
                    6..=8 => (round * (line as u64 % 7 + 1)) as f64,
                    _ => rng.below(100_000) as f64 / 1000.0,
                };
                b.push(*slot, round as i64 * 15_000, v);
            }
            head.commit(&b).expect("nothing can refuse it");
        }
        if round % 20 == 0 {
            head.maintain().expect("the disk has room");
        }
    }
    head.maintain().expect("the disk has room");
    drop(b);
    let held: usize = slots.iter().map(|s| s.capacity() * size_of::<Slot>()).sum();
    let series = head.series_count();
    let used = ALLOCATOR.held() - before - held;
    let per = |bytes: u64| bytes as f64 / series as f64;
    let m = head.memory();
    println!(
        "{what}: {series} series, {:.0} bytes a series by allocator count (limit {limit}), {:.0} by the head's own count",
        per(used as u64),
        per(m.total())
    );
    for (part, bytes) in [
        ("state", m.state),
        ("open chunks", m.chunks),
        ("full chunks", m.full_chunks),
        ("labels", m.labels),
        ("symbols", m.symbols),
        ("postings", m.postings),
        ("index", m.index),
        ("wal", m.wal),
    ] {
        println!("  {part:12} {:6.1}", per(bytes));
    }
    let s = head.stats();
    println!(
        "  {:.2} WAL bytes a sample, {:.2} head chunk bytes a sample",
        s.wal_bytes_written as f64 / s.samples_appended as f64,
        head.chunk_file_bytes() as f64 / s.samples_appended as f64
    );
    drop(head);
    // As after a kill: chunks from their files, the rest from the WAL.
    let head = Head::open(&dir, &fs, &clock, HeadOptions::default(), &|_| {})
        .expect("the directory was just written");
    let again = head.stats();
    println!(
        "  started again in {} ms with {} series, {} samples read",
        again.replay_ms, again.series, s.samples_appended
    );
    assert_eq!((again.series, again.replay_unknown_refs), (s.series, 0), "a start lost series");
    drop(head);
    fs.remove_dir_all(&dir).expect("it was made here");
    per(used as u64) <= limit
}

fn main() {
    // `cargo test` also builds and runs benchmarks; this one takes a minute and says nothing about correctness.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let fine = [measure("fleet", &fleet(), 700.0), measure("mixed", &mixed(), 1000.0)];
    assert!(fine.iter().all(|f| *f), "a series takes more memory than it may");
}
