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

#[path = "felix.rs"]
mod felix;
use felix::body;
