//! Damage of every kind costs the records it hit, and no other.

use super::*;
use crate::wal::frame::{finish_page, push_record};
use tortie_host::MemFs;

const PATH: &str = "/wal/00000000";

/// Records of growing length, some over a page, and where each begins.
fn sample() -> (Vec<Vec<u8>>, Vec<u64>, Vec<u8>) {
    let records: Vec<Vec<u8>> = (0..40usize).map(|i| vec![i as u8 + 1; 100 + i * i * 20]).collect();
    let (mut out, mut pos, mut starts) = (Vec::new(), 0, Vec::new());
    for r in &records {
        starts.push(pos);
        push_record(&mut out, &mut pos, r, 0);
    }
    finish_page(&mut out, &mut pos);
    (records, starts, out)
}

/// Enough of a record to tell it from all others without printing it whole.
fn brief(records: &[Vec<u8>]) -> Vec<(u8, usize)> {
    records.iter().map(|r| (r.first().copied().unwrap_or(0), r.len())).collect()
}

fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<Damage>) {
    let fs = MemFs::new();
    fs.create(Path::new(PATH)).unwrap().append(bytes).unwrap();
    let mut r = SegmentReader::open(&fs, Path::new(PATH)).unwrap();
    let mut got = Vec::new();
    while let Some(rec) = r.next_record().unwrap() {
        got.push(rec.to_vec());
    }
    (got, r.into_damage())
}

#[test]
fn whole_segments_come_back() {
    let (records, _, bytes) = sample();
    let (got, damage) = read(&bytes);
    assert!(got == records);
    assert!(damage.is_empty());
}

#[test]
fn a_flipped_bit_costs_one_record() {
    let (records, starts, bytes) = sample();
    for at in (0..bytes.len()).step_by(997).chain(starts.iter().map(|s| *s as usize)) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let hit = starts.iter().rposition(|s| *s as usize <= at).unwrap();
        let (got, damage) = read(&bad);
        let mut want = records.clone();
        if got.len() == records.len() {
            assert!(bytes[at] == 0, "flip at {at} went unseen in data");
            continue;
        }
        want.remove(hit);
        assert_eq!(got.len(), want.len(), "flip at {at}");
        assert_eq!(brief(&got), brief(&want), "flip at {at}");
        assert_eq!(damage.len(), 1, "flip at {at}: {damage:?}");
        assert_eq!(damage[0].file, PATH);
    }
}

#[test]
fn a_cut_costs_the_last_record_and_is_torn() {
    let (records, starts, bytes) = sample();
    for cut in (1..bytes.len()).step_by(1009) {
        let whole = starts.iter().skip(1).filter(|s| **s as usize <= cut).count();
        let (got, damage) = read(&bytes[..cut]);
        assert!(got.len() == whole || got.len() == whole + 1, "cut at {cut}");
        assert!(got[..] == records[..got.len()]);
        assert!(damage.iter().all(|d| d.torn), "cut at {cut}: {damage:?}");
    }
}

#[test]
fn a_zeroed_page_costs_what_it_held() {
    let (records, starts, mut bytes) = sample();
    bytes[PAGE..2 * PAGE].fill(0);
    let (got, damage) = read(&bytes);
    let hit = |i: usize| {
        let end = starts.get(i + 1).copied().unwrap_or(u64::MAX);
        end as usize > PAGE && (starts[i] as usize) < 2 * PAGE
    };
    let want: Vec<_> = records.iter().enumerate().filter(|(i, _)| !hit(*i)).map(|(_, r)| r.clone()).collect();
    assert_eq!(brief(&got), brief(&want));
    assert!(!damage.is_empty());
}

#[test]
fn both_compressions_are_read() {
    let plain = vec![9u8; 5000];
    let (mut out, mut pos) = (Vec::new(), 0);
    push_record(&mut out, &mut pos, &snap::raw::Encoder::new().compress_vec(&plain).unwrap(), frame::SNAPPY);
    push_record(&mut out, &mut pos, &zstd::stream::encode_all(plain.as_slice(), 1).unwrap(), frame::ZSTD);
    push_record(&mut out, &mut pos, b"not snappy", frame::SNAPPY);
    let (got, damage) = read(&out);
    assert!(got == [plain.clone(), plain]);
    assert_eq!(damage.len(), 1);
}
