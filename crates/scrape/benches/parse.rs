//! How long a sample takes from the body to a row of the batch, by way of recognition.
//!
//! `cargo bench -p tortie-scrape`: prints nanoseconds a sample, the best and the median of the rounds, for a body of
//! the shape of a Felix (280 samples, a third of them with labels, summaries, exponents, some NaN).
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // a program that measures

use std::hint::black_box;
use std::time::Instant;
use tortie_scrape::bench::Reader;

const ROUNDS: usize = 2000;

fn main() {
    let bodies = [body(1), body(2)];
    let samples = bodies[0].lines().filter(|l| !l.starts_with('#')).count();
    println!("body: {} bytes, {samples} samples", bodies[0].len());
    measure("predicted by position", samples, || Reader::new(&bodies[0]), |r, i| r.read(&bodies[i % 2]));
    let other = format!("{}one_more 1\n", bodies[1]);
    measure(
        "one line more or less",
        samples,
        || Reader::new(&bodies[0]),
        |r, i| r.read(if i % 2 == 0 { &other } else { &bodies[0] }),
    );
    measure(
        "first sight",
        samples,
        || Reader::new(""),
        |r, _| {
            r.forget();
            r.read(&bodies[0])
        },
    );
}

fn measure(
    what: &str,
    samples: usize,
    start: impl Fn() -> Reader,
    run: impl Fn(&mut Reader, usize) -> usize,
) {
    let mut reader = start();
    let mut times: Vec<u64> = (0..ROUNDS)
        .map(|i| {
            let from = Instant::now();
            black_box(run(&mut reader, i));
            from.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    let of = |i: usize| times[i] as f64 / samples as f64;
    println!("{what}: best {:.1} ns, median {:.1} ns a sample", of(0), of(ROUNDS / 2));
}

/// Counters, gauges, summaries and `go_*` in the proportions of Felix.
fn body(seed: u64) -> String {
    let mut out = String::new();
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        x >> 33
    };
    for i in 0..60 {
        out.push_str(&format!("# HELP felix_counter_{i}_total Number of things that happened of kind {i}.\n# TYPE felix_counter_{i}_total counter\n"));
        out.push_str(&format!("felix_counter_{i}_total {}\n", next() % 10_000));
    }
    for i in 0..12 {
        out.push_str(&format!(
            "# HELP felix_summary_{i}_seconds Time spent.\n# TYPE felix_summary_{i}_seconds summary\n"
        ));
        for q in ["0.5", "0.9", "0.99"] {
            let v = if next() % 3 == 0 { "NaN".to_owned() } else { format!("{:.9}", next() as f64 / 1e10) };
            out.push_str(&format!("felix_summary_{i}_seconds{{quantile=\"{q}\"}} {v}\n"));
        }
        out.push_str(&format!(
            "felix_summary_{i}_seconds_sum {}\nfelix_summary_{i}_seconds_count {}\n",
            next() as f64 / 1e6,
            next() % 1000
        ));
    }
    for i in 0..130 {
        out.push_str(&format!(
            "felix_iptables_rules{{ip_version=\"4\",table=\"filter\",chain=\"cali-{i}\"}} {}\n",
            next() % 100
        ));
    }
    for i in 0..30 {
        out.push_str(&format!("go_memstats_{i}_bytes {:e}\n", (next() % 1_000_000) as f64 * 64.0));
    }
    out
}
