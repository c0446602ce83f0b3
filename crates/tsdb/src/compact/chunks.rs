//! Chunks of one series from several blocks: copied as they are, merged sample by sample only where they overlap.

use crate::chunk::{self, RawChunk, xor};
use tortie_model::Columns;
use tortie_model::storage::StorageError;

/// Samples of a chunk that is packed anew, as Prometheus cuts them when it merges.
const SAMPLES: usize = 120;

/// Merges chunks, each with the rank of its source, into an ascending list without overlaps. Of equal timestamps the
/// higher rank's sample stays.
pub(crate) fn merge_chunks(mut chunks: Vec<(usize, RawChunk)>) -> Result<Vec<RawChunk>, StorageError> {
    chunks.sort_by_key(|(rank, c)| (c.mint, c.maxt, *rank));
    let mut out: Vec<RawChunk> = Vec::with_capacity(chunks.len());
    let mut group: Vec<(usize, RawChunk)> = Vec::new();
    let mut end = i64::MIN;
    for (rank, chunk) in chunks {
        if !group.is_empty() && chunk.mint > end {
            flush(&mut group, &mut out)?;
        }
        if group.last().is_some_and(|(_, last)| *last == chunk) {
            // The same chunk twice: a block and one that was merged from it.
            continue;
        }
        end = if group.is_empty() { chunk.maxt } else { end.max(chunk.maxt) };
        group.push((rank, chunk));
    }
    flush(&mut group, &mut out)?;
    Ok(out)
}

fn flush(group: &mut Vec<(usize, RawChunk)>, out: &mut Vec<RawChunk>) -> Result<(), StorageError> {
    if group.len() < 2 {
        out.extend(group.drain(..).map(|(_, c)| c));
        return Ok(());
    }
    let mut samples: Vec<(i64, usize, f64)> = Vec::new();
    let mut columns = Columns::default();
    for (rank, c) in group.drain(..) {
        columns.clear();
        chunk::decode(c.encoding, &c.data, i64::MIN, i64::MAX, &mut columns)
            .map_err(|e| StorageError::Corrupt(e.to_string()))?;
        if columns.st.iter().any(|&st| st != 0) || !columns.histograms.is_empty() {
            return Err(StorageError::Corrupt(
                "overlapping chunks with histograms or start timestamps are not merged yet".to_owned(),
            ));
        }
        samples.extend(columns.t.iter().zip(&columns.v).map(|(&t, &v)| (t, rank, v)));
    }
    samples.sort_by_key(|&(t, rank, _)| (t, rank));
    let mut kept: Vec<(i64, f64)> = Vec::with_capacity(samples.len());
    for (t, _, v) in samples {
        match kept.last_mut() {
            Some(last) if last.0 == t => last.1 = v,
            _ => kept.push((t, v)),
        }
    }
    for part in kept.chunks(SAMPLES) {
        let mut packed = xor::Encoder::new();
        for &(t, v) in part {
            packed.append(t, v);
        }
        out.extend(packed.finish());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(samples: &[(i64, f64)]) -> RawChunk {
        let mut e = xor::Encoder::new();
        for &(t, v) in samples {
            e.append(t, v);
        }
        e.finish().unwrap()
    }

    fn unpack(chunks: &[RawChunk]) -> Vec<(i64, f64)> {
        let mut c = Columns::default();
        for raw in chunks {
            chunk::decode(raw.encoding, &raw.data, i64::MIN, i64::MAX, &mut c).unwrap();
        }
        c.t.into_iter().zip(c.v).collect()
    }

    #[test]
    fn chunks_apart_are_copied_bit_by_bit() {
        let (a, b) = (pack(&[(1, 1.0), (2, 2.0)]), pack(&[(3, 3.0)]));
        assert_eq!(merge_chunks(vec![(0, b.clone()), (1, a.clone())]).unwrap(), [a, b]);
    }

    #[test]
    fn the_same_chunk_twice_is_one() {
        let a = pack(&[(1, 1.0), (9, 2.0)]);
        assert_eq!(merge_chunks(vec![(0, a.clone()), (1, a.clone())]).unwrap(), [a]);
    }

    #[test]
    fn overlaps_are_merged_and_the_later_source_wins() {
        let a = pack(&[(1, 1.0), (5, 5.0), (9, 9.0)]);
        let b = pack(&[(2, 2.0), (5, -5.0)]);
        let c = pack(&[(10, 10.0)]);
        let merged = merge_chunks(vec![(0, a), (1, b), (0, c.clone())]).unwrap();
        assert_eq!(unpack(&merged), [(1, 1.0), (2, 2.0), (5, -5.0), (9, 9.0), (10, 10.0)]);
        assert_eq!(merged.last(), Some(&c));
    }

    #[test]
    fn packed_anew_they_hold_120_samples() {
        let even: Vec<_> = (0..200).map(|i| (i * 2, i as f64)).collect();
        let odd: Vec<_> = (0..200).map(|i| (i * 2 + 1, 0.5)).collect();
        let merged = merge_chunks(vec![(0, pack(&even)), (1, pack(&odd))]).unwrap();
        assert_eq!(merged.iter().map(RawChunk::num_samples).collect::<Vec<_>>(), [120, 120, 120, 40]);
        assert_eq!(unpack(&merged).len(), 400);
    }
}
