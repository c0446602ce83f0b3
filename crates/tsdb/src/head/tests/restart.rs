//! Kills, clean ends and damage: what was committed comes back.

use super::*;
use proptest::prelude::*;
use tortie_host::fs::Fault;

#[test]
fn kill_and_clean_end_bring_back_the_same() {
    for clean in [false, true] {
        let fs = MemFs::new();
        let head = open(&fs);
        for k in 0..200 {
            put(&head, 20, k * 30, k as f64);
            if k == 120 {
                head.maintain().unwrap();
            }
        }
        let want = dump(&head);
        let (mint, maxt) = (head.min_time(), head.max_time());
        if clean {
            head.close().unwrap();
        }
        drop(head);
        let head = open(&fs);
        assert_eq!(dump(&head), want, "clean {clean}");
        assert_eq!((head.min_time(), head.max_time()), (mint, maxt));
        let s = head.stats();
        assert_eq!((s.series, s.wal_corruptions, s.chunk_corruptions, s.replay_unknown_refs), (20, 0, 0, 0));
        // The last two samples are known again.
        let view = head.view(i64::MIN, i64::MAX);
        let set = view.select(&SelectHints::default(), &[Matcher::equal("i", "3")]).unwrap();
        for at in [199 * 30, 199 * 30 - 1] {
            let mut a = Columns::default();
            let newest = set.newest(0, 0, at, &mut a).unwrap();
            set.read(0, 1, at, &mut a).unwrap();
            let t = *a.t.last().unwrap();
            assert_eq!(newest, Some(tortie_model::storage::Newest::Float { t, v: *a.v.last().unwrap() }));
        }
        drop(set);
        drop(view);
        put(&head, 20, 200 * 30, 0.0);
        assert_eq!(dump(&head)[0].1.len(), 201);
    }
}

#[test]
fn values_known_only_from_chunks_are_learnt() {
    let fs = MemFs::new();
    let head = open(&fs);
    for t in [100, 200, 300, 1100] {
        put(&head, 2, t, t as f64);
    }
    head.maintain().unwrap();
    let want = dump(&head);
    drop(head);
    // The WAL is gone, the journal and the chunks are left.
    fs.remove_dir_all(Path::new("/data/wal")).unwrap();
    let head = open(&fs);
    let got = dump(&head);
    assert_eq!(got[1].1, want[1].1[..3]);
    assert_eq!(head.commit_one(300, 7.0), Some(crate::append::Refusal::DuplicateTimestamp));
    assert_eq!(head.commit_one(300, 300.0), None);
}

impl Head {
    fn commit_one(&self, t: i64, v: f64) -> Option<crate::append::Refusal> {
        let mut b = Batch::default();
        b.push_new(labels("m", 0), t, v);
        self.commit(&b).unwrap().refused.first().map(|r| r.1)
    }
}

/// Three commits of ten series each; returns the bytes of the log and where its three records of samples begin.
fn small_log() -> (MemFs, Vec<u8>) {
    let fs = MemFs::new();
    let head = open(&fs);
    for t in [10, 20, 30] {
        put(&head, 10, t, t as f64);
    }
    drop(head);
    let bytes = fs.read(Path::new("/data/wal/00000000")).unwrap();
    (fs, bytes)
}

#[test]
fn a_flip_anywhere_in_the_log_costs_one_commit_and_no_series() {
    let (_, bytes) = small_log();
    for (at, byte) in bytes.iter().enumerate() {
        let (fs, _) = small_log();
        fs.open_rw(Path::new("/data/wal/00000000")).unwrap().write_all_at(&[byte ^ 0x40], at as u64).unwrap();
        // An earlier segment: a later one shows that reading goes on.
        let n: usize = {
            let head = open(&fs);
            assert_eq!(head.series_count(), 10, "flip at {at}");
            let s = head.stats();
            assert_eq!(s.replay_unknown_refs, 0, "flip at {at}");
            let got = dump(&head);
            put(&head, 10, 40, 40.0);
            got.iter().map(|(_, s)| s.len()).sum()
        };
        assert!(n == 30 || n == 20, "flip at {at}: {n} samples");
        // Mended: the next start finds nothing wrong.
        let head = open(&fs);
        assert_eq!(head.stats().wal_corruptions, 0, "flip at {at}");
        assert_eq!(dump(&head).iter().map(|(_, s)| s.len()).sum::<usize>(), n + 10, "flip at {at}");
    }
}

#[test]
fn damage_in_the_middle_is_counted_and_the_original_kept() {
    let (fs, bytes) = small_log();
    let head = open(&fs);
    put(&head, 10, 40, 0.0);
    drop(head);
    fs.open_rw(Path::new("/data/wal/00000000")).unwrap().write_all_at(&[bytes[20] ^ 1], 20).unwrap();
    let head = open(&fs);
    assert_eq!(head.stats().wal_corruptions, 1);
    assert_eq!(fs.list(Path::new("/data/quarantine")).unwrap(), ["wal-00000000"]);
    assert_eq!(dump(&head)[0].1.len(), 4, "the series record was hit: the journal has it");
}

#[test]
fn a_missing_segment_leaves_no_hole() {
    let fs = MemFs::new();
    for t in [10, 20, 30] {
        let head = open(&fs);
        put(&head, 10, t, 0.0);
    }
    fs.remove_file(Path::new("/data/wal/00000001")).unwrap();
    let head = open(&fs);
    assert_eq!(dump(&head)[0].1.len(), 2);
    assert_eq!(crate::wal::segments::list_segments(&fs, Path::new("/data/wal")).unwrap(), [0, 1, 2, 3]);
}

#[test]
fn a_failed_sync_logs_again() {
    let fs = MemFs::new();
    let head = open_with(&fs, HeadOptions { wal_sync_interval_ms: 3_600_000, ..options() });
    put(&head, 3, 10, 0.0);
    fs.set_fault(Some(Fault::SyncFails));
    assert!(head.disk.as_ref().unwrap().wal.sync().is_err());
    fs.set_fault(None);
    put(&head, 3, 20, 0.0);
    head.disk.as_ref().unwrap().wal.sync().unwrap();
    let want = dump(&head);
    assert_eq!(head.stats().wal_syncs_failed, 1);
    drop(head);
    fs.set_fault(None);
    // The pages of the failed sync never reached the disk.
    fs.open_rw(Path::new("/data/wal/00000000")).unwrap().set_len(0).unwrap();
    assert_eq!(dump(&open(&fs)), want);
}

#[test]
fn power_loss_keeps_what_was_synced() {
    let fs = MemFs::new();
    let head = open_with(&fs, HeadOptions { wal_sync_interval_ms: 3_600_000, ..options() });
    put(&head, 3, 10, 0.0);
    head.disk.as_ref().unwrap().wal.sync().unwrap();
    let want = dump(&head);
    put(&head, 3, 20, 0.0);
    drop(head);
    fs.lose_unsynced();
    assert_eq!(dump(&open(&fs)), want);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_life_comes_back(ops in prop::collection::vec(0u8..12, 1..60), seed in any::<u64>()) {
        let fs = MemFs::new();
        let mut head = open(&fs);
        let mut rng = tortie_host::Rng::new(seed);
        let mut t = 0i64;
        for op in ops {
            match op {
                0..=7 => {
                    for _ in 0..rng.below(20) {
                        t += 1 + rng.below(60) as i64;
                        put(&head, 1 + rng.below(12) as usize, t, rng.unit());
                    }
                }
                8 => head.maintain().unwrap(),
                9 => {
                    let mint = head.max_time().saturating_sub(1500);
                    if head.is_initialized() && mint > head.min_time() {
                        head.truncate(mint).unwrap();
                    }
                }
                10 => {
                    let (want, floor) = (dump(&head), if head.is_initialized() { head.min_time() } else { i64::MIN });
                    head.close().unwrap();
                    drop(head);
                    head = open_with(&fs, HeadOptions { min_valid_time: floor, ..options() });
                    prop_assert_eq!(dump(&head), want);
                }
                _ => {
                    let (want, floor) = (dump(&head), if head.is_initialized() { head.min_time() } else { i64::MIN });
                    drop(head);
                    head = open_with(&fs, HeadOptions { min_valid_time: floor, ..options() });
                    prop_assert_eq!(dump(&head), want);
                }
            }
        }
        prop_assert_eq!(head.stats().replay_unknown_refs, 0);
        prop_assert_eq!(head.stats().wal_corruptions, 0);
    }
}
