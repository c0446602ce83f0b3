//! The database over days of simulated time: what was committed is answered, across blocks, merges, retention,
//! restarts, full disks and kills.

use crate::rig::{DIR, HOUR, Rig, START, options};
use crate::series::{expected, read_all};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tortie_host::fs::Fault;
use tortie_host::{Clock, Fs, ManualClock, MemFs, Rng};
use tortie_model::storage::{Newest, Queryable, SelectHints};
use tortie_model::{Columns, Labels, Matcher};
use tortie_tsdb::append::Batch;
use tortie_tsdb::block::META_FILE;
use tortie_tsdb::db::{Db, DbOptions, OpenError};

#[test]
fn three_days_with_restarts_lose_and_double_nothing() {
    let mut rig = Rig::new(options());
    for day in 0..3 {
        rig.run(11);
        rig.check_all();
        rig.restart();
        rig.check_all();
        rig.run(13);
        rig.check_all();
        let q = rig.db().querier(i64::MIN, i64::MAX).unwrap();
        assert_eq!(q.label_values("i", &[], 0).unwrap().len(), 12, "day {day}");
        assert_eq!(q.label_values("i", &[Matcher::equal("half", "low")], 3).unwrap(), ["0", "1", "2"]);
        assert_eq!(q.label_names(&[], 0).unwrap(), ["__name__", "half", "i"]);
    }
    let blocks = rig.db().blocks();
    assert!(blocks.iter().all(|b| b.broken.is_none()));
    // Blocks follow each other without gap or overlap, the older ones merged up to 18 hours.
    for pair in blocks.windows(2) {
        assert_eq!(pair[0].meta.max_time, pair[1].meta.min_time);
    }
    let lengths: BTreeSet<i64> =
        blocks.iter().skip(1).map(|b| (b.meta.max_time - b.meta.min_time) / HOUR).collect();
    assert!(lengths.contains(&18) && lengths.contains(&2), "{lengths:?}");
    assert_eq!(blocks.iter().map(|b| b.meta.compaction.level).max(), Some(3));
    let stats = rig.db().stats();
    assert!(stats.compactions > 5 && stats.compactions_failed == 0, "{stats:?}");
    // The head holds the last hours only.
    assert!(rig.now - rig.db().head().min_time() <= 3 * HOUR + 10 * 60_000);
}

#[test]
fn newest_comes_from_the_head_or_from_a_block() {
    let mut rig = Rig::new(options());
    rig.run(9);
    let q = rig.db().querier(i64::MIN, i64::MAX).unwrap();
    let set =
        q.select(&SelectHints { mint: i64::MIN, maxt: i64::MAX, ..SelectHints::default() }, &[]).unwrap();
    let mut scratch = Columns::default();
    for i in 0..set.len() {
        let samples = &rig.truth[&set.labels(i)];
        for at in [rig.now, rig.now - 90_000, rig.now - 4 * HOUR, rig.now - 8 * HOUR + 1, START] {
            let want = samples.iter().rev().find(|(t, _)| *t <= at && *t > at - 300_000);
            let got = set.newest(i, at - 300_000, at, &mut scratch).unwrap();
            assert_eq!(got, want.map(|&(t, v)| Newest::Float { t, v }), "at {at}");
        }
    }
}

#[test]
fn retention_by_time_takes_whole_blocks_once_they_are_out_of_it() {
    let mut rig =
        Rig::new(DbOptions { retention_ms: 24 * HOUR, max_block_ms: 6 * HOUR, ..DbOptions::default() });
    rig.run(60);
    let newest = rig.db().blocks().iter().map(|b| b.meta.max_time).max().unwrap();
    for b in rig.db().blocks() {
        assert!(newest - b.meta.max_time < 24 * HOUR);
    }
    assert!(rig.db().stats().time_retentions > 0);
    // What is within the retention is all there.
    rig.check(newest - 24 * HOUR + 6 * HOUR, i64::MAX, &[]);
}

#[test]
fn retention_by_size_keeps_the_newest_blocks() {
    let mut rig = Rig::new(options());
    rig.run(30);
    rig.restart();
    let (whole, head) = (rig.db().stats().block_bytes, rig.db().head());
    // WAL and head chunks count as well.
    rig.options.retention_bytes = head.stats().wal_bytes + head.chunk_file_bytes() + whole * 2 / 3;
    rig.restart();
    rig.db().maintain();
    let stats = rig.db().stats();
    assert!(stats.size_retentions == 1 && stats.block_bytes < whole, "{stats:?}");
    rig.check(rig.now - 4 * HOUR, i64::MAX, &[]);
}

#[test]
fn a_full_disk_stops_compaction_with_its_name_and_it_goes_on_later() {
    let mut rig = Rig::new(options());
    rig.run(2);
    // Enough for some minutes of WAL, not for a block as well.
    for room in [300, 2_000] {
        rig.fs.set_fault(None);
        for _ in 0..70 {
            assert!(rig.scrape());
        }
        rig.fs.set_fault(Some(Fault::FullAfter(rig.fs.written() + room)));
        let mut errors = Vec::new();
        for _ in 0..30 {
            rig.scrape();
            errors.extend(rig.db().maintain().errors);
        }
        rig.fs.set_fault(None);
        let named = errors
            .iter()
            .find(|e| e.starts_with("block from the head: write "))
            .unwrap_or_else(|| panic!("{errors:?}"));
        assert!(
            named.contains(DIR) && named.contains("No space left") && named.contains("hint: free space"),
            "{named}"
        );
        assert!(rig.db().stats().compactions_failed > 0 && rig.db().stats().last_error.is_some());
        let left: Vec<String> =
            rig.fs.list(Path::new(DIR)).unwrap().into_iter().filter(|n| n.contains(".tmp")).collect();
        assert_eq!(left, Vec::<String>::new());
    }
    rig.run(8);
    rig.check_all();
    assert_eq!(rig.db().stats().last_error, None);
    rig.restart();
    rig.check_all();
}

#[test]
fn a_kill_at_any_write_of_a_compaction_leaves_a_directory_that_opens_whole() {
    // Bytes that a round of maintenance writes when a block is due.
    let prepare = || {
        let mut rig = Rig::new(options());
        rig.run(8);
        for _ in 0..55 {
            assert!(rig.scrape());
        }
        rig
    };
    let rig = prepare();
    let before = rig.fs.written();
    let done = rig.db().maintain();
    assert!(!done.from_head.is_empty());
    let bytes = rig.fs.written() - before;
    let mut rng = Rng::new(5);
    for _ in 0..12 {
        let mut rig = prepare();
        let cut = rng.below(bytes);
        rig.fs.set_fault(Some(Fault::FullAfter(rig.fs.written() + cut)));
        rig.db().maintain();
        // The process is gone: no close, and what was not synced is lost with the power, except the WAL's last second.
        let db = rig.db.take().unwrap();
        drop(db);
        rig.fs.set_fault(None);
        rig.open();
        rig.check_all();
        rig.db().maintain();
        rig.check_all();
    }
}

#[test]
fn a_power_failure_after_a_block_was_cut_costs_nothing_that_is_in_it() {
    let mut rig = Rig::new(options());
    rig.run(8);
    let until = rig.db().blocks().iter().map(|b| b.meta.max_time).max().unwrap();
    drop(rig.db.take());
    rig.fs.lose_unsynced();
    rig.open();
    rig.check(i64::MIN, until - 1, &[]);
    assert!(rig.db().blocks().iter().all(|b| b.broken.is_none()));
    assert_eq!(rig.db().maintain().errors, Vec::<String>::new());
}

#[test]
fn deleted_series_are_gone_from_head_and_blocks_also_after_cleaning_and_restart() {
    let mut rig = Rig::new(options());
    rig.run(9);
    let (from, to) = (rig.now - 6 * HOUR, rig.now - HOUR);
    let low = [Matcher::equal("half", "low")];
    assert!(rig.db().delete(&low, from, to).unwrap() > 6);
    for (l, s) in &mut rig.truth {
        if l.get("half") == Some("low") {
            s.retain(|(t, _)| !(from..=to).contains(t));
        }
    }
    rig.check_all();
    rig.restart();
    rig.check_all();
    assert!(!rig.db().clean_tombstones().unwrap().merged.is_empty());
    assert!(rig.db().blocks().iter().all(|b| b.meta.stats.num_tombstones == 0));
    rig.check_all();
    rig.run(4);
    rig.check_all();
}

#[test]
fn a_broken_block_is_set_aside_and_the_others_serve() {
    let mut rig = Rig::new(options());
    rig.run(12);
    let victim = rig.db().blocks()[1].meta.clone();
    let index = Path::new(DIR).join(victim.ulid.to_string()).join("index");
    let mut bytes = rig.fs.read(&index).unwrap();
    let n = bytes.len();
    bytes[n - 10] ^= 0xff;
    rig.fs.create(&index).unwrap().append(&bytes).unwrap();
    rig.restart();
    let broken: Vec<_> = rig.db().blocks().into_iter().filter(|b| b.broken.is_some()).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].meta, victim);
    assert!(broken[0].broken.as_ref().unwrap().contains("index"), "{:?}", broken[0].broken);
    rig.check(victim.max_time, i64::MAX, &[]);
    rig.run(3);
    assert!(rig.fs.kind(&index).is_some(), "nothing is deleted that is not superseded");
}

#[test]
fn leftovers_of_a_crash_go_and_superseded_parents_too() {
    let mut rig = Rig::new(options());
    rig.run(7);
    // A merged block whose parents are still there: as a kill between the two leaves it.
    let parent = rig.db().blocks()[0].meta.clone();
    let snapshot = Path::new("/snap");
    rig.db().snapshot(snapshot, false).unwrap();
    rig.run(8);
    assert!(
        rig.db().blocks().iter().any(|b| b.meta.compaction.parents.iter().any(|p| p.ulid == parent.ulid))
    );
    let back = Path::new(DIR).join(parent.ulid.to_string());
    rig.fs.rename(&snapshot.join(parent.ulid.to_string()), &back).unwrap();
    let half = Path::new(DIR).join(format!("{}.tmp-for-creation", parent.ulid));
    rig.fs.create_dir_all(&half).unwrap();
    rig.fs.create(&half.join(META_FILE)).unwrap();
    rig.restart();
    assert!(rig.fs.kind(&back).is_none() && rig.fs.kind(&half).is_none());
    rig.check_all();
}

#[test]
fn a_reader_keeps_the_blocks_it_began_with() {
    let mut rig =
        Rig::new(DbOptions { retention_ms: 6 * HOUR, max_block_ms: 2 * HOUR, ..DbOptions::default() });
    rig.run(10);
    let (mint, maxt) = (i64::MIN, rig.now);
    let want = read_all(rig.db(), mint, maxt, &[]);
    let db = rig.db.take().unwrap();
    let q = db.querier(mint, maxt).unwrap();
    let set = q.select(&SelectHints { mint, maxt, ..SelectHints::default() }, &[]).unwrap();
    // The feeder goes on with its own handle while the reader holds its view.
    let mut batch = Batch::default();
    for k in 1..20 * 60 {
        batch.clear();
        for (l, _) in &rig.series {
            batch.push_new(l.clone(), maxt + k * 60_000, 1.0);
        }
        let done = db.commit(&batch).unwrap();
        db.release(&done.new.iter().flatten().copied().collect::<Vec<_>>());
        if k % 10 == 0 {
            assert_eq!(db.maintain().errors, Vec::<String>::new());
        }
    }
    assert!(db.stats().blocks_waiting > 0);
    let mut columns = Columns::default();
    for i in 0..set.len() {
        set.read(i, mint, maxt, &mut columns).unwrap();
        let got: Vec<_> = columns.t.iter().zip(&columns.v).map(|(&t, v)| (t, v.to_bits())).collect();
        assert_eq!(&got, want.get(&set.labels(i)).map_or(&vec![], |s| s));
    }
    drop(set);
    drop(q);
    db.maintain();
    assert_eq!(db.stats().blocks_waiting, 0);
}

#[test]
fn queries_while_blocks_are_cut_and_merged_miss_and_double_nothing() {
    let fs = MemFs::new();
    let clock = Arc::new(ManualClock::at(START));
    let db = Db::open(Path::new(DIR), Arc::new(fs), Arc::clone(&clock) as Arc<dyn Clock>, options(), &|_| {})
        .unwrap();
    let minutes = 30 * 60;
    let done = std::sync::atomic::AtomicBool::new(false);
    // Until the first commit is there a series has nothing to show.
    let (began, first_commit) = std::sync::mpsc::channel();
    let reads = std::thread::scope(|s| {
        let done = &done;
        let db = &db;
        let reader = s.spawn(move || {
            first_commit.recv().unwrap();
            let mut reads = 0;
            let mut columns = Columns::default();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let q = db.querier(i64::MIN, i64::MAX).unwrap();
                let set = q
                    .select(&SelectHints { mint: i64::MIN, maxt: i64::MAX, ..SelectHints::default() }, &[])
                    .unwrap();
                let mut last = None;
                for i in 0..set.len() {
                    set.read(i, i64::MIN, i64::MAX, &mut columns).unwrap();
                    assert_eq!(columns.t.first().copied(), Some(START));
                    assert!(columns.t.windows(2).all(|w| w[1] - w[0] == 60_000), "a gap or a double");
                    // A commit is seen by all series or by none.
                    assert!(last.is_none_or(|l| l == columns.t.len()), "half a commit");
                    last = Some(columns.t.len());
                    reads += 1;
                }
            }
            reads
        });
        let mut batch = Batch::default();
        for minute in 0..minutes {
            batch.clear();
            for i in 0..7 {
                batch.push_new(
                    Labels::from_pairs([("__name__", "m"), ("i", &i.to_string())]),
                    START + minute * 60_000,
                    minute as f64,
                );
            }
            let committed = db.commit(&batch).unwrap();
            assert_eq!(committed.refused, []);
            if minute == 0 {
                began.send(()).unwrap();
            }
            db.release(&committed.new.iter().flatten().copied().collect::<Vec<_>>());
            if minute % 10 == 0 {
                assert_eq!(db.maintain().errors, Vec::<String>::new());
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(reads > 0 && db.stats().compactions > 12);
}

#[test]
fn blocks_that_somebody_puts_into_the_directory_serve_and_merge() {
    let mut rig = Rig::new(options());
    rig.run(9);
    // A block of the same range under another name, as a back-fill makes it: all its samples are doubles.
    let copy = Path::new("/copy");
    rig.db().snapshot(copy, false).unwrap();
    let other = rig.db().blocks().last().unwrap().meta.clone();
    let stranger: tortie_tsdb::block::Ulid = "01BKGV7JBM69T2G1BGBGM6KB12".parse().unwrap();
    let from = copy.join(other.ulid.to_string());
    let mut meta = other.clone();
    meta.ulid = stranger;
    meta.compaction.sources = vec![stranger];
    meta.write(&rig.fs, &from).unwrap();
    rig.fs.rename(&from, &Path::new(DIR).join(stranger.to_string())).unwrap();
    let done = rig.db().maintain();
    assert_eq!(done.errors, Vec::<String>::new());
    assert_eq!(done.merged.len(), 1);
    assert_eq!(done.merged[0].stats.num_samples, other.stats.num_samples);
    assert_eq!(rig.db().stats().overlapping_compactions, 1);
    rig.check_all();
}

#[test]
fn a_disk_that_cannot_be_read_is_an_error_and_passes() {
    let mut rig = Rig::new(options());
    rig.run(9);
    for _ in 0..110 {
        assert!(rig.scrape());
    }
    rig.fs.set_fault(Some(Fault::ReadFails));
    let q = rig.db().querier(i64::MIN, i64::MAX).unwrap();
    let e = q
        .select(
            &SelectHints { mint: i64::MIN, maxt: i64::MAX, ..SelectHints::default() },
            &[Matcher::equal("half", "low")],
        )
        .err()
        .unwrap();
    assert!(e.to_string().contains("index"), "{e}");
    drop(q);
    assert!(!rig.db().maintain().errors.is_empty());
    rig.fs.set_fault(None);
    assert_eq!(rig.db().maintain().errors, Vec::<String>::new());
    assert!(rig.db().blocks().iter().all(|b| !b.meta.compaction.failed));
    rig.check_all();
}

#[test]
fn a_second_process_is_told_who_holds_the_directory() {
    let rig = Rig::new(options());
    let again =
        Db::open(Path::new(DIR), Arc::new(rig.fs.clone()), Arc::new(ManualClock::at(0)), options(), &|_| {});
    assert!(matches!(again, Err(OpenError::Locked { .. })));
    drop(again);
    // The holder goes on.
    assert_eq!(rig.db().maintain().errors, Vec::<String>::new());
}

#[test]
fn a_snapshot_is_a_directory_of_its_own() {
    let mut rig = Rig::new(options());
    rig.run(9);
    let to = Path::new("/copies/one");
    rig.db().snapshot(to, true).unwrap();
    let copy = Db::open(to, Arc::new(rig.fs.clone()), Arc::new(ManualClock::at(rig.now)), options(), &|_| {})
        .unwrap();
    assert_eq!(read_all(&copy, i64::MIN, i64::MAX, &[]), expected(&rig.truth, i64::MIN, i64::MAX, &[]));
    assert!(rig.db().snapshot(Path::new(DIR), true).is_err());
}
