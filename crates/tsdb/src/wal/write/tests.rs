//! Full disks, failed writes of every length, segment ends, and what closing leaves.

use super::*;
use crate::wal::read::SegmentReader;
use tortie_host::MemFs;
use tortie_host::fs::Fault;

const DIR: &str = "/wal";

fn wal(fs: &MemFs, compress: bool) -> Wal {
    let options = WalOptions { compress, segment_size: 4 * frame::PAGE as u64, sync_interval_ms: 0 };
    Wal::create(Arc::new(fs.clone()), Path::new(DIR), 0, options, None).unwrap()
}

/// All records of all segments; panics on damage.
fn read_all(fs: &MemFs) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for n in segments::list_segments(fs, Path::new(DIR)).unwrap() {
        let mut r = SegmentReader::open(fs, &segments::segment_path(Path::new(DIR), n)).unwrap();
        while let Some(rec) = r.next_record().unwrap() {
            all.push(rec.to_vec());
        }
        assert_eq!(r.into_damage(), [], "segment {n}");
    }
    all
}

fn record(i: usize, len: usize) -> Vec<u8> {
    // Not compressible, so that lengths on disk are known.
    let mut rng = tortie_host::Rng::new(i as u64);
    (0..len).map(|_| rng.next_u64() as u8).collect()
}

#[test]
fn records_never_cross_a_segment() {
    for compress in [false, true] {
        let fs = MemFs::new();
        let w = wal(&fs, compress);
        let records: Vec<_> = (0..60).map(|i| record(i, 1 + i * 333)).collect();
        for pair in records.chunks(2) {
            let refs: Vec<&[u8]> = pair.iter().map(Vec::as_slice).collect();
            w.log(&refs).unwrap();
        }
        w.close().unwrap();
        assert!(read_all(&fs) == records);
        let segments = segments::list_segments(&fs, Path::new(DIR)).unwrap();
        assert!(segments.len() > 3);
        for n in &segments {
            let len = fs.open(&segments::segment_path(Path::new(DIR), *n)).unwrap().len().unwrap();
            assert!(
                len <= 4 * frame::PAGE as u64 && len.is_multiple_of(frame::PAGE as u64),
                "segment {n} has {len} bytes"
            );
        }
    }
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_own() {
    let fs = MemFs::new();
    let w = wal(&fs, false);
    let records = [record(1, 10), record(2, 6 * frame::PAGE), record(3, 10)];
    for r in &records {
        w.log(&[r]).unwrap();
    }
    w.close().unwrap();
    assert!(read_all(&fs) == records);
}

#[test]
fn a_short_write_of_any_length_loses_only_its_batch() {
    for room in (0..9000).step_by(37) {
        let fs = MemFs::new();
        let w = wal(&fs, false);
        // The second batch begins near the end of a page, so that it crosses one.
        let (a, b, c) = (record(1, frame::PAGE - 4000), record(2, 9000), record(3, 50));
        w.log(&[&a]).unwrap();
        fs.set_fault(Some(Fault::FullAfter(fs.written() + room)));
        assert_eq!(w.log(&[&b]).unwrap_err().raw_os_error(), Some(28), "room {room}");
        fs.set_fault(None);
        w.log(&[&c]).unwrap();
        assert!(read_all(&fs) == [a, c], "room {room}");
    }
}

#[test]
fn syncs_are_counted_and_only_what_changed_is_synced() {
    let fs = MemFs::new();
    let w = wal(&fs, true);
    w.log(&[b"x"]).unwrap();
    w.sync().unwrap();
    w.sync().unwrap();
    assert_eq!(w.counters().syncs.load(Ordering::Relaxed), 1);
    fs.lose_unsynced();
    assert!(read_all(&fs) == [b"x".to_vec()]);
    w.log(&[b"y"]).unwrap();
    fs.set_fault(Some(Fault::SyncFails));
    assert!(w.close().is_err());
    assert!(w.log(&[b"z"]).is_err(), "closed all the same");
}
