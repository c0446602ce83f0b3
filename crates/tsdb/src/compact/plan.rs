//! Which blocks are merged next, by Prometheus' levels: overlapping ones first, then full ranges, then those with many
//! deletions.

use crate::block::BlockMeta;

/// The ranges of levels in milliseconds: `min`, three times as much, and so on for ten steps, up to `max`.
pub fn ranges(min: i64, max: i64) -> Vec<i64> {
    let mut out = vec![min];
    let mut next = min.saturating_mul(3);
    while out.len() < 10 && next <= max {
        out.push(next);
        next = next.saturating_mul(3);
    }
    out
}

/// Indices into `metas` of the blocks that are to be merged into one (or rewritten, when it is a single one); empty
/// when nothing is due.
///
/// Blocks that hold a part of the head's series only are merged among themselves, others come first.
pub fn plan(metas: &[BlockMeta], ranges: &[i64]) -> Vec<usize> {
    for class in [None, Some("from-stale-series"), Some("from-selected-series")] {
        let mut of_class: Vec<usize> =
            (0..metas.len()).filter(|&i| metas.get(i).is_some_and(|m| m.part_of_head() == class)).collect();
        of_class.sort_by_key(|&i| metas.get(i).map_or(0, |m| m.min_time));
        let blocks: Vec<(usize, &BlockMeta)> =
            of_class.into_iter().filter_map(|i| Some((i, metas.get(i)?))).collect();
        let due = plan_class(&blocks, ranges);
        if !due.is_empty() {
            return due;
        }
    }
    Vec::new()
}

type Indexed<'a> = (usize, &'a BlockMeta);

fn plan_class(blocks: &[Indexed<'_>], ranges: &[i64]) -> Vec<usize> {
    let overlap = overlapping(blocks);
    if !overlap.is_empty() {
        return overlap;
    }
    // The newest block stays as it is for one block range: backups can take it piece by piece.
    let Some((_, older)) = blocks.split_last() else { return Vec::new() };
    let full = full_range(older, ranges);
    if !full.is_empty() {
        return full;
    }
    many_deletions(older, ranges).into_iter().collect()
}

/// The first run of blocks that overlap in time.
fn overlapping(blocks: &[Indexed<'_>]) -> Vec<usize> {
    let mut out = Vec::new();
    let Some(&(first, meta)) = blocks.first() else { return out };
    let (mut end, mut before) = (meta.max_time, first);
    for &(i, m) in blocks.iter().skip(1) {
        // A block whose merging failed for good would be chosen again for ever.
        if m.min_time < end && !m.compaction.failed {
            if out.is_empty() {
                out.push(before);
            }
            out.push(i);
        } else if !out.is_empty() {
            break;
        }
        end = end.max(m.max_time);
        before = i;
    }
    let failed = |i: &usize| blocks.iter().any(|(k, m)| k == i && m.compaction.failed);
    if out.iter().any(failed) { Vec::new() } else { out }
}

/// Blocks that together fill a range of the next level, or lie in one that is over.
fn full_range(blocks: &[Indexed<'_>], ranges: &[i64]) -> Vec<usize> {
    let Some(newest_start) = blocks.last().map(|(_, m)| m.min_time) else { return Vec::new() };
    for &range in ranges.iter().skip(1) {
        for part in split(blocks, range) {
            let (Some((_, first)), Some((_, last))) = (part.first(), part.last()) else { continue };
            if part.len() < 2 || part.iter().any(|(_, m)| m.compaction.failed) {
                continue;
            }
            if last.max_time - first.min_time == range || last.max_time <= newest_start {
                return part.iter().map(|&(i, _)| i).collect();
            }
        }
    }
    Vec::new()
}

/// A single big block of which more than one series in twenty has deletions, or a small one that is deleted whole.
fn many_deletions(blocks: &[Indexed<'_>], ranges: &[i64]) -> Option<usize> {
    let big = ranges.get(ranges.len() / 2).copied().unwrap_or(i64::MAX);
    for &(i, m) in blocks.iter().rev() {
        let (stones, series) = (m.stats.num_tombstones, m.stats.num_series);
        if m.max_time - m.min_time < big {
            return (stones > 0 && stones >= series).then_some(i);
        }
        if stones as f64 / (series + 1) as f64 > 0.05 {
            return Some(i);
        }
    }
    None
}

/// Cuts the blocks into groups, one for each aligned range; blocks that cross a border are left out.
fn split<'b, 'a>(blocks: &'b [Indexed<'a>], range: i64) -> Vec<&'b [Indexed<'a>]> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some((_, m)) = blocks.get(i) {
        let end = m.min_time.div_euclid(range).saturating_mul(range).saturating_add(range);
        if m.max_time > end {
            i += 1;
            continue;
        }
        let n = blocks.iter().skip(i).take_while(|(_, m)| m.max_time <= end).count();
        out.extend(blocks.get(i..i + n));
        i += n;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Ulid;

    fn check(blocks: &[(i64, i64)], want: &[usize]) {
        let metas: Vec<_> = blocks
            .iter()
            .enumerate()
            .map(|(i, &(a, b))| BlockMeta::level_one(Ulid(i as u128), a, b))
            .collect();
        assert_eq!(plan(&metas, &[20, 60, 180, 540]), want, "{blocks:?}");
    }

    #[test]
    fn the_newest_block_waits_and_full_ranges_merge() {
        check(&[], &[]);
        check(&[(0, 20)], &[]);
        check(&[(0, 20), (20, 40), (40, 60)], &[]);
        check(&[(0, 20), (20, 40), (40, 60), (60, 80)], &[0, 1, 2]);
        // A range may have a gap within, and one at its end once a newer range has begun.
        check(&[(0, 20), (40, 60), (60, 80)], &[0, 1]);
        check(&[(0, 20), (20, 40), (60, 80)], &[]);
        check(&[(0, 20), (20, 40), (60, 80), (80, 100)], &[0, 1]);
        check(&[(0, 60), (60, 120), (120, 180), (180, 200)], &[0, 1, 2]);
    }

    #[test]
    fn overlaps_come_first_whatever_the_level() {
        check(&[(0, 20), (19, 40), (40, 60), (60, 80)], &[0, 1]);
        check(&[(0, 20), (20, 40), (30, 50), (45, 60), (60, 80)], &[1, 2, 3]);
        check(&[(0, 100), (10, 20), (30, 40), (100, 120)], &[0, 1, 2]);
    }

    #[test]
    fn blocks_before_the_epoch_align_downwards() {
        check(&[(-60, -40), (-40, -20), (-20, 0), (0, 20)], &[0, 1, 2]);
    }

    #[test]
    fn many_deletions_make_a_block_be_rewritten() {
        let mut metas = vec![BlockMeta::level_one(Ulid(1), 0, 540), BlockMeta::level_one(Ulid(2), 540, 560)];
        metas[0].stats.num_series = 100;
        metas[0].stats.num_tombstones = 5;
        assert_eq!(plan(&metas, &[20, 60, 180, 540]), Vec::<usize>::new());
        metas[0].stats.num_tombstones = 6;
        assert_eq!(plan(&metas, &[20, 60, 180, 540]), [0]);
    }

    #[test]
    fn parts_of_the_head_never_mix_with_whole_blocks() {
        let mut metas: Vec<_> = (0..4).map(|i| BlockMeta::level_one(Ulid(i), 0, 20)).collect();
        for m in &mut metas[2..] {
            m.compaction.hints = vec!["from-stale-series".to_owned()];
        }
        assert_eq!(plan(&metas, &[20, 60]), [0, 1]);
        assert_eq!(plan(&metas[1..], &[20, 60]), [1, 2]);
    }

    #[test]
    fn levels_triple_up_to_the_longest() {
        let h = 3_600_000;
        assert_eq!(ranges(2 * h, 36 * h), [2 * h, 6 * h, 18 * h]);
        assert_eq!(ranges(2 * h, h), [2 * h]);
        assert_eq!(ranges(2 * h, i64::MAX).len(), 10);
    }
}
