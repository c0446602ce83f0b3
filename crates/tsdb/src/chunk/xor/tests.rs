//! Round trips, damage, and chunks whose bytes were worked out by hand from the format.

use super::*;
use proptest::prelude::*;

fn encode(samples: &[(i64, f64)]) -> RawChunk {
    let mut e = Encoder::new();
    for &(t, v) in samples {
        assert!(e.append(t, v));
    }
    e.finish().unwrap()
}

fn check(samples: &[(i64, f64)]) {
    let c = encode(samples);
    let mut out = Columns::default();
    decode(&c.data, i64::MIN, i64::MAX, &mut out).unwrap();
    let got: Vec<_> = out.t.iter().zip(&out.v).map(|(t, v)| (*t, v.to_bits())).collect();
    let want: Vec<_> = samples.iter().map(|(t, v)| (*t, v.to_bits())).collect();
    assert_eq!(got, want);
    let s = resume(&c.data).unwrap();
    assert_eq!((s.t, usize::from(s.num)), (samples[samples.len() - 1].0, samples.len()));
}

#[test]
fn bytes_of_a_small_chunk() {
    // count 3; t=1 zigzag 2; 1.0 = 3ff0...; delta 15; v same (0); dod 0 (0), v same (0).
    let c = encode(&[(1, 1.0), (16, 1.0), (31, 1.0)]);
    assert_eq!(c.data, [0, 3, 2, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 15, 0]);
    assert_eq!((c.mint, c.maxt), (1, 31));
    // 1.0 ^ 2.0 = 7ff0...: 1 leading, 52 trailing, 11 significant: 1 1 00001 001011 11111111111.
    let c = encode(&[(0, 1.0), (1, 2.0)]);
    assert_eq!(c.data[12..], [0b1100_0010, 0b0101_1111, 0b1111_1111]);
}

#[test]
fn edges_of_the_ranges_of_dod() {
    let mut t = 0i64;
    let mut delta = 1_000_000_000i64;
    let mut samples = vec![(t, 0.0)];
    t += delta;
    samples.push((t, 1.0));
    for dod in [
        0, 8191, 8192, 8193, -8191, -8192, 65535, 65536, 65537, -65535, -65536, 524_287, 524_288, 524_289,
        -524_287, -524_288,
    ] {
        delta += dod;
        t += delta;
        samples.push((t, dod as f64));
    }
    check(&samples);
}

#[test]
fn special_values_and_extreme_times() {
    let stale = tortie_model::stale::stale_nan();
    check(&[
        (i64::MIN, f64::NAN),
        (-1, stale),
        (0, -0.0),
        (1, 0.0),
        (2, f64::INFINITY),
        (i64::MAX, f64::MIN_POSITIVE),
    ]);
    check(&[(5, f64::from_bits(u64::MAX))]);
}

#[test]
fn a_range_is_cut_out() {
    let c = encode(&[(10, 1.0), (20, 1.0), (30, 1.0), (40, 2.0)]);
    let mut out = Columns::default();
    decode(&c.data, 20, 30, &mut out).unwrap();
    assert_eq!(out.t, [20, 30]);
}

#[test]
fn a_full_chunk_takes_no_more() {
    let mut e = Encoder::new();
    for i in 0..65535 {
        assert!(e.append(i, 0.0));
    }
    assert!(!e.append(70000, 0.0));
    assert_eq!(e.finish().unwrap().num_samples(), 65535);
}

#[test]
fn every_truncation_is_an_error_or_shorter_but_no_panic() {
    let c = encode(&[(0, 1.5), (15, 1.5), (31, -7.25), (46, 1e300), (2_000_000_000_000, 3.0)]);
    for n in 0..c.data.len() {
        let mut out = Columns::default();
        assert!(decode(&c.data[..n], i64::MIN, i64::MAX, &mut out).is_err(), "cut at {n}");
    }
}

proptest! {
    #[test]
    fn any_samples_come_back(
        start in -1_000_000_000i64..1_000_000_000_000,
        steps in prop::collection::vec((prop_oneof![Just(15_000u64), 1u64..30_000, any::<u32>().prop_map(u64::from)],
            prop_oneof![Just(0.0), Just(1.0), any::<f64>(), (0u32..5000).prop_map(f64::from)]), 1..300)
    ) {
        let mut t = start;
        let samples: Vec<_> = steps.into_iter().map(|(dt, v)| { t += dt as i64; (t, v) }).collect();
        check(&samples);
    }

    #[test]
    fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Columns::default();
        let _ = decode(&data, i64::MIN, i64::MAX, &mut out);
    }
}
