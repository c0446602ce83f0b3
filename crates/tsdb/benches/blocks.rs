//! Head to block, merge of blocks and queries on them for a fleet: 500 targets of 290 series, printed with the memory
//! at each step. Run by `cargo bench -p tortie-tsdb --bench blocks`.

#![allow(clippy::disallowed_methods, clippy::print_stdout)] // a benchmark reads the clock and prints

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use tortie_host::limits::anonymous_rss;
use tortie_host::{Clock, ManualClock, RealFs};
use tortie_model::storage::{Queryable, SelectHints};
use tortie_model::{Columns, Labels, Matcher};
use tortie_tsdb::append::{Batch, Slot};
use tortie_tsdb::db::{Db, DbOptions};

const TARGETS: usize = 500;
const LINES: usize = 290;
const STEP: i64 = 30_000;
const HOUR: i64 = 3_600_000;
/// At the border of a range of 6 hours.
const START: i64 = 78_667 * 6 * HOUR;

fn labels(target: usize, line: usize) -> Labels {
    let (pod, node) = (format!("calico-node-{target:04}"), format!("node-{target}"));
    let (name, le) = (format!("felix_metric_{}", line / 2), line % 2);
    Labels::from_pairs([
        ("__name__", name.as_str()),
        ("instance", &format!("10.0.{}.{}:9091", target / 250, target % 250)),
        ("job", "felix-metrics"),
        ("namespace", "calico-system"),
        ("node", &node),
        ("pod", &pod),
        ("quantile", ["0.5", "0.9"][le]),
    ])
}

fn value(line: usize, step: i64) -> f64 {
    match line % 4 {
        // Three in four lines of a real Felix hardly move.
        0 | 1 => line as f64,
        2 => (step / 7) as f64,
        _ => (step * 31 % 1009) as f64 * 0.25,
    }
}

/// Processor time of this process in milliseconds; the kernel counts in steps of ten.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().unwrap() * 10).sum()
}

/// Runs `f` and prints how long it took and how far memory rose meanwhile.
fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watcher = {
        let (stop, peak) = (Arc::clone(&stop), Arc::clone(&peak));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_rss(), Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        })
    };
    let before = anonymous_rss();
    let cpu = cpu_ms();
    let start = Instant::now();
    let out = f();
    let took = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let mib = |b: u64| b as f64 / f64::from(1 << 20);
    let peak = peak.load(Ordering::Relaxed).max(before);
    println!(
        "{what:<40} {:>9.1} ms, {:>6} of cpu   memory {:>7.1} MiB before, {:>7.1} at most",
        took.as_secs_f64() * 1e3,
        cpu_ms() - cpu,
        mib(before),
        mib(peak)
    );
    out
}

fn main() {
    let tmp = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let options = DbOptions { retention_ms: 0, ..DbOptions::default() };
    let db = Db::open(tmp.path(), Arc::new(RealFs), Arc::clone(&clock) as Arc<dyn Clock>, options, &|_| {})
        .unwrap();
    let mut slots: Vec<Vec<Slot>> = vec![Vec::new(); TARGETS];
    let mut batch = Batch::default();
    let mut step = 0;
    let mut feed = |until: i64| {
        while START + step * STEP < until {
            let now = START + step * STEP;
            clock.set(now);
            for (target, slots) in slots.iter_mut().enumerate() {
                batch.clear();
                for line in 0..LINES {
                    match slots.get(line) {
                        Some(&s) => batch.push(s, now, value(line, step)),
                        None => batch.push_new(labels(target, line), now, value(line, step)),
                    }
                }
                let done = db.commit(&batch).unwrap();
                slots.extend(done.new.into_iter().flatten());
            }
            step += 1;
            if step % 20 == 0 {
                assert_eq!(db.head().maintain().map_err(|e| e.to_string()), Ok(()));
            }
        }
    };
    println!("{} series, a sample each {} s", TARGETS * LINES, STEP / 1000);
    timed("commit 3 h 10 min", || feed(START + 3 * HOUR + HOUR / 6));
    let done = timed("block of 2 h from the head", || db.maintain());
    assert_eq!((done.from_head.len(), done.errors.len()), (1, 0));
    let stats = done.from_head[0].stats;
    println!(
        "  {} samples in {} chunks, block of {:.2} B a sample",
        stats.num_samples,
        stats.num_chunks,
        db.stats().block_bytes as f64 / stats.num_samples as f64
    );
    for hours in [5, 7, 9] {
        timed("commit 2 h", || feed(START + hours * HOUR + HOUR / 6));
        let done = timed("block from the head, and merge if due", || db.maintain());
        println!(
            "  {} from the head, {} merged, errors {:?}",
            done.from_head.len(),
            done.merged.len(),
            done.errors
        );
    }
    queries(&db, START + 4 * HOUR);
    db.close().unwrap();
    let dir: &Path = tmp.path();
    drop(db);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START + 10 * HOUR));
    timed("open again", || {
        Db::open(dir, Arc::new(RealFs), clock, DbOptions::default(), &|_| {}).unwrap().blocks().len()
    });
}

fn queries(db: &Db, to: i64) {
    let from = to - 2 * HOUR;
    let hints = SelectHints { mint: from, maxt: to, ..SelectHints::default() };
    let q = db.querier(from, to).unwrap();
    let mut columns = Columns::default();
    for round in ["cold", "warm"] {
        let one = [Matcher::equal("__name__", "felix_metric_7")];
        let set =
            timed(&format!("select 1,000 series by name ({round})"), || q.select(&hints, &one).unwrap());
        timed(&format!("read 2 h of {} series ({round})", set.len()), || {
            let mut samples = 0;
            for i in 0..set.len() {
                set.read(i, from, to, &mut columns).unwrap();
                samples += columns.t.len();
            }
            println!("  {samples} samples");
        });
    }
    let regex = [
        Matcher::new(tortie_model::MatchOp::Regex, "pod", "calico-node-0[0-2].*").unwrap(),
        Matcher::equal("__name__", "felix_metric_9"),
    ];
    timed("select by name and a regular expression", || q.select(&hints, &regex).unwrap().len());
    timed("values of a label", || q.label_values("pod", &[], 0).unwrap().len());
}
