//! Cost of a sample: 500 targets with 290 lines each, in slot order, in random order, with and without the WAL.
//!
//! What is measured is the CPU time of the committing thread, so that a busy machine does not count.

#![allow(clippy::disallowed_methods, missing_docs)] // a benchmark reads the kernel's account of its thread

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tortie_host::{Clock, Fs, RealFs, Rng, SystemClock};
use tortie_model::Labels;
use tortie_tsdb::append::{Batch, Slot};
use tortie_tsdb::head::{Head, HeadOptions};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TARGETS: usize = 500;
const LINES: usize = 290;

/// What a line's value does: most stand still, some count, few are measured.
fn value(line: usize, round: u64) -> f64 {
    match line % 10 {
        0..=5 => line as f64,
        6..=8 => (round * (line as u64 % 7 + 1)) as f64,
        _ => 0.25 + ((round * 2_654_435_761 + line as u64) % 1000) as f64 / 1000.0,
    }
}

fn fill(head: &Head) -> Vec<Vec<Slot>> {
    (0..TARGETS)
        .map(|target| {
            let mut b = Batch::default();
            for line in 0..LINES {
                let (name, instance) =
                    (format!("felix_metric_{line}"), format!("10.0.{}.{}:9091", target / 250, target % 250));
                b.push_new(
                    Labels::from_pairs([
                        ("__name__", name.as_str()),
                        ("instance", &instance),
                        ("job", "felix"),
                    ]),
                    0,
                    0.0,
                );
            }
            head.commit(&b).expect("nothing can refuse it").new.into_iter().flatten().collect()
        })
        .collect()
}

/// CPU time of this thread so far, from the scheduler.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("the kernel keeps scheduler statistics");
    Duration::from_nanos(
        text.split(' ').next().and_then(|n| n.parse().ok()).expect("its first field is nanoseconds"),
    )
}

/// CPU time of `rounds` rounds in which every target commits once.
fn run(head: &Head, targets: &[Vec<(Slot, usize)>], round: &mut u64, rounds: u64) -> Duration {
    let mut spent = Duration::ZERO;
    let mut batches: Vec<Batch> = targets.iter().map(|_| Batch::default()).collect();
    for _ in 0..rounds {
        *round += 1;
        let t = *round as i64 * 15_000;
        for (target, b) in targets.iter().zip(&mut batches) {
            b.clear();
            for (slot, line) in target {
                b.push(*slot, t, value(*line, *round));
            }
        }
        let start = cpu();
        for b in &batches {
            black_box(head.commit(b).expect("nothing can refuse it"));
        }
        spent += cpu() - start;
        if round.is_multiple_of(240) {
            head.truncate(t - 3_600_000).expect("the disk has room");
        }
    }
    spent
}

fn bench(c: &mut Criterion) {
    let mut g = c.benchmark_group("append");
    g.throughput(Throughput::Elements((TARGETS * LINES) as u64));
    g.sample_size(20);
    let options = HeadOptions::default();

    let head = Head::in_memory(options.clone());
    let ordered: Vec<Vec<(Slot, usize)>> =
        fill(&head).into_iter().map(|t| t.into_iter().enumerate().map(|(i, s)| (s, i)).collect()).collect();
    let mut round = 0;
    g.bench_function("slot order", |b| b.iter_custom(|n| run(&head, &ordered, &mut round, n)));

    let mut all: Vec<(Slot, usize)> = ordered.iter().flatten().copied().collect();
    let mut rng = Rng::new(7);
    for i in (1..all.len()).rev() {
        all.swap(i, rng.below(i as u64 + 1) as usize);
    }
    let shuffled: Vec<Vec<(Slot, usize)>> = all.chunks(LINES).map(<[_]>::to_vec).collect();
    g.bench_function("random order", |b| b.iter_custom(|n| run(&head, &shuffled, &mut round, n)));
    drop(head);

    let dir = std::env::temp_dir().join(format!("tortie-bench-{}", std::process::id()));
    let (fs, clock): (Arc<dyn Fs>, Arc<dyn Clock>) = (Arc::new(RealFs), Arc::new(SystemClock::new()));
    let head = Head::open(Path::new(&dir), &fs, &clock, options, &|_| {})
        .expect("the temporary directory can be written");
    let ordered: Vec<Vec<(Slot, usize)>> =
        fill(&head).into_iter().map(|t| t.into_iter().enumerate().map(|(i, s)| (s, i)).collect()).collect();
    let mut round = 0;
    g.bench_function("slot order with WAL", |b| b.iter_custom(|n| run(&head, &ordered, &mut round, n)));
    drop(head);
    fs.remove_dir_all(&dir).expect("it was made here");
    g.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
