//! Chunks that Prometheus 3.16 wrote, read here; the XOR one also written here to the same bytes.

use super::*;
use crate::chunk::xor;

const XOR: &str = concat!(
    "002880a0abfef9623ff000000000000098754000a00057ffc80014000afff9000280015fff200070a1ff0300030002dfff40",
    "00700030006c000c000f7ffd000ec000c000700030002dfff4001f00038bdff3200000000000c000dfc5c8ccccccccccbffe",
    "8005d000000000010003a38fec95555555557800180a200000000002d11a018800000000008bb981aa00000000003861a860",
    "3e80000000000ee795ec5f7eed91999999999f00037ef491999999999fe00000002540be403000cd00000000001ffffffffd",
    "abf41bfd00045000000000010003003c115555555557000300020800000000017ffd00062800000000010003000268000000",
    "00010003000ec800000000017ffd000248000000000100030007e8000000000100030002a80000000000",
);
const XOR2: &str = concat!(
    "00280080a0abfef9623ff000000000000098756000b0005bffcc0016000b7ff98002c0016fff30007050ff81c001ce0eefff",
    "4f0007344dc0019f7ffb305ee000c3c0018bbffd3f0007e000e4ed1c46666666666efff668f770007238fec95555555557c0",
    "01ce1e8ea234c72ee7348d5e186a19f7b9e57be000e61390f000000009502f900ccdf7fffffff6afd06ff445c001cbd7c115",
    "55555555780039e3c1dffece231700064dc001cd27b3bffd12700067ee000c55",
);
const XOR2ST: &str = concat!(
    "00288880a0abfef9623ff0000000000000a09c0198756000b0005bffcc0016000b7ff98002fbc94fc0015f7ff92c001c143f",
    "e06f80039c1dbefff4e580039a26df00067befff660bd96000c3be000c5befff4f96000fbe000e4ed1c46666666666df7ffb",
    "347bb2c001c8e3fb25555555555ef80039c3d1bea234c7e02eeb2ee7348d5fbf447e186a19f7e9e57fb9e57bfcc3516000e6",
    "1390bf800000004a817c80666ff7fffff6afd06fffbfffffffb57e837fa22ff0000009502f9016000e5ebe08aaaaaaaaabbe",
    "000e78f06fbffd9c462cb00064dbe000e693d9befff44996000cfdbe000c55b8",
);

/// The samples in all of them: jitter, jumps back and far ahead, stale markers, counters.
fn samples() -> Vec<(i64, f64)> {
    let mut t = 1_700_000_000_000i64;
    let mut out = Vec::new();
    for i in 0..40i64 {
        let v = match i {
            20 | 28 => tortie_model::stale::stale_nan(),
            11..20 => i as f64 * 1.5,
            21.. => (i * i) as f64 + 0.1,
            _ => 1.0,
        };
        match i {
            30 => t += 5_000_000_000,
            25 => t -= 3000,
            27 => t += 100_000,
            _ => {}
        }
        out.push((t, v));
        t += 15_000 + i % 3;
    }
    out
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn read(encoding: u8, hex: &str) -> Columns {
    let mut out = Columns::default();
    crate::chunk::decode(encoding, &bytes(hex), i64::MIN, i64::MAX, &mut out).unwrap();
    let got: Vec<_> = out.t.iter().zip(&out.v).map(|(t, v)| (*t, v.to_bits())).collect();
    let want: Vec<_> = samples().iter().map(|(t, v)| (*t, v.to_bits())).collect();
    assert_eq!(got, want);
    out
}

#[test]
fn chunks_of_prometheus_are_read() {
    assert!(read(1, XOR).st.is_empty());
    assert!(read(4, XOR2).st.is_empty());
    let st = read(4, XOR2ST).st;
    let want: Vec<i64> = samples()
        .iter()
        .enumerate()
        .map(|(i, (t, _))| if i > 7 { t - 1000 } else { 1_699_999_990_000 })
        .collect();
    assert_eq!(st, want);
}

#[test]
fn our_xor_is_prometheus_bit_for_bit() {
    let mut e = xor::Encoder::new();
    for (t, v) in samples() {
        e.append(t, v);
    }
    assert_eq!(e.finish().unwrap().data, bytes(XOR));
}

#[test]
fn cut_chunks_are_errors() {
    for hex in [XOR2, XOR2ST] {
        let whole = bytes(hex);
        for n in 0..whole.len() {
            assert!(decode(&whole[..n], i64::MIN, i64::MAX, &mut Columns::default()).is_err(), "cut at {n}");
        }
    }
}

#[test]
fn start_timestamps_stay_beside_their_samples() {
    let mut out = Columns::default();
    crate::chunk::decode(1, &bytes(XOR), i64::MIN, samples()[9].0, &mut out).unwrap();
    crate::chunk::decode(4, &bytes(XOR2ST), samples()[10].0, i64::MAX, &mut out).unwrap();
    assert_eq!((out.t.len(), out.st.len()), (40, 40));
    assert_eq!((out.st[9], out.st[10]), (0, samples()[10].0 - 1000));
}

proptest::proptest! {
    #[test]
    fn foreign_bytes_never_panic(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = decode(&data, i64::MIN, i64::MAX, &mut Columns::default());
    }
}
