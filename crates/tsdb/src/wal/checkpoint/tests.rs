//! What a checkpoint keeps, and what an interrupted or failing one leaves.

use super::*;
use crate::wal::record::{RefSample, RefTombstone, SamplesEncoder};
use tortie_host::MemFs;
use tortie_host::fs::Fault;
use tortie_model::Labels;

const DIR: &str = "/wal";

fn series(ids: &[u64]) -> Vec<u8> {
    let mut rec = Vec::new();
    record::begin_series(&mut rec);
    for id in ids {
        record::put_series(&mut rec, *id, 1, [("__name__", format!("m{id}").as_str())].into_iter());
    }
    rec
}

fn samples(rows: &[(u64, i64)]) -> Vec<u8> {
    let (mut rec, mut enc) = (Vec::new(), SamplesEncoder::default());
    for (id, t) in rows {
        enc.put(&mut rec, *id, *t, 0);
    }
    rec
}

/// Two segments: three series with samples at 10 and 20, a tombstone, an exemplar record.
fn log() -> (MemFs, Arc<dyn Fs>) {
    let fs = MemFs::new();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let options = WalOptions { compress: true, segment_size: 128 << 20, sync_interval_ms: 0 };
    let w = Wal::create(Arc::clone(&shared), Path::new(DIR), 0, options, None).unwrap();
    w.log(&[&series(&[1, 2, 3]), &samples(&[(1, 10), (2, 10), (3, 10)])]).unwrap();
    w.next_segment().unwrap();
    let mut stones = Vec::new();
    record::put_tombstones(
        &mut stones,
        &[RefTombstone { ref_id: 1, mint: 0, maxt: 5 }, RefTombstone { ref_id: 2, mint: 0, maxt: 30 }],
    );
    w.log(&[&samples(&[(1, 20), (2, 20)]), &stones, &[4, 0]]).unwrap();
    w.next_segment().unwrap();
    (fs, shared)
}

type Content = (Vec<(u64, Labels)>, Vec<RefSample>, Vec<RefTombstone>, usize);

fn content(fs: &dyn Fs, n: u64) -> Content {
    let dir = checkpoint_path(Path::new(DIR), n);
    let mut c: Content = Default::default();
    for s in list_segments(fs, &dir).unwrap() {
        let mut r = SegmentReader::open(fs, &segment_path(&dir, s)).unwrap();
        while let Some(rec) = r.next_record().unwrap() {
            match record::kind(rec) {
                Kind::Series => record::series(rec, |r, l| c.0.push((r, l))).unwrap(),
                Kind::Samples => record::samples(rec, &mut c.1).unwrap(),
                Kind::Tombstones => record::tombstones(rec, &mut c.2).unwrap(),
                Kind::MinValidTime => {}
                _ => c.3 += 1,
            }
        }
        assert!(r.into_damage().is_empty());
    }
    c
}

#[test]
fn keeps_what_is_still_needed() {
    let (fs, shared) = log();
    let stats = write(&shared, Path::new(DIR), 1, 15, true, &|id| id != 3).unwrap();
    assert_eq!((stats.series, stats.series_dropped, stats.samples, stats.samples_dropped), (2, 1, 2, 3));
    let (s, v, t, other) = content(&fs, 1);
    assert_eq!(s.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(v.iter().map(|s| (s.ref_id, s.t)).collect::<Vec<_>>(), [(1, 20), (2, 20)]);
    assert_eq!(t, [RefTombstone { ref_id: 2, mint: 0, maxt: 30 }]);
    assert_eq!(other, 1, "exemplars are copied");
    assert_eq!(read_min_valid_time(&fs, &checkpoint_path(Path::new(DIR), 1)).unwrap(), Some(15));
    remove_superseded(&fs, Path::new(DIR), 1).unwrap();
    assert_eq!(list_segments(&fs, Path::new(DIR)).unwrap(), [2]);
    // The next one builds on it, and its time never goes back.
    write(&shared, Path::new(DIR), 2, 12, true, &|_| true).unwrap();
    remove_superseded(&fs, Path::new(DIR), 2).unwrap();
    assert_eq!(list_checkpoints(&fs, Path::new(DIR)).unwrap(), [2]);
    assert_eq!(content(&fs, 2).0.len(), 2);
    assert_eq!(read_min_valid_time(&fs, &checkpoint_path(Path::new(DIR), 2)).unwrap(), Some(15));
}

#[test]
fn damage_is_left_out_and_counted() {
    let (fs, shared) = log();
    let path = segment_path(Path::new(DIR), 0);
    let len = fs.read(&path).unwrap().iter().rposition(|b| *b != 0).unwrap();
    fs.open_rw(&path).unwrap().write_all_at(b"\xff", len as u64).unwrap();
    let stats = write(&shared, Path::new(DIR), 1, 0, true, &|_| true).unwrap();
    assert_eq!((stats.damage.len(), stats.samples), (1, 2), "the second record of the first segment was hit");
}

#[test]
fn a_full_disk_leaves_the_old_state() {
    let (fs, shared) = log();
    let start = fs.written();
    write(&shared, Path::new(DIR), 1, 0, true, &|_| true).unwrap();
    let needed = fs.written() - start;
    for room in (0..needed).step_by(997) {
        let (fs, shared) = log();
        fs.set_fault(Some(Fault::FullAfter(fs.written() + room)));
        assert!(write(&shared, Path::new(DIR), 1, 0, true, &|_| true).is_err(), "room {room}");
        assert_eq!(fs.list(Path::new(DIR)).unwrap(), ["00000000", "00000001", "00000002"], "room {room}");
    }
}
