//! What is in a WAL record: series, float samples, tombstones; other kinds are recognised and read past.
//!
//! Formats of Prometheus 3.16's `tsdb/docs/format/wal.md` and `tsdb/record`. Numbers are big-endian or LEB128.

use tortie_model::Labels;

/// Kind of a record: its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// References with their label sets.
    Series,
    /// Float samples.
    Samples,
    /// Deleted ranges.
    Tombstones,
    /// Float samples with start timestamps.
    SamplesV2,
    /// The lowest time that a checkpoint kept.
    MinValidTime,
    /// A kind that is known and read past: its name.
    Skipped(&'static str),
    /// A kind that Prometheus 3.16 does not have.
    Unknown(u8),
}

/// The kind of a record.
pub fn kind(rec: &[u8]) -> Kind {
    match rec.first().copied().unwrap_or(255) {
        1 => Kind::Series,
        2 => Kind::Samples,
        3 => Kind::Tombstones,
        4 => Kind::Skipped("exemplars"),
        5 => Kind::Skipped("mmapmarkers"),
        6 => Kind::Skipped("metadata"),
        7 => Kind::Skipped("histogram_samples"),
        8 => Kind::Skipped("float_histogram_samples"),
        9 => Kind::Skipped("custom_buckets_histogram_samples"),
        10 => Kind::Skipped("custom_buckets_float_histogram_samples"),
        11 => Kind::SamplesV2,
        12 => Kind::Skipped("histogram_samples_v2"),
        13 => Kind::Skipped("float_histogram_samples_v2"),
        14 => Kind::MinValidTime,
        n => Kind::Unknown(n),
    }
}

/// A record whose checksum fits but whose content does not: should not happen, and is treated as damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} record: unexpected end or bad number")]
pub struct RecordError(pub &'static str);

/// A float sample by reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefSample {
    /// Series reference.
    pub ref_id: u64,
    /// Timestamp in milliseconds.
    pub t: i64,
    /// Bits of the value.
    pub v: u64,
}

/// A deleted range of one series, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefTombstone {
    /// Series reference.
    pub ref_id: u64,
    /// First deleted millisecond.
    pub mint: i64,
    /// Last deleted millisecond.
    pub maxt: i64,
}

/// Appends an unsigned LEB128 number.
#[inline]
pub fn put_uvarint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

/// Appends a zigzag LEB128 number.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, x: i64) {
    put_uvarint(out, zigzag(x));
}

fn zigzag(x: i64) -> u64 {
    ((x << 1) ^ (x >> 63)) as u64
}

/// Starts a series record.
pub fn begin_series(out: &mut Vec<u8>) {
    out.push(1);
}

/// Adds a series to a record that [`begin_series`] started.
pub fn put_series<'a>(
    out: &mut Vec<u8>,
    ref_id: u64,
    count: usize,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) {
    out.extend_from_slice(&ref_id.to_be_bytes());
    put_uvarint(out, count as u64);
    for (n, v) in pairs {
        put_uvarint(out, n.len() as u64);
        out.extend_from_slice(n.as_bytes());
        put_uvarint(out, v.len() as u64);
        out.extend_from_slice(v.as_bytes());
    }
}

/// Writes one float samples record, sample by sample.
#[derive(Debug, Default)]
pub struct SamplesEncoder {
    first: Option<(u64, i64)>,
}

impl SamplesEncoder {
    /// Adds a sample; the first one writes the record's head.
    #[inline]
    pub fn put(&mut self, out: &mut Vec<u8>, ref_id: u64, t: i64, v: u64) {
        let (ref0, t0) = match self.first {
            Some(first) => first,
            None => {
                out.push(2);
                out.extend_from_slice(&ref_id.to_be_bytes());
                out.extend_from_slice(&t.to_be_bytes());
                self.first = Some((ref_id, t));
                (ref_id, t)
            }
        };
        let (step, late) = (zigzag(ref_id.wrapping_sub(ref0) as i64), t.wrapping_sub(t0));
        // Nearly all samples of a scrape: the time of the first one, and a series near to it. One append each.
        if late == 0 && step < 1 << 14 {
            let v = u128::from(v.swap_bytes());
            let step = u128::from(step);
            if step < 0x80 {
                let bytes = (step | v << 16).to_le_bytes();
                out.extend_from_slice(bytes.first_chunk::<10>().unwrap_or(&[0; 10]));
            } else {
                let bytes = (step & 0x7f | 0x80 | step >> 7 << 8 | v << 24).to_le_bytes();
                out.extend_from_slice(bytes.first_chunk::<11>().unwrap_or(&[0; 11]));
            }
            return;
        }
        put_uvarint(out, step);
        put_varint(out, late);
        out.extend_from_slice(&v.to_be_bytes());
    }

    /// Whether no sample was added.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// Appends a tombstones record.
pub fn put_tombstones(out: &mut Vec<u8>, stones: &[RefTombstone]) {
    out.push(3);
    for s in stones {
        out.extend_from_slice(&s.ref_id.to_be_bytes());
        put_varint(out, s.mint);
        put_varint(out, s.maxt);
    }
}

/// Appends the record that says below which time a checkpoint dropped samples (checkpoints only).
pub fn put_min_valid_time(out: &mut Vec<u8>, mint: i64) {
    out.push(14);
    out.extend_from_slice(&mint.to_be_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (a, b) = self.0.split_at_checked(n)?;
        self.0 = b;
        Some(a)
    }

    #[inline]
    fn be64(&mut self) -> Option<u64> {
        let (a, b) = self.0.split_first_chunk::<8>()?;
        self.0 = b;
        Some(u64::from_be_bytes(*a))
    }

    #[inline]
    fn uvarint(&mut self) -> Option<u64> {
        let mut x = 0u64;
        for (i, &b) in self.0.iter().enumerate().take(10) {
            if i == 9 && b > 1 {
                return None;
            }
            x |= u64::from(b & 0x7f) << (7 * i);
            if b < 0x80 {
                self.0 = self.0.get(i + 1..)?;
                return Some(x);
            }
        }
        None
    }

    #[inline]
    fn varint(&mut self) -> Option<i64> {
        let u = self.uvarint()?;
        Some((u >> 1) as i64 ^ -((u & 1) as i64))
    }

    fn text(&mut self) -> Option<&'a str> {
        let n = usize::try_from(self.uvarint()?).ok()?;
        std::str::from_utf8(self.take(n)?).ok()
    }
}

/// Calls `each` with every series of a series record.
///
/// # Errors
/// When the record does not end where its numbers say; series before that were handed out.
pub fn series(rec: &[u8], mut each: impl FnMut(u64, Labels)) -> Result<(), RecordError> {
    let mut c = Cursor(rec.get(1..).unwrap_or(&[]));
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    while !c.0.is_empty() {
        let mut one = || {
            let ref_id = c.be64()?;
            let n = c.uvarint()?;
            pairs.clear();
            for _ in 0..n {
                pairs.push((c.text()?, c.text()?));
            }
            Some(ref_id)
        };
        let ref_id = one().ok_or(RecordError("series"))?;
        each(ref_id, Labels::from_pairs(pairs.iter().copied()));
    }
    Ok(())
}

/// Appends the samples of a samples record (version 1 or 2; start timestamps are dropped) to `out`.
///
/// # Errors
/// When the record does not end where its numbers say; samples before that stay in `out`.
pub fn samples(rec: &[u8], out: &mut Vec<RefSample>) -> Result<(), RecordError> {
    let mut c = Cursor(rec.get(1..).unwrap_or(&[]));
    if c.0.is_empty() {
        return Ok(());
    }
    let done = if kind(rec) == Kind::SamplesV2 { samples_v2(&mut c, out) } else { samples_v1(&mut c, out) };
    done.ok_or(RecordError("samples"))
}

fn samples_v1(c: &mut Cursor<'_>, out: &mut Vec<RefSample>) -> Option<()> {
    let (ref0, t0) = (c.be64()?, c.be64()? as i64);
    while !c.0.is_empty() {
        let ref_id = ref0.wrapping_add(c.varint()? as u64);
        let t = t0.wrapping_add(c.varint()?);
        out.push(RefSample { ref_id, t, v: c.be64()? });
    }
    Some(())
}

fn samples_v2(c: &mut Cursor<'_>, out: &mut Vec<RefSample>) -> Option<()> {
    let mut ref_id = c.varint()?;
    let first_t = c.varint()?;
    c.varint()?; // start timestamp of the first sample
    let mut t = first_t;
    loop {
        out.push(RefSample { ref_id: ref_id as u64, t, v: c.be64()? });
        if c.0.is_empty() {
            return Some(());
        }
        ref_id = ref_id.wrapping_add(c.varint()?);
        t = first_t.wrapping_add(c.varint()?);
        // 0: no start timestamp, 1: that of the sample before, else a difference follows.
        if c.take(1)?.first().copied()? > 1 {
            c.varint()?;
        }
    }
}

/// Appends the deleted ranges of a tombstones record to `out`.
///
/// # Errors
/// When the record does not end where its numbers say.
pub fn tombstones(rec: &[u8], out: &mut Vec<RefTombstone>) -> Result<(), RecordError> {
    let mut c = Cursor(rec.get(1..).unwrap_or(&[]));
    while !c.0.is_empty() {
        let mut one = || Some(RefTombstone { ref_id: c.be64()?, mint: c.varint()?, maxt: c.varint()? });
        out.push(one().ok_or(RecordError("tombstones"))?);
    }
    Ok(())
}

/// The time in a min-valid-time record.
///
/// # Errors
/// When the record is not nine bytes long.
pub fn min_valid_time(rec: &[u8]) -> Result<i64, RecordError> {
    let b: Option<&[u8; 8]> = rec.get(1..).and_then(|r| r.try_into().ok());
    b.map(|b| i64::from_be_bytes(*b)).ok_or(RecordError("min_valid_time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn series_bytes_are_prometheus() {
        let mut rec = Vec::new();
        begin_series(&mut rec);
        let l = Labels::from_pairs([("__name__", "up"), ("a", "b")]);
        put_series(&mut rec, 7, l.len(), l.iter());
        assert_eq!(rec, b"\x01\0\0\0\0\0\0\0\x07\x02\x08__name__\x02up\x01a\x01b");
        let mut got = Vec::new();
        series(&rec, |r, l| got.push((r, l))).unwrap();
        assert_eq!(got, [(7, l)]);
    }

    #[test]
    fn sample_bytes_are_prometheus() {
        let mut rec = Vec::new();
        let mut e = SamplesEncoder::default();
        e.put(&mut rec, 5, 100, 1.0f64.to_bits());
        e.put(&mut rec, 4, 115, 0);
        let want = [
            &[2u8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0][..],
            &[1, 30, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(rec, want);
    }

    #[test]
    fn every_step_is_written_as_its_varint() {
        for step in [0i64, 1, -1, 63, -64, 64, -65, 8191, -8192, 8192, -8193, 1 << 40] {
            for late in [0i64, 1, -1] {
                let (ref_id, v) = (1 << 41, 0x0123_4567_89ab_cdef);
                let mut rec = Vec::new();
                let mut e = SamplesEncoder::default();
                e.put(&mut rec, ref_id, 50, v);
                let head = rec.len();
                e.put(&mut rec, ref_id.wrapping_add_signed(step), 50 + late, v);
                let mut want = Vec::new();
                put_varint(&mut want, step);
                put_varint(&mut want, late);
                want.extend_from_slice(&v.to_be_bytes());
                assert_eq!(rec[head..], want, "step {step}, late {late}");
            }
        }
    }

    #[test]
    fn samples_of_version_two() {
        // ref 3, t 10, st 0; value; then ref +1, t +5, same st; value.
        let mut rec = vec![11, 6, 20, 0];
        rec.extend_from_slice(&1.5f64.to_bits().to_be_bytes());
        rec.extend_from_slice(&[2, 10, 1]);
        rec.extend_from_slice(&2.5f64.to_bits().to_be_bytes());
        let mut got = Vec::new();
        samples(&rec, &mut got).unwrap();
        let want = [
            RefSample { ref_id: 3, t: 10, v: 1.5f64.to_bits() },
            RefSample { ref_id: 4, t: 15, v: 2.5f64.to_bits() },
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn cut_records_are_errors() {
        let mut rec = Vec::new();
        put_tombstones(&mut rec, &[RefTombstone { ref_id: 1, mint: -5, maxt: 5 }]);
        let mut out = Vec::new();
        tombstones(&rec, &mut out).unwrap();
        assert_eq!(out, [RefTombstone { ref_id: 1, mint: -5, maxt: 5 }]);
        for n in 2..rec.len() {
            assert!(tombstones(&rec[..n], &mut out).is_err());
        }
    }

    proptest! {
        #[test]
        fn samples_come_back(rows in prop::collection::vec((any::<u64>(), any::<i64>(), any::<u64>()), 1..50)) {
            let mut rec = Vec::new();
            let mut e = SamplesEncoder::default();
            for &(r, t, v) in &rows {
                e.put(&mut rec, r, t, v);
            }
            let mut got = Vec::new();
            samples(&rec, &mut got).unwrap();
            let want: Vec<_> = rows.iter().map(|&(ref_id, t, v)| RefSample { ref_id, t, v }).collect();
            prop_assert_eq!(got, want);
        }

        #[test]
        fn foreign_records_never_panic(mut rec in prop::collection::vec(any::<u8>(), 0..100), k in 1u8..15) {
            rec.insert(0, k);
            let _ = series(&rec, |_, _| {});
            let _ = samples(&rec, &mut Vec::new());
            let _ = tombstones(&rec, &mut Vec::new());
        }
    }
}
