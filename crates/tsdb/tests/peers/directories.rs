//! Whole data directories: ours opened by the real Prometheus after a clean end and after a kill, and the other way.

use crate::promtool::{Prometheus, dump, promtool};
use crate::series::{Truth, read_all};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Clock, ManualClock, RealFs, Rng, SystemClock};
use tortie_model::{Labels, stale};
use tortie_tsdb::append::Batch;
use tortie_tsdb::db::{Db, DbOptions, OpenError};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const START: i64 = 1_700_000_000_000;
const HOURS: i64 = 50;

type Samples = BTreeMap<String, Vec<(i64, u64)>>;

fn open(dir: &Path, clock: Arc<dyn Clock>) -> Db {
    let options = DbOptions { retention_ms: 0, max_block_ms: 18 * HOUR, ..DbOptions::default() };
    Db::open(dir, Arc::new(RealFs), clock, options, &|_| {}).unwrap()
}

/// Writes two days into `dir`, with gaps, stale markers, values of all kinds, and maintenance every ten minutes.
fn write(dir: &Path) -> (Db, Truth) {
    let clock = Arc::new(ManualClock::at(START));
    let db = open(dir, Arc::clone(&clock) as Arc<dyn Clock>);
    let mut truth = Truth::new();
    let mut rng = Rng::new(23);
    let labels: Vec<Labels> = (0..40)
        .map(|i| {
            let (i, node) = (i.to_string(), format!("nöde-{}", i % 5));
            Labels::from_pairs([
                ("__name__", "tortie_test_metric"),
                ("i", i.as_str()),
                ("node", node.as_str()),
                ("text", "a\"b\\c"),
            ])
        })
        .collect();
    let mut batch = Batch::default();
    for minute in 0..HOURS * 60 {
        let now = START + minute * MINUTE + 13;
        clock.set(now);
        batch.clear();
        for (k, l) in labels.iter().enumerate() {
            let phase = (minute / 90 + k as i64) % 7;
            let v = match (k % 5, phase) {
                // Away for an hour and a half, after a stale marker.
                (4, 0) if minute % 90 == 0 => stale::stale_nan(),
                (4, 0) => continue,
                (0, _) => minute as f64,
                (1, _) => rng.unit() * 1e3,
                (2, _) => 7.0,
                (3, _) => [f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e-300][(minute % 4) as usize],
                _ => rng.below(1000) as f64 / 10.0,
            };
            batch.push_new(l.clone(), now, v);
            truth.entry(l.clone()).or_default().push((now, v));
        }
        let done = db.commit(&batch).unwrap();
        assert_eq!(done.refused, []);
        db.release(&done.new.iter().flatten().copied().collect::<Vec<_>>());
        if minute % 10 == 0 {
            assert_eq!(db.maintain().errors, Vec::<String>::new());
        }
    }
    (db, truth)
}

fn printed(l: &Labels) -> String {
    let pairs: Vec<String> = l.iter().map(|(n, v)| format!("{n}={}", go_quoted(v))).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn go_quoted(v: &str) -> String {
    format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Bits, with all NaNs as one: promtool prints no more.
fn bits(v: f64) -> u64 {
    if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() }
}

fn of_truth(truth: &Truth) -> Samples {
    truth.iter().map(|(l, s)| (printed(l), s.iter().map(|&(t, v)| (t, bits(v))).collect())).collect()
}

fn of_dump(dir: &Path) -> Samples {
    dump(dir).into_iter().map(|(l, s)| (l, s.into_iter().map(|(t, v)| (t, bits(v))).collect())).collect()
}

fn of_db(db: &Db) -> Samples {
    let all = read_all(db, i64::MIN, i64::MAX, &[]);
    all.into_iter()
        .map(|(l, s)| (printed(&l), s.into_iter().map(|(t, v)| (t, bits(f64::from_bits(v)))).collect()))
        .collect()
}

fn same(what: &str, got: &Samples, want: &Samples) {
    assert_eq!(got.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>(), "{what}: series");
    for (l, w) in want {
        let g = &got[l];
        let first = g.iter().zip(w).position(|(a, b)| a != b);
        assert!(
            g == w,
            "{what}: {l}: {} samples, {} are right, the first that differs is {first:?}",
            g.len(),
            w.len()
        );
    }
}

/// Prometheus on `dir` answers `truth` and has nothing to complain about.
fn prometheus_agrees(dir: &Path, truth: &Truth, after_kill: bool) {
    promtool(&["tsdb", "list", dir.to_str().unwrap()]);
    promtool(&["tsdb", "analyze", dir.to_str().unwrap()]);
    same("promtool dump", &of_dump(dir), &of_truth(truth));

    let prometheus = Prometheus::start(dir, "", &["--storage.tsdb.retention.time=20y"]);
    let got = prometheus.all_samples(START + HOURS * HOUR, HOURS + 1);
    let want: BTreeMap<BTreeMap<String, String>, Vec<(i64, u64)>> = truth
        .iter()
        .map(|(l, s)| {
            let samples =
                s.iter().filter(|(_, v)| !stale::is_stale(*v)).map(|&(t, v)| (t, bits(v))).collect();
            (l.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(), samples)
        })
        .collect();
    let got: BTreeMap<_, Vec<(i64, u64)>> =
        got.into_iter().map(|(l, s)| (l, s.into_iter().map(|(t, v)| (t, bits(v))).collect())).collect();
    assert!(got == want, "Prometheus answers something else");
    let mut complaints = prometheus.stop();
    if after_kill {
        // The lock file is there because nobody could remove it; Prometheus says so after a kill of its own as well.
        complaints.retain(|l| !l.contains("A lockfile from a previous execution already existed"));
    }
    assert_eq!(complaints, Vec::<String>::new());
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn prometheus_takes_over_our_directory_and_gives_it_back() {
    let tmp = tempfile::tempdir().unwrap();
    let (live, killed) = (tmp.path().join("live"), tmp.path().join("killed"));
    let (db, truth) = write(&live);
    let levels: Vec<u32> = db.blocks().iter().map(|b| b.meta.compaction.level).collect();
    assert!(levels.contains(&3) && levels.contains(&1), "{levels:?}");
    same("our own answer", &of_db(&db), &of_truth(&truth));
    // What a kill leaves: the files as they are while the process runs.
    copy_dir(&live, &killed);
    db.close().unwrap();
    drop(db);
    prometheus_agrees(&live, &truth, false);
    prometheus_agrees(&killed, &truth, true);
    for dir in [&live, &killed] {
        let db = open(dir, Arc::new(SystemClock::new()));
        assert_eq!(db.stats().blocks_broken, 0);
        same("after Prometheus had it", &of_db(&db), &of_truth(&truth));
        db.close().unwrap();
    }
}

#[test]
fn we_open_what_prometheus_wrote() {
    let tmp = tempfile::tempdir().unwrap();
    let data = tmp.path().join("data");
    // It scrapes itself by a port that is free now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n- job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let prometheus = Prometheus::start(&data, &config, &[&listen]);
    prometheus.wait_for("prometheus_tsdb_head_samples_appended_total > 40000");
    prometheus.stop();

    let want = of_dump(&data);
    assert!(want.len() > 500);
    let db = open(&data, Arc::new(SystemClock::new()));
    same("opened by us", &of_db(&db), &want);
    db.close().unwrap();
    same("after we had it", &of_dump(&data), &want);
}

#[test]
fn the_lock_keeps_either_out() {
    let tmp = tempfile::tempdir().unwrap();
    let data = tmp.path().join("data");
    let prometheus = Prometheus::start(&data, "", &[]);
    let options = DbOptions::default();
    let second = Db::open(&data, Arc::new(RealFs), Arc::new(SystemClock::new()), options, &|_| {});
    assert!(matches!(second, Err(OpenError::Locked { .. })));
    prometheus.stop();

    let db = open(&data, Arc::new(SystemClock::new()));
    let refused = std::process::Command::new(crate::promtool::bin("prometheus"))
        .arg(format!("--config.file={}", data.with_extension("yml").display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let log = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(log.contains("lock DB directory"), "{log}");
    db.close().unwrap();
}
