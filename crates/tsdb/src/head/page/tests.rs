//! Chunks are cut where Prometheus cuts them, and the open chunk is bit for bit that of the encoder.

use super::*;
use crate::chunk::{self, xor};
use proptest::prelude::*;
use tortie_model::Columns;

const CUT: Cut = Cut { range: 7_200_000, samples: 120 };

fn page() -> Box<Page> {
    let mut p = Page::new();
    p.begin(3, 7);
    p
}

/// Samples per chunk of a series with one sample each `step` milliseconds from `start` on.
fn chunk_sizes(start: i64, step: i64, n: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut p = page();
    let mut sizes = Vec::new();
    for k in 0..n {
        match p.append(3, start + k as i64 * step, value(k).to_bits(), CUT) {
            Outcome::StoredInNewChunk => sizes.push(1),
            Outcome::Stored => *sizes.last_mut().unwrap() += 1,
            other => panic!("{other:?}"),
        }
    }
    sizes
}

#[test]
fn chunks_end_where_prometheus_ends_them() {
    // 480 samples in two hours: four chunks of 120.
    assert_eq!(chunk_sizes(0, 15_000, 960, |k| k as f64), [120; 8]);
    // Begun an hour before the end of the range: two chunks up to it.
    assert_eq!(chunk_sizes(3_600_000, 15_000, 480, |_| 1.0), [120; 4]);
    // Once a minute: one chunk of 120 a range.
    assert_eq!(chunk_sizes(0, 60_000, 240, |_| 1.0), [120, 120]);
    // Once a second: at 30 samples the range is cut in 62 parts (7,200,000 / (29,001 * 4)), not in 60.
    assert_eq!(chunk_sizes(0, 1000, 7200, |_| 1.0)[..2], [117, 117]);
    // Large values: the size limit of 1,005 bytes cuts first.
    let mixed = |k: usize| f64::from_bits((k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    assert!(chunk_sizes(0, 15_000, 480, mixed).iter().all(|n| *n < 121));
}

#[test]
fn a_rate_that_rises_is_cut_at_twice_the_target() {
    let mut p = page();
    let mut t = 0;
    let mut chunks = 0;
    for k in 0..400 {
        t += if k < 40 { 60_000 } else { 10 };
        chunks += usize::from(p.append(3, t, 0, CUT) == Outcome::StoredInNewChunk);
    }
    // 240, then 117 by the prediction at the new rate, then the rest.
    assert_eq!((chunks, p.pos[3].num), (3, 43));
}

#[test]
fn the_last_sample_decides_what_is_refused() {
    let mut p = page();
    assert_eq!(p.append(3, 10, 1, CUT), Outcome::StoredInNewChunk);
    assert_eq!(p.append(3, 10, 1, CUT), Outcome::Same);
    assert_eq!(p.append(3, 10, 2, CUT), Outcome::Duplicate);
    assert_eq!(p.append(3, 9, 1, CUT), Outcome::OutOfOrder);
    p.cut(3);
    assert_eq!(p.append(3, 10, 2, CUT), Outcome::Duplicate, "also when its chunk is full");
    assert_eq!(p.append(3, 11, 2, CUT), Outcome::StoredInNewChunk);
    assert_eq!((p.t[3] - p.delta[3], p.prev_v[3]), (10, 1), "the sample before is in the chunk before");
}

#[test]
fn an_idle_series_needs_no_more_than_its_first_bytes() {
    let mut p = page();
    for k in 0..120 {
        p.append(3, 1_700_000_000_000 + k * 15_000, 5.0f64.to_bits(), CUT);
    }
    assert!(p.buf_bytes <= 24, "{}", p.buf_bytes);
    let mut cols = Columns::default();
    chunk::decode(1, &p.open_data(3), i64::MIN, i64::MAX, &mut cols).unwrap();
    assert_eq!((cols.t.len(), cols.v[119]), (120, 5.0));
}

proptest! {
    #[test]
    fn the_open_chunk_is_the_encoders(steps in prop::collection::vec((prop_oneof![Just(15_000i64), 1i64..40_000], prop_oneof![Just(0.0), any::<f64>(), (0u16..9).prop_map(f64::from)]), 1..100)) {
        let mut p = page();
        let mut e = xor::Encoder::new();
        let mut t = 1_700_000_000_000;
        let cut = Cut { range: i64::MAX / 4, samples: 30_000 };
        for (dt, v) in steps {
            t += dt;
            p.append(3, t, v.to_bits(), cut);
            e.append(t, v);
            if e.len() > 1000 { break; }
        }
        prop_assert_eq!(p.open_data(3), e.finish().unwrap().data);
    }
}
