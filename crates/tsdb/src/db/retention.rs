//! Which blocks are too old or too many.

use crate::block::{BlockMeta, Ulid};

/// Blocks that are beyond the retention, and by which rule.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expired {
    pub(super) by_time: Vec<Ulid>,
    pub(super) by_size: Vec<Ulid>,
}

/// Judges blocks (with their sizes in bytes) by Prometheus' rules.
///
/// Time: a block goes when it ends `retention_ms` or more before the end of the newest, and all older ones with it.
/// Size: from the newest backwards, beginning with `other_bytes` (WAL and head chunks), blocks go from the one on that
/// crosses `retention_bytes`. 0 switches a rule off.
pub(super) fn expired(
    blocks: &[(BlockMeta, u64)],
    retention_ms: i64,
    retention_bytes: u64,
    other_bytes: u64,
) -> Expired {
    let mut newest_first: Vec<&(BlockMeta, u64)> = blocks.iter().collect();
    newest_first.sort_by_key(|(m, _)| std::cmp::Reverse(m.max_time));
    let mut out = Expired::default();
    let Some(newest_end) = newest_first.first().map(|(m, _)| m.max_time) else { return out };
    if retention_ms > 0 {
        let old = newest_first
            .iter()
            .skip(1)
            .skip_while(|(m, _)| newest_end.saturating_sub(m.max_time) < retention_ms);
        out.by_time = old.map(|(m, _)| m.ulid).collect();
    }
    if retention_bytes > 0 {
        let mut sum = other_bytes;
        let over = newest_first.iter().skip_while(|(_, bytes)| {
            sum = sum.saturating_add(*bytes);
            sum <= retention_bytes
        });
        out.by_size = over.map(|(m, _)| m.ulid).collect();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(retention_ms: i64, retention_bytes: u64, by_time: &[u128], by_size: &[u128]) {
        let blocks: Vec<_> = [(1, 0, 10), (2, 10, 20), (3, 20, 40), (4, 40, 50)]
            .iter()
            .map(|&(id, a, b)| (BlockMeta::level_one(Ulid(id), a, b), 100))
            .collect();
        let ids = |l: &[u128]| l.iter().map(|&i| Ulid(i)).collect::<Vec<_>>();
        let want = Expired { by_time: ids(by_time), by_size: ids(by_size) };
        assert_eq!(
            expired(&blocks, retention_ms, retention_bytes, 50),
            want,
            "{retention_ms} {retention_bytes}"
        );
    }

    #[test]
    fn old_and_surplus_blocks_go() {
        check(0, 0, &[], &[]);
        check(30, 0, &[2, 1], &[]);
        check(31, 0, &[1], &[]);
        check(41, 0, &[], &[]);
        check(0, 450, &[], &[]);
        check(0, 449, &[], &[1]);
        check(0, 250, &[], &[2, 1]);
        check(0, 40, &[], &[4, 3, 2, 1]);
    }
}
