//! When a group is evaluated: on a grid of its interval, moved by a hash of its name and file, as Prometheus does it, so
//! that groups do not all come at once and a restart keeps their places.

use tortie_model::{Labels, labels_hash};

/// Nanoseconds of a millisecond.
pub const MS: i64 = 1_000_000;

/// Nanoseconds to milliseconds, towards the past.
pub fn to_ms(ns: i64) -> i64 {
    ns.div_euclid(MS)
}

/// Milliseconds to nanoseconds.
pub fn to_ns(ms: i64) -> i64 {
    ms.saturating_mul(MS)
}

/// The place of a group on its grid: nanoseconds after the round multiples of the interval.
pub fn offset(file: &str, name: &str, interval_ms: i64) -> i64 {
    let hash = labels_hash::hash(&Labels::from_pairs([("name", name), ("file", file)]));
    let interval = to_ns(interval_ms).max(1);
    (hash % interval.unsigned_abs()) as i64
}

/// The last time of the grid that is not after `now`, all in nanoseconds.
pub fn before(now: i64, offset: i64, interval_ms: i64) -> i64 {
    let interval = to_ns(interval_ms).max(1);
    let moved = now.saturating_sub(offset);
    // Go's remainder keeps the sign of the dividend.
    moved - moved % interval + offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_on_the_grid_and_not_in_the_future() {
        let interval = 15_000;
        for (file, name) in [("rules.yml", "a"), ("rules.yml", "b"), ("x", "a")] {
            let offset = offset(file, name, interval);
            assert!((0..to_ns(interval)).contains(&offset));
            for now in [1_700_000_000_000_000_000, 1_700_000_000_123_456_789, 1_700_000_014_999_999_999] {
                let at = before(now, offset, interval);
                assert!(at <= now && now - at < to_ns(interval), "{now} {at}");
                assert_eq!((at - offset) % to_ns(interval), 0);
            }
        }
        assert_ne!(offset("rules.yml", "a", interval), offset("rules.yml", "b", interval));
    }
}
